"""Further Odoo processes, made as Odoo's prefork server makes its workers.

A worker is forked from a process that has loaded the registry and closed its connections. It
has its own connections, its own memory and its own end.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import traceback
from dataclasses import dataclass

from odoo import sql_db

_FORK = multiprocessing.get_context("fork")
_TIMEOUT = 60  # seconds


@dataclass(frozen=True)
class Outcome:
    """What a call in another process returned or raised."""

    value: object = None
    error: BaseException | None = None

    def result(self):
        """Return the value, or raise the error here."""
        if self.error:
            raise self.error
        return self.value


class OdooProcess:
    """One forked process that makes one call. Close every environment before.

    :param call: callable without arguments; value or exception must be picklable
    """

    def __init__(self, call):
        sql_db.close_all()  # a connection belongs to one process
        self._receiver, sender = _FORK.Pipe(duplex=False)
        self._process = _FORK.Process(target=_run, args=(call, sender))
        self._process.start()
        sender.close()

    def outcome(self, timeout=_TIMEOUT):
        """Wait for the end of the call.

        :rtype: Outcome
        :raises TimeoutError: it takes too long; the process is ended
        :raises EOFError: the process died
        """
        try:
            if not self._receiver.poll(timeout):
                raise TimeoutError(f"no result within {timeout} s")
            return self._receiver.recv()
        finally:
            self.kill()

    def is_alive(self):
        """Tell whether the call still goes on."""
        return self._process.is_alive()

    def kill(self):
        """End the process as ``kill -9`` does: it can neither clean up nor say goodbye."""
        if self._process.is_alive():
            os.kill(self._process.pid, signal.SIGKILL)
        self._process.join()


def in_another_process(call):
    """Return what ``call`` returns in a process of its own, or raise what it raises."""
    return OdooProcess(call).outcome().result()


def at_once(*calls, timeout=_TIMEOUT):
    """Make each call in a process of its own, all beginning at the same moment.

    :return: their outcomes, in order
    """
    barrier = _FORK.Barrier(len(calls))
    processes = [OdooProcess(_behind(barrier, call)) for call in calls]
    return [process.outcome(timeout) for process in processes]


def _behind(start, call):
    def begin():
        start.wait(_TIMEOUT)
        return call()

    return begin


def _run(call, sender):
    try:
        outcome = Outcome(value=call())
    except Exception as error:
        error.add_note(traceback.format_exc())
        outcome = Outcome(error=error)
    sender.send_bytes(_pickled(outcome))


def _pickled(outcome):
    try:
        return pickle.dumps(outcome)
    except Exception as error:
        return pickle.dumps(Outcome(error=RuntimeError(f"{outcome!r} cannot be sent: {error}")))
