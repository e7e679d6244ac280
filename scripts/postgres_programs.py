"""PostgreSQL's programs: the machine's own, or Debian's package unpacked into the cache."""

import os
import pwd
import re
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from . import debian_packages
from .cached_folder import built_once, fingerprint
from .console import SetupError, step
from .places import cache_dir

_OLDEST = 13  # what Odoo 19 asks for
_PACKAGE = "postgresql-15"
#: Dependencies of Debian's package that a private server does not use (JIT, system service).
_NOT_NEEDED = re.compile(r"libllvm|libz3|postgresql-common|postgresql-client-common|perl|ssl-cert")


@dataclass(frozen=True)
class PostgresPrograms:
    """Where ``initdb``, ``postgres``, ``pg_dump`` ... lie and the environment they need."""

    folder: Path
    environment: dict = field(default_factory=dict)

    def path(self, name):
        return self.folder / name


def postgres_programs():
    """Return PostgreSQL's programs, unpacked from Debian the first time if there are none.

    :raise SetupError: there are none and they cannot be had
    """
    installed = _installed()
    if installed:
        return PostgresPrograms(installed)
    try:
        recipe = fingerprint(_NOT_NEEDED.pattern)
        folder = built_once(cache_dir() / f"{_PACKAGE}-{recipe}", _download)
    except SetupError as err:
        raise SetupError(
            f"PostgreSQL is missing and could not be fetched; ask an administrator to run "
            f"'apt-get install {_PACKAGE}', or name a server with PGHOST.\n{err}"
        ) from err
    return _unpacked(folder)


def server_identity():
    """Return the ``Popen`` options that start PostgreSQL as somebody else than root.

    Empty for an ordinary user: PostgreSQL refuses root only.
    """
    if os.geteuid():
        return {}
    people = {entry.pw_name: entry for entry in pwd.getpwall()}
    somebody = people.get("postgres") or people["nobody"]
    return {"user": somebody.pw_uid, "group": somebody.pw_gid, "extra_groups": []}


def reachable_programs(programs, folder):
    """Return programs that the server's user can run.

    Root's cache is closed to others, so a copy is made in ``folder`` where it is needed.
    """
    identity = server_identity()
    if not identity or _runs(programs, identity):
        return programs
    root = folder / "programs"
    shutil.copytree(programs.folder.parents[3], root / "usr", symlinks=True)
    return _unpacked(root)


def _runs(programs, identity):
    probe = [programs.path("postgres"), "--version"]
    environment = os.environ | programs.environment
    try:
        done = subprocess.run(
            probe, env=environment, cwd="/", capture_output=True, check=False, **identity
        )
    except PermissionError:
        return False
    return done.returncode == 0


def _installed():
    """Return the folder of the newest installed version that has server and client."""
    folders = list(Path("/usr/lib/postgresql").glob("*/bin"))
    on_path = shutil.which("postgres")
    if on_path:
        folders.append(Path(on_path).resolve().parent)
    versions = {_major(folder): folder for folder in folders if _whole(folder)}
    newest = max(versions, default=0)
    return versions[newest] if newest >= _OLDEST else None


def _whole(folder):
    return all((folder / name).exists() for name in ("initdb", "postgres", "pg_dump", "psql"))


def _major(folder):
    done = subprocess.run(
        [folder / "postgres", "--version"], capture_output=True, text=True, check=False
    )
    found = re.search(r"(\d+)", done.stdout)
    return int(found.group(1)) if found else 0


def _download(folder):
    with step("Fetching PostgreSQL 15"):
        debian_packages.unpack_programs(folder, _PACKAGE, not_needed=_NOT_NEEDED)


def _unpacked(root):
    folder = next((root / "usr" / "lib" / "postgresql").glob("*/bin"))
    return PostgresPrograms(folder, {"LD_LIBRARY_PATH": debian_packages.loader_path(root)})
