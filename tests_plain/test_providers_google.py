"""What is special about Google."""

import json
import os

import google.auth.exceptions
import oauthlib.oauth2
import pytest
from google.oauth2.credentials import Credentials
from google_auth_oauthlib.flow import Flow
from mail_server_oauth2.exceptions import (
    ConfigurationError,
    ConsentNeededError,
    MailOAuth2Error,
    SignInNeededError,
    SignInRejectedError,
    TransientError,
    UnreachableError,
)
from mail_server_oauth2.providers import google as google_module
from mail_server_oauth2.providers.base import AccessToken
from providers_fakes import CLIENT_SECRET
from providers_server import Answer

pytest_plugins = ("providers_fixtures",)


def refused(kind, call, *args, **kwargs):
    with pytest.raises(MailOAuth2Error) as caught:
        call(*args, **kwargs)
    assert type(caught.value) is kind, caught.value
    assert caught.value.key in google_module.KEYS
    return caught.value


def paths(google):
    return [request.path for request in google.server.requests]


# --- signing in ----------------------------------------------------------------------------


def test_a_sign_in_asks_for_mail_and_the_address_offline(google):
    google.sign_in()
    assert google.last_query["access_type"] == "offline"
    assert set(google.last_query["scope"].split()) == {
        "https://mail.google.com/",
        "openid",
        "https://www.googleapis.com/auth/userinfo.email",
    }
    assert google.last_query["prompt"] == "select_account"


def test_without_a_refresh_token_the_consent_has_to_be_asked_again(google):
    google.sign_in()
    assert refused(ConsentNeededError, google.sign_in).key == "google_no_refresh_token"
    grant = google.sign_in(force_consent=True)
    assert set(google.last_query["prompt"].split()) == {"select_account", "consent"}
    assert google.provider().refresh(grant.cache, resource="smtp").tokens["smtp"].value


def test_the_mail_permission_left_unticked_is_told(google):
    google.changes = {"scope": "openid https://www.googleapis.com/auth/userinfo.email"}
    error = refused(SignInRejectedError, google.sign_in)
    assert error.key == "scope_missing"
    assert error.details == {"scopes": "https://mail.google.com/"}


@pytest.mark.parametrize(
    "scope",
    [
        "https://mail.google.com/",
        "https://mail.google.com/ https://www.googleapis.com/auth/userinfo.profile openid",
    ],
)
def test_more_or_fewer_other_permissions_do_not_matter(google, scope):
    google.changes = {"scope": scope}
    assert google.sign_in().scopes == tuple(scope.split())


@pytest.mark.parametrize("issuer", ["https://accounts.google.com", "accounts.google.com"])
def test_both_spellings_of_the_issuer_pass(google, issuer):
    google.claims = {"iss": issuer}
    assert google.sign_in().identity


def test_an_address_google_does_not_vouch_for_is_not_proposed(google):
    google.claims = {"email_verified": False}
    assert google.sign_in().identity.address == ""


def test_the_domain_of_a_workspace_is_the_tenant(google):
    assert google.sign_in().identity.tenant == "northwind.example"


@pytest.mark.parametrize("subject", [None, "", 5])
def test_without_a_subject_nobody_signed_in(google, subject):
    google.claims = {"sub": subject}
    assert refused(SignInRejectedError, google.sign_in).key == "id_token_malformed"


def test_an_answer_the_library_cannot_read_rejects_the_sign_in(google, monkeypatch):
    monkeypatch.setenv("OAUTHLIB_STRICT_TOKEN_TYPE", "1")
    google.changes = {"token_type": None}
    assert refused(SignInRejectedError, google.sign_in).key == "answer_incomplete"


