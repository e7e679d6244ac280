"""The measured parts of ``docs/benchmarks.md``."""

from __future__ import annotations

import re
from pathlib import Path

from scripts.places import ROOT

_PAGE = ROOT / "docs" / "benchmarks.md"


def write_results(name: str, lines: list[str], page: Path = _PAGE) -> None:
    """Replace what stands between the marks of a part.

    :param name: of the part; the page has ``<!-- name -->`` and ``<!-- end of name -->``
    :raise ValueError: the page has no such part
    """
    part = re.compile(rf"(?<=<!-- {name} -->\n).*?(?=<!-- end of {name} -->\n)", re.DOTALL)
    text = page.read_text(encoding="utf-8")
    if not part.search(text):
        raise ValueError(f"{page.name} has no part {name!r}")
    results = "\n".join(lines).rstrip() + "\n"
    page.write_text(part.sub(lambda _match: results, text), encoding="utf-8")
