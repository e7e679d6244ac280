"""A refresh token that another program got for the same client id becomes a grant."""

import json
import logging

import jwt
import pytest
from mail_server_oauth2.exceptions import (
    ConfigurationError,
    SignInNeededError,
    SignInRejectedError,
    TransientError,
    UnreachableError,
)
from providers_fakes import NOW
from providers_server import Answer, Request

pytest_plugins = ("providers_fixtures",)
pytestmark = pytest.mark.filterwarnings("ignore:response_mode='form_post'")


def token_of_another_program(authority):
    """Return a refresh token of a sign-in that did not go through our grants."""
    authority.sign_in()
    return max(authority.refresh_tokens)


def imported(authority, refresh_token=None, **app):
    token = refresh_token or token_of_another_program(authority)
    return authority.provider(**app).import_refresh_token(token, resource="smtp")


def request_of(refresh_token):
    form = {"grant_type": "refresh_token", "refresh_token": refresh_token}
    return Request("POST", "/token", {}, {}, form)


def with_id_token(authority, **claims):
    """Let answers to a refresh carry an id_token, as they do where ``openid`` was asked for."""
    content = authority.id_token(None) | claims
    content = {name: value for name, value in content.items() if value is not None}
    authority.changes["id_token"] = jwt.encode(content, "k" * 32)


def test_an_imported_token_is_a_grant_that_can_be_refreshed(authority):
    grant = imported(authority)
    assert set(grant.tokens) == {"smtp"}
    assert grant.tokens["smtp"].expires_at == NOW + 3599
    assert grant.scopes
    again = authority.provider().refresh(grant.cache, resource="smtp")
    assert again.tokens["smtp"].value != grant.tokens["smtp"].value


def test_the_account_of_an_imported_token_is_the_one_of_a_sign_in(authority):
    assert imported(authority).identity.subject == authority.subject


def test_the_former_holder_of_the_token_can_still_use_it(authority):
    token = token_of_another_program(authority)
    imported(authority, token)
    assert imported(authority, token).identity.subject == authority.subject


def test_a_dead_token_needs_a_sign_in(authority):
    with pytest.raises(SignInNeededError):
        imported(authority, "dead")


def test_an_import_that_is_cut_off_can_be_repeated(authority):
    token = token_of_another_program(authority)
    authority.scripted = [None, None]  # connections are tried twice where nothing was answered
    with pytest.raises(UnreachableError):
        imported(authority, token)
    authority.scripted = []
    assert imported(authority, token)


def test_a_token_without_the_mail_permission_is_no_grant(authority):
    token = token_of_another_program(authority)
    authority.changes["scope"] = "openid"
    if authority.provider_code == "google":
        authority.info_changes["scope"] = "openid"
    with pytest.raises(SignInNeededError) as caught:
        imported(authority, token)
    assert caught.value.key == "scope_missing"


def test_no_token_shows_in_logs_or_repr(authority, caplog):
    caplog.set_level(logging.DEBUG)
    shown = repr(imported(authority)) + caplog.text
    assert not [secret for secret in authority.secrets if secret in shown]


# --- Microsoft -----------------------------------------------------------------------------


def test_microsoft_tells_the_address_in_the_id_token(entra):
    token = token_of_another_program(entra)
    with_id_token(entra)
    identity = imported(entra, token).identity
    assert (identity.address, identity.name) == ("erp@contoso.example", "Erin Rhodes")
    assert identity.subject == entra.subject


def test_microsoft_without_an_id_token_tells_no_address(entra):
    assert imported(entra).identity.address == ""


def test_an_id_token_that_names_nobody_leaves_the_account_of_client_info(entra):
    token = token_of_another_program(entra)
    with_id_token(entra, oid=None, preferred_username=None)
    assert imported(entra, token).identity.subject == entra.subject


@pytest.mark.parametrize(
    ("claims", "key"),
    [
        ({"aud": "another"}, "id_token_audience"),
        ({"exp": NOW - 3600}, "id_token_expired"),
        ({"iss": "https://evil.example/v2.0"}, "id_token_issuer"),
    ],
)
def test_an_id_token_for_somebody_else_ends_the_import(entra, claims, key):
    token = token_of_another_program(entra)
    with_id_token(entra, **claims)
    with pytest.raises(SignInRejectedError) as caught:
        imported(entra, token)
    assert caught.value.key == key


def test_an_id_token_that_is_none_ends_the_import(entra):
    token = token_of_another_program(entra)
    entra.changes["id_token"] = "no.token"
    with pytest.raises(SignInRejectedError):
        imported(entra, token)


@pytest.mark.parametrize("lacking", ["client_info", "refresh_token"])
def test_an_answer_that_could_not_be_refreshed_later_is_no_grant(entra, lacking):
    token = token_of_another_program(entra)
    entra.changes[lacking] = None
    with pytest.raises(UnreachableError) as caught:
        imported(entra, token)
    assert caught.value.key == "answer_incomplete"


def test_what_nobody_needs_again_is_not_kept(entra):
    token = token_of_another_program(entra)
    with_id_token(entra)
    grant = imported(entra, token)
    assert entra.changes["id_token"] not in grant.cache
    assert json.loads(grant.cache)["AccessToken"] == {}


# --- Google --------------------------------------------------------------------------------


def test_google_tells_the_address_in_tokeninfo(google):
    assert imported(google).identity.address == "erp@northwind.example"


def test_a_token_of_another_google_client_is_a_configuration_error(google):
    token = token_of_another_program(google)
    google.info_changes["aud"] = "another"
    with pytest.raises(ConfigurationError) as caught:
        imported(google, token)
    assert caught.value.key == "google_wrong_client"


def test_google_that_tells_nothing_about_the_account_is_accepted(google):
    token = token_of_another_program(google)
    google.info_changes |= {"sub": None, "email": None}
    identity = imported(google, token).identity
    assert (identity.subject, identity.address) == ("", "")


def test_google_that_cannot_be_asked_ends_the_import(google):
    token = token_of_another_program(google)
    refreshed = google.token(request_of(token))
    google.scripted = [refreshed, Answer({"error": "internal_failure"}, status=500)]
    with pytest.raises(TransientError) as caught:
        imported(google, token)
    assert caught.value.key == "provider_unavailable"
