"""Screens for people who listen, tab, or see little: names, words for icons, contrast, width."""

from pathlib import Path

from playwright.sync_api import TimeoutError as TooLate
from playwright.sync_api import expect

#: milliseconds; Odoo's menus take a while to follow a window that changes its size
_PATIENCE = 5_000
_CHECK = Path(__file__).with_name("accessibility.js").read_text()


def problems(part):
    """Return what people who listen, tab or see little would miss, one sentence each.

    :param part: locator of an element; what is visible in it is looked at
    """
    return part.evaluate(_CHECK)


def expect_accessible(page, selector):
    """Fail if a part of the page is hard to use, or the page is wider than the screen.

    :param selector: of the part; the last one, if there are several
    """
    part = page.locator(selector).last
    expect(part).to_be_visible()
    found = problems(part)
    assert found == [], "\n".join(found)
    expect_no_wider_than_the_screen(page)


def expect_no_wider_than_the_screen(page):
    """Fail if something has to be scrolled to the side."""
    root = "document.documentElement"
    try:
        page.wait_for_function(f"{root}.scrollWidth <= {root}.clientWidth", timeout=_PATIENCE)
    except TooLate:
        wide, screen = page.evaluate(f"[{root}.scrollWidth, {root}.clientWidth]")
        raise AssertionError(f"{wide} pixels on a screen of {screen}") from None
