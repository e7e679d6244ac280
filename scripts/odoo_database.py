"""Databases with Odoo in them, restored from snapshots instead of installed every time."""

import os
import shutil
from pathlib import Path

from .cached_folder import built_once, fingerprint, locked
from .console import step
from .places import ADDON, ROOT, RUN, cache_dir

#: What the addon stands on; installing it takes most of the time of an installation.
_BASE_MODULES = ("mail", "microsoft_outlook", "google_gmail")
#: Folders of the checkout that do not end up in a database.
_NOT_INSTALLED = {
    ".ci", ".git", ".run", "bench", "build", "dist", "docs", "readme", "requirements",
    "sandbox", "scripts", "tests", "tests_browser", "tests_live", "tests_plain",
}  # fmt: skip


def create_with_mail(odoo, database):
    """Create a database in which Odoo's mail modules are installed, the addon not yet."""
    key = fingerprint(odoo.source.key, *_BASE_MODULES)
    _from_snapshot(odoo, database, cache_dir() / f"database-mail-{key}", _install_mail)


def create_with_addon(odoo, database):
    """Create a database in which the addon as it is in the checkout is installed."""
    folder = RUN / f"database-addon-{_addon_key(odoo)}"
    with locked(RUN / "database-addon"):
        for outdated in RUN.glob("database-addon-*"):
            if not outdated.name.startswith(folder.name):
                _remove(outdated)
        _from_snapshot(odoo, database, folder, _install_addon)


def _install_mail(odoo, database):
    odoo.postgres.create(database)
    with step("Installing Odoo's mail modules into a database"):
        odoo.install(database, *_BASE_MODULES)


def _install_addon(odoo, database):
    create_with_mail(odoo, database)
    with step("Installing the addon"):
        odoo.install(database, ADDON)


def _from_snapshot(odoo, database, folder, install):
    """Restore ``database`` from the snapshot in ``folder``; without one, install and take it."""
    if not odoo.postgres.can_dump():
        install(odoo, database)
        return

    just_installed = []

    def build(workplace):
        install(odoo, database)
        _save(odoo, database, workplace)
        just_installed.append(database)

    built_once(folder, build)
    if not just_installed:
        with step(f"Filling the database {database}"):
            odoo.postgres.restore(database, folder / "database.dump")
            _replace_tree(folder / "filestore", odoo.filestore / database)


def _save(odoo, database, folder):
    odoo.postgres.dump(database, folder / "database.dump")
    _replace_tree(odoo.filestore / database, folder / "filestore")


def _replace_tree(source, target):
    shutil.rmtree(target, ignore_errors=True)
    if source.is_dir():
        shutil.copytree(source, target)


def _addon_key(odoo):
    """Return a name for the addon's code and data as they are now."""
    sources = sorted(_addon_files(ROOT))
    names = (path.relative_to(ROOT) for path in sources)
    contents = (path.read_bytes() for path in sources)
    return fingerprint(odoo.source.key, *names, *contents)


def _addon_files(root):
    for folder, folders, files in os.walk(root):
        left_out = _NOT_INSTALLED if Path(folder) == root else ()
        folders[:] = [name for name in folders if name not in (*left_out, "__pycache__")]
        yield from (Path(folder, name) for name in files)


def _remove(path):
    shutil.rmtree(path) if path.is_dir() else path.unlink()
