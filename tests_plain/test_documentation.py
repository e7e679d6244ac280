"""What the pages of the documentation name is there: links, anchors, pictures and commands."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from urllib.parse import unquote

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGES = ("README.md", "CHANGELOG.md", "docs/**/*.md", "readme/*", "static/description/index.html")
#: Where people begin to read.
ENTRANCES = ("README.md", "docs/index.md")
PICTURES = ("docs/screenshots/*", "static/description/*")
PICTURE_SUFFIXES = {".gif", ".jpeg", ".jpg", ".png", ".svg", ".webp"}
#: No page shows them: Odoo's list of apps does, and the drawing that it is made from.
ICONS = {"static/description/icon.png", "static/description/icon.svg"}

_FENCE = re.compile(r"(?ms)^[ >]*(`{3,}|~{3,})[^\n]*\n(.*?)(?:^[ >]*\1[ \t]*$|\Z)")
_SPAN = re.compile(r"(?s)(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)")
_COMMENT = re.compile(r"(?s)<!--.*?-->")
_HEADING = re.compile(r"(?m)^ {0,3}#{1,6}[ \t]+(.+?)[ \t]*#*[ \t]*$")
_LINK = re.compile(r"(?m)\]\(\s*<?([^()\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)|^\[[^\]]+\]:\s+(\S+)")
_HTML_LINK = re.compile(r"""<[^>]*?\s(?:href|src)\s*=\s*["']([^"']*)["']""")
_HTML_ANCHOR = re.compile(r"""<[^>]*?\s(?:id|name)\s*=\s*["']([^"']+)["']""")
_HTML_CODE = re.compile(r"(?s)<(code|pre)\b[^>]*>(.*?)</\1>")
_EXTERNAL = re.compile(r"(?i)[a-z][a-z0-9+.-]*:|//")
_TARGET = re.compile(r"(?m)^([a-z][\w-]*):(?!=)")


# ----------------------------------------------------------------
# WHAT A PAGE SAYS
# ----------------------------------------------------------------


def pages(root):
    """Return the pages of the documentation."""
    return sorted(path for pattern in PAGES for path in root.glob(pattern) if path.is_file())


def links(page):
    """Yield line and target of each link and picture of a page that leads to no other host."""
    text = page.read_text(encoding="utf-8")
    patterns = [_HTML_LINK]
    if page.suffix != ".html":
        text, patterns = _without_code(text), [_LINK, _HTML_LINK]
    for pattern in patterns:
        for match in pattern.finditer(text):
            target = next(filter(None, match.groups()), "")
            if not _EXTERNAL.match(target):
                yield text.count("\n", 0, match.start()) + 1, target


def anchors(page):
    """Return what can stand behind ``#`` in a link to a page, as GitHub makes it of headings."""
    text = _without_code(page.read_text(encoding="utf-8"), spans=False)
    found = set(_HTML_ANCHOR.findall(text))
    for heading in _HEADING.findall(text):
        slug, number = _slug(heading), 0
        while (anchor := f"{slug}-{number}" if number else slug) in found:
            number += 1
        found.add(anchor)
    return found


def commands(page):
    """Yield what ``make`` is asked for in the code of a page."""
    for line in _code(page):
        words = shlex.split(line, comments=True) if line.strip().startswith("make ") else []
        yield from (word for word in words[1:] if "=" not in word and not word.startswith("-"))


def _code(page):
    """Yield the lines that a page quotes."""
    text = page.read_text(encoding="utf-8")
    for pattern in (_HTML_CODE,) if page.suffix == ".html" else (_FENCE, _SPAN, _HTML_CODE):
        for match in pattern.finditer(text):
            yield from match[2].splitlines()
        text = pattern.sub("", text)


def _without_code(text, *, spans=True):
    """Return a page without what it only quotes; lines keep their numbers."""
    for pattern in (_FENCE, _COMMENT, _SPAN) if spans else (_FENCE, _COMMENT):
        text = pattern.sub(lambda match: "\n" * match[0].count("\n"), text)
    return text


def _slug(heading):
    words = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", heading)
    words = re.sub(r"(?<!\w)_([^_]+)_(?!\w)", r"\1", words)
    return re.sub(r"[^\w\- ]", "", words.strip().lower()).replace(" ", "-")


# ----------------------------------------------------------------
# WHAT IS WRONG
# ----------------------------------------------------------------


def broken_links(root):
    """Return a sentence for each link, anchor or picture that leads nowhere."""
    return [
        f"{page.relative_to(root)}:{line}: {target}: {problem}"
        for page in pages(root)
        for line, target in links(page)
        if (problem := _problem(root, page, target))
    ]


def unused_pictures(root):
    """Return the pictures that no page shows."""
    shown = {path for page in pages(root) for path in _reached(root, page)}
    return sorted(
        str(path.relative_to(root))
        for pattern in PICTURES
        for path in root.glob(pattern)
        if path.suffix in PICTURE_SUFFIXES
        and path not in shown
        and str(path.relative_to(root)) not in ICONS
    )


def unknown_commands(root):
    """Return a sentence for each ``make`` command that the Makefile does not have."""
    targets = set(_TARGET.findall((root / "Makefile").read_text(encoding="utf-8")))
    return [
        f"{page.relative_to(root)}: make {command}"
        for page in pages(root)
        for command in commands(page)
        if command not in targets
    ]


def unreachable_pages(root):
    """Return the pages below ``docs/`` that nobody finds by following links."""
    waiting, seen = [root / name for name in ENTRANCES], set()
    while waiting:
        page = waiting.pop()
        if page in seen or not page.is_file():
            continue
        seen.add(page)
        waiting += [path for path in _reached(root, page) if path.suffix == ".md"]
    return sorted(
        str(path.relative_to(root)) for path in root.glob("docs/**/*.md") if path not in seen
    )


