"""Who may import whom in the addon, read from the sources without running them."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ADDON = "mail_server_oauth2"
#: Lower layers first; an import may point to its own layer or to one before it.
LAYERS = (
    ("exceptions",),
    ("providers",),
    ("transport",),
    ("recognition",),
    ("models",),
    ("cli", "controllers", "hooks", "wizard"),
)
PLAIN = ("exceptions", "providers", "transport", "recognition")
#: Expensive to import: never when Odoo loads the addon, only on first use.
LAZY = ("msal", "google_auth_oauthlib", "google.auth", "google.oauth2", "googleapiclient")
#: Beside the addon in the repository, and no part of it.
BESIDE = ("sandbox", "scripts", "bench", "tests_plain", "tests_browser", "tests_live")


@dataclass(frozen=True)
class Import:
    """One import: the dotted name it reaches, and whether it runs when the module is loaded."""

    line: int
    name: str
    at_load: bool


def violations(root):
    """Return a sentence for each import below ``root`` that breaks a rule."""
    imports = {path: imports_of(path, root) for path in sources(root)}
    loaded = _loaded_with_addon(imports, root)
    return [
        f"{path.relative_to(root)}:{found.line}: {problem}"
        for path in imports
        for found in imports[path]
        for problem in _problems(path.relative_to(root), found, path in loaded)
    ]


def imports_of(path, root):
    """Return the imports of a file, those of the addon by their names within the addon."""
    tree = ast.parse(path.read_text(), filename=str(path))
    lazy = _nodes_run_later(tree)
    package = path.relative_to(root).parent.parts
    return [
        Import(node.lineno, name, node not in lazy)
        for node in ast.walk(tree)
        for name in _names(node, package)
    ]


def sources(root):
    """Return the files the rules are about."""
    tops = {name for layer in LAYERS for name in layer} | {"tests", "sandbox", "__init__"}
    folders = [path for top in sorted(tops) for path in sorted((root / top).rglob("*.py"))]
    return folders + [path for top in sorted(tops) if (path := root / f"{top}.py").exists()]


def _problems(path, found, loaded):
    top = path.with_suffix("").parts[0]
    reached = found.name.removeprefix(f"{ADDON}.").split(".")[0]
    if top == "sandbox":
        if _is(found.name, ("odoo", ADDON)) and reached != "sandbox":
            yield f"the sandbox imports {found.name}"
        return
    if reached in BESIDE:
        yield f"the addon imports {found.name}, which is not shipped with it"
    if top in PLAIN and _is(found.name, ("odoo",)):
        yield f"a plain layer imports {found.name}"
    if loaded and found.at_load and _is(found.name, LAZY):
        yield f"{found.name} is imported when Odoo loads the addon"
    if _is(found.name, (ADDON,)) and _height(reached) > _height(top):
        yield f"{top} imports {found.name} from a layer above"


def _loaded_with_addon(imports, root):
    """Return the files that run when Odoo imports the addon, package by package."""
    waiting, loaded = [root / "__init__.py"], set()
    while waiting:
        path = waiting.pop()
        if path in loaded or path not in imports:
            continue
        loaded.add(path)
        for found in imports[path]:
            if found.at_load and _is(found.name, (ADDON,)):
                waiting.extend(_files_behind(found.name, root))
    return loaded


def _files_behind(name, root):
    """Return the modules a name may stand for: each package on the way, and the last module."""
    parts = name.split(".")[1:]
    for length in range(1, len(parts) + 1):
        path = root.joinpath(*parts[:length])
        yield path / "__init__.py"
        yield path.with_suffix(".py")


def _height(top):
    """Return the number of a layer; what is in none may import all and is imported by all."""
    numbers = (number for number, names in enumerate(LAYERS) if top in names)
    return next(numbers, len(LAYERS) if top in ("tests", "__init__") else -1)


def _is(name, packages):
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def _names(node, package):
    """Return the dotted names an import statement reaches."""
    if isinstance(node, ast.Import):
        return [_within_addon(alias.name) for alias in node.names]
    if not isinstance(node, ast.ImportFrom):
        return []
    base = _base(node, package)
    return [_within_addon(".".join(filter(None, (base, alias.name)))) for alias in node.names]


def _base(node, package):
    if not node.level:
        return node.module
    above = package[: len(package) - node.level + 1]
    return ".".join(filter(None, (ADDON, *above, node.module)))


def _within_addon(name):
    return name.removeprefix("odoo.addons.") if _is(name, (f"odoo.addons.{ADDON}",)) else name


def _nodes_run_later(tree):
    """Return the nodes inside functions and below ``if TYPE_CHECKING``."""
    later = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) or (
            isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        ):
            later.update(ast.walk(node))
    return later
