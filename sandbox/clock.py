"""The sandbox's own time."""

from __future__ import annotations

import time


class Clock:
    """The machine's time plus what tests advanced it by, in seconds since the epoch (UTC)."""

    def __init__(self):
        self.offset = 0.0

    def now(self) -> float:
        """Return the current time of the sandbox."""
        return time.time() + self.offset

    def advance(self, seconds: float) -> None:
        """Move the sandbox's time forward (or back, when negative)."""
        self.offset += seconds
