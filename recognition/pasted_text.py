"""A pasted text as people and programs write it: pages, addresses, escapes, secrets."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from urllib.parse import unquote_plus

from ..providers.redaction import hide_credentials, hide_named_secrets

#: Characters of a pasted text that are read. An hour of a log fits.
LIMIT = 50_000

_MARKUP = re.compile(
    r"<(?:!doctype|html|head|body|div|p|br|span|h[1-6]|pre|title|table)\b", re.IGNORECASE
)
_QUOTED = re.compile(r"%[0-9a-f]{2}|[?&][\w.]+=[^\s&]*\+", re.IGNORECASE)
_ESCAPED = re.compile(r"\\u00([0-9a-f]{2})|\\(r\\n|[nrt\"'/])", re.IGNORECASE)
_BLANKS = {"r\\n": "\n", "n": "\n", "r": "\n", "t": " "}
#: urllib3's and Odoo's words for a host, our log's for a mailbox
_DETAILS = (
    re.compile(r"SMTP server '(?P<host>[\w.-]+)'"),
    re.compile(r"host='(?P<host>[\w.-]+)', port=(?P<port>\d+)"),
    re.compile(r"\bMailbox (?P<mailbox>[\w.+-]+@[\w.-]*\w)"),
)
_UNSEEN = ("script", "style")


def readings(text: str) -> list[str]:
    """Return the text and what it says once its wrapping is taken off, each different one once.

    :return: first the text as it is, without the escapes of JSON and Python; then a page without
        its markup; then an address decoded
    """
    plain = _without_escapes(text[:LIMIT].replace("\r\n", "\n").replace("\r", "\n"))
    found = [plain]
    if _MARKUP.search(plain):
        found.append(_page_text(plain))
    if _QUOTED.search(plain):
        found.append(_without_escapes(unquote_plus(unquote_plus(plain))))
    return list(dict.fromkeys(found))


def details_in(text: str) -> dict[str, str]:
    """Return what a text names that the sentences of the catalogue have a place for."""
    found = {}
    for pattern in _DETAILS:
        match = pattern.search(text[:LIMIT])
        found |= match.groupdict() if match else {}
    return found


def hide_secrets(text: str) -> str:
    """Return a text without anything in it that is a secret or looks like one."""
    return hide_credentials(hide_named_secrets(text))


def _without_escapes(text):
    def plain(match):
        if match[1]:
            return chr(int(match[1], 16))
        return _BLANKS.get(match[2].lower(), match[2])

    return _ESCAPED.sub(plain, text)


def _page_text(markup):
    reader = _PageReader()
    reader.feed(markup)
    reader.close()
    return "\n".join(" ".join(part.split()) for part in reader.parts if part.strip())


class _PageReader(HTMLParser):
    """Keeps what a browser would show of a page."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.parts = []
        self._unseen = 0

    def handle_starttag(self, tag, attrs):
        self._unseen += tag in _UNSEEN

    def handle_endtag(self, tag):
        self._unseen = max(self._unseen - (tag in _UNSEEN), 0)

    def handle_data(self, data):
        if not self._unseen:
            self.parts.append(data)
