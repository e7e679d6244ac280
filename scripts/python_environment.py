"""Virtual environments with locked packages, shared by all checkouts.

Each is made from a lock file with hashes (see docs/development.md for how to renew one). The
package index is whatever this machine's pip is configured for.
"""

import importlib.util
import os
import platform
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from . import debian_packages
from .cached_folder import built_in_place, built_once, fingerprint
from .console import SetupError, step
from .places import REQUIREMENTS, cache_dir
from .processes import run_logged

_BUILD_LOCK = "build.lock"
_TIMEOUT = 1800  # seconds


@dataclass(frozen=True)
class PythonEnvironment:
    """A ready virtual environment. ``key`` changes when its packages do."""

    folder: Path
    key: str

    @property
    def python(self):
        return self.folder / "bin" / "python"

    def program(self, name):
        """Return the path of a console script of this environment."""
        return self.folder / "bin" / name


def environment(name):
    """Return the environment of ``requirements/<name>.lock``, built the first time.

    :raise SetupError: wrong Python, or a package cannot be had
    """
    if sys.version_info[:2] != (3, 11):
        raise SetupError(
            f"Python 3.11 is needed and this is {platform.python_version()}: "
            "name another one with 'make PYTHON=/path/to/python3.11 ...'."
        )
    locks = [(REQUIREMENTS / file).read_bytes() for file in (_BUILD_LOCK, f"{name}.lock")]
    key = fingerprint(os.path.realpath(sys.executable), platform.python_version(), *locks)
    folder = built_in_place(
        cache_dir() / f"python-{name}-{key}", lambda folder: _build(folder, name)
    )
    return PythonEnvironment(folder, key)


def python_variables():
    """Return our environment, with byte code kept in the cache.

    So the checkout stays clean, and programs start fast also where the machine switches byte
    code off.
    """
    variables = os.environ | {"PYTHONPYCACHEPREFIX": str(cache_dir() / "bytecode")}
    variables.pop("PYTHONDONTWRITEBYTECODE", None)
    return variables


def _build(folder, name):
    with step(f"Installing the Python packages of '{name}'"):
        pip = _create(folder)
        _install(pip, _BUILD_LOCK)
        python = str(folder / "bin" / "python")
        _install([python, "-m", "pip"], f"{name}.lock", "--no-build-isolation")


def _create(folder):
    """Create an empty environment and return the command of a pip that installs into it."""
    with_pip = importlib.util.find_spec("ensurepip") is not None
    options = [] if with_pip else ["--without-pip"]
    _checked([sys.executable, "-m", "venv", *options, folder], "venv.log")
    python = str(folder / "bin" / "python")
    return [python, "-m", "pip"] if with_pip else [python, f"{_debian_pip()}/pip"]


def _debian_pip():
    """Return pip's wheel from Debian, for a Python that comes without ``ensurepip``.

    A wheel is a zip file that Python runs as it is.
    """
    try:
        folder = built_once(cache_dir() / "python3-pip-whl", _download_pip)
    except SetupError as err:
        raise SetupError(
            "This Python has no pip; ask an administrator to run "
            f"'apt-get install python3-venv'.\n{err}"
        ) from err
    wheels = sorted(folder.glob("usr/share/python-wheels/pip-*.whl"))
    return wheels[-1]


def _download_pip(folder):
    with (
        debian_packages.archive() as archive,
        tempfile.TemporaryDirectory(dir=cache_dir()) as packages,
    ):
        archive.download(["python3-pip-whl"], packages)
        sums = debian_packages.unpack(Path(packages), folder)
    debian_packages.write_manifest(folder, sums)


def _install(pip, lock, *options):
    command = [*pip, "--no-input", "--disable-pip-version-check", "install", "--progress-bar=off"]
    command += ["--require-hashes", *options, "-r", REQUIREMENTS / lock]
    _checked(command, f"pip-{lock}.log")


def _checked(command, log_name):
    log = cache_dir() / log_name
    if run_logged("pip", command, log, _TIMEOUT):
        last = "\n".join(log.read_text().splitlines()[-15:])
        raise SetupError(f"Building the Python environment failed (all of it: {log}):\n{last}")
