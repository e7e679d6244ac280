"""What every provider does, whoever it is."""

import json
import logging
import traceback
from urllib.parse import parse_qs, urlsplit

import pytest
from mail_server_oauth2.exceptions import (
    ConfigurationError,
    MailOAuth2Error,
    SignInNeededError,
    SignInRejectedError,
    ThrottledError,
    TransientError,
    UnreachableError,
)
from mail_server_oauth2.providers import Grant
from providers_fakes import NOW, REDIRECT_URI, STATE
from providers_server import Answer

pytest_plugins = ("providers_fixtures",)
pytestmark = pytest.mark.filterwarnings("ignore:response_mode='form_post'")


def begin(authority, **options):
    return authority.provider().begin_sign_in(
        resources=authority.resources, redirect_uri=REDIRECT_URI, state=STATE, **options
    )


def query_of(sign_in):
    return {name: values[0] for name, values in parse_qs(urlsplit(sign_in.url).query).items()}


def refused(kind, call, *args, **kwargs):
    """Return the error of a call that must fail with exactly this class."""
    with pytest.raises(MailOAuth2Error) as caught:
        call(*args, **kwargs)
    assert type(caught.value) is kind, caught.value
    return caught.value


def callback_refused(authority, kind, **params):
    started = begin(authority)
    params = authority.authorize(started.url) | params
    params = {name: value for name, value in params.items() if value is not None}
    finish = authority.provider().finish_sign_in
    return refused(kind, finish, started.pending, params, resources=authority.resources)


# --- beginning -----------------------------------------------------------------------------


def test_the_page_to_sign_in_at_belongs_to_the_authority(authority):
    assert begin(authority).url.startswith(f"{authority.url}/")


def test_a_sign_in_asks_for_everything_at_once_with_pkce_and_nonce(authority):
    query = query_of(begin(authority, login_hint="erp@contoso.example"))
    assert query["response_type"] == "code"
    assert query["redirect_uri"] == REDIRECT_URI
    assert query["state"] == STATE
    assert query["login_hint"] == "erp@contoso.example"
    assert query["prompt"] == "select_account"
    assert query["code_challenge_method"] == "S256"
    assert len(query["code_challenge"]) == 43
    assert len(query["nonce"]) >= 16


def test_nothing_secret_is_in_the_address_of_the_page(authority):
    started = begin(authority)
    assert authority.app().client_secret not in started.url
    verifier = started.pending.get("flow", started.pending)["code_verifier"]
    assert verifier not in started.url


def test_two_sign_ins_share_neither_verifier_nor_nonce(authority):
    first, second = query_of(begin(authority)), query_of(begin(authority))
    assert first["nonce"] != second["nonce"]
    assert first["code_challenge"] != second["code_challenge"]


def test_without_a_hint_none_is_sent(authority):
    assert "login_hint" not in query_of(begin(authority))


def test_what_is_kept_meanwhile_is_json_and_never_shown(authority):
    started = begin(authority)
    assert json.loads(json.dumps(started.pending)) == started.pending
    assert "pending" not in repr(started)


# --- finishing -----------------------------------------------------------------------------


def test_a_sign_in_brings_an_identity_and_a_token_per_resource(authority):
    grant = authority.sign_in()
    assert grant.identity.subject == authority.subject
    assert grant.identity.name == "Erin Rhodes"
    assert grant.identity.address.startswith("erp@")
    assert set(grant.tokens) == set(authority.resources)
    assert all(token.expires_at == NOW + 3599 for token in grant.tokens.values())
    assert all(token.value and token.scopes for token in grant.tokens.values())


def test_a_grant_survives_the_database(authority):
    grant = authority.sign_in()
    assert Grant.from_dict(json.loads(json.dumps(grant.to_dict()))) == grant


def test_no_repr_shows_a_token(authority):
    provider = authority.provider()
    grant = authority.sign_in(provider)
    shown = f"{grant!r} {grant.tokens!r} {provider.app!r} {provider!r}"
    assert not [secret for secret in authority.secrets if secret in shown]


