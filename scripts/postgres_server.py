"""The PostgreSQL server of one run: a private throw-away cluster, or the one ``PG*`` names."""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from .cached_folder import fingerprint
from .console import SetupError, step
from .places import ADDON, ROOT, logs_dir
from .postgres_programs import postgres_programs, reachable_programs, server_identity
from .processes import Service

_OWNER = "odoo"
#: What points libpq at a server that is already there.
_NAMES_A_SERVER = ("PGHOST", "PGHOSTADDR", "PGSERVICE", "PGPORT")
#: The cluster is thrown away after the run, so nothing waits for the disk.
_SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "jit": "off",
    "max_connections": "200",
    "shared_buffers": "128MB",
}


class PostgresServer:
    """A running server.

    :param programs: PostgreSQL's client programs
    :param environment: variables with which libpq (Odoo, psql ...) reaches the server
    :param prefix: of database names, where others use the server too
    """

    def __init__(self, programs, environment, prefix=""):
        self._programs = programs
        self.environment = environment
        self._prefix = prefix

    @contextlib.contextmanager
    def database(self, name):
        """Yield a full database name for ``name``; the database is gone afterwards."""
        full_name = f"{self._prefix}{name}"
        self.drop(full_name)
        try:
            yield full_name
        finally:
            self.drop(full_name)

    def execute(self, sql):
        """Run one SQL statement on the server's maintenance database."""
        self._client("psql", "--no-psqlrc", "--quiet", "-d", "postgres", "-c", sql)

    def create(self, database):
        """Create an empty database, in place of one of the same name."""
        self.drop(database)
        self.execute(f"CREATE DATABASE \"{database}\" ENCODING 'unicode' TEMPLATE template0")

    def drop(self, database):
        """Drop a database if it is there, with whatever still is connected to it."""
        self.execute(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')

    def can_dump(self):
        """Tell whether the client programs are at least as new as the server."""
        server = self._version("SHOW server_version_num")
        client = self._version("\\echo :VERSION_NUM")
        return server // 10000 <= client // 10000

    def version(self):
        """Return the server's version for people."""
        shown = self._client(
            "psql", "--no-psqlrc", "-At", "-d", "postgres", "-c", "SHOW server_version"
        )
        return shown.split()[0]

    def _version(self, command):
        return int(self._client("psql", "--no-psqlrc", "-At", "-d", "postgres", "-c", command))

    def dump(self, database, path):
        """Write a database to a file."""
        self._client("pg_dump", "-Fc", "-Z1", "--no-owner", "-f", path, database)

    def restore(self, database, path):
        """Create a database from a file made by :meth:`dump`."""
        self.create(database)
        self._client("pg_restore", "-j2", "--no-owner", "-d", database, path)

    def _client(self, program, *arguments):
        done = subprocess.run(
            [self._programs.path(program), *arguments],
            env=os.environ | self._programs.environment | self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise SetupError(f"PostgreSQL: {program} failed: {done.stderr.strip()}")
        return done.stdout


def is_private():
    """Tell whether :func:`postgres_server` runs a server that nobody else uses."""
    return not any(os.environ.get(variable) for variable in _NAMES_A_SERVER)


@contextlib.contextmanager
def postgres_server(name):
    """Run a private server while the block lasts, or use the one that ``PG*`` names.

    :param name: distinguishes the logs of several servers
    :raise SetupError: no server can be started or reached
    """
    if not is_private():
        yield _named_by_environment()
        return
    with _private_folder() as folder, contextlib.ExitStack() as stack:
        programs = reachable_programs(postgres_programs(), folder)
        with step("Starting PostgreSQL"):
            service = _start(programs, folder, logs_dir() / f"{name}-postgres.log")
            stack.callback(service.stop)
            server = PostgresServer(programs, _private_address(folder))
            service.wait_until(lambda: _answers(programs, server.environment), timeout=60)
        yield server


def _named_by_environment():
    prefix = f"{ADDON}-{fingerprint(ROOT)}-"
    server = PostgresServer(postgres_programs(), {}, prefix)
    server.execute("SELECT 1")
    return server


@contextlib.contextmanager
def _private_folder():
    """A short path (sockets allow about 100 characters) that the server's user can reach."""
    folder = Path(tempfile.mkdtemp(prefix=f"{ADDON}-", dir="/tmp"))
    try:
        identity = server_identity()
        if identity:
            shutil.chown(folder, identity["user"], identity["group"])
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _private_address(folder):
    return {"PGHOST": str(folder), "PGPORT": "5432", "PGUSER": _OWNER, "PGDATABASE": "postgres"}


def _start(programs, folder, log):
    environment = os.environ | programs.environment
    data = folder / "data"
    initdb = [programs.path("initdb"), "-D", data, "-U", _OWNER, "--auth=trust"]
    done = subprocess.run(
        [*initdb, "--encoding=UTF8", "--locale=C", "--no-sync"],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        **server_identity(),
    )
    if done.returncode:
        raise SetupError(f"PostgreSQL: initdb failed: {done.stderr.strip()}")
    settings = [f"-c{key}={value}" for key, value in _SETTINGS.items()]
    return Service(
        "PostgreSQL",
        [programs.path("postgres"), "-D", data, "-k", folder, *settings],
        log,
        stop_signal=signal.SIGINT,  # "fast": does not wait for clients
        env=environment,
        cwd=folder,
        **server_identity(),
    )


def _answers(programs, address):
    probe = subprocess.run(
        [programs.path("psql"), "-c", "SELECT 1"],
        env=os.environ | programs.environment | address,
        capture_output=True,
        check=False,
    )
    return probe.returncode == 0
