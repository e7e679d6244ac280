"""Diagnose: a checklist that runs by itself, and says what to do where it stops."""

import pytest
from playwright.sync_api import expect

from conftest import log_in
from fresh_state import MAILBOX
from odoo_client import OdooClient
from password_server import PasswordServer
from screens import Screen

SMTP, GRAPH, GMAIL = "oauth2_microsoft_smtp", "oauth2_microsoft_graph", "oauth2_google_smtp"
BERT = "bert@contoso.example"


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


@pytest.fixture
def dated_secret(state, odoo):
    """The end of the client secret is known, so nothing is left to warn of."""
    odoo.write("mail.oauth2.app", [state.apps["microsoft"]], client_secret_expires_on="2999-01-01")


@pytest.fixture
def employee(state, odoo, surroundings):
    """Somebody without rights on settings, with a connected mailbox of their own."""
    odoo.call("ir.config_parameter", "set_param", "base_setup.default_external_email_server", "1")
    values = {"name": "Bert", "login": "bert", "password": "bert-pass", "email": BERT}
    user = odoo.create("res.users", **values)
    theirs = OdooClient(surroundings.odoo_url, surroundings.database, "bert", "bert-pass")
    theirs.user = user
    yield theirs
    odoo.delete_all("ir.mail_server")
    odoo.write("res.users", [user], active=False, login=f"bert-{user}")


@pytest.mark.parametrize("kind", [SMTP, GRAPH, GMAIL])
def test_everything_passes_for_a_connected_server(state, dated_secret, server_form, page, kind):
    state.connect(kind)
    server_form()
    checklist = Checklist(page).wait()
    assert set(checklist.outcomes().values()) == {"passed"}, checklist.box.inner_text()
    expect(checklist.progress).to_have_text("Everything is in order: mail can leave.")
    checklist.keep_pictures(f"diagnosis-{kind}", ".modal-content")


def test_server_with_a_password(company_form, page):
    with PasswordServer("erp", "correct horse") as server:
        company_form.open()
        company_form.choose_type("login")
        company_form.fill("email_server_host", "localhost")
        company_form.fill("email_server_port", str(server.port))
        company_form.select("email_server_encryption", "None")
        company_form.fill("email_server_user", "erp")
        company_form.fill("email_server_password", "correct horse")
        company_form.save()
        company_form.open()
        checklist = Checklist(page, "action_email_server_diagnose").wait()
        assert server.recipients == []
    assert "token" not in checklist.outcomes()
    checklist.expect_outcome("mail_certificate", "warning")
    checklist.expect_outcome("mailbox", "passed")
    expect(checklist.progress).to_have_text("1 with a warning, 7 passed")
    checklist.keep_pictures("diagnosis-password", ".modal-content")


def test_rows_appear_one_by_one_and_the_rest_can_be_stopped(state, server_form, page, sandbox):
    state.connect(SMTP)
    sandbox.fault("microsoft.token", "slow", seconds=3)
    server_form()
    checklist = Checklist(page)
    checklist.expect_outcome("token", "running")
    checklist.expect_outcome("clock", "passed")
    checklist.expect_outcome("mailbox", "waiting")
    expect(checklist.progress).to_have_text("Checking: Access token")
    checklist.keep_pictures("diagnosis-running", ".modal-content")
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
    expect(checklist.progress).to_have_text("1 failed, 1 not tried, 1 with a warning, 14 passed")
    row = checklist.row("mailbox")
    expect(row.get_by_test_id("cause")).to_contain_text("switched off in your whole organisation")
    expect(row.get_by_test_id("command")).to_contain_text(MAILBOX["microsoft"])
    expect(row.locator("a")).to_have_attribute("href", "https://aka.ms/smtp_auth_disabled")
    expect(row).to_contain_text("5.7.139")
    expect(row).not_to_be_in_viewport()
    checklist.keep_pictures("diagnosis-failed-top", ".modal-content")
    checklist.box.get_by_test_id("problems").get_by_text("Mailbox").click()
    expect(row).to_be_in_viewport()
    expect(row).to_be_focused()
    checklist.keep_pictures("diagnosis-failed", ".modal-content")


def test_result_is_copied_as_text(state, dated_secret, server_form, page, sandbox):
    state.connect(GRAPH)
    server_form()
    checklist = Checklist(page).wait()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    checklist.box.locator(".o_clipboard_button").first.click()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert "[Passed] Access token" in copied
    assert "Odoo 19.0" in copied
    assert sandbox["microsoft"]["client_secret"] not in copied
    checklist.box.locator("summary").click()
    shown = checklist.box.locator("pre").inner_text()
    assert shown.split() == copied.split()
    checklist.box.locator("pre").scroll_into_view_if_needed()
    checklist.keep_pictures("diagnosis-report", ".modal-content")


def test_check_that_never_ends_is_left_behind(state, dated_secret, server_form, page, sandbox):
    """The browser's own deadline: here it is shortened, as the server would not be late."""
    state.connect(SMTP)
    sandbox.fault("microsoft.token", "slow", seconds=4)
    page.route("**/mail.oauth2.diagnosis/begin", _impatient)
    server_form()
    checklist = Checklist(page).wait()
    expect(checklist.row("token").get_by_test_id("cause")).to_contain_text("within 1 seconds")
    checklist.expect_outcome("mailbox", "not_tried")


def _impatient(route):
    answer = route.fetch()
    content = answer.json()
    content["result"]["patience"] = 1
    route.fulfill(response=answer, json=content)


def test_check_that_breaks_does_not_end_the_others(state, dated_secret, server_form, page):
    state.connect(SMTP)
    page.route("**/mail.oauth2.diagnosis/run_check", _break_the_clock)
    server_form()
    checklist = Checklist(page).wait()
    expect(checklist.row("clock").get_by_test_id("cause")).to_contain_text("could not run")
    checklist.expect_outcome("mailbox", "passed")
    checklist.expect_no_error()


def _break_the_clock(route):
    if "clock" in route.request.post_data_json["params"]["args"]:
        route.fulfill(status=500, body="no")
    else:
        route.continue_()


def test_mailbox_has_the_button_too(state, dated_secret, page, odoo, surroundings):
    state.connect(GRAPH)
    (mailbox,) = odoo.search("mail.oauth2.mailbox")
    Screen(page).load(f"{surroundings.odoo_url}/odoo/connected-mailboxes/{mailbox}")
    checklist = Checklist(page, "action_diagnose").wait()
    assert set(checklist.outcomes().values()) == {"passed"}, checklist.box.inner_text()


def test_employee_diagnoses_the_own_mailbox(employee, dated_secret, page, surroundings, sandbox):
    action = employee.call("res.users", "action_setup_outgoing_mail_server", GRAPH)
    employee.open(sandbox.sign_in(action["url"], BERT))
    page.context.clear_cookies()
    log_in(page.context, employee)
    form = Screen(page)
    form.load(f"{surroundings.odoo_url}/odoo/my-preferences/{employee.user}")
    page.get_by_text("Preferences", exact=True).first.click()
    checklist = Checklist(page, "action_diagnose_own_mailbox").wait()
    assert set(checklist.outcomes().values()) == {"passed"}, checklist.box.inner_text()
    checklist.keep_pictures("diagnosis-employee", ".modal-content")
