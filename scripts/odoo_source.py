"""A real Odoo 19: the one of ``ODOO_PATH``, or Debian's package unpacked into the cache."""

import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

from . import debian_packages
from .cached_folder import built_once, fingerprint
from .console import SetupError, step
from .places import cache_dir

_SERIES = "19.0"
#: Odoo and the newest of what its package links to ...
_FROM_SID = (
    "odoo-19",
    "libjs-jquery",
    "libjs-underscore",
    "fonts-roboto-unhinted",
    "fonts-montserrat",
    "fonts-ocr-b",
)
#: ... and links that only the versions of Debian 12 satisfy. Without them the login page fails.
_FROM_STABLE = ("libjs-jquery-form", "fonts-font-awesome", "fonts-inconsolata")
#: Two thirds of the package are translations; those of a few languages are enough here.
_LEAVE_OUT = ("*/i18n/[!defnip]*.po", "*/addons/l10n_*", "./usr/share/doc", "./usr/share/lintian")


@dataclass(frozen=True)
class OdooSource:
    """Where Odoo's code lies.

    :param python_path: folder that holds the package ``odoo``
    :param addons: folders of addons outside that package
    :param key: changes when the code is another
    """

    python_path: Path
    addons: tuple = ()
    key: str = ""


def odoo_source():
    """Return Odoo 19, downloaded the first time.

    :raise SetupError: ``ODOO_PATH`` holds no Odoo 19, or the package cannot be had
    """
    given = os.environ.get("ODOO_PATH")
    if given:
        return _given(Path(given).expanduser().resolve())
    recipe = fingerprint(*_FROM_SID, *_FROM_STABLE, *_LEAVE_OUT)
    try:
        folder = built_once(cache_dir() / f"odoo-{_SERIES}-{recipe}", _download)
    except SetupError as err:
        raise SetupError(
            f"Odoo {_SERIES} could not be fetched; name one that is already there with "
            f"ODOO_PATH=/path/to/odoo.\n{err}"
        ) from err
    key = fingerprint((folder / "manifest.json").read_bytes())
    return OdooSource(_python_path(folder), key=key)


def _given(path):
    candidates = (path, path.parent, _python_path(path))
    for root in candidates:
        release = root / "odoo" / "release.py"
        if release.is_file():
            return _checked(root, release)
    raise SetupError(f"ODOO_PATH={path} holds no Odoo: no odoo/release.py was found there.")


def _checked(root, release):
    text = release.read_text()
    if not re.search(r"^version_info = \(19, 0,", text, re.MULTILINE):
        raise SetupError(f"ODOO_PATH={root} is not Odoo {_SERIES}.")
    addons = (root / "addons",) if (root / "addons").is_dir() else ()
    return OdooSource(root, addons, fingerprint(root, text, release.stat().st_mtime_ns))


def _download(folder):
    with (
        debian_packages.archive("sid", "bookworm") as archive,
        tempfile.TemporaryDirectory(dir=cache_dir()) as packages,
    ):
        with step("Downloading Odoo 19 (130 MB)"):
            names = [f"{name}/sid" for name in _FROM_SID]
            names += [f"{name}/bookworm" for name in _FROM_STABLE]
            archive.download(names, packages)
        with step("Unpacking Odoo 19"):
            sums = debian_packages.unpack(Path(packages), folder, _LEAVE_OUT)
    _check_links(folder)
    debian_packages.write_manifest(folder, sums)


def _check_links(folder):
    static = _python_path(folder) / "odoo" / "addons" / "web" / "static"
    dangling = [path for path in static.rglob("*") if path.is_symlink() and not path.exists()]
    if dangling:
        names = ", ".join(path.name for path in dangling)
        raise SetupError(f"Debian's Odoo package links to files that are not there: {names}")


def _python_path(root):
    return root / "usr" / "lib" / "python3" / "dist-packages"
