"""Statuses of HTTP, where the answer says nothing more."""

from __future__ import annotations

import re

from ..providers.oauth_errors import Answer, transient_error
from ..transport import graph_replies
from .finding import Finding, Rank, excerpt

_STATUS = re.compile(
    r"""
    (?:HTTP(?:/[\d.]+)?|status(?:[ _]?code)?)\W{1,3}(?P<named>429|413|50[0234])\b
    | \b(?P<worded>429|413|50[0234])\s(?:Client\sError|Server\sError|Too\sMany\sRequests
        |Request\sEntity\sToo\sLarge|Payload\sToo\sLarge|Internal\sServer\sError|Bad\sGateway
        |Service\s(?:Temporarily\s)?Unavailable|Gateway\sTime-?out)
    """,
    re.VERBOSE | re.IGNORECASE,
)
_GRAPH = re.compile(r"graph\.microsoft|microsoftgraph|sendMail|Microsoft Graph", re.IGNORECASE)
_GMAIL_API = re.compile(r"gmail\.googleapis|gmail/v1", re.IGNORECASE)


def find(text: str) -> list[Finding]:
    """Return the findings of a reading."""
    return [_finding(text, match) for match in _STATUS.finditer(text)]


def _finding(text, match):
    status = int(match["named"] or match["worded"])
    shown = excerpt(text, *match.span())
    if status == 413:
        return Finding("message_too_large", Rank.PROTOCOL, shown)
    if _GRAPH.search(text):
        key = graph_replies.classify(graph_replies.Answer(status)).key
    elif _GMAIL_API.search(text):
        key = "gmail_api_user_rate_limit" if status == 429 else "gmail_api_unavailable"
    else:
        key = transient_error(Answer(status)).key
    return Finding(key, Rank.GENERIC, shown, {"status": status})
