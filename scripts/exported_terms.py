"""What can be translated, as Odoo exports it. Runs inside ``odoo shell``, beside ``odoo``."""

import io
import os
from contextlib import contextmanager
from pathlib import Path

import polib

from odoo.tools.translate import trans_export

ADDON = "mail_server_oauth2"
#: folders of the checkout that are no part of the addon
_BESIDE = ("bench", "docs", "requirements", "sandbox", "scripts")
_DATES = ("POT-Creation-Date", "PO-Revision-Date")


def write_terms(env, folder):
    """Write the template and bring it into the catalogues beside it.

    :param folder: ``i18n`` of the checkout
    :return: a line per catalogue: how many terms have no translation yet
    """
    folder = Path(folder)
    folder.mkdir(exist_ok=True)
    template = exported_terms(env)
    template.save(str(folder / f"{ADDON}.pot"))
    return [_merge(path, template) for path in sorted(folder.glob("*.po"))]


def exported_terms(env):
    """Return the template: every term of the addon, in alphabetical order.

    :rtype: polib.POFile
    """
    buffer = io.BytesIO()
    with _walking_what_is_shipped():
        trans_export(False, [ADDON], buffer, "po", env)
    template = polib.pofile(buffer.getvalue().decode())
    for date in _DATES:
        template.metadata.pop(date, None)
    template.sort(key=lambda entry: entry.msgid)
    return template


def _merge(path, template):
    catalogue = polib.pofile(str(path))
    catalogue.merge(template)
    for entry in catalogue.obsolete_entries():
        catalogue.remove(entry)
    catalogue.sort(key=lambda entry: entry.msgid)
    catalogue.save()
    return f"{path.name}: {len(catalogue.untranslated_entries())} of {len(catalogue)} missing"


@contextmanager
def _walking_what_is_shipped():
    """Odoo walks all of a folder, and the scratch folder of a checkout leads back to it."""
    walk = os.walk

    def walk_shipped(top, **options):
        for root, folders, files in walk(top, **options):
            folders[:] = [
                name
                for name in folders
                if not name.startswith((".", "tests")) and name not in _BESIDE
            ]
            yield root, folders, files

    os.walk = walk_shipped
    try:
        yield
    finally:
        os.walk = walk
