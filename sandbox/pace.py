"""What is under way and what happened lately, per mailbox, for the limits."""

from __future__ import annotations

from collections import Counter, defaultdict, deque


class Pace:
    """Slots taken now, and moments (seconds since the epoch) of what was started before."""

    def __init__(self):
        self.under_way: Counter = Counter()
        self._moments: dict[str, deque[float]] = defaultdict(deque)

    def note(self, key: str, moment: float) -> None:
        """Remember that something started."""
        self._moments[key].append(moment)

    def since(self, key: str, moment: float) -> list[float]:
        """Return the moments after ``moment``, and forget those before."""
        moments = self._moments[key]
        while moments and moments[0] <= moment:
            moments.popleft()
        return list(moments)
