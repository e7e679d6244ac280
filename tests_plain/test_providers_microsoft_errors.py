"""What an error of Entra ID means: the whole table of the facts we have."""

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
from mail_server_oauth2.providers import microsoft_errors
from mail_server_oauth2.providers.microsoft_errors import (
    AADSTS_CODES,
    CONFIGURATION_ERRORS,
    KEYS,
    SIGN_IN_ERRORS,
    error_from_answer,
    error_from_callback,
)
from mail_server_oauth2.providers.oauth_errors import Answer

TRACE = "4f1b2c3d-aaaa-bbbb-cccc-0123456789ab"


def payload(error, code=0, **more):
    """Return an error answer as Entra writes it."""
    return {
        "error": error,
        "error_description": f"AADSTS{code}: What happened.\r\nTrace ID: {TRACE}\r\n"
        "Correlation ID: 5e6f7a8b-aaaa-bbbb-cccc-0123456789ab",
        "error_codes": [code],
        "trace_id": TRACE,
        "correlation_id": "5e6f7a8b-aaaa-bbbb-cccc-0123456789ab",
    } | more


def refused(error, code=0, *, status=400, signing_in=False, **more):
    answer = Answer(status, payload(error, code, **more))
    return error_from_answer(answer, signing_in=signing_in)


# error as observed, AADSTS numbers, class on a refresh
OBSERVED = [
    ("invalid_grant", [50013, 500133, 500137, 50076, 50126, 50173, 53003, 530003, 54005, 70000,
                       70008, 70043, 700082, 501481, 50148, 9002313, 50034, 50053, 50055, 50056,
                       50057, 50078, 50085, 50089, 700084, 65001], SignInNeededError),
    ("interaction_required", [50072, 50074, 50076, 50079, 50105, 50131, 50132, 50133, 50140, 50158,
                              50199, 53000, 53001, 53002], SignInNeededError),
    ("login_required", [50058], SignInNeededError),
    ("consent_required", [65001, 65004], SignInNeededError),
    ("invalid_client", [50011, 700025, 700027, 700030, 7000215, 7000218, 7000222, 70002],
     ConfigurationError),
    ("unauthorized_client", [70001, 700016, 7000112], ConfigurationError),
    ("invalid_resource", [500011, 650057], ConfigurationError),
    ("invalid_scope", [70011, 700022], ConfigurationError),
    ("invalid_tenant", [90002], ConfigurationError),
    ("invalid_request", [50059, 50128, 50194, 90002, 900023, 90008, 90009, 90013, 90014, 900144,
                         900561, 901002, 90019, 90023, 9001023, 90038, 900382, 900432, 700020],
     ConfigurationError),
    ("temporarily_unavailable", [90033, 90055], TransientError),
    ("invalid_request", [50196], TransientError),
    ("invalid_grant", [50196], TransientError),
    ("access_denied", [90094, 90095], AdminConsentError),
]  # fmt: skip
ROWS = [(error, code, kind) for error, codes, kind in OBSERVED for code in codes]


@pytest.mark.parametrize(("error", "code", "kind"), ROWS)
def test_a_refused_refresh_has_its_class_and_key(error, code, kind):
    found = refused(error, code)
    assert type(found) is kind
    assert found.key in KEYS
    if error != "temporarily_unavailable":
        assert found.key == f"aadsts_{code}"


@pytest.mark.parametrize("error", sorted(SIGN_IN_ERRORS))
def test_a_definite_refusal_needs_a_sign_in_whatever_number_it_carries(error):
    assert type(refused(error, 4711)) is SignInNeededError
    assert type(refused(error, 4711, signing_in=True)) is SignInRejectedError


@pytest.mark.parametrize("error", sorted(CONFIGURATION_ERRORS))
@pytest.mark.parametrize("signing_in", [False, True])
@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_a_wrong_app_registration_is_one_also_while_signing_in(error, signing_in, status):
    found = refused(error, 4711, signing_in=signing_in, status=status)
    assert type(found) is ConfigurationError


@pytest.mark.parametrize("signing_in", [False, True])
@pytest.mark.parametrize(("error", "code"), [("access_denied", 90094), ("invalid_grant", 90095)])
def test_the_approval_of_an_administrator_is_told_apart(error, code, signing_in):
    assert type(refused(error, code, signing_in=signing_in)) is AdminConsentError


def test_missing_consent_can_be_given_by_signing_in_unless_one_just_did():
    assert type(refused("invalid_grant", 65001)) is SignInNeededError
    assert type(refused("invalid_grant", 65001, signing_in=True)) is AdminConsentError


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_trouble_at_microsoft_never_ends_a_grant(status):
    found = error_from_answer(Answer(status, payload("invalid_grant", 700082), retry_after=7.0))
    assert type(found) is TransientError
    assert found.key == "provider_unavailable"
    assert found.retry_after == 7.0


def test_throttling_names_its_pause():
    found = error_from_answer(Answer(429, payload("invalid_grant"), retry_after=2.128))
    assert type(found) is ThrottledError
    assert found.retry_after == 2.128


@pytest.mark.parametrize("content", [None, {}, {"error": 5}, {"error": {"code": "x"}}])
@pytest.mark.parametrize("status", [200, 400, 401, 403, 404])
def test_an_answer_that_is_no_oauth_answer_says_nothing_about_the_grant(status, content):
    found = error_from_answer(Answer(status, content, host="login.example"))
    assert type(found) is UnreachableError
    assert found.details == {"host": "login.example", "status": status}


