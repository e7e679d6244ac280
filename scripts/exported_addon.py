"""The addon as `git archive` gives it: what a wheel is built from and linters look at.

OCA's checks and whool take the addon's name from its folder, and OCA's checks silently check
nothing where the addon is the root of the repository.
"""

import os
import subprocess
import tempfile
from pathlib import Path

from .console import SetupError
from .places import ADDON, ROOT


def export_addon(folder):
    """Export the working tree, also what is not committed yet, and return the addon's folder.

    :param folder: receives a folder named like the addon
    """
    target = folder / ADDON
    target.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as scratch:
        environment = _private_index(Path(scratch))
        _git(environment, "add", "--all", "--", ".")
        tree = _git(environment, "write-tree").decode().strip()
        content = _git(environment, "archive", tree)
    subprocess.run(["tar", "-x", "-C", target], input=content, check=True)
    return target


def tracked_files():
    """Return the files of the working tree that git knows or would add."""
    listing = _git(os.environ, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    paths = (ROOT / name for name in listing.decode().split("\0") if name)
    return sorted(path for path in paths if path.is_file())


def put_under_git(folder):
    """Make a folder a repository with everything in it added, as OCA's checks need it."""
    for arguments in (["init", "--quiet"], ["add", "--all", "--force"]):
        subprocess.run(["git", *arguments], cwd=folder, check=True)


def _private_index(scratch):
    """Return variables with which git writes neither the checkout's index nor its objects."""
    objects = _git(os.environ, "rev-parse", "--path-format=absolute", "--git-path", "objects")
    (scratch / "objects").mkdir()
    return os.environ | {
        "GIT_INDEX_FILE": str(scratch / "index"),
        "GIT_OBJECT_DIRECTORY": str(scratch / "objects"),
        "GIT_ALTERNATE_OBJECT_DIRECTORIES": objects.decode().strip(),
    }


def _git(environment, *arguments):
    done = subprocess.run(
        ["git", *arguments], cwd=ROOT, env=environment, capture_output=True, check=False
    )
    if done.returncode:
        raise SetupError(f"git {arguments[0]} failed: {done.stderr.decode().strip()}")
    return done.stdout
