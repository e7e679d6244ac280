"""Faults by name, for the web page."""

from __future__ import annotations

TOKEN = "microsoft.token"
REFRESH = {"match": {"grant_type": "refresh_token"}}


def _reply(place: str, status: int, message: str, **more) -> dict:
    return {"place": place, "kind": "reply", "status": status, "message": message, **more}


def _error(place: str, code="", **more) -> dict:
    return {"place": place, "kind": "error", "code": str(code), **more}


#: group -> label -> description of the fault
PRESETS = {
    "Entra ID tokens": {
        "Connection dropped": {"place": TOKEN, "kind": "drop"},
        "No answer": {"place": TOKEN, "kind": "hang"},
        "502 with HTML": {"place": TOKEN, "kind": "html"},
        "Half a JSON": {"place": TOKEN, "kind": "half_json"},
        "Throttled (429, Retry-After 7)": _error(TOKEN, 90055, retry_after="7"),
        "Unavailable (503)": _error(TOKEN, 90033),
        "Next refresh: grant revoked": _error(TOKEN, 50173, **REFRESH),
        "Next refresh: unused for 90 days": _error(TOKEN, 700082, **REFRESH),
        "Next refresh: multi-factor sign-in": _error(TOKEN, 50076, **REFRESH),
        "Next refresh: Conditional Access": _error(TOKEN, 53003, **REFRESH),
        "Consent required": _error(TOKEN, 65001),
        "Wrong client secret": _error(TOKEN, 7000215),
        "Client secret expired": _error(TOKEN, 7000222),
        "Metadata: unknown tenant": _error("microsoft.metadata", 90002),
        "Metadata: connection dropped": {"place": "microsoft.metadata", "kind": "drop"},
    },
    "Graph": {
        "Token expired (401)": _error("graph", "InvalidAuthenticationToken"),
        "Access denied (403)": _error("graph.sendmail", "ErrorAccessDenied"),
        "Send As denied (403)": _error("graph.sendmail", "ErrorSendAsDenied"),
        "No mailbox (404)": _error("graph.sendmail", "MailboxNotEnabledForRESTAPI"),
        "Too large (413)": _error("graph.sendmail", "RequestEntityTooLarge"),
        "Throttled (429, Retry-After 5)": _error(
            "graph.sendmail", "ApplicationThrottled", retry_after="5"
        ),
        "Throttled (429, Retry-After 2.128)": _error(
            "graph.sendmail", "ApplicationThrottled", retry_after="2.128"
        ),
        "Throttled (429, no Retry-After)": _error("graph.sendmail", "TooManyRequests"),
        "Internal error (500)": _error("graph.sendmail", "ErrorInternalServerError"),
        "Unavailable (503)": _error("graph.sendmail", "ServiceUnavailable"),
        "Accepted, then 504": _error("graph.sendmail", "GatewayTimeout", processed=True),
        "200 and not sent": _reply("graph.sendmail", 200, ""),
        "Dropped before anything was read": {"place": "graph.sendmail", "kind": "drop"},
        "Accepted, then dropped": {"place": "graph.sendmail", "kind": "drop", "processed": True},
        "No answer": {"place": "graph.sendmail", "kind": "hang"},
    },
    "Exchange SMTP": {
        "Dropped at connect": {"place": "microsoft_smtp.connect", "kind": "drop"},
        "Busy at connect (421)": _reply(
            "microsoft_smtp.connect", 421, "4.3.2 Service not available"
        ),
        "Dropped at STARTTLS": {"place": "microsoft_smtp.starttls", "kind": "drop"},
        "Expired certificate": {"place": "microsoft_smtp.starttls", "kind": "tls_expired"},
        "Certificate of another host": {
            "place": "microsoft_smtp.starttls",
            "kind": "tls_wrong_name",
        },
        "Unknown certificate authority": {
            "place": "microsoft_smtp.starttls",
            "kind": "tls_untrusted",
        },
        "Login refused (535)": _reply(
            "microsoft_smtp.auth", 535, "5.7.3 Authentication unsuccessful"
        ),
        "Sender refused (550)": _reply(
            "microsoft_smtp.mail", 550, "5.1.8 Access denied, bad outbound sender"
        ),
        "Busy at MAIL (451)": _reply("microsoft_smtp.mail", 451, "4.7.500 Server busy"),
        "Recipient refused (550)": _reply("microsoft_smtp.rcpt", 550, "5.1.1 User unknown"),
        "Dropped before the content": {"place": "microsoft_smtp.data", "kind": "drop"},
        "Dropped within the content": {"place": "microsoft_smtp.body", "kind": "drop"},
        "Dropped at the end, not delivered": {
            "place": "microsoft_smtp.accepted",
            "kind": "drop",
        },
        "Delivered, then dropped": {
            "place": "microsoft_smtp.accepted",
            "kind": "drop",
            "processed": True,
        },
        "Spam verdict (554)": _reply(
            "microsoft_smtp.accepted",
            554,
            "5.2.0 STOREDRV.Submission.Exception:OutboundSpamException; WASCL UserAction verdict"
            " is not None. Actual verdict is Suspend.",
        ),
    },
    "Google tokens": {
        "Connection dropped": {"place": "google.token", "kind": "drop"},
        "No answer": {"place": "google.token", "kind": "hang"},
        "502 with HTML": {"place": "google.token", "kind": "html"},
        "Half a JSON": {"place": "google.token", "kind": "half_json"},
        "Backend error (500)": _error(
            "google.token", status=500, error="internal_failure", message="Backend Error"
        ),
        "Throttled (429)": _error(
            "google.token", status=429, error="rate_limit_exceeded", retry_after="7"
        ),
        "Next refresh: grant revoked": _error(
            "google.token",
            error="invalid_grant",
            message="Token has been expired or revoked.",
            **REFRESH,
        ),
        "Next refresh: sign-in too old": _error(
            "google.token",
            error="invalid_grant",
            suberror="invalid_rapt",
            message="reauth related error (invalid_rapt)",
            **REFRESH,
        ),
        "Blocked by the administrator": _error("google.token", error="admin_policy_enforced"),
        "Wrong client secret": _error(
            "google.token", status=401, error="invalid_client", message="Unauthorized"
        ),
        "Client deleted": _error(
            "google.token",
            status=401,
            error="deleted_client",
            message="The OAuth client was deleted.",
        ),
    },
    "Gmail SMTP": {
        "Dropped at connect": {"place": "google_smtp.connect", "kind": "drop"},
        "Expired certificate": {"place": "google_smtp.starttls", "kind": "tls_expired"},
        "Too many logins (454)": _reply(
            "google_smtp.auth", 454, "4.7.0 Too many login attempts, please try again later."
        ),
        "Busy (421)": _reply("google_smtp.mail", 421, "4.7.0 Try again later, closing connection."),
        "Recipient unknown (550)": _reply("google_smtp.rcpt", 550, "5.1.1 No such user"),
        "Daily limit (550)": _reply(
            "google_smtp.accepted",
            550,
            "5.4.5 Daily user sending limit exceeded. For more information on Gmail",
        ),
        "Dropped within the content": {"place": "google_smtp.body", "kind": "drop"},
        "Delivered, then dropped": {
            "place": "google_smtp.accepted",
            "kind": "drop",
            "processed": True,
        },
    },
}
