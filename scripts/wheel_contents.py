"""What a wheel of the addon may hold, and what it must."""

import zipfile

from .places import ADDON

_PREFIX = f"odoo/addons/{ADDON}/"
_FOLDERS = {
    "cli", "controllers", "data", "i18n", "models", "providers", "readme", "recognition",
    "security", "static",
    "tests", "transport", "views", "wizard",
}  # fmt: skip
_FILES = {"__init__.py", "__manifest__.py", "exceptions.py", "hooks.py"}
_TEXTS = {"LICENSE", "README.md", "README.rst", "CHANGELOG.md"}
_MUST = {f"{_PREFIX}{name}" for name in (*_FILES, "LICENSE", "data/neutralize.sql")}


def wheel_problems(path):
    """Return a sentence for each file that is in the wheel and should not be, or the reverse."""
    with zipfile.ZipFile(path) as wheel:
        names = set(wheel.namelist())
    foreign = sorted(name for name in names if not _belongs(name))
    return [f"{name} is no part of the addon" for name in foreign] + [
        f"{name} is missing" for name in sorted(_MUST - names)
    ]


def _belongs(name):
    if name.split("/")[0].endswith(".dist-info"):
        return True
    if not name.startswith(_PREFIX):
        return False
    top, _, below = name.removeprefix(_PREFIX).partition("/")
    return top in (_FOLDERS if below else _FILES | _TEXTS)
