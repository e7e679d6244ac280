"""The ``Retry-After`` header (RFC 9110 §10.2.3)."""

from __future__ import annotations

import math
import time
from email.utils import parsedate_to_datetime

#: A pause longer than this is a fault of the header, not a wish of the provider. Seconds.
#: Gmail's longest block lasts 24 hours.
LONGEST_PAUSE = 24 * 3600


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
        seconds = _seconds_until(value, now())
    if seconds is None or not math.isfinite(seconds):
        return None
    return min(max(seconds, 0.0), float(LONGEST_PAUSE))


def _seconds_until(http_date, now) -> float | None:
    try:
        return parsedate_to_datetime(http_date).timestamp() - now
    except (TypeError, ValueError, OverflowError):
        return None
