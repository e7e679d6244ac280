"""An Odoo that is already there is recognised, and nothing else is taken for one."""

import pytest

from scripts.console import SetupError
from scripts.odoo_source import odoo_source

_RELEASE = "version_info = (19, 0, 0, FINAL, 0, '')\n"


@pytest.fixture
def odoo(tmp_path, monkeypatch):
    """Lay out an Odoo below a folder and point ODOO_PATH at some place of it."""

    def lay_out(*, root=".", given=".", release=_RELEASE, addons=False):
        package = tmp_path / root / "odoo"
        package.mkdir(parents=True)
        (package / "release.py").write_text(release)
        if addons:
            (tmp_path / root / "addons").mkdir()
        monkeypatch.setenv("ODOO_PATH", str(tmp_path / given))
        return tmp_path / root

    return lay_out


def test_source_checkout_brings_its_addons_along(odoo):
    root = odoo(addons=True)
    found = odoo_source()
    assert (found.python_path, found.addons) == (root.resolve(), (root.resolve() / "addons",))


@pytest.mark.parametrize(
    "root, given",
    [
        (".", "odoo"),
        ("usr/lib/python3/dist-packages", "."),
        ("usr/lib/python3/dist-packages", "usr/lib/python3/dist-packages"),
    ],
)
def test_installed_odoo_is_found_from_several_places(odoo, root, given):
    expected = odoo(root=root, given=given).resolve()
    assert odoo_source().python_path == expected


def test_other_series_is_refused(odoo):
    odoo(release="version_info = (18, 0, 0, FINAL, 0, '')\n")
    with pytest.raises(SetupError, match=r"is not Odoo 19\.0"):
        odoo_source()


def test_folder_without_odoo_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("ODOO_PATH", str(tmp_path))
    with pytest.raises(SetupError, match="holds no Odoo"):
        odoo_source()


def test_other_code_has_another_key(odoo):
    root = odoo()
    before = odoo_source().key
    (root / "odoo" / "release.py").write_text(f"{_RELEASE}# patched\n")
    assert odoo_source().key != before
