"""``make terms``: what can be translated, brought into the template and the catalogues."""

from . import odoo_database
from .cached_folder import locked
from .console import SetupError, say, show
from .places import ADDON, ROOT, RUN
from .postgres_server import postgres_server
from .toolbox import toolbox

_NAME = "terms"
_TIMEOUT = 300  # seconds
#: folders of the checkout that are no part of the addon
_BESIDE = ("bench", "docs", "requirements", "sandbox", "scripts")
_EXPORT = """\
import io
import os
import pathlib

import polib

from odoo.tools.translate import trans_export

walk = os.walk


def walk_shipped(top, **options):
    # The scratch folder of a checkout leads back to the checkout, without end.
    for root, folders, files in walk(top, **options):
        folders[:] = [name for name in folders if not name.startswith((".", "tests"))]
        folders[:] = [name for name in folders if name not in {beside!r}]
        yield root, folders, files


os.walk = walk_shipped
folder = pathlib.Path({folder!r})
folder.mkdir(exist_ok=True)
buffer = io.BytesIO()
trans_export(False, [{addon!r}], buffer, "po", env)
template = polib.pofile(buffer.getvalue().decode())
for date in ("POT-Creation-Date", "PO-Revision-Date"):
    template.metadata.pop(date, None)
template.sort(key=lambda entry: entry.msgid)
template.save(str(folder / "{addon}.pot"))
for path in sorted(folder.glob("*.po")):
    catalogue = polib.pofile(str(path))
    catalogue.merge(template)
    for entry in catalogue.obsolete_entries():
        catalogue.remove(entry)
    catalogue.sort(key=lambda entry: entry.msgid)
    catalogue.save()
    print(f"{{path.name}}: {{len(catalogue.untranslated_entries())}} of {{len(catalogue)}} missing")
print("terms are written")
"""


def terms():
    """Write ``i18n/*.pot`` and merge it into the catalogues; return the exit code."""
    tools = toolbox()
    with locked(RUN / _NAME), postgres_server(_NAME) as postgres:
        odoo = tools.odoo(_NAME, postgres)
        with postgres.database(_NAME) as database:
            odoo_database.create_with_addon(odoo, database)
            script = _EXPORT.format(folder=str(ROOT / "i18n"), addon=ADDON, beside=_BESIDE)
            _code, log = odoo.run_script(_NAME, database, script, _TIMEOUT)
    said = log.read_text()
    if "terms are written" not in said:
        raise SetupError(f"Exporting the terms failed (all of it: {log}):\n{said[-2000:]}")
    show("\n".join(line for line in said.splitlines() if line.endswith(" missing")))
    say("The terms are in i18n/")
    return 0
