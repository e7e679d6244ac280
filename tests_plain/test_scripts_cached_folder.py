"""Folders of the cache are whole or absent, also with two checkouts at once."""

import threading

import pytest

from scripts.cached_folder import built_in_place, built_once, fingerprint


@pytest.fixture(params=[built_once, built_in_place])
def build_with(request):
    return request.param


def _fill(folder):
    (folder / "content").write_text("whole")


def test_folder_is_built_once(tmp_path, build_with):
    calls = []

    def build(folder):
        calls.append(folder)
        _fill(folder)

    first = build_with(tmp_path / "x", build)
    second = build_with(tmp_path / "x", build)
    assert first == second == tmp_path / "x"
    assert (first / "content").read_text() == "whole"
    assert len(calls) == 1


def test_build_that_failed_is_done_again_from_scratch(tmp_path, build_with):
    def torn(folder):
        (folder / "half").touch()
        raise OSError("connection lost")

    with pytest.raises(OSError, match="connection lost"):
        build_with(tmp_path / "x", torn)
    folder = build_with(tmp_path / "x", _fill)
    assert (folder / "content").exists()
    assert not (folder / "half").exists()


def test_torn_folder_without_its_marker_is_not_used(tmp_path, build_with):
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "half").touch()
    folder = build_with(tmp_path / "x", _fill)
    assert not (folder / "half").exists()


def test_folder_appears_only_when_it_is_whole(tmp_path):
    def build(folder):
        assert not (tmp_path / "x").exists()
        _fill(folder)

    assert (built_once(tmp_path / "x", build) / "content").exists()


def test_second_builder_waits_for_the_first(tmp_path, build_with):
    building, go_on, calls = threading.Event(), threading.Event(), []

    def slow(folder):
        calls.append("first")
        building.set()
        assert go_on.wait(10)
        _fill(folder)

    def never(_folder):
        calls.append("second")

    first = threading.Thread(target=build_with, args=(tmp_path / "x", slow))
    second = threading.Thread(target=build_with, args=(tmp_path / "x", never))
    first.start()
    assert building.wait(10)
    second.start()
    go_on.set()
    first.join(10)
    second.join(10)
    assert calls == ["first"]


def test_fingerprint_tells_its_parts_apart():
    names = {fingerprint("ab", "c"), fingerprint("a", "bc"), fingerprint("abc"), fingerprint(b"ab")}
    assert len(names) == 4
    assert fingerprint("ab", b"c") == fingerprint("ab", "c")
