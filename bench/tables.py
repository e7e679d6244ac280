"""Tables, for a terminal and for Markdown."""

from __future__ import annotations


def plain_table(headings, rows):
    """Return a table with columns of equal width; what looks like a number stands to the right."""
    widths = [max(map(len, column)) for column in zip(headings, *rows, strict=True)]
    lines = [[*headings], *rows]
    return "\n".join(
        "  ".join(_aligned(cell, width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def markdown_table(headings, rows):
    """Return a table in Markdown."""
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _aligned(cell, width):
    return cell.rjust(width) if cell.lstrip("-")[:1].isdigit() else cell.ljust(width)
