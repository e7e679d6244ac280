"""Lines of the fault table, and how they are shown."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field

from .judgement import Tally


@dataclass
class RowResult:
    """A line of the table.

    :param problems: why the row fails; none where all is as it should be
    :param runs: how often the queue's job ran
    :param run_errors: what runs ended with that did not end in good order
    """

    fault: str
    transport: str
    mails: int
    tally: Tally
    attempts: int
    runs: int
    seconds: float
    problems: list[str] = field(default_factory=list)
    run_errors: list[str] = field(default_factory=list)

    def as_dict(self):
        return asdict(self)

    @classmethod
    def from_dict(cls, values):
        return cls(**{**values, "tally": Tally(**values["tally"])})


#: heading -> what of a result stands below it
_COLUMNS = {
    "fault": lambda result: result.fault,
    "transport": lambda result: result.transport,
    "delivered": lambda result: result.tally.delivered,
    "lost": lambda result: result.tally.lost,
    "doubled": lambda result: result.tally.doubled,
    "failed rightly": lambda result: result.tally.failed + result.tally.unknown,
    "of them unknown": lambda result: result.tally.unknown,
    "wrong": lambda result: result.tally.wrong,
    "waiting": lambda result: result.tally.waiting,
    "attempts": lambda result: result.attempts,
    "runs": lambda result: result.runs,
    "s": lambda result: f"{result.seconds:.0f}",
    "": lambda result: "FAILS" if result.problems else "ok",
}


def cells(results):
    """Return headings and rows of the table as lists of text."""
    rows = [[str(read(result)) for read in _COLUMNS.values()] for result in results]
    return list(_COLUMNS), rows


def complaints(results):
    """Return a sentence for each row that is not as it should be, with the worst cases."""
    return [
        f"{result.fault}, {result.transport}: {'; '.join(result.problems)}"
        + "".join(f"\n    {case}" for case in result.tally.cases[:5])
        for result in results
        if result.problems
    ]
