"""``make terms``: what can be translated, brought into the template and the catalogues."""

from . import odoo_database
from .cached_folder import locked
from .console import SetupError, say, show
from .places import ROOT, RUN
from .postgres_server import postgres_server
from .toolbox import toolbox

_NAME = "terms"
_TIMEOUT = 300  # seconds
#: Runs inside ``odoo shell``, where ``env`` is defined.
_CALL_WRITE = """\
import runpy
written = runpy.run_path({script!r})["write_terms"](env, {folder!r})
print("\\n".join([*written, "terms are written"]))
"""


def terms():
    """Write ``i18n/*.pot`` and merge it into the catalogues; return the exit code."""
    tools = toolbox()
    with locked(RUN / _NAME), postgres_server(_NAME) as postgres:
        odoo = tools.odoo(_NAME, postgres)
        with postgres.database(_NAME) as database:
            odoo_database.create_with_addon(odoo, database)
            script = _CALL_WRITE.format(
                script=str(ROOT / "scripts" / "exported_terms.py"), folder=str(ROOT / "i18n")
            )
            _code, log = odoo.run_script(_NAME, database, script, _TIMEOUT)
    said = log.read_text()
    if "terms are written" not in said:
        raise SetupError(f"Exporting the terms failed (all of it: {log}):\n{said[-2000:]}")
    show("\n".join(line for line in said.splitlines() if line.endswith(" missing")))
    say("The terms are in i18n/")
    return 0
