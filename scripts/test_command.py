"""``make test`` and its parts. Independent parts run side by side."""

import contextlib
import os
import shutil

from . import odoo_database
from .browser import chromium, search_path_with
from .console import SetupError, say, show, step
from .demo import running_demo
from .places import ADDON, ROOT, RUN, logs_dir
from .postgres_server import postgres_server
from .processes import run_logged
from .python_environment import environment
from .sandbox_server import sandbox_server
from .side_by_side import side_by_side
from .test_results import (
    PartResult,
    count_skips_as_failures,
    read_odoo,
    read_pytest,
    summary_line,
)
from .toolbox import toolbox

#: Odoo's own tests of everything this addon hooks into.
_CORE_TAGS = (
    "/test_mail,/mail,/microsoft_outlook,/google_gmail,/base:TestIrMailServer,-post_install"
)
_CORE_AT_LEAST = 450
#: This one of them holds only while ``mail`` is not loaded yet.
_CORE_BEFORE_MAIL = "/base:TestIrMailServer.test_mail_server_get_test_email_from"
_RUN_ALL = """\
from odoo.tests.shell import run_tests
run_tests(env, {tags!r})
"""
_PART_TIMEOUT = 900  # seconds


class Tests:
    """The parts of the tests, which share a PostgreSQL server.

    :param tags: Odoo's test tags instead of the usual selection
    :param arguments: further arguments for pytest
    """

    def __init__(self, tools, postgres, tags="", arguments=()):
        self._tools = tools
        self._postgres = postgres
        self._tags = tags
        self._arguments = arguments

    def plain(self):
        """Tests that need no Odoo."""
        return _pytest("plain", self._tools.python, self._arguments)

    def odoo(self):
        """The addon's own tests on PostgreSQL, with the sandbox beside them."""
        name = "test-odoo"
        odoo = self._fresh_odoo(name)
        odoo_database.create_with_mail(odoo, name)
        if not (ROOT / "sandbox" / "__main__.py").exists():
            return self._odoo_part(odoo, name, [ADDON], self._tags or f"/{ADDON}")
        with sandbox_server(self._tools.python, name, odoo.state / "sandbox") as sandbox:
            odoo = odoo.trusting(sandbox)
            return self._odoo_part(odoo, name, [ADDON], self._tags or f"/{ADDON}")

    def browser(self):
        """A person's way through the screens, in headless Chromium."""
        program = chromium()
        with running_demo(self._tools, self._postgres, "test-browser") as demo:
            variables = {
                "ODOO_URL": demo.odoo.url,
                "ODOO_DB": demo.database,
                "SANDBOX_JSON": str(demo.sandbox.description_file),
                "CHROMIUM": program,
            }
            return _pytest("browser", self._tools.python, self._arguments, variables)

    def core(self):
        """Odoo's own mail tests with the addon installed and loaded.

        Odoo's runner calls the tests of a module as soon as that module is loaded, which is
        before the addon is. So all modules are installed first and the tests run afterwards.
        """
        name = "test-core"
        odoo = self._fresh_odoo(name)
        self._postgres.create(name)
        before = self._odoo_part(odoo, f"{name}-install", name, ["test_mail", ADDON], _CORE_BEFORE_MAIL)
        tags = self._tags or f"{_CORE_TAGS},-{_CORE_BEFORE_MAIL}"
        script = _RUN_ALL.format(tags=tags)
        code, log = odoo.run_script(name, name, script, _PART_TIMEOUT)
        self._postgres.drop(name)
        after = read_odoo(name, code, log, 1 if self._tags else _CORE_AT_LEAST)
        return merged("core", before, after)

    def _fresh_odoo(self, name):
        shutil.rmtree(RUN / name / "data", ignore_errors=True)
        odoo = self._tools.odoo(name, self._postgres)
        with contextlib.suppress(SetupError):  # tours are skipped, and skips are shown
            odoo.variables["PATH"] = search_path_with(chromium())
        return odoo

    def _odoo_part(self, odoo, name, modules, tags, at_least=1):
        code, log = odoo.run(
            name,
            *("-d", name, "-i", ",".join(modules), "--test-tags", tags, "--stop-after-init"),
            timeout=_PART_TIMEOUT,
        )
        self._postgres.drop(name)
        return read_odoo(name, code, log, at_least)


def run_unit(arguments=()):
    """Run the plain tests alone: they need neither Odoo nor PostgreSQL."""
    return _report([_pytest("plain", environment("odoo"), arguments)])


def run_tests(parts, tags="", arguments=()):
    """Run parts of the tests and return the exit code of the command.

    :param parts: names among ``plain``, ``odoo``, ``browser``, ``core``
    """
    tools = toolbox()
    with postgres_server("test") as postgres:
        tests = Tests(tools, postgres, tags, arguments)
        others = [part for part in parts if part != "core"]
        long_one = [part for part in parts if part == "core"]
        lanes = side_by_side(
            lambda: _run_lane(tests, others),
            lambda: _run_lane(tests, long_one),
        )
    return _report([result for lane in lanes for result in lane])


def _run_lane(tests, parts):
    return [_run_part(tests, part) for part in parts]


def _run_part(tests, part):
    """Run one part; a part that could not be started counts as failed."""
    try:
        with step(f"Tests '{part}'"):
            result = getattr(tests, part)()
    except SetupError as err:
        result = PartResult(part, failed=1, excerpt=str(err))
    say(f"Tests '{part}': {summary_line([result])}")
    return result


def _pytest(part, python, arguments, variables=None):
    folder = ROOT / f"tests_{part}"
    junit = logs_dir() / f"test-{part}.xml"
    junit.unlink(missing_ok=True)
    log = logs_dir() / f"test-{part}.log"
    configuration = folder / "pytest.ini"
    options = ["-c", configuration, f"--rootdir={folder}", f"--confcutdir={folder}"]
    options += ["-p", "no:cacheprovider", f"--junitxml={junit}"]
    code = run_logged(
        f"The tests '{part}'",
        [python.python, "-m", "pytest", *options, *(arguments or [folder])],
        log,
        _PART_TIMEOUT,
        cwd=ROOT,
        env=os.environ | (variables or {}),
    )
    return read_pytest(part, code, junit, log)


def _report(results):
    """Show failures and skips, then the one line that counts; return the exit code."""
    for result in results:
        if result.failed:
            show(f"\n--- {result.name} ---\n{result.excerpt}")
    skipped = [f"skipped: {result.name}: {test}" for result in results for test in result.skipped]
    show("\n".join(["", *skipped]))
    if os.environ.get("CI") == "true":
        count_skips_as_failures(results)
    show(summary_line(results))
    return 1 if any(result.failed for result in results) else 0
