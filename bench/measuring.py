"""Send mails in a process of their own and measure what that process needs."""

from __future__ import annotations

import resource
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from odoo_processes import OdooProcess

#: mails sent before the measurement, for what happens only once in a process
_WARM_UP = 5
_LONGEST = 1800  # seconds
_KIB = 1024


@dataclass(frozen=True)
class Measurement:
    """What it took to send some mails.

    :param seconds: from the first to the last, with connecting and leaving
    :param cpu: seconds of processor time of the process, PostgreSQL's not included
    :param peak: bytes of memory that the process had at most, above what it began with
    :param growth: bytes that it had more at the end than at the beginning
    :param round_trips: between the process and the mail server, 0 where nobody counted
    """

    seconds: float
    cpu: float
    peak: int
    growth: int
    round_trips: int = 0

    def as_dict(self):
        return asdict(self)


def measure(sender, count, size, proxy=None):
    """Queue mails, send them in a new process, and return the :class:`Measurement`.

    :param sender: see :mod:`.senders`
    :param size: bytes of each mail on its way
    :param proxy: through which the sender sends, if it does
    :raise AssertionError: not all of them were sent
    """
    warm_up, mails = sender.queue(_WARM_UP, 2000), sender.queue(count, size)

    def run():
        sender.send(warm_up)
        before = proxy.report()["round_trips"] if proxy else 0
        measurement = _measured(lambda: sender.send(mails))
        trips = proxy.report()["round_trips"] - before if proxy else 0
        return Measurement(**measurement, round_trips=trips)

    measurement = OdooProcess(run).outcome(_LONGEST).result()
    sender.check_and_forget(count + _WARM_UP)
    return measurement


def _measured(call):
    _forget_peak()
    memory, cpu, began = _memory("VmRSS"), _cpu(), time.monotonic()
    call()
    return {
        "seconds": time.monotonic() - began,
        "cpu": _cpu() - cpu,
        "peak": _memory("VmHWM") - memory,
        "growth": _memory("VmRSS") - memory,
    }


def _cpu():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _memory(name):
    """Return a line of the kernel's account of this process in bytes, see proc(5)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    (value,) = (line.split()[1] for line in lines if line.startswith(f"{name}:"))
    return int(value) * _KIB


def _forget_peak():
    """Let the highest memory count from now on, see ``clear_refs`` in proc(5)."""
    Path("/proc/self/clear_refs").write_text("5")
