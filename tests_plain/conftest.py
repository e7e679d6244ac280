"""Plain tests run without Odoo: only the layers below ``models/`` are importable.

The root of the repository is the addon, and its ``__init__`` needs Odoo. A bare package module
of the same name stands in for it, so that ``mail_server_oauth2.providers`` and its siblings are
found whatever the folder of the checkout is called.
"""

import sys
import types
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def _register_addon_package():
    package = types.ModuleType("mail_server_oauth2")
    package.__path__ = [str(ROOT)]
    sys.modules.setdefault("mail_server_oauth2", package)


_register_addon_package()
if str(ROOT) not in sys.path:  # for the packages ``sandbox`` and ``scripts``
    sys.path.insert(0, str(ROOT))
