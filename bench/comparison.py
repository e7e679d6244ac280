"""Medians of the measurements, as ratios to core, and the targets."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from statistics import median

CORE, CORE_TLS, SMTP, GRAPH = "core SMTP", "core SMTP, STARTTLS", "Microsoft SMTP", "Graph"
SENDERS = (CORE, CORE_TLS, SMTP, GRAPH)
MIB = 1024**2
#: ratio from which on two rates count as equal: one measurement differs from the next by more
_EQUAL = 0.98


@dataclass(frozen=True)
class Case:
    """Which mails over which way.

    :param size: bytes of one mail
    :param round_trip: seconds; 0 goes straight to the server
    """

    name: str
    mails: int
    size: int
    round_trip: float = 0.0


@dataclass(frozen=True)
class Figures:
    """Medians of one sender in one case, per mail where that makes sense."""

    rate: float
    cpu_ms: float
    round_trips: float
    peak: float
    growth: float
    token_calls: float


class Comparison:
    """All that was measured.

    :param cases: :class:`Case` records in the order of the table
    :param results: dictionaries of ``bench/throughput_lane.py``
    """

    def __init__(self, cases, results):
        self.cases = cases
        self.errors = sorted({result["error"] for result in results if "error" in result})
        collected = defaultdict(list)
        for result in results:
            if "error" not in result:
                collected[result["sender"], result["case"]].append(result)
        self._figures = {key: _figures(found) for key, found in collected.items()}

    def figures(self, sender, case_name):
        """Return :class:`Figures`, ``None`` where nothing could be measured."""
        return self._figures.get((sender, case_name))

    def ratio(self, number, sender, case_name, base=CORE):
        """Return how many times the base's number a sender's is, ``None`` where one is missing."""
        ours, theirs = self.figures(sender, case_name), self.figures(base, case_name)
        if ours is None or theirs is None or not getattr(theirs, number):
            return None
        return getattr(ours, number) / getattr(theirs, number)

    def cells(self):
        """Return headings and rows of the table as lists of text."""
        headings = ["mails", "sender", "mails/s", "/ core", "CPU ms/mail", "/ core", "/ core TLS"]
        headings += ["round trips/mail", "peak MiB", "growth MiB", "token calls"]
        rows = [
            self._row(case, sender, figures)
            for case in self.cases
            for sender in SENDERS
            if (figures := self.figures(sender, case.name))
        ]
        return headings, rows

    def _row(self, case, sender, figures):
        return [
            case.name,
            sender,
            f"{figures.rate:.1f}",
            _shown(self.ratio("rate", sender, case.name)),
            f"{figures.cpu_ms:.1f}",
            _shown(self.ratio("cpu_ms", sender, case.name)),
            _shown(self.ratio("cpu_ms", sender, case.name, CORE_TLS)),
            f"{figures.round_trips:.1f}" if case.round_trip else "",
            f"{figures.peak / MIB:.1f}",
            f"{figures.growth / MIB:.1f}",
            f"{figures.token_calls:.0f}",
        ]


@dataclass(frozen=True)
class Target:
    """Something to reach.

    :param value: what was measured, ``None`` where nothing could be
    :param at_most: whether ``limit`` is the most or the least
    """

    text: str
    value: float | None
    limit: float
    at_most: bool = True

    @property
    def reached(self):
        if self.value is None:
            return False
        return self.value <= self.limit if self.at_most else self.value >= self.limit

    def __str__(self):
        measured = "not measured" if self.value is None else f"{self.value:.2f}"
        sign = "≤" if self.at_most else "≥"
        verdict = "pass" if self.reached else "MISS"
        return f"{verdict}  {self.text}: {measured} (to reach: {sign} {self.limit:g})"


def targets(comparison, *, near, far, growth, huge):
    """Return the :class:`Target` records.

    :param near, far: the cases with small mails, without and with delay
    :param growth: the case whose memory growth counts
    :param huge: the case of one mail whose peak counts
    """
    found = [
        target
        for sender in (SMTP, GRAPH)
        for target in (
            Target(
                f"{sender}: CPU per mail / core's",
                comparison.ratio("cpu_ms", sender, near.name),
                1.15,
            ),
            Target(
                f"{sender}: MiB that memory grew over {growth.mails} mails",
                _in_mib(comparison.figures(sender, growth.name), "growth"),
                20,
            ),
            Target(
                f"{sender}: peak memory of one large mail / its size",
                _peak_ratio(comparison.figures(sender, huge.name), huge.size),
                6,
            ),
        )
    ]
    for case in (near, far):
        rate = comparison.ratio("rate", SMTP, case.name)
        found.append(Target(f"{SMTP}: mails/s / core's, {case.name}", rate, _EQUAL, at_most=False))
    rate = comparison.ratio("rate", GRAPH, far.name)
    found.append(Target(f"{GRAPH}: mails/s / core's, {far.name}", rate, 3, at_most=False))
    return found


def _figures(results):
    def middle(read):
        return median(read(result) for result in results)

    return Figures(
        rate=middle(lambda result: result["mails"] / result["seconds"]),
        cpu_ms=middle(lambda result: 1000 * result["cpu"] / result["mails"]),
        round_trips=middle(lambda result: result["round_trips"] / result["mails"]),
        peak=middle(lambda result: result["peak"]),
        growth=middle(lambda result: result["growth"]),
        token_calls=middle(lambda result: result["token_calls"]),
    )


def _shown(ratio):
    return "" if ratio is None else f"{ratio:.2f}"


def _in_mib(figures, name):
    return None if figures is None else getattr(figures, name) / MIB


def _peak_ratio(figures, size):
    return None if figures is None else figures.peak / size
