"""What every documented answer of Microsoft Graph to sendMail means."""

import email.utils

import pytest
from mail_server_oauth2 import exceptions as exc
from mail_server_oauth2.transport import graph_replies as replies
from requests.structures import CaseInsensitiveDict

NOW = 1_700_000_000.0
DENIED = (
    "The user account which was used to submit this request does not have the right to send mail "
    "on behalf of the specified sending account. Cannot submit message."
)
CAE = (
    'Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/'
    'authorize", error="insufficient_claims", claims="eyJhY2Nlc3NfdG9rZW4iOnt9fQ=="'
)

CASES = [
    # status, code, message, class, key
    (401, "InvalidAuthenticationToken", "Lifetime validation failed, the token is expired.",
     exc.SignInNeededError, "graph_token_refused"),
    (401, "InvalidAuthenticationToken", "Access token validation failure. Invalid audience.",
     exc.ConfigurationError, "graph_wrong_audience"),
    (401, "InvalidAuthenticationToken", "CompactToken parsing failed with error code: 80049217",
     exc.SignInNeededError, "graph_token_refused"),
    (401, "InvalidAuthenticationToken", "Access token is empty.",
     exc.SignInNeededError, "graph_token_refused"),
    (401, "", "", exc.SignInNeededError, "graph_token_refused"),
    (403, "ErrorAccessDenied", "Access is denied. Check credentials and try again.",
     exc.ConfigurationError, "graph_access_denied"),
    (403, "ErrorAccessDenied", "Access to OData is disabled.",
     exc.ConfigurationError, "graph_odata_disabled"),
    (403, "ErrorAccessDenied", "Access to OData is disabled: [RAOP] : Blocked by tenant configured "
     "AppOnly AccessPolicy settings.", exc.ConfigurationError, "graph_access_policy"),
    (403, "ErrorSendAsDenied", DENIED, exc.RefusedError, "send_as_denied"),
    (404, "MailboxNotEnabledForRESTAPI",
     "The mailbox is either inactive, soft-deleted, or is hosted on-premise.",
     exc.ConfigurationError, "graph_mailbox_not_enabled"),
    (404, "MailboxNotEnabledForRESTAPI", "REST API is not yet supported for this mailbox.",
     exc.ConfigurationError, "graph_mailbox_not_enabled"),
    (404, "ErrorInvalidUser", "The requested user 'x' is invalid.",
     exc.ConfigurationError, "graph_mailbox_not_found"),
    (404, "ResourceNotFound", "Resource could not be discovered.",
     exc.ConfigurationError, "graph_mailbox_not_found"),
    (404, "ErrorItemNotFound", "The specified object was not found in the store.",
     exc.TransientError, "graph_item_not_found"),
    (400, "ErrorInvalidRecipients", "At least one recipient is not valid., A message can't be "
     "sent because it contains no recipients.", exc.RefusedError, "recipient_invalid"),
    (400, "ErrorMimeContentInvalidBase64String", "Invalid base64 string for MIME content.",
     exc.RefusedError, "message_malformed"),
    (400, "InvalidInternetMessageHeader",
     "The internet message header name 'In-Reply-To' should start with 'x-' or 'X-'.",
     exc.RefusedError, "graph_header_refused"),
    (400, "InvalidInternetMessageHeaderCollection",
     "Maximum number of headers in one message should be less than or equal to 5.",
     exc.RefusedError, "graph_header_refused"),
    (400, "ErrorMessageSizeExceeded", "The message exceeds the maximum supported size.",
     exc.RefusedError, "message_too_large"),
    (400, "BadRequest", "The maximum request length supported is 4MB.",
     exc.RefusedError, "message_too_large"),
    (413, "RequestEntityTooLarge", "too large", exc.RefusedError, "message_too_large"),
    (413, "", "", exc.RefusedError, "message_too_large"),
    (400, "RequestBodyRead", "odd", exc.RefusedError, "graph_refused"),
    *[(status, "ErrorExceededMessageLimit", "Cannot send mail. Daily Message/Recipient limit "
       "exceeded. Follow the instructions in your Inbox to verify your account.",
       exc.ThrottledError, "graph_daily_limit") for status in (400, 403, 429)],
    (403, "ErrorExceededMaxRecipientLimit", "x", exc.ThrottledError, "graph_daily_limit"),
    (403, "ErrorMessageSubmissionBlocked", "x", exc.ConfigurationError, "mailbox_restricted"),
    (403, "ErrorAccountSuspend", "x", exc.ConfigurationError, "mailbox_restricted"),
    (403, "ErrorMessageBlocked", "x", exc.RefusedError, "content_blocked"),
    (403, "ErrorQuotaExceeded", "x", exc.TransientError, "mailbox_full"),
    (507, "QuotaExceededException", "x", exc.TransientError, "mailbox_full"),
    (429, "TooManyRequests", "x", exc.ThrottledError, "graph_throttled"),
    (429, "ApplicationThrottled", "Application is over its MailboxConcurrency limit.",
     exc.ThrottledError, "graph_concurrency"),
    (429, "", "", exc.ThrottledError, "graph_throttled"),
    (503, "ApplicationThrottled", "x", exc.TransientError, "graph_unavailable"),
    (403, "ApplicationThrottled", "x", exc.ThrottledError, "graph_throttled"),
    (503, "ServiceUnavailable", "x", exc.TransientError, "graph_unavailable"),
    (500, "ErrorApiQuarantined", "x", exc.TransientError, "graph_unavailable"),
    (408, "", "", exc.TransientError, "graph_unavailable"),
    (503, "", "", exc.DeliveryUnknownError, "graph_unanswered"),
    (500, "ErrorInternalServerError", "x", exc.DeliveryUnknownError, "graph_unanswered"),
    (502, "", "", exc.DeliveryUnknownError, "graph_unanswered"),
    (504, "GatewayTimeout", "x", exc.DeliveryUnknownError, "graph_unanswered"),
    (520, "", "", exc.DeliveryUnknownError, "graph_unanswered"),
    (200, "", "", exc.DeliveryUnknownError, "graph_unexpected_answer"),
    (201, "", "", exc.DeliveryUnknownError, "graph_unexpected_answer"),
    (400, "SomethingNew", "x", exc.RefusedError, "graph_refused"),
    (403, "", "", exc.UnreachableError, "graph_unexpected_answer"),
    (404, "", "", exc.UnreachableError, "graph_unexpected_answer"),
    (302, "", "", exc.UnreachableError, "graph_unexpected_answer"),
]  # fmt: skip


