"""How long a provider asks to wait: in the ``Retry-After`` header (RFC 9110 §10.2.3), or in words.

Words name a time where no header does: ``User-rate limit exceeded.  Retry after
2026-09-11T20:00:00.000Z`` (Gmail), ``Suggested Backoff Time: 299910 milliseconds`` (Exchange),
``try again in 300 seconds`` (grey-listing mail servers).
"""

from __future__ import annotations

import math
import re
import time
from datetime import datetime
from email.utils import parsedate_to_datetime

from dateutil import parser as date_parser

#: A pause longer than this is a fault of the header, not a wish of the provider. Seconds.
#: Gmail's longest block lasts 24 hours.
LONGEST_PAUSE = 24 * 3600

#: Characters of a text that are looked at; nobody asks for a pause further down.
_TEXT_LIMIT = 2000

#: Unit as a pattern, and its seconds.
_UNITS = {
    r"milliseconds?|ms": 0.001,
    r"seconds?|secs?|s": 1,
    r"minutes?|mins?|m": 60,
    r"hours?|hrs?|h": 3600,
    r"days?|d": 86400,
}
_AMOUNT = rf"\d{{1,9}}(?:\.\d{{1,9}})?\s?(?:{'|'.join(_UNITS)})\b"

#: What a time must follow to be a wish: "30 messages in 1 minute" and "24 hours a day" are none.
_ASKED = r"""
    (?: \b (?:re)?try (?:ing)? | \b wait | \b back [ -]? off | \b resume
      | \b (?: available | allowed | next\ attempt ) \W+ (?: again | after | in | at | on | from ) )
    (?: \W+ (?: again | later | after | in | for | at | on | until | least | about | another | time
               | is ) )*
    \W+
"""

_DURATION = re.compile(
    rf"{_ASKED} (?P<wish> {_AMOUNT} (?: (?: \s* , \s* | \s+ and \s+ | \s+ ) {_AMOUNT} )* )",
    re.VERBOSE | re.IGNORECASE,
)

#: ISO 8601, or day, name of the month and year; always with a zone: without it would be a guess.
_MOMENT = re.compile(
    rf"""{_ASKED} (?P<wish>
        (?: \d{{4}}-\d\d-\d\d [T\ ]
          | (?: [a-z]{{3,9}} ,\s )? \d{{1,2}} \s [a-z]{{3,9}} \s \d{{4}} \s )
        \d\d:\d\d (?: :\d\d (?: \.\d+ )? )?
        \s? (?: Z | GMT | UTC | [+-]\d\d:?\d\d ) \b
    )""",
    re.VERBOSE | re.IGNORECASE,
)


def requested_pause(header, text: str, *, now=time.time) -> float | None:
    """Return the seconds that an answer asks to wait: its header's, else those of its words.

    :param header: ``Retry-After`` as received, or ``None``
    :param text: the provider's words
    :param now: clock in seconds since the epoch
    :return: 0 to :data:`LONGEST_PAUSE`; ``None`` where neither names a time
    """
    pause = parse_retry_after(header, now=now)
    return pause_in_words(text, now=now) if pause is None else pause


def parse_retry_after(value, *, now=time.time) -> float | None:
    """Return the seconds to wait that a ``Retry-After`` header asks for.

    Microsoft Graph also sends fractions ("2.128"), which the RFC does not know.

    :param value: the header as received: seconds or an HTTP date
    :param now: clock in seconds since the epoch, needed for the date form
    :return: 0 to :data:`LONGEST_PAUSE`; ``None`` without a header, or with one that says nothing
    """
    if not value:
        return None
    try:
        seconds = float(value)
    except ValueError:
        seconds = _seconds_until(parsedate_to_datetime, value, now())
    return _bounded(seconds)


def pause_in_words(text: str, *, now=time.time) -> float | None:
    """Return the seconds to wait that a text asks for in so many words, else ``None``.

    :param now: clock in seconds since the epoch
    """
    text = text[:_TEXT_LIMIT]
    if duration := _DURATION.search(text):
        return _bounded(sum(map(_seconds, re.findall(_AMOUNT, duration["wish"], re.IGNORECASE))))
    if moment := _MOMENT.search(text):
        return _bounded(_seconds_until(date_parser.parse, moment["wish"], now()))
    return None


def _seconds(amount: str) -> float:
    number, unit = re.fullmatch(r"([\d.]+)\s?([a-z]+)", amount, re.IGNORECASE).groups()
    lengths = (length for name, length in _UNITS.items() if re.fullmatch(name, unit, re.IGNORECASE))
    return float(number) * next(lengths)


def _bounded(seconds: float | None) -> float | None:
    if seconds is None or not math.isfinite(seconds):
        return None
    return min(max(seconds, 0.0), float(LONGEST_PAUSE))


def _seconds_until(parse, text: str, now: float) -> float | None:
    try:
        moment: datetime = parse(text)
        return moment.timestamp() - now
    except (TypeError, ValueError, OverflowError):
        return None
