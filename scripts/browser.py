"""The Chromium that the browser tests drive."""

import os
import shutil

from .console import SetupError
from .places import RUN

_NAMES = ("chromium", "google-chrome", "google-chrome-stable", "chromium-browser")


def chromium():
    """Return the path of Chromium: ``CHROMIUM``, or one on the search path.

    :raise SetupError: there is none
    """
    given = os.environ.get("CHROMIUM")
    found = shutil.which(given) if given else next(filter(None, map(shutil.which, _NAMES)), None)
    if found:
        return found
    if given:
        raise SetupError(f"CHROMIUM={given} is not a program.")
    raise SetupError(
        "Chromium is missing: ask an administrator to run 'apt-get install chromium', "
        "or name one with CHROMIUM=/path/to/chromium."
    )


def search_path_with(program):
    """Return a search path on which Odoo's own tours find this browser first."""
    folder = RUN / "bin"
    folder.mkdir(parents=True, exist_ok=True)
    link = folder / "google-chrome"
    link.unlink(missing_ok=True)
    link.symlink_to(program)
    return f"{folder}{os.pathsep}{os.environ['PATH']}"
