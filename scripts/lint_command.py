"""``make lint``: every check, side by side, and what it found."""

import os
import subprocess
import tempfile
from pathlib import Path

from .console import say, show
from .exported_addon import export_addon, put_under_git
from .lint_checks import LintChecks
from .places import ROOT
from .python_environment import environment
from .side_by_side import side_by_side

_CHECKS = (
    "ruff",
    "ruff_format",
    "pylint_odoo",
    "oca_module",
    "oca_translations",
    "translations",
    "xml",
    "names",
    "wheel",
)


def lint():
    """Run every check and return the exit code of the command."""
    python = environment("lint")
    with tempfile.TemporaryDirectory() as scratch:
        addon = export_addon(Path(scratch) / "export")
        put_under_git(addon.parent)
        checks = LintChecks(python, addon)
        findings = side_by_side(*(getattr(checks, name) for name in _CHECKS))
    for name, finding in zip(_CHECKS, findings, strict=True):
        say(f"{name}: {'see below' if finding else 'ok'}")
    bad = [(name, finding) for name, finding in zip(_CHECKS, findings, strict=True) if finding]
    for name, finding in bad:
        show(f"\n--- {name} ---\n{finding}")
    return 1 if bad else 0


def format_python():
    """Bring the Python files into the form that ``make lint`` asks for."""
    ruff = environment("lint").program("ruff")
    for arguments in (["check", "--fix", "--quiet"], ["format"]):
        subprocess.run([ruff, *arguments, "."], cwd=ROOT, env=os.environ, check=False)
