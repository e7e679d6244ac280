"""Throttling of Graph.

https://learn.microsoft.com/graph/throttling-limits
"""

from __future__ import annotations

import contextlib

from .directory import Account
from .graph_auth import Caller
from .http_errors import GraphError, graph_error

TEN_MINUTES = 600.0


@contextlib.contextmanager
def graph_pace(caller: Caller, mailbox: Account, *, sends: bool = False):
    """Hold one of the mailbox's slots while a request is handled.

    :param sends: the request sends a mail, so that Exchange's limits count too
    :raises GraphError: 429 while limits are on and one is reached
    """
    pace, key = caller.world.pace, f"graph/{mailbox.address}"
    if caller.world.settings.limits:
        _check_requests(caller, key)
        if sends:
            _check_exchange(caller, mailbox)
    pace.note(key, caller.world.now())
    pace.under_way[key] += 1
    try:
        yield
    finally:
        pace.under_way[key] -= 1


def _check_requests(caller: Caller, key: str) -> None:
    world = caller.world
    if world.pace.under_way[key] >= world.settings.graph_concurrency:
        raise _throttled("Application is over its MailboxConcurrency limit.", 1)
    recent = world.pace.since(key, world.now() - TEN_MINUTES)
    if len(recent) >= world.settings.graph_requests_per_ten_minutes:
        raise _throttled("Too many requests.", recent[0] + TEN_MINUTES - world.now())


def _check_exchange(caller: Caller, mailbox: Account) -> None:
    """Apply Exchange's sending limits, which count what came by SMTP as well."""
    world = caller.world
    account = (caller.account or mailbox).address
    mails, _ = world.mail.sent_since(account, world.now() - 60)
    if mails >= world.settings.exchange_messages_per_minute:
        raise _throttled("Application is over its limit of messages per minute.", 60)
    _, recipients = world.mail.sent_since(account, world.now() - 86400)
    if recipients >= world.settings.exchange_recipients_per_day:
        raise graph_error("ErrorExceededMessageLimit")


def _throttled(message: str, seconds: float) -> GraphError:
    return graph_error(
        "ApplicationThrottled", message, headers={"Retry-After": f"{max(seconds, 0.001):.3f}"}
    )
