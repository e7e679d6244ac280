"""Diagnose: a checklist that runs by itself, and says what to do where it stops."""

import pytest
from playwright.sync_api import expect

from fresh_state import MAILBOX
from screens import Screen
from surroundings import PICTURES

SMTP, GRAPH, GMAIL = "oauth2_microsoft_smtp", "oauth2_microsoft_graph", "oauth2_google_smtp"


class Checklist(Screen):
    """The dialogue with the checks, opened from a form that has the button."""

    def __init__(self, page, button="action_oauth2_diagnose"):
        super().__init__(page)
        self.press(button)
        self.box = self.dialog.locator(".o_mail_oauth2_diagnosis")
        expect(self.box).to_be_visible()

    def wait(self, status="finished"):
        """Wait until all checks have ended."""
        expect(self.box).to_have_attribute("data-status", status, timeout=60_000)
        return self

    def row(self, name):
        return self.box.locator(f"[data-check={name}]")

    def expect_outcome(self, name, outcome):
        expect(self.row(name)).to_have_attribute("data-outcome", outcome)

    def outcomes(self):
        """Return ``{check: outcome}``, in the order they are shown in."""
        rows = self.box.locator("[data-check]")
        pairs = rows.evaluate_all(
            "rows => rows.map(row => [row.dataset.check, row.dataset.outcome])"
        )
        return dict(pairs)

    @property
    def progress(self):
        return self.box.get_by_test_id("progress")


@pytest.fixture
def server_form(page, odoo, surroundings):
    """Return ``open()``: opens the form of the only mail server."""

    def open_form():
        (server,) = odoo.search("ir.mail_server")
        form = Screen(page)
        form.load(f"{surroundings.odoo_url}/odoo/ir.mail_server/{server}")
        return form

    return open_form


def keep(page, name):
    """Leave pictures at both widths, for people to look at."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    for width, height in ((1280, 900), (390, 844)):
        page.set_viewport_size({"width": width, "height": height})
        page.screenshot(path=PICTURES / f"{name}-{width}.png", animations="disabled")
    page.set_viewport_size({"width": 1280, "height": 900})


@pytest.mark.parametrize("kind", [SMTP, GRAPH, GMAIL])
def test_everything_passes_for_a_connected_server(state, server_form, page, odoo, kind):
    odoo.write("mail.oauth2.app", [state.apps["microsoft"]], client_secret_expires_on="2999-01-01")
    state.connect(kind)
    server_form()
    checklist = Checklist(page).wait()
    assert set(checklist.outcomes().values()) == {"passed"}, checklist.box.inner_text()
    expect(checklist.progress).to_have_text("Everything is in order: mail can leave.")
    keep(page, f"diagnosis-{kind}")


def test_rows_appear_one_by_one_and_the_rest_can_be_stopped(state, server_form, page, sandbox):
    state.connect(SMTP)
    sandbox.fault("microsoft.token", "slow", seconds=3)
    server_form()
    checklist = Checklist(page)
    checklist.expect_outcome("token", "running")
    checklist.expect_outcome("clock", "passed")
    checklist.expect_outcome("mailbox", "waiting")
    expect(checklist.progress).to_have_text("Checking: Access token")
    keep(page, "diagnosis-running")
    checklist.press("stop")
    checklist.wait("stopped")
    checklist.expect_outcome("mailbox", "not_tried")
    sandbox.clear_faults()
    checklist.press("again")
    checklist.wait()
    checklist.expect_outcome("mailbox", "passed")


def test_says_what_to_do_and_what_was_not_tried(state, server_form, page, sandbox):
    state.connect(SMTP)
    sandbox.settings(smtp_auth_disabled="tenant")
    server_form()
    checklist = Checklist(page).wait()
    checklist.expect_outcome("mailbox", "failed")
    checklist.expect_outcome("send_as", "not_tried")
    row = checklist.row("mailbox")
    expect(row.get_by_test_id("cause")).to_contain_text("switched off in your whole organisation")
    expect(row.get_by_test_id("command")).to_contain_text(MAILBOX["microsoft"])
    expect(row.locator("a")).to_have_attribute("href", "https://aka.ms/smtp_auth_disabled")
    expect(row).to_contain_text("5.7.139")
    row.scroll_into_view_if_needed()
    keep(page, "diagnosis-failed")
