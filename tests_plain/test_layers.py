"""The layers of the addon: arrows point down, and the sandbox stands apart."""

import layer_rules
import pytest


def test_repository_keeps_its_layers():
    assert layer_rules.violations(layer_rules.ROOT) == []


def test_repository_is_really_read():
    paths = layer_rules.sources(layer_rules.ROOT)
    tops = {path.relative_to(layer_rules.ROOT).parts[0] for path in paths}
    assert tops >= {"exceptions.py", "providers", "transport", "models", "sandbox", "tests"}


@pytest.mark.parametrize(
    "path, source, problem",
    [
        ("exceptions.py", "from .providers import base", "from a layer above"),
        ("providers/a.py", "from ..transport import smtp", "from a layer above"),
        ("providers/a.py", "from .. import models", "from a layer above"),
        ("transport/a.py", "from ..models.mail_mail import X", "from a layer above"),
        ("transport/deep/a.py", "from ...models import X", "from a layer above"),
        ("transport/a.py", "from ..recognition import x", "from a layer above"),
        ("recognition/a.py", "from ..models import x", "from a layer above"),
        ("recognition/a.py", "import odoo", "a plain layer imports odoo"),
        ("models/a.py", "from ..wizard import x", "from a layer above"),
        (
            "models/a.py",
            "from odoo.addons.mail_server_oauth2.controllers import x",
            "from a layer above",
        ),
        ("transport/a.py", "def f():\n    from ..models import x", "from a layer above"),
        ("providers/a.py", "import odoo", "a plain layer imports odoo"),
        ("transport/a.py", "from odoo.tools import config", "a plain layer imports odoo.tools"),
        ("exceptions.py", "def f():\n    import odoo.http", "a plain layer imports odoo.http"),
        ("models/a.py", "from sandbox import seed", "not shipped"),
        ("tests/test_a.py", "import sandbox.seed", "not shipped"),
        ("models/a.py", "from ..sandbox import seed", "not shipped"),
        ("models/a.py", "from ..tests import common", "from a layer above"),
        ("hooks.py", "from scripts import places", "not shipped"),
        ("sandbox/a.py", "import mail_server_oauth2.exceptions", "the sandbox imports"),
        ("sandbox/a.py", "from ..exceptions import X", "the sandbox imports"),
        ("sandbox/a.py", "def f():\n    import odoo", "the sandbox imports odoo"),
    ],
)
def test_planted_import_is_found(tmp_path, path, source, problem):
    _plant(tmp_path, path, source)
    (found,) = layer_rules.violations(tmp_path)
    assert problem in found
    assert found.startswith(f"{path}:")


@pytest.mark.parametrize(
    "source",
    [
        "import msal",
        "from google.oauth2 import credentials",
        "try:\n    import msal\nexcept ImportError: pass",
        "class A:\n    import google_auth_oauthlib.flow",
    ],
)
@pytest.mark.parametrize("chain", [["__init__"], ["models/a"], ["models/a", "providers/b"]])
def test_library_that_is_loaded_with_the_addon_is_found(tmp_path, chain, source):
    for path, following in zip(["__init__", *chain], chain, strict=False):
        _plant(tmp_path, f"{path}.py", f"from {_dots(path)}{following.replace('/', '.')} import x")
    _plant(tmp_path, f"{chain[-1]}.py", source)
    (found,) = layer_rules.violations(tmp_path)
    assert "when Odoo loads the addon" in found


def _dots(path):
    return "." * (path.count("/") + 1)


def test_library_in_a_module_that_is_imported_later_is_left_alone(tmp_path):
    _plant(tmp_path, "__init__.py", "from . import models\nfrom .providers import base")
    _plant(tmp_path, "providers/__init__.py", "def f():\n    from . import microsoft")
    _plant(tmp_path, "providers/microsoft.py", "import msal")
    assert layer_rules.violations(tmp_path) == []


@pytest.mark.parametrize(
    "path, source",
    [
        ("transport/a.py", "from ..providers.base import Grant\nfrom ..exceptions import X"),
        ("transport/a.py", "from . import smtp\nfrom .smtp import Y"),
        ("models/a.py", "from odoo import models\nfrom ..transport import open_mail_session"),
        ("wizard/a.py", "from ..models import secret_cipher"),
        ("controllers/a.py", "from odoo.addons.mail.controllers import x"),
        ("__init__.py", "def f():\n    import msal"),
        ("__init__.py", "if TYPE_CHECKING:\n    import msal"),
        ("tests/test_a.py", "import msal"),
        ("sandbox/a.py", "from . import seed\nimport starlette"),
    ],
)
def test_allowed_import_is_left_alone(tmp_path, path, source):
    _plant(tmp_path, path, source)
    assert layer_rules.violations(tmp_path) == []


def _plant(root, path, source):
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(source)
