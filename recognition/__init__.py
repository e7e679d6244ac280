"""Recognises errors in any text that a person pasted: pure functions, no network, no Odoo.

Nothing here says what an error means to the code: that is decided by the tables of
``providers/`` and ``transport/``, which are asked with what is read out of the text. Only texts
that no code of this addon meets (a provider's error page, say) have a table here:
:mod:`.looked_up`.
"""

from __future__ import annotations

from . import http, looked_up, network, oauth, own_words, smtp
from .finding import Finding, Rank
from .graph import find as find_graph
from .pasted_text import details_in, hide_secrets, readings

__all__ = ["Finding", "Rank", "hide_secrets", "readings", "recognise"]

_DETECTORS = (oauth.find, find_graph, looked_up.find, http.find, network.find)


def recognise(text: str, sentences=()) -> list[Finding]:
    """Return every error that is recognised in a text, the most specific first, each key once.

    :param text: as pasted: a line of a log, a page, a reply, JSON, an address; may hold secrets,
        which the findings do not
    :param sentences: ``(key, sentence)`` of the error catalogue, in every language that the
        text may be written in; placeholders as ``%(name)s``
    """
    sentences = tuple(sentences)
    found = []
    for reading in reversed(readings(text)):  # what is shown comes from the plainest one
        found += smtp.find(reading)
        found += _found_in_one_line(reading)
        found += own_words.find_keys(reading, {key for key, _sentence in sentences})
        line = " ".join(reading.split())
        found += own_words.find_sentences(line, sentences, {finding.key for finding in found})
    details = details_in(text)
    return [finding.with_details(details) for finding in _most_specific_first(found)]


def _found_in_one_line(reading):
    """Read a text in one line, because a mail program may have broken it anywhere.

    What is shown comes from its own line where that is enough.
    """
    lines = {finding.key: finding for find in _DETECTORS for finding in find(reading)}
    line = " ".join(reading.split())
    found = [finding for find in _DETECTORS for finding in find(line)]
    return [lines.get(finding.key, finding) for finding in found]


def _most_specific_first(found):
    by_key = {}
    for finding in sorted(found, key=lambda finding: finding.rank):
        by_key.setdefault(finding.key, finding)
    telling = [finding for finding in by_key.values() if finding.rank < Rank.GENERIC]
    return telling or list(by_key.values())
