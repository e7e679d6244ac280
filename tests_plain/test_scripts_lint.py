"""The checks of `make lint` that are our own: each can fail."""

import zipfile

import pytest

from scripts.foreign_names import foreign_names
from scripts.wheel_contents import wheel_problems
from scripts.xml_layout import layout_problems

_GOOD = b"""\
<?xml version="1.0" encoding="UTF-8" ?>
<odoo>
    <!-- why -->
    <record id="a" model="b">
        <field name="arch" type="xml">
            <p>words <b>bold</b> words</p>
            <div
                class="one"
                invisible="a &lt; b
                    and c"
            >
                <span>x</span>
            </div>
            <field
                name="y"
                help="z"
            />
        </field>
    </record>
</odoo>
"""


class TestXmlLayout:
    def test_well_laid_out_file_is_left_alone(self):
        assert layout_problems(_GOOD) == []

    @pytest.mark.parametrize(
        "good, bad, line, problem",
        [
            (b"    <record", b"  <record", 4, "<record> is indented by 2 instead of 4"),
            (b"    </record", b"   </record", 19, "</record> is indented by 3 instead of 4"),
            (b"    <!-- why", b"<!-- why", 3, "comment is indented by 0"),
            (b"                class", b"             class", 8, "attribute of <div>"),
            (b"                help", b"            help", 16, "attribute of <field>"),
            (b"<span>x", b"<span> \n x", 12, "white space at the end"),
            (b"    <record", b"\t<record", 4, "tab"),
            (b"</odoo>\n", b"</odoo>", 20, "one line break"),
            (b"</odoo>\n", b"</odoo>\n\n", 22, "one line break"),
            (b"</p>", b"</q>", 6, "not well-formed"),
        ],
    )
    def test_planted_defect_is_found(self, good, bad, line, problem):
        assert good in _GOOD
        found = layout_problems(_GOOD.replace(good, bad))
        assert any(number == line and problem in words for number, words in found), found


class TestForeignNames:
    #: Cut in two, so that this file does not name them.
    @pytest.mark.parametrize(
        "halves",
        [("debian.", "org"), ("pypi.", "org"), ("python", "hosted"), ("npm", "js"), ("/wor", "k/")],
    )
    def test_planted_name_is_found(self, halves):
        name = "".join(halves)
        assert foreign_names(f"fine\nurl = 'x{name}x'\n") == [(2, name)]

    def test_other_names_are_left_alone(self):
        assert foreign_names("https://learn.microsoft.com/x ~/.cache/x /usr/share/x") == []


class TestWheelContents:
    @pytest.fixture
    def wheel(self, tmp_path):
        """Write a wheel with the files every wheel of the addon has, and more."""

        def write(*more, leave_out=()):
            names = {
                f"odoo/addons/mail_server_oauth2/{name}"
                for name in (
                    *("__init__.py", "__manifest__.py", "exceptions.py", "hooks.py", "LICENSE"),
                    *("data/neutralize.sql", "models/__init__.py", "static/description/icon.png"),
                )
            }
            path = tmp_path / "x.whl"
            with zipfile.ZipFile(path, "w") as file:
                for name in {*names, "x-19.0.dist-info/METADATA", *more} - set(leave_out):
                    file.writestr(name, "")
            return path

        return write

    def test_addon_alone_is_fine(self, wheel):
        assert wheel_problems(wheel()) == []

    @pytest.mark.parametrize(
        "name",
        [
            "odoo/addons/mail_server_oauth2/sandbox/seed.py",
            "odoo/addons/mail_server_oauth2/scripts/places.py",
            "odoo/addons/mail_server_oauth2/docs/sandbox.md",
            "odoo/addons/mail_server_oauth2/Makefile",
            "odoo/addons/mail_server_oauth2/tests_plain/conftest.py",
            "odoo/addons/other/__init__.py",
            "sandbox/seed.py",
            "models/mail_mail.py",
        ],
    )
    def test_what_is_no_part_of_the_addon_is_found(self, wheel, name):
        assert wheel_problems(wheel(name)) == [f"{name} is no part of the addon"]

    def test_what_is_missing_is_found(self, wheel):
        name = "odoo/addons/mail_server_oauth2/data/neutralize.sql"
        assert wheel_problems(wheel(leave_out=[name])) == [f"{name} is missing"]
