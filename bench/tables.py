"""Tables, for a terminal and for Markdown."""

from __future__ import annotations


def plain_table(headings, rows):
    """Return a table with columns of equal width; columns of numbers stand to the right."""
    columns = [_aligned(heading, cells) for heading, *cells in zip(headings, *rows, strict=True)]
    return "\n".join("  ".join(line).rstrip() for line in zip(*columns, strict=True))


def markdown_table(headings, rows):
    """Return a table in Markdown."""
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _aligned(heading, cells):
    width = max(map(len, (heading, *cells)))
    numeric = all(cell.lstrip("-")[:1].isdigit() for cell in cells if cell)
    return [cell.rjust(width) if numeric else cell.ljust(width) for cell in (heading, *cells)]
