"""Folders of the shared cache: built once, complete or absent, safe with two checkouts at once."""

import contextlib
import fcntl
import hashlib
import os
import shutil

from .console import say

_MARKER = ".complete"


def fingerprint(*parts):
    """Return a short name for the inputs (text or bytes) a cached folder was built from."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part if isinstance(part, bytes) else str(part).encode())
        digest.update(b"\0")
    return digest.hexdigest()[:16]


@contextlib.contextmanager
def locked(path):
    """Hold the lock ``<path>.lock`` against other processes; wait for it where it is taken."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(f"{path}.lock", "a") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"Waiting until {path.name} is free")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def built_once(path, build):
    """Return ``path``, filled by ``build(folder)`` the first time.

    ``build`` works in a folder beside it that is renamed when it succeeded, so that a torn
    download is never taken for a whole one.
    """
    return _once(path, build, path.with_name(f"{path.name}.partial"))


def built_in_place(path, build):
    """Like :func:`built_once` for what does not survive a rename (virtual environments).

    The folder counts only when the marker written last is there.
    """
    return _once(path, build, path)


def _once(path, build, workplace):
    if (path / _MARKER).exists():
        return path
    with locked(path):
        if (path / _MARKER).exists():
            return path
        for leftover in {path, workplace}:
            shutil.rmtree(leftover, ignore_errors=True)
        workplace.mkdir(parents=True)
        build(workplace)
        (workplace / _MARKER).touch()
        os.replace(workplace, path)
    return path
