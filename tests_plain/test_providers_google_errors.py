"""What an error of Google's OAuth endpoints means: the whole table of the facts we have."""

import pytest
from mail_server_oauth2.exceptions import (
    AdminConsentError,
    ConfigurationError,
    SignInNeededError,
    SignInRejectedError,
    ThrottledError,
    TransientError,
    UnreachableError,
)
from mail_server_oauth2.providers import google_errors
from mail_server_oauth2.providers.google_errors import (
    KEYS,
    error_from_answer,
    error_from_callback,
)
from mail_server_oauth2.providers.oauth_errors import Answer

# status, answer, class on a refresh, key
OBSERVED = [
    (400, {"error": "invalid_grant", "error_description": "Malformed auth code."},
     SignInNeededError, "google_invalid_grant"),
    (400, {"error": "invalid_grant", "error_description": "Bad Request"},
     SignInNeededError, "google_invalid_grant"),
    (400, {"error": "invalid_grant", "error_description": "Token has been expired or revoked."},
     SignInNeededError, "google_invalid_grant"),
    (400, {"error": "invalid_grant", "error_subtype": "invalid_rapt"},
     SignInNeededError, "google_invalid_grant_invalid_rapt"),
    (400, {"error": "invalid_grant", "error_subtype": "rapt_required"},
     SignInNeededError, "google_invalid_grant_rapt_required"),
    (400, {"error": "invalid_grant", "error_subtype": "something_new"},
     SignInNeededError, "google_invalid_grant"),
    (400, {"error": "invalid_grant", "error_subtype": 5},
     SignInNeededError, "google_invalid_grant"),
    (400, {"error": "admin_policy_enforced"}, AdminConsentError, "google_admin_policy_enforced"),
    (400, {"error": "access_not_configured"}, AdminConsentError, "google_access_not_configured"),
    (403, {"error": "org_internal"}, AdminConsentError, "google_org_internal"),
    (401, {"error": "invalid_client", "error_description": "The OAuth client was not found."},
     ConfigurationError, "google_invalid_client"),
    (401, {"error": "deleted_client"}, ConfigurationError, "google_deleted_client"),
    (401, {"error": "disabled_client"}, ConfigurationError, "google_disabled_client"),
    (401, {"error": "unauthorized_client"}, ConfigurationError, "google_unauthorized_client"),
    (400, {"error": "redirect_uri_mismatch"}, ConfigurationError, "google_redirect_uri_mismatch"),
    (400, {"error": "invalid_scope"}, ConfigurationError, "google_invalid_scope"),
    (400, {"error": "invalid_request"}, ConfigurationError, "google_invalid_request"),
    (400, {"error": "unsupported_grant_type"}, ConfigurationError,
     "google_unsupported_grant_type"),
    (400, {"error": "unsupported_response_type"}, ConfigurationError,
     "google_unsupported_response_type"),
    (400, {"error": "access_denied"}, SignInNeededError, "google_access_denied"),
    (400, {"error": "consent_required"}, SignInNeededError, "google_consent_required"),
    (400, {"error": "interaction_required"}, SignInNeededError, "google_interaction_required"),
    (400, {"error": "login_required"}, SignInNeededError, "google_login_required"),
    (400, {"error": "invalid_token", "error_description": "Invalid Value"},
     SignInNeededError, "google_invalid_token"),
    (400, {"error": "internal_failure"}, TransientError, "google_internal_failure"),
    (400, {"error": "slow_down"}, TransientError, "google_slow_down"),
    (403, {"error": "rate_limit_exceeded"}, TransientError, "google_rate_limit_exceeded"),
    (400, {"error": "temporarily_unavailable"}, TransientError, "provider_unavailable"),
    (500, {"error": "internal_failure", "error_description": "Backend Error"},
     TransientError, "provider_unavailable"),
    (503, {"error": "invalid_grant"}, TransientError, "provider_unavailable"),
    (502, None, TransientError, "provider_unavailable"),
    (429, None, ThrottledError, "throttled"),
    (404, None, UnreachableError, "not_json"),
    (200, None, UnreachableError, "not_json"),
    (400, {"message": "half an answer"}, UnreachableError, "not_json"),
    (400, {"error": {"code": 403}}, UnreachableError, "not_json"),
    (400, {"error": "brand_new_error"}, TransientError, "oauth_error_unknown"),
]  # fmt: skip


@pytest.mark.parametrize(("status", "content", "kind", "key"), OBSERVED)
def test_a_refused_refresh_has_its_class_and_key(status, content, kind, key):
    found = error_from_answer(Answer(status, content))
    assert type(found) is kind
    assert found.key == key
    assert key in KEYS


def test_every_error_with_a_meaning_is_walked_above():
    walked = {content["error"] for _s, content, _k, key in OBSERVED if key.startswith("google_")}
    assert walked == (
        google_errors.SIGN_IN_ERRORS
        | google_errors.ADMIN_ERRORS
        | google_errors.CONFIGURATION_ERRORS
        | google_errors.TRANSIENT_ERRORS
    )


@pytest.mark.parametrize("error", sorted(google_errors.SIGN_IN_ERRORS))
def test_a_refusal_while_signing_in_rejects_the_sign_in(error):
    found = error_from_answer(Answer(400, {"error": error}), signing_in=True)
    assert type(found) is SignInRejectedError


@pytest.mark.parametrize("error", sorted(google_errors.CONFIGURATION_ERRORS))
def test_a_wrong_client_is_one_also_while_signing_in(error):
    found = error_from_answer(Answer(401, {"error": error}), signing_in=True)
    assert type(found) is ConfigurationError


def test_a_pause_that_google_asks_for_is_kept():
    for status, content in ((429, None), (503, None), (400, {"error": "slow_down"})):
        assert error_from_answer(Answer(status, content, retry_after=30.0)).retry_after == 30.0


@pytest.mark.parametrize(
    ("error", "kind", "key"),
    [
        ("access_denied", SignInRejectedError, "sign_in_cancelled"),
        ("admin_policy_enforced", AdminConsentError, "google_admin_policy_enforced"),
        ("org_internal", AdminConsentError, "google_org_internal"),
        ("interaction_required", SignInRejectedError, "google_interaction_required"),
        ("invalid_scope", ConfigurationError, "google_invalid_scope"),
        ("server_error", TransientError, "provider_unavailable"),
        ("who_knows", TransientError, "oauth_error_unknown"),
    ],
)
def test_an_error_in_the_callback_has_its_class_and_key(error, kind, key):
    found = error_from_callback({"error": error})
    assert type(found) is kind
    assert found.key == key


def test_a_token_that_comes_back_in_the_text_is_hidden():
    content = {"error": "invalid_grant", "error_description": "no such token: tok3n"}
    found = error_from_answer(Answer(400, content, secrets=("tok3n",)))
    assert "tok3n" not in f"{found} {found!r} {found.details}"