def test_the_secret_travels_in_the_body_and_netrc_stays_shut(google, tmp_path, monkeypatch):
    (tmp_path / "netrc").write_text("machine localhost login thief password thief\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    google.provider().refresh(google.sign_in().cache, resource="smtp")
    assert all(request.form["client_secret"] == CLIENT_SECRET for request in google.server.requests)
    assert not [r for r in google.server.requests if "Authorization" in r.headers]


def test_a_client_without_a_secret_sends_none(google):
    google.sign_in(google.provider(client_secret=""))
    assert "client_secret" not in google.server.requests[0].form


def test_a_session_of_the_library_goes_through_our_door(google):
    google.scripted = [Answer(b"x" * 2_000_000)]
    assert refused(UnreachableError, google.sign_in).key == "response_too_large"


def test_the_traps_of_oauthlib_are_not_switched_off_for_the_whole_process():
    assert "OAUTHLIB_INSECURE_TRANSPORT" not in os.environ
    assert "OAUTHLIB_RELAX_TOKEN_SCOPE" not in os.environ


# --- refreshing ----------------------------------------------------------------------------


def test_the_refresh_token_stays_the_same(google):
    grant = google.sign_in()
    refreshed = google.provider().refresh(grant.cache, resource="smtp")
    assert not refreshed.renewed
    assert refreshed.cache == grant.cache


def test_a_new_refresh_token_is_kept_when_google_sends_one(google):
    grant = google.sign_in()
    google.changes = {"refresh_token": "1//rotated"}
    refreshed = google.provider().refresh(grant.cache, resource="smtp")
    assert refreshed.renewed
    assert json.loads(refreshed.cache) == {"refresh_token": "1//rotated"}


@pytest.mark.parametrize("status", [500, 503, 429, 408])
def test_an_outage_is_not_repeated_behind_our_back(google, status):
    grant = google.sign_in()
    sent = len(paths(google))
    google.scripted = [Answer({"error": "internal_failure"}, status=status)]
    with pytest.raises(TransientError):
        google.provider().refresh(grant.cache, resource="smtp")
    assert len(paths(google)) == sent + 1


def test_a_session_policy_of_the_workspace_is_told_apart(google):
    grant = google.sign_in()
    answer = {"error": "invalid_grant", "error_subtype": "invalid_rapt"}
    google.scripted = [Answer(answer, status=400)]
    error = refused(SignInNeededError, google.provider().refresh, grant.cache, resource="smtp")
    assert error.key == "google_invalid_grant_invalid_rapt"


@pytest.mark.parametrize("field", ["authority_url", "token_url"])
def test_a_host_that_leads_elsewhere_is_refused(google, field):
    provider = google.provider(**{field: "https://oauth2.googleapis.com@evil.example"})
    assert refused(ConfigurationError, provider.validate).details["field"] == field
    for call in (
        lambda: provider.refresh('{"refresh_token": "x"}', resource="smtp"),
        lambda: provider.check(AccessToken("x"), resource="smtp"),
        lambda: provider.revoke('{"refresh_token": "x"}'),
    ):
        assert refused(ConfigurationError, call).key == "host_invalid"


def _with_subclasses(kind):
    return [kind, *(inner for child in kind.__subclasses__() for inner in _with_subclasses(child))]


@pytest.mark.parametrize("kind", _with_subclasses(google.auth.exceptions.GoogleAuthError))
def test_every_error_of_google_auth_becomes_ours(google, monkeypatch, kind):
    grant = google.sign_in()

    def fail(*args, **kwargs):
        raise kind.__new__(kind)

    monkeypatch.setattr(Credentials, "refresh", fail)
    refused(UnreachableError, google.provider().refresh, grant.cache, resource="smtp")


@pytest.mark.parametrize("kind", _with_subclasses(oauthlib.oauth2.OAuth2Error))
def test_every_error_of_oauthlib_becomes_ours(google, monkeypatch, kind):
    def fail(*args, **kwargs):
        raise kind.__new__(kind)

    monkeypatch.setattr(Flow, "fetch_token", fail)
    refused(SignInRejectedError, google.sign_in)


# --- checking ------------------------------------------------------------------------------


def test_a_good_token_names_its_owner(google):
    token = google.sign_in().tokens["smtp"]
    identity = google.provider().check(token, resource="smtp")
    assert (identity.subject, identity.address) == ("108", "erp@northwind.example")
    assert google.server.requests[-1].form == {"access_token": token.value}


@pytest.mark.parametrize(
    ("changes", "kind", "key"),
    [
        ({"aud": "another"}, ConfigurationError, "google_wrong_client"),
        ({"aud": None}, ConfigurationError, "google_wrong_client"),
        ({"scope": "openid"}, SignInNeededError, "scope_missing"),
        ({"scope": None}, SignInNeededError, "scope_missing"),
        ({"scope": 5}, SignInNeededError, "scope_missing"),
    ],
)
def test_a_token_for_somebody_or_something_else_is_found_out(google, changes, kind, key):
    google.info_changes = changes
    token = google.sign_in().tokens["smtp"]
    assert refused(kind, google.provider().check, token, resource="smtp").key == key


def test_a_token_google_does_not_know_needs_a_sign_in(google):
    answer = {"error": "invalid_token", "error_description": "Invalid Value"}
    google.scripted = [Answer(answer, status=400)]
    check = google.provider().check
    error = refused(SignInNeededError, check, AccessToken("gone"), resource="smtp")
    assert error.key == "google_invalid_token"


@pytest.mark.parametrize("answer", [Answer(status=502), Answer("<html>"), None])
def test_a_check_that_meets_an_outage_says_nothing_about_the_token(google, answer):
    google.scripted = [answer]
    with pytest.raises(TransientError):
        google.provider().check(AccessToken("good"), resource="smtp")


# --- revoking ------------------------------------------------------------------------------


def test_a_revoked_grant_is_dead_and_revoking_again_is_fine(google):
    grant = google.sign_in()
    provider = google.provider()
    assert provider.revoke(grant.cache) is True
    assert provider.revoke(grant.cache) is True
    refused(SignInNeededError, provider.refresh, grant.cache, resource="smtp")


def test_there_is_nothing_to_revoke_without_a_grant(google):
    assert google.provider().revoke("") is False
    assert paths(google) == []


def test_a_revocation_google_did_not_hear_of_is_no_success(google):
    grant = google.sign_in()
    google.scripted = [Answer(status=503)]
    refused(TransientError, google.provider().revoke, grant.cache)
    assert google.refresh_tokens
