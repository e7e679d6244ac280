"""One recognised error."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import IntEnum

from ..providers.redaction import clean_text
from .pasted_text import hide_secrets

#: Characters on each side of what was recognised that are shown with it.
_BEFORE, _AFTER = 80, 300


class Rank(IntEnum):
    """How much a finding says; the lowest number says most."""

    PROVIDER = 1  # a number or a phrase of the provider's own
    OWN = 2  # Odoo's own words or key
    PROTOCOL = 3  # a name that the protocol defines, the same for every provider
    NETWORK = 4  # the connection, not the provider
    GENERIC = 5  # no more than "it failed"; dropped where anything else was found


@dataclass(frozen=True)
class Finding:
    """An entry of the error catalogue that a text speaks of.

    :param key: entry of the catalogue
    :param text: the part of the text that says so, without secrets
    :param details: values for the placeholders of the entry's sentences
    """

    key: str
    rank: Rank
    text: str = ""
    details: dict = field(default_factory=dict, hash=False)

    def with_details(self, details: dict) -> Finding:
        """Return the same with further details; its own go before."""
        return replace(self, details={**details, **self.details})


def first_of_each(pattern, text: str) -> list:
    """Return the matches of a pattern in a text, of those whose first group is alike the first."""
    matches = {}
    for match in pattern.finditer(text):
        matches.setdefault(match[1], match)
    return list(matches.values())


def excerpt(text: str, start: int, end: int) -> str:
    """Return the part of ``text`` around a match, fit to be shown.

    It stays within the lines of the match, and begins and ends with a whole word.
    """
    before = text[max(start - _BEFORE, 0) : start].rpartition("\n")
    before = before[2] if before[1] or start <= _BEFORE else "…" + before[2].partition(" ")[2]
    after = text[end : end + _AFTER].partition("\n")
    after = after[0] if after[1] or end + _AFTER >= len(text) else after[0].rpartition(" ")[0] + "…"
    return clean_text(hide_secrets(before + text[start:end] + after))
