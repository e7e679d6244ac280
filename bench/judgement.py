"""Compare what a provider delivered with what Odoo says, recipient by recipient.

================  =============================  ======================================
Odoo says         no copy arrived                a copy arrived
================  =============================  ======================================
sent              **lost**                       right
failed            failed rightly                 **wrong**: *Retry* would double it
unknown           failed rightly, unknown        failed rightly, unknown
waiting           waiting                        **wrong**: the next run would double it
nothing           **lost**                       **wrong**
================  =============================  ======================================

More than one copy is **doubled**, whatever Odoo says. A copy for somebody who was not to get
one is **wrong**.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

SENT, FAILED, UNKNOWN, WAITING, NOTHING = "sent", "failed", "unknown", "waiting", "nothing"

_WITHOUT_COPY = {
    SENT: "lost",
    FAILED: "failed",
    UNKNOWN: "unknown",
    WAITING: "waiting",
    NOTHING: "lost",
}
_WITH_COPY = {
    SENT: "right",
    FAILED: "wrong",
    UNKNOWN: "unknown",
    WAITING: "wrong",
    NOTHING: "wrong",
}


@dataclass
class Tally:
    """Numbers of recipients.

    :param delivered: who got at least one copy
    :param failed: failed rightly, without the unknown ones
    :param unknown: marked *delivery unknown*
    :param wrong: of whom Odoo says what would make somebody send again, or nothing
    :param cases: ``address: what Odoo says, copies`` of the bad ones
    """

    delivered: int = 0
    lost: int = 0
    doubled: int = 0
    failed: int = 0
    unknown: int = 0
    wrong: int = 0
    waiting: int = 0
    cases: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Expected:
    """How many recipients may end otherwise than *sent*, as ``(least, most)``.

    Nobody is ever lost, doubled, wrong or left waiting.
    """

    failed: tuple[int, int] = (0, 0)
    unknown: tuple[int, int] = (0, 0)

    def problems(self, tally: Tally) -> list[str]:
        """Return a sentence for each number that is not as it should be."""
        nobody = (0, 0)
        bounds = {
            "lost": nobody,
            "doubled": nobody,
            "wrong": nobody,
            "waiting": nobody,
            "failed": self.failed,
            "unknown": self.unknown,
        }
        return [
            f"{getattr(tally, name)} {name}, expected {_span(least, most)}"
            for name, (least, most) in bounds.items()
            if not least <= getattr(tally, name) <= most
        ]


def judge(words: Mapping[str, str], copies: Mapping[str, int]) -> Tally:
    """Compare.

    :param words: recipient -> what Odoo says of the mail to this recipient
    :param copies: recipient -> number of copies that arrived
    """
    tally = Tally()
    for recipient in sorted({*words, *copies}):
        _count(tally, recipient, words.get(recipient), copies.get(recipient, 0))
    return tally


def _count(tally, recipient, word, number):
    verdicts = [] if number < 2 else ["doubled"]
    if word is None:
        verdicts.append("wrong" if number else "right")
    else:
        verdicts.append((_WITH_COPY if number else _WITHOUT_COPY)[word])
    tally.delivered += bool(number)
    for verdict in verdicts:
        if verdict != "right":
            setattr(tally, verdict, getattr(tally, verdict) + 1)
    if not {"lost", "doubled", "wrong"}.isdisjoint(verdicts):
        tally.cases.append(f"{recipient}: {word or 'not addressed'}, {number} copies")


def _span(least, most):
    return str(least) if least == most else f"{least} to {most}"
