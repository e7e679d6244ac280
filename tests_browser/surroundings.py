"""What runs beside these tests, as ``make test-browser`` passes it on in the environment."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

_VARIABLES = (
    "ODOO_URL", "ODOO_DB", "INSTALLED_URL", "INSTALLED_DB", "SANDBOX_JSON", "CHROMIUM",
)  # fmt: skip
#: where pictures of failed tests go
PICTURES = Path(__file__).resolve().parent.parent / ".run" / "test-browser" / "pictures"


@dataclass(frozen=True)
class Surroundings:
    """Addresses of a running Odoo and sandbox, and the browser to drive.

    :param installed_url: another Odoo, in which the addon was installed and nothing else done
    :param sandbox: contents of ``sandbox.json``, see docs/sandbox.md
    """

    odoo_url: str
    database: str
    installed_url: str
    installed_database: str
    sandbox: dict
    chromium: str

    @classmethod
    def from_environment(cls):
        """Read the environment.

        :raises RuntimeError: nothing runs beside the tests
        """
        if missing := [name for name in _VARIABLES if not os.environ.get(name)]:
            raise RuntimeError(f"{', '.join(missing)} not set: run 'make test-browser'")
        return cls(
            odoo_url=os.environ["ODOO_URL"],
            database=os.environ["ODOO_DB"],
            installed_url=os.environ["INSTALLED_URL"],
            installed_database=os.environ["INSTALLED_DB"],
            sandbox=json.loads(Path(os.environ["SANDBOX_JSON"]).read_text()),
            chromium=os.environ["CHROMIUM"],
        )
