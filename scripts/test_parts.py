"""The parts of the tests: what each needs around it, and how it is run."""

import contextlib
import shutil

from . import odoo_database
from .browser import chromium, driver_libraries, search_path_with
from .console import SetupError
from .demo import running_demo, running_installed
from .live_odoo import live_odoo
from .places import ADDON, ROOT, RUN, logs_dir
from .processes import run_logged
from .python_environment import python_variables
from .sandbox_server import sandbox_server
from .test_results import merged, read_odoo, read_pytest

#: Odoo's own tests of everything this addon hooks into.
_CORE_TAGS = (
    "/test_mail,/mail,/microsoft_outlook,/google_gmail,/base:TestIrMailServer,-post_install"
)
_CORE_AT_LEAST = 450
#: This one of them holds only while ``mail`` is not loaded yet.
_CORE_BEFORE_MAIL = "/base:TestIrMailServer.test_mail_server_get_test_email_from"
_RUN_TESTS = """\
from odoo.tests.shell import run_tests
run_tests(env, {tags!r})
"""
_SEVERAL_PROCESSES = ("--numprocesses=logical", "--maxprocesses=4", "--dist=loadfile")
_TIMEOUT = 900  # seconds


class TestParts:
    """The parts, which share a PostgreSQL server.

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
        return run_plain(self._tools.python, self._arguments)

    def odoo(self):
        """The addon's own tests on PostgreSQL, with the sandbox beside them."""
        name = "test-odoo"
        odoo = self._fresh_odoo(name)
        with contextlib.suppress(SetupError):  # tours are skipped then, and skips are shown
            odoo.variables["PATH"] = search_path_with(chromium())
        with (
            sandbox_server(self._tools.python, name, odoo.state / "sandbox") as sandbox,
            self._postgres.database(name) as database,
        ):
            odoo = odoo.trusting(sandbox)
            odoo_database.create_with_mail(odoo, database)
            # What sends most mail hooks into the same queue.
            modules = [ADDON, "mass_mailing"]
            return _install_and_test(odoo, name, database, modules, self._tags or f"/{ADDON}")

    def live(self):
        """The addon in several processes at once, on a database that keeps what they write."""
        with live_odoo(self._tools, self._postgres, "test-live") as live:
            return run_pytest("live", self._tools.python, self._arguments, live.variables())

    def browser(self):
        """A person's way through the screens, in headless Chromium."""
        program, libraries = chromium(), driver_libraries()
        with (
            running_demo(self._tools, self._postgres, "test-browser") as demo,
            running_installed(
                self._tools, self._postgres, "test-browser-installed", demo.sandbox
            ) as (installed_url, installed_database),
        ):
            variables = libraries | {
                "ODOO_URL": demo.odoo.url,
                "ODOO_DB": demo.database,
                "INSTALLED_URL": installed_url,
                "INSTALLED_DB": installed_database,
                "SANDBOX_JSON": str(demo.sandbox.description_file),
                "CHROMIUM": program,
            }
            return run_pytest("browser", self._tools.python, self._arguments, variables)

    def core(self):
        """Odoo's own mail tests with the addon installed and loaded.

        Odoo's runner calls the tests of a module as soon as that module is loaded, which is
        before the addon is. So all modules are installed first and the tests run afterwards.
        """
        name = "test-core"
        odoo = self._fresh_odoo(name)
        with self._postgres.database(name) as database:
            self._postgres.create(database)
            modules = ["test_mail", ADDON]
            before = _install_and_test(
                odoo, f"{name}-install", database, modules, _CORE_BEFORE_MAIL
            )
            if before.failed:
                return before
            script = _RUN_TESTS.format(tags=self._tags or f"{_CORE_TAGS},-{_CORE_BEFORE_MAIL}")
            code, log = odoo.run_script(name, database, script, _TIMEOUT)
        return merged(name, before, read_odoo(name, code, log, self._core_at_least()))

    def _core_at_least(self):
        return 1 if self._tags else _CORE_AT_LEAST

    def _fresh_odoo(self, name):
        shutil.rmtree(RUN / name / "data", ignore_errors=True)
        return self._tools.odoo(name, self._postgres)


def run_plain(python, arguments=()):
    """Run the tests that need no Odoo, in several processes unless some are picked."""
    return run_pytest("plain", python, arguments or _SEVERAL_PROCESSES)


def run_pytest(part, python, arguments=(), variables=None):
    """Run the tests in the folder ``tests_<part>`` and return their result.

    :param variables: what the tests find in their environment
    """
    folder = ROOT / f"tests_{part}"
    junit = logs_dir() / f"test-{part}.xml"
    junit.unlink(missing_ok=True)
    log = logs_dir() / f"test-{part}.log"
    options = ["-c", _configuration(folder), f"--rootdir={folder}", f"--confcutdir={folder}"]
    options += ["-p", "no:cacheprovider", f"--junitxml={junit}"]
    code = run_logged(
        f"The tests '{part}'",
        [python.python, "-m", "pytest", *options, *arguments, *_selection(arguments, folder)],
        log,
        _TIMEOUT,
        cwd=ROOT,
        env=python_variables() | (variables or {}),
    )
    return read_pytest(f"test-{part}", code, junit, log)


def _configuration(folder):
    own = folder / "pytest.ini"
    return own if own.exists() else ROOT / "tests_plain" / "pytest.ini"


def _selection(arguments, folder):
    """Return the folder to test, unless the arguments name files already."""
    named = any((ROOT / argument.partition("::")[0]).exists() for argument in arguments)
    return [] if named else [folder]


def _install_and_test(odoo, name, database, modules, tags):
    """Install modules and run the tests that Odoo runs on the way."""
    options = ["-d", database, "-i", ",".join(modules), "--test-tags", tags]
    code, log = odoo.run(name, *options, "--stop-after-init", timeout=_TIMEOUT)
    return read_odoo(name, code, log)
