"""Child processes: each in a group of its own, its output in a file, all ended with us."""

import contextlib
import os
import signal
import subprocess
import threading
import time

from .console import SetupError

_GRACE = 15  # seconds between asking a process to end and ending it
_lock = threading.Lock()
_running = set()
_stopping = threading.Event()


class Service:
    """A program that runs until it is stopped.

    :param name: what people call it
    :param command: program and arguments
    :param log: file that receives its output
    :param stop_signal: what asks it to end in good order
    :param options: further arguments of :class:`subprocess.Popen` (``env``, ``cwd``, ``stdin``)
    """

    def __init__(self, name, command, log, stop_signal=signal.SIGTERM, **options):
        self.name = name
        self.log = log
        self._stop_signal = stop_signal
        with _lock, log.open("wb") as output:
            if _stopping.is_set():
                raise SetupError(f"{name} is not started: everything is being stopped")
            self._process = subprocess.Popen(
                [str(part) for part in (*self._end_with_us(), *command)],
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                **({"stdin": subprocess.DEVNULL} | options),
            )
            _running.add(self)

    def _end_with_us(self):
        """Let the kernel stop the program where we are killed and cannot do it ourselves."""
        return ("setpriv", "--pdeathsig", self._stop_signal.name.removeprefix("SIG"))

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        self.stop()

    @property
    def pid(self):
        return self._process.pid

    def wait(self, timeout=None):
        """Wait until the program ends by itself and return its exit code.

        :raise subprocess.TimeoutExpired: it runs longer than ``timeout`` seconds
        """
        code = self._process.wait(timeout)
        self.stop()
        return code

    def exit_code(self):
        """Return the exit code, ``None`` while it runs."""
        return self._process.poll()

    def stop(self):
        """End the program, and what it started, whatever happens."""
        if self._process.poll() is None:
            self._process.send_signal(self._stop_signal)
            self._wait_for_end()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()
        with _lock:
            _running.discard(self)

    def _wait_for_end(self):
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_GRACE)

    def tail(self, lines=20):
        """Return the last lines of its output."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def wait_until(self, ready, timeout):
        """Poll ``ready()`` until it is true.

        :raise SetupError: the program ended or was not ready within ``timeout`` seconds
        """
        deadline = time.monotonic() + timeout
        while not ready():
            if self.exit_code() is not None:
                raise SetupError(f"{self.name} ended at its start:\n{self.tail()}")
            if time.monotonic() > deadline:
                raise SetupError(f"{self.name} is not ready after {timeout} s:\n{self.tail()}")
            time.sleep(0.1)


def run_logged(name, command, log, timeout, **options):
    """Run a program to its end with its output in ``log`` and return its exit code.

    A program that takes longer than ``timeout`` seconds is ended and reported with code 124.
    """
    service = Service(name, command, log, **options)
    try:
        return service.wait(timeout)
    except subprocess.TimeoutExpired:
        with log.open("a") as output:
            output.write(f"\n{name} was ended after {timeout} s\n")
        return 124
    finally:
        service.stop()


def stop_everything():
    """End every child that still runs, and start no other."""
    with _lock:
        _stopping.set()
        left = list(_running)
    for service in left:
        service.stop()
