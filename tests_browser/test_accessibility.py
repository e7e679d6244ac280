"""Screens that are usable by everybody, on a desk and on a phone (see ``accessibility.py``).

Each is kept as a picture in ``.run/test-browser/screens``. Screens with tests of their own are
looked at there (``Screen.keep_pictures``).
"""

import pytest
from playwright.sync_api import expect

from accessibility import expect_accessible, problems
from fresh_state import MAILBOX
from surroundings import PICTURES

SCREENS = PICTURES.parent / "screens"
SIZES = {"desk": (1280, 900), "phone": (390, 844)}
#: what is ours of a form: the page of the company, or all of the sheet
OWN_PART = ".o_form_sheet:not(:has(.o_notebook)), .tab-pane.active"
STATES = (
    "disconnected", "pending", "connected", "attention", "sign_in_needed", "configuration_error",
)  # fmt: skip


@pytest.fixture(params=SIZES)
def size(request, page):
    width, height = SIZES[request.param]
    page.set_viewport_size({"width": width, "height": height})
    return request.param


@pytest.fixture
def look(page, size):
    """Check what is on the screen, in an element, and keep a picture of it.

    Tests name it first: Odoo's menus take a while to follow a window that changes its size.
    """

    def look(name, root=OWN_PART):
        expect(page.locator(root).last).to_be_visible()
        SCREENS.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=SCREENS / f"{name}-{size}.png", animations="disabled")
        expect_accessible(page, root)

    return look


def test_company_without_a_server(look, company_form):
    company_form.open()
    look("company-none")


def test_company_connected(look, connected_form):
    look("company-connected")


def test_company_with_a_change(look, connected_form):
    connected_form.choose_type("oauth2_google_smtp")
    expect(connected_form.field("email_server_change")).to_be_visible()
    look("company-change")
    connected_form.discard()


def test_company_with_a_password(look, company_form):
    company_form.open()
    company_form.choose_type("login")
    expect(company_form.field("email_server_password")).to_be_visible()
    look("company-basic")
    company_form.discard()


def test_company_that_needs_a_sign_in(look, connected_form, sandbox):
    sandbox.revoke(MAILBOX["microsoft"])
    connected_form.status()
    connected_form.expect_state("sign_in_needed")
    connected_form.open().expect_state("sign_in_needed")
    look("company-sign-in-needed")


def test_setup(look, setup_form, sandbox):
    setup_form.open_from_settings()

    def look_at(step, way=""):
        setup_form.expect_step(step)
        look(f"setup-{step}{way}")

    look_at("provider")
    setup_form.choose_provider("google")
    look_at("way", "-google")
    setup_form.choose_way("oauth2_google_smtp")
    look_at("app", "-google")
    setup_form.back()
    setup_form.back()
    setup_form.choose_provider("microsoft")
    look_at("way")
    setup_form.choose_way("direct_send")
    look_at("server")
    setup_form.back()
    setup_form.choose_way("oauth2_microsoft_smtp")
    look_at("app")
    setup_form.press("action_save_app")
    look_at("sign_in")
    setup_form.sign_in(MAILBOX["microsoft"])
    look_at("test")
    sandbox.fault("microsoft_smtp.rcpt", "reply", status=550, message="5.1.1 nobody", times=1)
    setup_form.send_test_mail("customer@example.com")
    expect(setup_form.page.get_by_test_id("test-mail-failed")).to_be_visible()
    look_at("test", "-failed")
    setup_form.send_test_mail("customer@example.com")
    look_at("sender")
    setup_form.press("action_make_sender")
    look_at("done")


def test_general_settings(look, connected_form, page, surroundings):
    page.goto(f"{surroundings.odoo_url}/odoo/settings")
    setting = page.locator("#company_email_server_setting")
    setting.scroll_into_view_if_needed()
    look("settings", "#company_email_server_setting")


def test_dialogues(look, connected_form, sandbox, page):
    connected_form.open_remove()
    look("remove", ".modal-content")
    page.keyboard.press("Escape")
    expect(connected_form.dialog).to_have_count(0)
    sandbox.fault("graph.sendmail", "error", code="ErrorSendAsDenied", times=1)
    connected_form.open_test_mail("customer@example.com")
    connected_form.press("action_send")
    expect(connected_form.dialog.get_by_test_id("test-mail-failed")).to_be_visible()
    look("test-mail", ".modal-content")


def test_mailboxes(look, connected_form, page, surroundings, size):
    page.goto(f"{surroundings.odoo_url}/odoo/connected-mailboxes")
    shown = page.locator("[data-state=connected]:visible")
    expect(shown).to_be_visible()
    look("mailboxes", ".o_list_table tbody, .o_kanban_record:not(.o_kanban_ghost)")
    page.get_by_text(MAILBOX["microsoft"]).first.click()
    expect(page.locator(".o_form_sheet [data-state=connected]:visible")).to_be_visible()
    look("mailbox")


def test_pages_of_the_sign_in(look, state, company_form, provider, page):
    state.give_server("oauth2_microsoft_graph", "invoices@contoso.example")
    company_form.open().authenticate()
    provider.sign_in("bert@contoso.example")
    expect(page.locator("button[name=choice]").first).to_be_visible()
    look("another-account", ".card")
    page.locator("a[href*='/odoo']").click()
    company_form.open().authenticate()
    provider.cancel()
    expect(page.get_by_test_id("cause")).to_be_visible()
    look("sign-in-failed", ".card")


@pytest.mark.parametrize("state_shown", STATES)
def test_badges_are_readable_and_have_an_icon(company_form, page, state_shown):
    company_form.open()
    badge = f'<span class="o_mail_oauth2_badge" data-state="{state_shown}">State</span>'
    insert(page, f'<p id="badge">{badge}</p>')
    badge = page.locator("#badge")
    assert problems(badge) == []
    style = "e => getComputedStyle(e.firstChild, '::before').content"
    assert badge.evaluate(style) not in ("none", "normal", '""')


def test_check_finds_what_is_missing(company_form, page):
    """The check itself: each of these would go unnoticed otherwise."""
    company_form.open()
    bad = {
        "<input type='text' placeholder='no name'>": "no name",
        "<button><i class='fa fa-check'></i></button>": "no name",
        "<img src='data:,'>": "no text alternative",
        "<div><i class='fa fa-check'></i></div>": "icon without words",
        "<p style='color: #999; background: #fff'>pale</p>": "contrast 2.85",
        "<div tabindex='3'>first</div>": "tab order",
    }
    for html, words in bad.items():
        insert(page, f"<div id='bad'>{html}</div>")
        found = problems(page.locator("#bad"))
        assert any(words in problem for problem in found), (html, found)
        page.locator("#bad").evaluate("element => element.remove()")


def insert(page, html):
    """Put something onto the form that is open."""
    sheet = page.locator(".o_form_sheet")
    sheet.evaluate("(sheet, html) => sheet.insertAdjacentHTML('afterbegin', html)", html)