def test_an_error_nobody_described_is_tried_again():
    found = refused("brand_new_error")
    assert type(found) is TransientError
    assert found.key == "oauth_error_unknown"
    assert found.details == {"error": "brand_new_error"}


def test_an_unlisted_number_still_becomes_the_key():
    assert refused("invalid_grant", 999999).key == "aadsts_999999"


def test_without_a_number_the_error_becomes_the_key():
    answer = Answer(400, {"error": "invalid_grant"})
    assert error_from_answer(answer).key == "entra_invalid_grant"
    assert "entra_invalid_grant" in KEYS


def test_words_and_ids_of_microsoft_reach_the_reader():
    found = refused("invalid_grant", 700082, suberror="bad_token")
    assert "What happened.\nTrace ID" in found.provider_text
    assert found.request_id == TRACE
    assert found.details == {"error": "invalid_grant", "suberror": "bad_token"}


def test_without_ids_in_the_body_the_header_s_is_used():
    answer = Answer(400, {"error": "invalid_grant"}, request_id="from-header")
    assert error_from_answer(answer).request_id == "from-header"


@pytest.mark.parametrize(
    "more",
    [
        {"error_description": None},
        {"error_description": 5},
        {"error_codes": None},
        {"error_codes": []},
        {"error_codes": ["700082"]},
        {"error_codes": {"a": 1}},
        {"error_codes": [["x"]]},
        {"suberror": 5},
        {"trace_id": 5, "correlation_id": []},
    ],
)
def test_a_field_of_another_shape_changes_nothing_about_the_class(more):
    assert type(refused("invalid_grant", 700082, **more)) is SignInNeededError


def test_a_secret_that_comes_back_in_the_text_is_hidden():
    content = payload("invalid_client", error_description="AADSTS7000215: bad secret 's3cret'")
    found = error_from_answer(Answer(401, content, secrets=("s3cret",)))
    assert "s3cret" not in f"{found} {found!r} {found.details}"


CALLBACKS = [
    ({"error": "access_denied"}, SignInRejectedError, "sign_in_cancelled"),
    ({"error": "access_denied", "error_subcode": "cancel"}, SignInRejectedError,
     "sign_in_cancelled"),
    ({"error": "access_denied", "error_description": "AADSTS65004: Declined."},
     SignInRejectedError, "sign_in_cancelled"),
    ({"error": "consent_required", "error_description": "AADSTS65004: Declined."},
     SignInRejectedError, "sign_in_cancelled"),
    ({"error": "access_denied", "error_description": "AADSTS90094: Admin."},
     AdminConsentError, "aadsts_90094"),
    ({"error": "access_denied", "error_description": "AADSTS90095: Asked."},
     AdminConsentError, "aadsts_90095"),
    ({"error": "consent_required", "error_description": "AADSTS65001: No consent."},
     AdminConsentError, "aadsts_65001"),
    ({"error": "access_denied", "error_description": "AADSTS50105: Not assigned."},
     SignInRejectedError, "aadsts_50105"),
    ({"error": "access_denied", "error_description": "AADSTS650052: No principal."},
     SignInRejectedError, "aadsts_650052"),
    ({"error": "invalid_request", "error_description": "AADSTS50194: Not multi-tenant."},
     ConfigurationError, "aadsts_50194"),
    ({"error": "unauthorized_client"}, ConfigurationError, "entra_unauthorized_client"),
    ({"error": "unsupported_response_type"}, ConfigurationError,
     "entra_unsupported_response_type"),
    ({"error": "invalid_resource"}, ConfigurationError, "entra_invalid_resource"),
    ({"error": "login_required", "error_description": "AADSTS50058: x"}, SignInRejectedError,
     "aadsts_50058"),
    ({"error": "interaction_required"}, SignInRejectedError, "entra_interaction_required"),
    ({"error": "server_error"}, TransientError, "provider_unavailable"),
    ({"error": "temporarily_unavailable"}, TransientError, "provider_unavailable"),
    ({"error": "who_knows"}, TransientError, "oauth_error_unknown"),
]  # fmt: skip


@pytest.mark.parametrize(("params", "kind", "key"), CALLBACKS)
def test_an_error_in_the_callback_has_its_class_and_key(params, kind, key):
    found = error_from_callback(params)
    assert type(found) is kind
    assert found.key == key
    assert key in KEYS


def test_every_number_with_a_remedy_is_walked_above():
    walked = {code for _error, code, _kind in ROWS} | {
        int(key.removeprefix("aadsts_")) for _p, _k, key in CALLBACKS if key.startswith("aadsts_")
    }
    # Pages that never come back, the device flow, and numbers whose error nobody recorded.
    unseen = {28002, 28003, 50020, 53004, 530032, 530034, 530035, 650056, 90072}
    unseen |= {70016, 70018, 70019, 70020}
    unseen |= {16000, 50144, 90124, 90130, 500208, 500212, 500213, 9002332}
    assert walked | unseen == AADSTS_CODES


def test_the_numbers_that_decide_are_listed_too():
    deciding = (
        microsoft_errors.ADMIN_CONSENT_CODES
        | microsoft_errors.CONSENT_MISSING_CODES
        | microsoft_errors.TRANSIENT_CODES
        | microsoft_errors.CANCELLED_CODES
    )
    assert deciding <= AADSTS_CODES
