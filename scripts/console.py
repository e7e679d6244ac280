"""What the tooling tells the person in front of it: progress lines and plain errors."""

import contextlib
import threading
import time

_STARTED = time.monotonic()
_LINE = threading.Lock()


class SetupError(Exception):
    """Something is missing that the tooling cannot mend by itself.

    The message is written for the person who called ``make``: what is missing, what to do.
    """


def say(text):
    """Print one line with the seconds since the command began."""
    with _LINE:
        print(f"[{time.monotonic() - _STARTED:5.0f} s] {text}", flush=True)


def show(text):
    """Print text as it is (results, excerpts of logs)."""
    with _LINE:
        print(text, flush=True)


@contextlib.contextmanager
def step(text):
    """Announce a step that may take long, and say how long it took."""
    say(f"{text} ...")
    began = time.monotonic()
    yield
    say(f"{text}: done in {time.monotonic() - began:.0f} s")
