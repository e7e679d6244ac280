"""The part of OData's ``$filter`` that looking up a sent mail needs.

https://learn.microsoft.com/graph/filter-query-parameter
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from datetime import UTC, datetime

from .http_errors import graph_error
from .mail import MessageSource
from .mailboxes import StoredMessage

_CONDITION = re.compile(r"(\w+) (eq|ne|ge|gt|le|lt) ('(?:[^']|'')*'|[^\s']+)")
_OPERATORS = {
    name: getattr(operator, name) for name in ("eq", "ne", "ge", "gt", "le", "lt")
}  # fmt: skip


def matcher(text: str) -> Callable[[StoredMessage], bool]:
    """Return a predicate for conditions joined by ``and``.

    :raises GraphError: 400 for what Graph, or this stand-in, does not understand
    """
    conditions = _split(text) if text else []

    def matches(message: StoredMessage) -> bool:
        return all(
            compare(_PROPERTIES[name](message), value) for name, compare, value in conditions
        )

    return matches


def _split(text: str) -> list[tuple]:
    conditions, position = [], 0
    while True:
        found = _CONDITION.match(text, position)
        if not found or found[1] not in _PROPERTIES:
            raise graph_error("BadRequest", f"Invalid filter clause: {text}", 400)
        conditions.append((found[1], _OPERATORS[found[2]], _value(found[1], found[3])))
        position = found.end()
        if position == len(text):
            return conditions
        if text[position : position + 5] != " and ":
            raise graph_error("BadRequest", f"Invalid filter clause: {text}", 400)
        position += 5


def _value(name: str, text: str):
    if name.endswith("DateTime"):
        return _moment(text)
    if text.startswith("'"):
        return text[1:-1].replace("''", "'")
    return {"true": True, "false": False}.get(text, text)


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise graph_error("BadRequest", f"Invalid date: {text}", 400) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _at(message: StoredMessage) -> datetime:
    return datetime.fromtimestamp(int(message.at), UTC)


_PROPERTIES = {
    "internetMessageId": lambda message: message.internet_message_id,
    "subject": lambda message: MessageSource(message.source).header("Subject"),
    "isDraft": lambda message: message.is_draft,
    "sentDateTime": _at,
    "receivedDateTime": _at,
    "createdDateTime": _at,
}