def test_a_cancelled_sign_in_is_told_as_such(authority):
    error = callback_refused(authority, SignInRejectedError, code=None, error="access_denied")
    assert error.key == "sign_in_cancelled"


@pytest.mark.parametrize("state", ["forged", "", None, ["list"], "st4te-of-the-sign-in\udc80"])
def test_another_state_is_refused_before_anything_is_sent(authority, state):
    calls = len(authority.server.requests)
    error = callback_refused(authority, SignInRejectedError, state=state)
    assert error.key == "state_mismatch"
    assert not [r for r in authority.server.requests[calls:] if r.method == "POST"]


@pytest.mark.parametrize("code", [None, "", ["list"]])
def test_a_callback_without_a_code_is_refused(authority, code):
    assert callback_refused(authority, SignInRejectedError, code=code).key == "callback_incomplete"


def test_a_forged_code_is_refused(authority):
    callback_refused(authority, SignInRejectedError, code="forged")


def test_a_replayed_callback_is_refused(authority):
    started = begin(authority)
    params = authority.authorize(started.url)
    provider = authority.provider()
    provider.finish_sign_in(started.pending, params, resources=authority.resources)
    again = provider.finish_sign_in
    refused(SignInRejectedError, again, started.pending, params, resources=authority.resources)


def test_the_code_of_another_sign_in_is_refused(authority):
    """The PKCE verifier belongs to one sign-in."""
    params = authority.authorize(begin(authority).url)
    mine = begin(authority)
    finish = authority.provider().finish_sign_in
    refused(SignInRejectedError, finish, mine.pending, params, resources=authority.resources)


@pytest.mark.parametrize(
    ("claims", "key"),
    [
        ({"aud": "another-app"}, "id_token_audience"),
        ({"iss": "https://evil.example"}, "id_token_issuer"),
        ({"exp": NOW - 121}, "id_token_expired"),
        ({"iat": NOW + 121}, "id_token_not_yet_valid"),
        ({"nonce": "another"}, "id_token_nonce"),
        ({"nonce": None}, "id_token_nonce"),
        ({"exp": "tomorrow"}, "id_token_malformed"),
    ],
)
def test_a_forged_id_token_is_refused(authority, claims, key):
    authority.claims = claims
    assert callback_refused(authority, SignInRejectedError).key == key


@pytest.mark.parametrize("token", ["x", "a.b.c", 5, ["a"], {}])
def test_a_malformed_id_token_is_refused(authority, token):
    authority.changes = {"id_token": token}
    error = callback_refused(authority, SignInRejectedError)
    assert error.key in ("id_token_malformed", "id_token_missing")


def test_a_missing_id_token_is_refused(authority):
    authority.changes = {"id_token": None}
    assert callback_refused(authority, SignInRejectedError).key == "id_token_missing"


def test_a_grant_without_the_permission_to_send_is_refused(authority):
    authority.changes = {"scope": "openid profile email"}
    error = callback_refused(authority, SignInRejectedError)
    assert error.key == "scope_missing"
    assert error.details["scopes"]


def test_a_sign_in_that_meets_an_outage_may_be_tried_again(authority):
    authority.scripted = [Answer({}, status=503, headers={"Retry-After": "7"})]
    error = callback_refused(authority, TransientError)
    assert error.retry_after == 7.0


# --- refreshing ----------------------------------------------------------------------------


def test_a_refresh_brings_a_new_token_over_the_network(authority):
    grant = authority.sign_in()
    resource = authority.resources[-1]
    renewed = authority.provider().refresh(grant.cache, resource=resource)
    assert set(renewed.tokens) == {resource}
    assert renewed.tokens[resource].value != grant.tokens[resource].value
    assert renewed.tokens[resource].expires_at == NOW + 3599
    assert renewed.identity is None


