"""Replies of mail servers, as logs, bounces and Python write them."""

from __future__ import annotations

import re

from ..transport import smtp_replies
from ..transport.smtp_replies import AUTH, CONNECT, CONTENT, DATA, MAIL, RCPT, Reply
from .finding import Finding, Rank, excerpt
from .providers import only_provider_in

#: What a reply begins with: ``535 5.7.3 …``, ``535-5.7.8 …``, ``(535, b'5.7.8 …``; a reply
#: without an enhanced code is told from other numbers by standing first in its line.
_REPLY = re.compile(
    r"""
    (?<![\w.:/-])(?P<code>[45]\d\d)(?:[ -]|,\s*b?["'])\s?\#?
        (?P<enhanced>[45]\.[0-7]\.\d{1,3})(?![\d.])
    | (?<![\w.:/+-])\#?(?P<alone>[45]\.[0-7]\.\d{1,3})(?![\d.])
    | (?<=\()(?P<tuple>[45]\d\d),\s*b?["']
    | ^[ \t>*]*(?:[SC<]:?[ ]+|(?:server|reply):\s*b?["']?)?(?P<first>4[235]\d|5[0-5]\d)[ -]
        (?:(?P<after_first>[45]\.[0-7]\.\d{1,3})(?![\d.])|(?=\D|\d\.\d))
    """,
    re.VERBOSE | re.MULTILINE,
)
#: HTTP has these too; as first in a line they need a word of mail servers, and none of HTTP's
_ALSO_HTTP = frozenset({"500", "501", "502", "503", "504", "505"})
_MAIL_WORDS = re.compile(
    r"smtp|\bmail\b|rcpt|command|sequence|\behlo\b|\bhelo\b|starttls", re.IGNORECASE
)
_HTTP_WORDS = re.compile(
    r"(?:client|server) error|internal server|bad gateway|(?:temporarily )?unavailable for url"
    r"|gateway time",
    re.IGNORECASE,
)
#: characters of a reply that are read, beyond its code
_LENGTH = 700

#: in the order in which they are asked where the text does not tell
_STAGES = (CONTENT, RCPT, MAIL, DATA, AUTH, CONNECT)
#: smtplib names the stage by the class of its exception
_STAGE_NAMES = {
    "SMTPAuthenticationError": AUTH,
    "SMTPConnectError": CONNECT,
    "SMTPDataError": CONTENT,
    "SMTPHeloError": CONNECT,
    "SMTPRecipientsRefused": RCPT,
    "SMTPSenderRefused": MAIL,
}
_STAGE_NAME = re.compile(r"\b(" + "|".join(_STAGE_NAMES) + r")\b")


def find(text: str) -> list[Finding]:
    """Return the findings of a reading, then those of phrases without a reply around them."""
    provider = only_provider_in(text)
    found = []
    stages = _stages(text)
    for reply, is_sure, shown in _replies(text):
        found += [
            Finding(key, _rank(key), shown)
            for key in _keys(reply, stages, provider)
            if is_sure or key not in smtp_replies.CODE_KEYS
        ]
    return found + _phrases(text)


def _replies(text):
    """Yield ``(reply, is it one for sure, what is shown of it)``; the lines of one are one.

    An enhanced code that stands alone may as well be the number of a version.
    """
    starts = [match for match in _REPLY.finditer(text) if _is_reply(match, text)]
    begin = None
    for number, match in enumerate(starts):
        following = starts[number + 1] if number + 1 < len(starts) else None
        begin = begin or match
        if following and _name(following) == _name(match):
            continue
        stop = min(following.start() if following else len(text), begin.start() + _LENGTH)
        code, enhanced = _name(match)
        words = " ".join(text[begin.end() : stop].split())
        shown = excerpt(text, begin.start(), match.end())
        yield Reply(int(code), enhanced, words), not match["alone"], shown
        begin = None


def _is_reply(match, text):
    if match["first"] not in _ALSO_HTTP or match["after_first"]:
        return True
    words = text[match.start() : match.start() + _LENGTH]
    return bool(_MAIL_WORDS.search(words)) and not _HTTP_WORDS.search(words)


def _name(match):
    """Return code and enhanced code; the latter alone tells the class of the former."""
    if match["alone"]:
        return f"{match['alone'][0]}50", match["alone"]
    code = match["code"] or match["tuple"] or match["first"]
    return code, match["enhanced"] or match["after_first"] or ""


def _stages(text):
    named = _STAGE_NAME.search(text)
    return (_STAGE_NAMES[named[1]],) if named else _STAGES


def _keys(reply, stages, provider):
    """Return what a reply means at any of the stages, without what only its code says."""
    keys = [smtp_replies.classify(reply, stage, provider).key for stage in stages]
    telling = [key for key in dict.fromkeys(keys) if key not in smtp_replies.CODE_KEYS]
    return telling or keys[:1]


def _rank(key):
    return Rank.GENERIC if key in smtp_replies.CODE_KEYS else Rank.PROVIDER


def _phrases(text):
    found = []
    for key, words in smtp_replies.PHRASES:
        place = text.casefold().find(words.casefold())
        if place >= 0:
            found.append(Finding(key, Rank.PROVIDER, excerpt(text, place, place + len(words))))
    return found