def answer(status, code="", message="", **headers):
    body = {"error": {"code": code, "message": message}} if code else None
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return replies.Answer.parse(status, CaseInsensitiveDict(named), body, now=lambda: NOW)


@pytest.mark.parametrize(("status", "code", "message", "error_class", "key"), CASES)
def test_documented_answer_has_its_meaning(status, code, message, error_class, key):
    error = replies.classify(answer(status, code, message))
    assert (type(error), error.key) == (error_class, key)


UNSENT_CASES = [
    # status, code, message, class, key: what drafts and looking up are answered
    (404, "ErrorItemNotFound", "The specified object was not found in the store.",
     exc.TransientError, "graph_item_not_found"),
    (404, "MailboxNotEnabledForRESTAPI", "x",
     exc.ConfigurationError, "graph_mailbox_not_enabled"),
    (403, "ErrorAccessDenied", "Access is denied. Check credentials and try again.",
     exc.RefusedError, "graph_read_write_denied"),
    (403, "ErrorAccessDenied", "Access to OData is disabled.",
     exc.ConfigurationError, "graph_odata_disabled"),
    (401, "InvalidAuthenticationToken", "Lifetime validation failed, the token is expired.",
     exc.SignInNeededError, "graph_token_refused"),
    (413, "ErrorAttachmentSizeLimitExceeded", "x", exc.RefusedError, "message_too_large"),
    (413, "RequestEntityTooLarge", "x", exc.RefusedError, "message_too_large"),
    (429, "ApplicationThrottled", "x", exc.ThrottledError, "graph_throttled"),
    *[(status, "", "", exc.TransientError, "graph_unavailable") for status in (500, 502, 503, 504)],
    (200, "", "", exc.UnreachableError, "graph_unexpected_answer"),
    (202, "", "", exc.UnreachableError, "graph_unexpected_answer"),
    (302, "", "", exc.UnreachableError, "graph_unexpected_answer"),
]  # fmt: skip


@pytest.mark.parametrize(("status", "code", "message", "error_class", "key"), UNSENT_CASES)
def test_answer_before_anything_was_sent_has_its_meaning(status, code, message, error_class, key):
    error = replies.classify_unsent(answer(status, code, message))
    assert (type(error), error.key) == (error_class, key)
    if error.outcome == "later":
        assert error.stops_mailbox is (key != "graph_item_not_found")


