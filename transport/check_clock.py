"""How far the clock of this machine is from the clock of a provider."""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime

from ..exceptions import UnreachableError
from ..providers.http_session import open_session
from ..providers.id_token import CLOCK_SKEW
from .check_network import host_and_port

#: Seconds of difference that nobody has to care about: Date knows whole seconds only.
HARMLESS_SKEW = 30
#: Seconds of difference from which on sign-ins fail.
HARMFUL_SKEW = CLOCK_SKEW

_ANSWER_SECONDS = 10.0


def clock_skew(url: str, *, session=None, now=time.time) -> float:
    """Return by how many seconds this machine is ahead of a host; negative if it is behind.

    Read from the header ``Date``, which every answer carries, also one that says no.
    https://www.rfc-editor.org/rfc/rfc9110#section-6.6.1

    :param url: an address at the host that answers anybody
    :param session: from :mod:`..providers.http_session`
    :param now: clock in seconds since the epoch
    :raises UnreachableError:
    """
    session = session or open_session(read_timeout=_ANSWER_SECONDS)
    with session:
        before = now()
        response = session.get(url)
        # The answer was dated about half-way between question and answer.
        here = (before + now()) / 2
    return here - _date_of(response)


def _date_of(response) -> float:
    try:
        return parsedate_to_datetime(response.headers.get("Date", "")).timestamp() + 0.5
    except (TypeError, ValueError):
        host, _port = host_and_port(response.url)
        details = {"host": host, "status": response.status_code}
        raise UnreachableError("answer_incomplete", details=details) from None