def test_a_refresh_costs_one_request_on_a_connection_that_is_kept(authority):
    provider = authority.provider()
    cache = authority.sign_in(provider).cache
    calls, connections = len(authority.server.requests), authority.server.connections
    for _count in range(3):
        cache = provider.refresh(cache, resource="smtp").cache
    assert len(authority.server.requests) == calls + 3
    assert authority.server.connections == connections


def test_a_refreshed_cache_refreshes_again(authority):
    cache = authority.sign_in().cache
    for _count in range(3):
        cache = authority.provider().refresh(cache, resource="smtp").cache
    assert authority.provider().refresh(cache, resource="smtp").tokens["smtp"].value


def test_a_revoked_grant_needs_a_sign_in(authority):
    grant = authority.sign_in()
    authority.refresh_tokens.clear()
    refused(SignInNeededError, authority.provider().refresh, grant.cache, resource="smtp")


OUTAGES = [
    (Answer({"error": "invalid_grant"}, status=503), TransientError, "provider_unavailable"),
    (Answer("<html>Bad gateway</html>", status=502), TransientError, "provider_unavailable"),
    (Answer({"error": "temporarily_unavailable"}, status=400), TransientError,
     "provider_unavailable"),
    (Answer("Too many", status=429), ThrottledError, "throttled"),
    (Answer("<html>Log in to the Wi-Fi</html>"), UnreachableError, "not_json"),
    (Answer('{"access_token": "half'), UnreachableError, "not_json"),
    (Answer("[]"), UnreachableError, "not_json"),
    (Answer("<html>Forbidden by proxy</html>", status=403), UnreachableError, "not_json"),
    (Answer({}), UnreachableError, "answer_incomplete"),
    (Answer({"access_token": "x"}), UnreachableError, "answer_incomplete"),
    (Answer({"access_token": "", "expires_in": 5}), UnreachableError, "answer_incomplete"),
    (Answer({"access_token": 5, "expires_in": 5}), UnreachableError, "answer_incomplete"),
    (Answer({"access_token": "x", "expires_in": "x"}), UnreachableError, "answer_incomplete"),
    (Answer({"access_token": "x", "expires_in": True}), UnreachableError, "answer_incomplete"),
    (Answer({"access_token": "x", "expires_in": -1}), UnreachableError, "answer_incomplete"),
    (Answer({"access_token": "x", "expires_in": 5, "scope": 5}), UnreachableError,
     "answer_incomplete"),
    (Answer(status=302, headers={"Location": "https://evil.example/"}), UnreachableError,
     "redirect_refused"),
    (Answer(b"x" * 2_000_000), UnreachableError, "response_too_large"),
    (None, UnreachableError, "connection_dropped"),
]  # fmt: skip


@pytest.mark.parametrize(("answer", "kind", "key"), OUTAGES)
def test_an_outage_keeps_the_grant_and_the_next_try_works(authority, answer, kind, key):
    grant = authority.sign_in()
    provider = authority.provider()
    authority.scripted = [answer]
    assert refused(kind, provider.refresh, grant.cache, resource="smtp").key == key
    assert provider.refresh(grant.cache, resource="smtp").tokens["smtp"].value


def test_a_refusal_is_asked_for_again_and_not_remembered(authority):
    """Libraries remember refusals for a minute; a repaired grant has to work at once."""
    grant = authority.sign_in()
    provider = authority.provider()
    authority.scripted = [Answer(authority.refusal(), status=400)]
    refused(SignInNeededError, provider.refresh, grant.cache, resource="smtp")
    assert provider.refresh(grant.cache, resource="smtp").tokens["smtp"].value


@pytest.mark.parametrize("status", [400, 401])
def test_a_wrong_client_secret_is_a_configuration_error(authority, status):
    grant = authority.sign_in()
    authority.scripted = [Answer({"error": "invalid_client"}, status=status)]
    refused(ConfigurationError, authority.provider().refresh, grant.cache, resource="smtp")