def test_nothing_is_unknown_before_anything_was_sent():
    for status in range(100, 1000):
        for code in ("", "SomethingNew"):
            assert replies.classify_unsent(answer(status, code)).outcome != "unknown"


@pytest.mark.parametrize(
    ("ranges", "position"),
    [
        (["0-"], 0), (["2097152"], 2097152), (["7-9", "12-"], 7),
        ([], None), (None, None), ("7-", None), (["-5"], None), (["x-"], None), ([7], None),
    ],
)  # fmt: skip
def test_next_position_of_an_upload(ranges, position):
    body = {"nextExpectedRanges": ranges}
    assert replies.Answer.parse(200, CaseInsensitiveDict(), body).next_position == position


#: Where only this mail waits; all others stop the mailbox for a while.
WAITS_ALONE = {(408, ""), (404, "ErrorItemNotFound")}


@pytest.mark.parametrize(("status", "code", "message", "error_class", "_key"), CASES)
def test_documented_answer_stops_the_mailbox_or_one_mail(status, code, message, error_class, _key):
    error = replies.classify(answer(status, code, message))
    if issubclass(error_class, exc.TransientError):
        assert error.stops_mailbox is ((status, code) not in WAITS_ALONE)


def test_every_key_is_met_by_a_documented_answer():
    met = {replies.classify(answer(*case[:3])).key for case in CASES}
    met |= {replies.classify_unsent(answer(*case[:3])).key for case in UNSENT_CASES}
    assert met | {"graph_claims_challenge"} == replies.KEYS


def test_no_status_is_left_without_a_meaning():
    for status in range(100, 1000):
        for code in ("", "SomethingNew"):
            assert replies.classify(answer(status, code)).outcome in (
                "later", "held", "refused", "unknown",
            )  # fmt: skip


def test_claims_challenge_asks_for_a_sign_in():
    error = replies.classify(answer(401, "InvalidAuthenticationToken", "x", WWW_Authenticate=CAE))
    assert (type(error), error.key) == (exc.SignInNeededError, "graph_claims_challenge")


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0),
        ("2.128", 2.128),
        (email.utils.formatdate(NOW + 90, usegmt=True), 90.0),
        ("soon", None),
        ("nan", None),
        (None, None),
    ],
)
def test_retry_after_is_obeyed_in_every_form(value, seconds):
    headers = {"Retry_After": value} if value else {}
    error = replies.classify(answer(429, "TooManyRequests", "x", **headers))
    assert error.retry_after == seconds


def test_time_named_in_the_message_counts_where_no_header_does():
    message = "Please retry after 37 seconds."
    assert replies.classify(answer(429, "TooManyRequests", message)).retry_after == 37
    both = answer(429, "TooManyRequests", message, Retry_After="5")
    assert replies.classify(both).retry_after == 5
    limit = answer(403, "ErrorExceededMessageLimit", "Next attempt in 24 hours.")
    assert replies.classify(limit).retry_after == 86400


def test_daily_limit_is_probed_once_an_hour_unless_graph_names_a_time():
    assert replies.classify(answer(403, "ErrorExceededMessageLimit")).retry_after == 3600
    named = replies.classify(answer(403, "ErrorExceededMessageLimit", Retry_After="60"))
    assert named.retry_after == 60


def test_unavailable_service_that_names_a_time_took_nothing():
    error = replies.classify(answer(503, Retry_After="120"))
    assert (error.outcome, error.retry_after) == ("later", 120)


def test_words_and_request_id_reach_the_administrator():
    error = replies.classify(answer(403, "ErrorSendAsDenied", DENIED, request_id="r-42"))
    assert error.provider_text == f"403 ErrorSendAsDenied {DENIED}"
    assert error.request_id == "r-42"


def test_request_id_is_found_in_the_body_too():
    body = {"error": {"code": "x", "message": "y", "innerError": {"request-id": "r-43"}}}
    assert replies.Answer.parse(400, CaseInsensitiveDict(), body).request_id == "r-43"


@pytest.mark.parametrize(
    "body",
    [None, [], "text", {"error": "text"}, {"error": None}, {"error": {"code": 7, "message": []}},
     {"error": {"innerError": "x"}}],
)  # fmt: skip
def test_body_of_any_other_shape_is_no_graph_error(body):
    parsed = replies.Answer.parse(400, CaseInsensitiveDict(), body)
    assert (parsed.code, parsed.message) == ("", "")
    assert replies.classify(parsed).key == "graph_unexpected_answer"
