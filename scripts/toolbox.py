"""What every command needs first: Odoo's code and its Python environment, fetched side by side."""

from dataclasses import dataclass

from .free_port import free_port
from .odoo_server import Odoo
from .odoo_source import OdooSource, odoo_source
from .places import RUN
from .postgres_programs import postgres_programs
from .python_environment import PythonEnvironment, environment
from .side_by_side import side_by_side


@dataclass(frozen=True)
class Toolbox:
    """Odoo's code and the Python environment it runs in."""

    source: OdooSource
    python: PythonEnvironment

    def odoo(self, name, postgres, port=0):
        """Return an Odoo with a data folder and a port of its own."""
        return Odoo(self.source, self.python, postgres, RUN / name, port or free_port())


def toolbox():
    """Fetch everything that is not there yet.

    :raise SetupError: something cannot be had
    """
    source, python, _programs = side_by_side(
        odoo_source, lambda: environment("odoo"), postgres_programs
    )
    return Toolbox(source, python)
