"""The Chromium that the browser tests drive."""

import ctypes
import os
import re
import shutil

from . import debian_packages
from .cached_folder import built_once, fingerprint
from .console import SetupError, step
from .places import RUN, cache_dir

_NAMES = ("chromium", "google-chrome", "google-chrome-stable", "chromium-browser")
#: Drivers of graphics cards: tests run without one.
_NOT_NEEDED = re.compile(r"libgl1-mesa-dri|libllvm|libz3")
_START = """\
#!/bin/sh
here=$(dirname "$(readlink -f "$0")")
export LD_LIBRARY_PATH={libraries}
export FONTCONFIG_FILE="$here/fonts.conf"
exec "$here/usr/lib/chromium/chromium" "$@"
"""
_FONTS = """\
<?xml version="1.0"?>
<fontconfig>
    <dir prefix="relative">usr/share/fonts</dir>
    <dir>/usr/share/fonts</dir>
    <cachedir prefix="xdg">fontconfig</cachedir>
</fontconfig>
"""


def chromium():
    """Return the path of Chromium: ``CHROMIUM``, one on the search path, or Debian's unpacked.

    :raise SetupError: there is none and it cannot be had
    """
    given = os.environ.get("CHROMIUM")
    if given:
        found = shutil.which(given)
        if not found:
            raise SetupError(f"CHROMIUM={given} is not a program.")
        return found
    return next(filter(None, map(shutil.which, _NAMES)), None) or _unpacked()


def search_path_with(program):
    """Return a search path on which Odoo's own tours find this browser first."""
    folder = RUN / "bin"
    folder.mkdir(parents=True, exist_ok=True)
    link, fresh = folder / "google-chrome", folder / f"google-chrome.{os.getpid()}"
    fresh.symlink_to(program)
    fresh.replace(link)
    return f"{folder}{os.pathsep}{os.environ['PATH']}"


def driver_libraries():
    """Return the variables with which Playwright's driver finds the libraries it needs.

    A small Debian lacks one, with Chromium installed or not.
    """
    try:
        ctypes.CDLL("libatomic.so.1")
    except OSError:
        folder = built_once(cache_dir() / "libatomic1", _download_libatomic)
        return {"LD_LIBRARY_PATH": debian_packages.loader_path(folder)}
    return {}


def _download_libatomic(folder):
    debian_packages.unpack_programs(folder, "libatomic1")


def _unpacked():
    try:
        recipe = fingerprint(_START, _FONTS, _NOT_NEEDED.pattern)
        folder = built_once(cache_dir() / f"chromium-{recipe}", _download)
    except SetupError as err:
        raise SetupError(
            "Chromium is missing and could not be fetched; ask an administrator to run "
            f"'apt-get install chromium', or name one with CHROMIUM=/path/to/chromium.\n{err}"
        ) from err
    return str(folder / "start-chromium")


def _download(folder):
    with step("Fetching Chromium (100 MB)"):
        packages = ("chromium", "fonts-dejavu-core")
        debian_packages.unpack_programs(folder, *packages, not_needed=_NOT_NEEDED)
    (folder / "fonts.conf").write_text(_FONTS)
    start = folder / "start-chromium"
    relative = debian_packages.loader_path(folder).replace(str(folder), "$here")
    start.write_text(_START.format(libraries=f'"{relative}"'))
    start.chmod(0o755)
