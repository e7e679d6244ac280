"""Which Chromium the tests drive."""

import os

import pytest

from scripts.browser import chromium
from scripts.console import SetupError


def _program(path):
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def test_chromium_of_the_environment_comes_first(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    _program(tmp_path / "chromium")
    mine = _program(tmp_path / "mine")
    monkeypatch.setenv("CHROMIUM", str(mine))
    assert chromium() == str(mine)


def test_chromium_on_the_search_path_is_found(tmp_path, monkeypatch):
    monkeypatch.delenv("CHROMIUM", raising=False)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}/nowhere")
    program = _program(tmp_path / "google-chrome")
    assert chromium() == str(program)


def test_wrong_path_is_told(tmp_path, monkeypatch):
    monkeypatch.setenv("CHROMIUM", str(tmp_path / "missing"))
    with pytest.raises(SetupError, match="is not a program"):
        chromium()