def _problem(root, page, target):
    name, _, anchor = target.partition("#")
    path = _path(page, name)
    if target.startswith("/") or not path.is_relative_to(root):
        return "leads out of the repository"
    if not path.exists():
        return "is not there"
    if anchor and path.suffix == ".md" and unquote(anchor) not in anchors(path):
        return "has no such heading"
    return ""


def _reached(root, page):
    """Return the files of the repository that a page leads to."""
    paths = {_path(page, target.partition("#")[0]) for _line, target in links(page)}
    return {path for path in paths if path.is_relative_to(root) and path.is_file()}


def _path(page, name):
    return (page.parent / unquote(name)).resolve() if name else page


# ----------------------------------------------------------------
# THIS REPOSITORY
# ----------------------------------------------------------------


def test_every_link_leads_somewhere():
    found = broken_links(ROOT)
    assert not found, "\n".join(found)


def test_every_picture_is_shown():
    found = unused_pictures(ROOT)
    assert not found, "\n".join(found)


def test_every_command_is_there():
    found = unknown_commands(ROOT)
    assert not found, "\n".join(found)


def test_every_page_is_found_by_reading_on():
    found = unreachable_pages(ROOT)
    assert not found, "\n".join(found)


def test_repository_is_really_read():
    found = pages(ROOT)
    names = {str(page.relative_to(ROOT)) for page in found}
    assert names >= {"README.md", "CHANGELOG.md", "docs/index.md", "readme/USAGE.md"}
    assert "static/description/index.html" in names
    assert len([link for page in found for link in links(page)]) > 100
    assert {command for page in found for command in commands(page)} >= {"run", "test", "faults"}


# ----------------------------------------------------------------
# THE CHECKS CAN FAIL
# ----------------------------------------------------------------

_GOOD = {
    "README.md": """\
# Title
[guide](docs/guide.md#the-2nd-step), [below](#below), [there](https://example.com/not/here)
<img alt="x" src="static/description/a.png"> and `make run`

```
make faults ARGS='--only kill'
[quoted](nowhere.md)
```
## Below
""",
    "docs/index.md": "[guide](guide.md) [decision](decisions/1.md) [up](../README.md)\n",
    "docs/guide.md": """\
# A [guide](index.md): *why* `not`?
## The 2nd step
## Twice
## Twice
`[quoted](nowhere.md)` ![b](screenshots/b.png) [again](#twice-1) [top](#a-guide-why-not)
""",
    "docs/decisions/1.md": "make sure of it\n",
    "docs/screenshots/b.png": "",
    "static/description/a.png": "",
    "static/description/icon.png": "",
    "static/description/index.html": '<img src="a.png" /> <code>make run</code>',
    "Makefile": "NAME := x\nrun: ## it\nfaults:\n",
}


@pytest.fixture
def repository(tmp_path):
    """Return a function that writes a small repository, with changes, and returns its root."""

    def write(changes=()):
        for name, text in {**_GOOD, **dict(changes)}.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text, encoding="utf-8")
        return tmp_path

    return write


def _all_problems(root):
    checks = (broken_links, unused_pictures, unknown_commands, unreachable_pages)
    return [problem for check in checks for problem in check(root)]


def test_good_pages_are_left_alone(repository):
    assert _all_problems(repository()) == []


@pytest.mark.parametrize(
    "page, text, problem",
    [
        ("CHANGELOG.md", "\n[x](docs/gone.md)", "CHANGELOG.md:2: docs/gone.md: is not there"),
        ("CHANGELOG.md", "[x](docs/guide.md#3rd)", ":1: docs/guide.md#3rd: has no such heading"),
        ("CHANGELOG.md", "[x](#nothing)", ":1: #nothing: has no such heading"),
        ("CHANGELOG.md", "[x](docs/guide.md#twice-2)", "#twice-2: has no such heading"),
        ("CHANGELOG.md", "[x](../elsewhere.md)", "leads out of the repository"),
        ("CHANGELOG.md", "[x](/docs/guide.md)", "leads out of the repository"),
        ("CHANGELOG.md", "[x]: docs/gone.md", "docs/gone.md: is not there"),
        ("CHANGELOG.md", "[`x`\n](docs/gone.md)", "docs/gone.md: is not there"),
        ("readme/USAGE.md", "![x](gone.png)", "readme/USAGE.md:1: gone.png: is not there"),
        ("docs/decisions/1.md", '<img src="gone.png">', "docs/decisions/1.md:1: gone.png"),
        ("static/description/index.html", "<img src='gone.png'/><img src='a.png'/>", "gone.png"),
        ("docs/screenshots/c.png", "", "docs/screenshots/c.png"),
        ("static/description/b.png", "", "static/description/b.png"),
        ("CHANGELOG.md", "`make nothing`", "CHANGELOG.md: make nothing"),
        ("CHANGELOG.md", "`make -k run nothing X=1`", "CHANGELOG.md: make nothing"),
        ("CHANGELOG.md", "1. x\n\n   ```\n   make nothing\n   ```", "make nothing"),
        ("CHANGELOG.md", "<code>make nothing</code>", "CHANGELOG.md: make nothing"),
        ("docs/lonely.md", "[guide](guide.md)", "docs/lonely.md"),
    ],
)
def test_planted_defect_is_found(repository, page, text, problem):
    (found,) = _all_problems(repository({page: text}))
    assert problem in found
