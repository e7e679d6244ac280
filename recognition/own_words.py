"""What Odoo itself wrote: the catalogue's sentences on a screen, its keys in a log."""

from __future__ import annotations

import re
from functools import lru_cache

from .finding import Finding, Rank, excerpt

_PLACEHOLDER = re.compile(r"%\(\w+\)s")
_KEY = re.compile(r"(?:^|: )([a-z][a-z\d_]+)(?=: |$)", re.MULTILINE)
_OWN_LOG = re.compile(r"mail_server_oauth2|\bMailbox \S+@")
#: characters that stand for a placeholder's value
_VALUE = ".{0,300}?"
#: shorter sentences say nothing
_SHORTEST = 12


def find_keys(text: str, keys) -> list[Finding]:
    """Return the keys in a reading as ``str()`` of an error gives them: ``not_json: its text``.

    Keys of a single word are words of many texts; they count in our own log only.
    """
    is_ours = bool(_OWN_LOG.search(text))
    return [
        Finding(match[1], Rank.OWN, excerpt(text, *match.span()))
        for match in _KEY.finditer(text)
        if match[1] in keys and (is_ours or "_" in match[1])
    ]


def find_sentences(text: str, sentences, known=()) -> list[Finding]:
    """Return the entries whose sentence stands in a reading of one line.

    :param sentences: ``(key, sentence)``; a sentence that is part of a longer one there is not
        meant, and of entries with the same sentence those in ``known`` are
    :param known: keys that were recognised by something else
    """
    places = {}
    for key, sentence in sentences:
        match = _pattern(sentence).search(text) if sentence else None
        if match:
            places.setdefault(match.span(), []).append(key)
    return [
        Finding(key, Rank.OWN, excerpt(text, *place))
        for place, keys in places.items()
        if not any(_is_within(place, other) for other in places)
        for key in [key for key in keys if key in known] or keys
    ]


def _is_within(place, other):
    return place != other and other[0] <= place[0] and place[1] <= other[1]


@lru_cache(maxsize=4096)
def _pattern(sentence):
    """Return what a sentence looks like with any values; values at its ends are left out."""
    parts = [re.escape(part) for part in _PLACEHOLDER.split(" ".join(sentence.split()))]
    words = _VALUE.join(parts).removeprefix(_VALUE).removesuffix(_VALUE)
    if len(words) < _SHORTEST:
        return re.compile(r"(?!)")  # nothing
    return re.compile(words)
