"""An end for calls that have none of their own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from ..exceptions import UnreachableError

T = TypeVar("T")


def within(seconds: float, call: Callable[[], T], *, host: str = "", port: int = 0) -> T:
    """Return what ``call()`` returns, or give up on it.

    For name resolution, which knows no time-out, and for hosts that answer a little at a time.
    A call that is given up goes on in a thread nobody waits for: it must change nothing, and
    hold nothing of the caller's that is not made for several threads, such as a cursor.

    :param host, port: whom the call asks, for the words of the error
    :raises UnreachableError: ``check_timeout``; and whatever ``call`` raises
    """
    ended = _Ended()
    threading.Thread(target=ended.run, args=(call,), daemon=True).start()
    if not ended.event.wait(seconds):
        details = {"host": host, "port": port, "seconds": round(seconds)}
        raise UnreachableError("check_timeout", details=details)
    if ended.error:
        raise ended.error
    return ended.result


class _Ended:
    """How a call in another thread ended."""

    def __init__(self):
        self.event = threading.Event()
        self.result = None
        self.error = None

    def run(self, call):
        try:
            self.result = call()
        except BaseException as error:  # noqa: BLE001 - raised again by whoever waits
            self.error = error
        finally:
            self.event.set()
