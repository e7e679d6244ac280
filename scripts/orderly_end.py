"""The end of a command: whatever happens, its children are ended and people get a plain word."""

import signal
import sys

from .console import SetupError, show
from .processes import stop_everything

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run_to_the_end(call):
    """Return the exit code of ``call()``, 1 where it raised a :class:`SetupError`."""
    for number in _ENDING:
        signal.signal(number, _end)
    try:
        return call() or 0
    except SetupError as err:
        show(f"\n{err}")
        return 1
    finally:
        stop_everything()


def _end(number, _frame):
    """Unwind once, so that every child is ended in order; further signals cannot tear that."""
    for each in _ENDING:
        signal.signal(each, signal.SIG_IGN)
    show("\nStopping")
    sys.exit(128 + number)
