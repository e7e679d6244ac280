"""Every key of the error catalogue that this layer raises errors with."""

from __future__ import annotations

from ..providers.http_session import KEYS as HTTP_KEYS
from . import connection_errors, graph_replies, smtp_replies

#: Keys of single checks, beside the tables of replies and errors.
_CHECKS = frozenset(
    {
        "address_invalid",
        "answer_incomplete",
        "check_timeout",
        "delivery_unknown",
        "graph_upload_host",
        "graph_upload_lost",
        "message_malformed",
        "message_too_large",
        "no_recipients",
        "smtp_password_not_offered",
        "smtp_password_refused",
        "smtp_tls_required",
        "smtp_utf8_missing",
        "smtp_xoauth2_missing",
    }
)

KEYS = _CHECKS | HTTP_KEYS | connection_errors.KEYS | graph_replies.KEYS | smtp_replies.KEYS