def test_an_outage_tells_when_to_come_back(authority):
    grant = authority.sign_in()
    authority.scripted = [Answer({}, status=429, headers={"Retry-After": "2.128"})]
    error = refused(ThrottledError, authority.provider().refresh, grant.cache, resource="smtp")
    assert error.retry_after == 2.128


def test_an_outage_may_tell_it_in_words(authority):
    grant = authority.sign_in()
    body = {"error": "temporarily_unavailable", "error_description": "Retry after 37 seconds."}
    authority.scripted = [Answer(body, status=429)]
    error = refused(ThrottledError, authority.provider().refresh, grant.cache, resource="smtp")
    assert error.retry_after == 37


@pytest.mark.parametrize("cache", ["", "{}", "[]", "5", "null", "no json", None])
def test_a_cache_without_a_grant_needs_a_sign_in(authority, cache):
    error = refused(SignInNeededError, authority.provider().refresh, cache, resource="smtp")
    assert error.key == "grant_missing"
    assert not [request for request in authority.server.requests if request.method == "POST"]


def test_a_host_that_is_away_is_unreachable(authority):
    grant = authority.sign_in()
    provider = authority.provider()
    authority.server.shutdown()
    authority.server.server_close()
    error = refused(UnreachableError, authority.provider().refresh, grant.cache, resource="smtp")
    assert error.key == "connection_refused"
    assert error.details["host"] == "localhost"
    assert provider


# --- where secrets may go ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "value", "key"),
    [
        ("client_id", "", "client_id_missing"),
        ("client_id", "a b", "client_id_invalid"),
        ("authority_url", "http://localhost", "host_invalid"),
        ("authority_url", "https://user@evil.example", "host_invalid"),
        ("authority_url", "", "host_invalid"),
    ],
)
def test_a_wrong_app_registration_is_refused_without_any_network(authority, field, value, key):
    provider = authority.provider(**{field: value})
    calls = len(authority.server.requests)
    assert refused(ConfigurationError, provider.validate).key == key
    begin_sign_in = provider.begin_sign_in
    asked = {"resources": authority.resources, "redirect_uri": REDIRECT_URI, "state": STATE}
    assert refused(ConfigurationError, begin_sign_in, **asked).key == key
    assert len(authority.server.requests) == calls


def test_secrets_travel_in_bodies_only(authority):
    provider = authority.provider()
    provider.refresh(authority.sign_in(provider).cache, resource="smtp")
    for request in authority.server.requests:
        seen = f"{request.path} {request.query}"
        assert not [secret for secret in authority.secrets if secret in seen]


def echo(request):
    """Answer as a host would that says everything it was told."""
    text = " ".join(request.form.values())
    return Answer({"error": "invalid_client", "error_description": text}, status=401)


def test_no_secret_reaches_a_log_or_a_traceback(authority, caplog):
    caplog.set_level(logging.DEBUG)
    for name in list(logging.Logger.manager.loggerDict):
        caplog.set_level(logging.DEBUG, name)  # as --log-handler=<library>:DEBUG would
    provider = authority.provider()
    grant = authority.sign_in(provider)
    token = provider.refresh(grant.cache, resource="smtp").tokens["smtp"]
    provider.check(token, resource="smtp")
    told = []
    for answer in (Answer(authority.refusal(), 400), Answer("<html>", 502), None, echo):
        authority.scripted = [answer]
        with pytest.raises(MailOAuth2Error) as caught:
            provider.refresh(grant.cache, resource="smtp")
        told += traceback.format_exception(caught.value)
    authority.scripted = [Answer({"error": "invalid_grant"}, status=400)]
    told += traceback.format_exception(callback_refused(authority, SignInRejectedError))
    authority.claims = {"nonce": "another"}
    told += traceback.format_exception(callback_refused(authority, SignInRejectedError))
    provider.revoke(grant.cache)
    heard = caplog.text + "".join(told)
    assert len(caplog.records) > 5
    assert not [secret for secret in authority.secrets if secret in heard]
