"""The checks of ``make lint``. Each returns what is wrong, as text; nothing means all is well."""

import shutil
import subprocess

from .exported_addon import put_under_git, tracked_files
from .foreign_names import foreign_names
from .places import ADDON, ROOT
from .wheel_contents import wheel_problems
from .xml_layout import layout_problems

_NOT_FOR_US = (
    "consider-merging-classes-inherited",  # one model, several files by subject
    # These know methods by their bare names, also in classes that are no models.
    "method-required-super",
    "missing-return",
)
_PLANTED_XML = """\
<?xml version="1.0" encoding="UTF-8" ?>
<odoo>
    <record id="planted" model="ir.cron"><field name="name">A</field></record>
    <record id="planted" model="ir.cron"><field name="name">B</field></record>
</odoo>
"""
_PLANTED_TERM = '\n#. module: x\nmsgid "planted"\nmsgstr ""\n'
_PLANTED_PO = '#. module: x\nmsgid "a"\nmsgstr "b"\n\n#. module: x\nmsgid "a"\nmsgstr "c"\n'


class LintChecks:
    """The checks, on the working tree and on the addon exported from it.

    :param python: environment with the linters
    :param addon: exported addon, alone in its parent folder
    """

    def __init__(self, python, addon):
        self._python = python
        self._addon = addon

    def ruff(self):
        """Rules for Python."""
        return self._output("ruff", "check", "--quiet", "--output-format=concise", ".", cwd=ROOT)

    def ruff_format(self):
        """The look of Python."""
        return self._output("ruff", "format", "--check", "--output-format=concise", ".", cwd=ROOT)

    def pylint_odoo(self):
        """Rules for Odoo addons."""
        options = [f"--rcfile={ROOT / '.pylintrc'}", f"--disable={','.join(_NOT_FOR_US)}"]
        return self._output("pylint", *options, ADDON, cwd=self._addon.parent)

    def oca_module(self):
        """OCA's checks of manifest, XML and CSV; first on a copy with a planted defect."""
        planted = self._copy("oca-module")
        (planted / "data" / "planted.xml").write_text(_PLANTED_XML)
        _list_in_manifest(planted, "data/planted.xml")
        # README.md is read by people on every forge; the store shows static/description.
        arguments = (ADDON, "--disable=prefer-readme-rst")
        return self._proven("oca-checks-odoo-module", arguments, planted, "xml-duplicate-record-id")

    def oca_translations(self):
        """OCA's checks of translations; first on a file with a planted defect."""
        planted = self._copy("oca-po")
        (planted / "i18n").mkdir(exist_ok=True)
        (planted / "i18n" / "planted.po").write_text(_PLANTED_PO)
        files = [path.relative_to(self._addon.parent) for path in self._addon.glob("i18n/*.po*")]
        check, expected = "oca-checks-po", "po-duplicate-message-definition"
        if expected not in self._output(check, f"{ADDON}/i18n/planted.po", cwd=planted.parent):
            return f"{check} does not see a planted defect"
        # It empties what is the same in both languages; here, empty means forgotten.
        arguments = ("--disable=po-pretty-format", *files)
        return self._output(check, *arguments, cwd=self._addon.parent) if files else ""

    def translations(self):
        """Every term of the template is there in every language; first on a planted defect."""
        check = ("python", "-m", "scripts.translation_problems")
        planted = self._copy("translations", git=False) / "i18n"
        with (planted / f"{ADDON}.pot").open("a") as template:
            template.write(_PLANTED_TERM)
        if "planted" not in self._output(*check, planted, cwd=ROOT):
            return "a term that is not translated goes unnoticed"
        return self._output(*check, self._addon / "i18n", cwd=ROOT)

    def xml(self):
        """The look of XML."""
        return _in_files(
            (path for path in tracked_files() if path.suffix == ".xml"),
            lambda path: layout_problems(path.read_bytes()),
        )

    def names(self):
        """No file names a registry's host or a path of one machine."""
        return _in_files(tracked_files(), lambda path: foreign_names(_text(path)))

    def wheel(self):
        """The wheel holds the addon and nothing else."""
        source = self._copy("wheel", git=False)
        target = source.parent / "wheel"
        building = subprocess.run(
            [self._python.python, "-m", "pip", "wheel", "--quiet", "--no-deps"]
            + ["--no-build-isolation", "--wheel-dir", target, source],
            capture_output=True,
            text=True,
            check=False,
        )
        wheels = list(target.glob("*.whl"))
        if building.returncode or len(wheels) != 1:
            return building.stdout + building.stderr
        return "\n".join(wheel_problems(wheels[0]))

    def _proven(self, check, arguments, planted, expected):
        """Run a check that is known to be able to fail."""
        if expected not in self._output(check, *arguments, cwd=planted.parent):
            return f"{check} does not see a planted defect ({expected})"
        return self._output(check, *arguments, cwd=self._addon.parent)

    def _copy(self, name, git=True):
        parent = self._addon.parent.with_name(name)
        shutil.copytree(self._addon, parent / ADDON)
        if git:
            put_under_git(parent)
        return parent / ADDON

    def _output(self, program, *arguments, cwd):
        """Return what a linter prints, empty when it is content."""
        done = subprocess.run(
            [self._python.program(program), *arguments],
            cwd=cwd,
            capture_output=True,
            text=True,
            check=False,
        )
        words = (done.stdout + done.stderr).strip()
        return words or f"ended with code {done.returncode}" if done.returncode else ""


def _list_in_manifest(addon, name):
    manifest = addon / "__manifest__.py"
    text = manifest.read_text()
    manifest.write_text(text.replace('"data": [', f'"data": [\n        "{name}",', 1))


def _in_files(paths, problems):
    found = [
        f"{path.relative_to(ROOT)}:{line}: {problem}"
        for path in paths
        for line, problem in problems(path)
    ]
    return "\n".join(found)


def _text(path):
    return path.read_text(errors="replace")
