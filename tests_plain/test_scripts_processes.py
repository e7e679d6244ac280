"""Children of the tooling end with it, whatever they do."""

import os
import select
import signal
import sys
import textwrap

import pytest

from scripts.console import SetupError
from scripts.places import ROOT
from scripts.processes import Service, run_logged

_FOREVER = "import os, signal; print('up', os.getpid(), flush=True); signal.pause()"


@pytest.fixture
def start(tmp_path):
    """Start Python programs that are stopped when the test ends."""
    services = []

    def start(source):
        log = tmp_path / f"{len(services)}.log"
        services.append(Service("it", [sys.executable, "-c", source], log))
        return services[-1]

    yield start
    for service in services:
        service.stop()


def _is_up(service):
    return lambda: "up" in service.log.read_text()


def _wait_for_end(pid):
    """Wait until a process that is not our child is gone."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    watch = select.poll()
    watch.register(descriptor, select.POLLIN)
    ended = watch.poll(10_000)
    os.close(descriptor)
    assert ended, "it still runs"


def test_stop_ends_a_program(start):
    service = start(_FOREVER)
    service.wait_until(_is_up(service), 10)
    service.stop()
    assert service.exit_code() == -signal.SIGTERM


def test_stop_ends_what_the_program_started(start):
    """Also where it does not listen."""
    deaf = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {_FOREVER}"
    source = f"""
        import subprocess, sys
        subprocess.Popen([sys.executable, "-c", {deaf!r}]).wait()
    """
    service = start(textwrap.dedent(source))
    service.wait_until(_is_up(service), 10)
    service.stop()
    _wait_for_end(_pid_in(service.log))


def _pid_in(log):
    return int(log.read_text().split()[1])


def test_waiting_for_a_program_that_ended_shows_its_last_words(start):
    service = start("raise SystemExit('port is taken')")
    with pytest.raises(SetupError, match=r"it ended at its start:\nport is taken"):
        service.wait_until(lambda: False, 10)


def test_waiting_has_an_end(start):
    with pytest.raises(SetupError, match=r"not ready after 0\.2 s"):
        start(_FOREVER).wait_until(lambda: False, 0.2)


def test_exit_code_of_a_run_is_returned_with_its_output(tmp_path):
    log = tmp_path / "log"
    assert run_logged("it", [sys.executable, "-c", "print('words'); exit(3)"], log, 10) == 3
    assert "words" in log.read_text()


def test_run_that_takes_too_long_is_ended(tmp_path):
    log = tmp_path / "log"
    assert run_logged("it", [sys.executable, "-c", _FOREVER], log, 0.5) == 124
    assert "ended after 0.5 s" in log.read_text()


@pytest.fixture
def tooling(tmp_path):
    """The tooling with two children in threads, and the files that tell their ids."""
    source = f"""
        import sys
        from pathlib import Path
        from scripts import __main__ as entry
        from scripts.processes import run_logged
        from scripts.side_by_side import side_by_side

        def child(name):
            log = Path({str(tmp_path)!r}) / name
            return lambda: run_logged(name, [sys.executable, "-c", {_FOREVER!r}], log, 60)

        entry._SIMPLE["run"] = lambda: side_by_side(child("a"), child("b"))
        sys.exit(entry.main(["run"]))
    """
    command = [sys.executable, "-c", textwrap.dedent(source)]
    children = [tmp_path / "a", tmp_path / "b"]
    with Service("it", command, tmp_path / "log", cwd=ROOT) as service:
        service.wait_until(lambda: all(path.exists() and path.read_text() for path in children), 10)
        yield service, children


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signal_ends_children_in_threads_too(tooling, number):
    service, children = tooling
    os.kill(service.pid, number)
    assert service.wait(10) == 128 + number
    for child in children:
        _wait_for_end(_pid_in(child))


def test_children_end_even_where_the_tooling_is_killed(tooling):
    service, children = tooling
    os.kill(service.pid, signal.SIGKILL)
    for child in children:
        _wait_for_end(_pid_in(child))
