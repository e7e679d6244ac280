"""Answers of Microsoft Graph: its JSON, our log's words for it, and bare names of errors."""

from __future__ import annotations

import re

from ..transport import graph_replies
from ..transport.graph_replies import Answer
from .finding import Finding, Rank, excerpt

#: a code that no table knows, where the answer is Graph's without doubt
_ANY_CODE = re.compile(r"""["']code["']\s*:\s*["']([A-Z]\w+)["']""")
_GRAPH = re.compile(r"graph\.microsoft|microsoftgraph|inner-?error|sendMail", re.IGNORECASE)
_STATUS = re.compile(
    r"(?:HTTP(?:/[\d.]+)?|status(?:[ _]?code)?)\W{1,3}([45]\d\d)\b|\b([45]\d\d)\s$"
)
_CHALLENGE = "insufficient_claims"
#: characters after a code that belong to it
_MESSAGE = 400

#: The HTTP status that a code comes with, where the text does not say.
#: https://learn.microsoft.com/graph/errors
_USUAL_STATUS = {
    "ApplicationThrottled": 429,
    "ErrorAccessDenied": 403,
    "ErrorInternalServerError": 500,
    "ErrorInvalidUser": 404,
    "ErrorItemNotFound": 404,
    "GatewayTimeout": 504,
    "InvalidAuthenticationToken": 401,
    "Request_ResourceNotFound": 404,
    "ResourceNotFound": 404,
    "ServiceUnavailable": 503,
    "TooManyRequests": 429,
}
_STATUS_OF_OTHERS = 400

#: Names of several words: a single one, "Forbidden", is a word of any text.
_NAMES = {name for name in {*graph_replies.CODES, *_USUAL_STATUS} if re.search("[a-z][A-Z]", name)}
_CODE = re.compile(r"\b(" + "|".join(sorted(_NAMES)) + r")\b")


def find(text: str) -> list[Finding]:
    """Return the findings of a reading."""
    found = [_finding(text, match) for match in _CODE.finditer(text)]
    if not found and _GRAPH.search(text):
        found = [_finding(text, match) for match in _ANY_CODE.finditer(text)]
    return _challenges(text) + found + _phrases(text)


def _challenges(text):
    place = text.find(_CHALLENGE)
    if place < 0:
        return []
    shown = excerpt(text, place, place + len(_CHALLENGE))
    return [_classified(Answer(401, challenge=_CHALLENGE), shown)]


def _finding(text, match):
    message = text[match.end() : match.end() + _MESSAGE]
    answer = Answer(_status(text, match), match[1], message)
    return _classified(answer, excerpt(text, *match.span()))


def _classified(answer, shown):
    key = graph_replies.classify(answer).key
    rank = Rank.GENERIC if key in graph_replies.GENERIC_KEYS else Rank.PROVIDER
    return Finding(key, rank, shown)


def _status(text, match):
    named = _STATUS.search(text[max(match.start() - 200, 0) : match.start()])
    if named:
        return int(named[1] or named[2])
    return _USUAL_STATUS.get(match[1], _STATUS_OF_OTHERS)


def _phrases(text):
    found = []
    for words, status in graph_replies.PHRASES:
        place = text.casefold().find(words.casefold())
        if place >= 0:
            shown = excerpt(text, place, place + len(words))
            found.append(_classified(Answer(status, "", text[place : place + _MESSAGE]), shown))
    return found
