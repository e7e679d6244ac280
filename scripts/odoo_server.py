"""Odoo with the addon: its configuration, one-off runs and the running server."""

import urllib.error
import urllib.request
from dataclasses import dataclass, field, replace
from pathlib import Path

from .console import SetupError
from .odoo_source import OdooSource
from .places import addons_dir, logs_dir
from .postgres_server import PostgresServer
from .processes import Service, run_logged
from .python_environment import PythonEnvironment, python_variables

#: What makes requests, ssl and curl trust the sandbox's certificate authority.
_CA_VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
_PASSED_ON = ("PATH", "HOME", "LANG", "TZ", "TMPDIR", "CI", "PYTHONPYCACHEPREFIX")


@dataclass(frozen=True)
class Odoo:
    """One Odoo: code, Python, PostgreSQL and a data folder.

    :param state: folder for the configuration and the file store
    :param port: where the web server listens on loopback
    :param variables: further environment variables
    """

    source: OdooSource
    python: PythonEnvironment
    postgres: PostgresServer
    state: Path
    port: int = 0
    variables: dict = field(default_factory=dict)

    def trusting(self, sandbox):
        """Return the same Odoo, trusting the sandbox's authority and told where the sandbox is."""
        trust = dict.fromkeys(_CA_VARIABLES, sandbox.description["ca_bundle"])
        path = {"MAIL_SERVER_OAUTH2_SANDBOX": str(sandbox.description_file)}
        return replace(self, variables=self.variables | trust | path)

    @property
    def url(self):
        return f"http://localhost:{self.port}"

    @property
    def filestore(self):
        return self.state / "data" / "filestore"

    def command(self, *arguments):
        """Return the command line of this Odoo."""
        return [self.python.python, "-m", "odoo", *arguments]

    def environment(self):
        """Return the environment of this Odoo."""
        ours = python_variables()
        passed = {name: ours[name] for name in ours if _is_passed_on(name)}
        own = {"PYTHONPATH": str(self.source.python_path), "PYTHONUNBUFFERED": "1"}
        return passed | own | self.postgres.environment | self.variables

    def write_configuration(self):
        """Write ``odoo.conf`` and return its path."""
        addons = ",".join(map(str, (*self.source.addons, addons_dir())))
        options = {
            "addons_path": addons,
            "data_dir": self.state / "data",
            "http_interface": "127.0.0.1",
            "http_port": self.port,
            "max_cron_threads": 1,
            "workers": 0,
            "list_db": False,
        }
        self.state.mkdir(parents=True, exist_ok=True)
        path = self.state / "odoo.conf"
        lines = [f"{key} = {value}" for key, value in options.items()]
        path.write_text("\n".join(["[options]", *lines, ""]))
        return path

    def run(self, name, *arguments, timeout=900, **options):
        """Run Odoo to its end; return the exit code and the path of its log."""
        log = logs_dir() / f"{name}.log"
        command = self.command(*_after_subcommand(arguments, self.write_configuration()))
        code = run_logged(name, command, log, timeout, env=self.environment(), **options)
        return code, log

    def run_script(self, name, database, script, timeout):
        """Run Python code in which ``env`` is Odoo's environment; return exit code and log."""
        path = self.state / f"{name}.py"
        path.write_text(script)
        with path.open() as stdin:
            return self.run(
                name, "shell", "-d", database, "--no-http", timeout=timeout, stdin=stdin
            )

    def install(self, database, *modules):
        """Install modules into a database.

        :raise SetupError: Odoo says that something is wrong
        """
        name = f"{self.state.name}-install"
        code, log = self.run(
            name, "-d", database, "-i", ",".join(modules), "--stop-after-init", "--no-http"
        )
        if code:
            last = "\n".join(log.read_text().splitlines()[-30:])
            raise SetupError(f"Installing {', '.join(modules)} failed (all of it: {log}):\n{last}")

    def serve(self, name, database):
        """Start the web server on one database and return once it answers."""
        command = self.command("-c", self.write_configuration(), "-d", database)
        service = Service("Odoo", command, logs_dir() / f"{name}.log", env=self.environment())
        service.wait_until(self._answers, timeout=120)
        return service

    def _answers(self):
        try:
            with urllib.request.urlopen(f"{self.url}/web/health", timeout=5) as reply:
                return reply.status == 200
        except (urllib.error.URLError, OSError):
            return False


def _is_passed_on(name):
    """The machine's own settings of Odoo, Python and TLS stay outside; libpq's come along."""
    return name in _PASSED_ON or name.startswith(("PG", "LC_", "XDG_"))


def _after_subcommand(arguments, configuration):
    """Put ``-c`` behind a sub-command such as ``shell``."""
    if arguments and not arguments[0].startswith("-"):
        return [arguments[0], "-c", configuration, *arguments[1:]]
    return ["-c", configuration, *arguments]
