"""The administrator's overview: how things stand, and the way to what needs somebody."""

import uuid

import pytest
from playwright.sync_api import expect

from fresh_state import MAILBOX
from odoo_client import OdooClient
from screens import Screen

SMTP = "oauth2_microsoft_smtp"
FAILED = {"state": "exception", "failure_type": "mail_oauth2_refused", "failure_reason": "Refused."}
#: what a mail's form says first
BANNER = ".o_form_view .alert:visible"
UNKNOWN = {"state": "exception", "failure_type": "mail_oauth2_unknown"}


class Overview(Screen):
    """The screen that the menu *Sending Overview* opens."""

    def __init__(self, page, odoo_url):
        super().__init__(page)
        self._url = f"{odoo_url}/odoo/sending-overview"

    def open(self):
        self.page.goto(self._url)
        expect(self.page.locator(".o_mail_oauth2_overview")).to_be_visible()
        return self

    def tile(self, kind):
        return self.page.locator(f".o_mail_oauth2_tile[data-kind={kind}]")

    def expect_count(self, kind, number):
        expect(self.tile(kind).get_by_test_id("count")).to_have_text(str(number))

    def open_mails(self, kind):
        self.tile(kind).locator("button[name=open_mails]").click()
        expect(self.page.locator(".o_list_view")).to_be_visible()

    def retry(self, kind):
        """Press the tile's button; return the dialogue."""
        self.tile(kind).locator("button[name=retry]").click()
        return RetryDialogue(self.page)

    def show(self, view):
        self.page.locator(f"button.o_switch_view.o_{view}").click()
        expect(self.page.locator(f".o_{view}_view")).to_be_visible()


class RetryDialogue(Screen):
    """The dialogue that sends mails again."""

    def __init__(self, page):
        super().__init__(page)
        self.box = self.dialog.locator(".o_mail_oauth2_retry")
        expect(self.box).to_be_visible()

    def line(self, name):
        return self.box.get_by_test_id(name)

    def expect_status(self, status):
        expect(self.box).to_have_attribute("data-status", status, timeout=60_000)

    @property
    def progress(self):
        return self.box.get_by_test_id("progress")

    def close(self):
        self.dialog.locator("footer button").click()
        expect(self.dialog).to_have_count(0)


class MailForm(Screen):
    """The form of one mail."""

    def __init__(self, page, odoo_url, mail):
        super().__init__(page)
        self._url = f"{odoo_url}/odoo/mail.mail/{mail}"

    def open(self, *, history=False):
        self.load(self._url)
        expect(self.field("subject")).to_be_visible()
        if history:
            self.page.locator("a[name=oauth2_attempts]").click()
        return self

    @property
    def banner(self):
        return self.page.locator(BANNER)

    @property
    def attempts(self):
        return self.field("oauth2_attempt_ids").locator(".o_data_row")


@pytest.fixture
def overview(page, surroundings):
    return Overview(page, surroundings.odoo_url)


@pytest.fixture
def mail_form(page, surroundings):
    """Return ``open(mail)``: opens the form of a mail on its history."""
    return lambda mail: MailForm(page, surroundings.odoo_url, mail).open(history=True)


@pytest.fixture
def queue(odoo, state):
    """Return ``queue(number, **values)``: puts mails into the queue, returns their ids."""

    def put(number=1, **values):
        mails = [
            {
                "subject": f"Invoice 2026/{position:04}",
                "body_html": "<p>Please find your invoice.</p>",
                "email_from": MAILBOX["microsoft"],
                "email_to": f"customer{position}@example.com",
                "auto_delete": False,
                # Others cannot be deleted by the administrator, as every next test wants to.
                "is_notification": True,
                **values,
            }
            for position in range(number)
        ]
        return odoo.call("mail.mail", "create", mails)

    return put


@pytest.fixture
def colleague(state, odoo, surroundings):
    """Another administrator, at work in another browser."""
    login = uuid.uuid4().hex
    groups = [odoo.record("base", "group_user"), odoo.record("base", "group_system")]
    user = odoo.create(
        "res.users", name="Cora", login=login, password=login, group_ids=[(6, 0, groups)]
    )
    yield OdooClient(surroundings.odoo_url, surroundings.database, login, login)
    odoo.write("res.users", [user], active=False)


def states(odoo, mails):
    rows = odoo.call("mail.mail", "read", mails, ["state"])
    return [row["state"] for row in rows]


# ----------------------------------------------------------------
# NUMBERS
# ----------------------------------------------------------------


@pytest.fixture
def refused(state, odoo, sandbox, queue):
    """A mail to an address that does not exist, and one that was sent."""
    state.connect(SMTP)
    sandbox.fault(
        "microsoft_smtp.rcpt",
        "reply",
        status=550,
        message="5.1.1 No such user here",
        match={"recipient": "nobody@example.com"},
    )
    (sent,) = queue()
    (refused,) = queue(email_to="nobody@example.com")
    odoo.run_mail_queue()
    assert states(odoo, [sent, refused]) == ["sent", "exception"]
    return refused


def test_shows_how_things_stand(state, overview, odoo, queue, page, refused):
    queue(2, **UNKNOWN)
    queue(scheduled_date="2099-01-01 10:00:00")
    state.give_server(SMTP, "sales@contoso.example")
    queue(3)
    odoo.run_mail_queue()
    overview.open()
    for kind, number in (("waiting", 1), ("held", 3), ("failed", 1), ("unknown", 2)):
        overview.expect_count(kind, number)
    expect(page.locator("canvas")).to_be_visible()
    expect(page.locator("[data-state=disconnected]")).to_have_text("Not connected")
    overview.keep_pictures("overview-graph", ".o_mail_oauth2_overview")
    overview.open().show("pivot")
    expect(page.locator("div.o_pivot")).to_contain_text(MAILBOX["microsoft"])
    overview.keep_pictures("overview-pivot", ".o_mail_oauth2_overview")
    overview.open().open_mails("held")
    expect(page.locator(".o_data_row")).to_have_count(3)
    expect(page.locator(".o_facet_value")).to_have_text(["Held"])
    newest = page.locator(".o_data_row").first
    expect(newest).to_contain_text("Nobody has signed in for this mailbox yet.")
    expect(newest).to_contain_text("customer2@example.com")
    overview.keep_pictures("mails-not-left", ".o_list_table tbody:visible")


def test_reason_leads_to_attempt_and_mail(overview, page, refused):
    overview.open()
    page.get_by_role("button", name="The recipient's address does not exist.").click()
    newest = page.locator(".o_data_row").first
    expect(newest).to_contain_text("nobody@example.com")
    newest.locator(".o_data_cell").nth(1).click()
    expect(page.locator(".o_form_view")).to_contain_text("5.1.1 No such user here")
    overview.keep_pictures("attempt-form", ".o_form_sheet")
    page.get_by_role("button", name="Open Mail").click()
    email_to = page.locator(".o_field_widget[name=email_to] textarea")
    expect(email_to).to_have_value("nobody@example.com")


def test_mailbox_that_needs_somebody_is_one_click_away(state, overview, page):
    state.give_server(SMTP)
    overview.open()
    page.locator("button[name=open_mailbox]").click()
    expect(page.locator(".o_field_widget[name=address] input")).to_have_value(MAILBOX["microsoft"])
    expect(page.locator("button[name=action_authenticate]:visible")).to_have_text("Authenticate")


# ----------------------------------------------------------------
# SENDING AGAIN
# ----------------------------------------------------------------


def test_many_mails_go_again_in_batches_that_can_be_stopped(state, overview, odoo, queue, page):
    state.give_server(SMTP)
    failed, unknown = queue(450, **FAILED), queue(2, **UNKNOWN)
    overview.open()
    dialogue = overview.retry("failed")
    expect(dialogue.line("failed")).to_contain_text("450")
    asked = []

    def keep_waiting(route):
        asked.append(route)

    page.route("**/run_batch*", keep_waiting)
    with page.expect_request("**/run_batch*"):
        dialogue.press("start")
    with page.expect_request("**/run_batch*"):
        asked.pop().continue_()
    expect(dialogue.progress).to_have_text("200 of 450")
    dialogue.keep_pictures("retry-running", ".modal-content")
    dialogue.press("stop")
    asked.pop().continue_()
    page.unroute("**/run_batch*")
    dialogue.expect_status("stopped")
    expect(dialogue.progress).to_contain_text("Stopped after 400 of 450.")
    assert states(odoo, failed[:400]) == ["outgoing"] * 400
    assert states(odoo, failed[400:]) == ["exception"] * 50
    dialogue.press("start")
    dialogue.expect_status("finished")
    expect(dialogue.progress).to_contain_text("Mails back in the queue: 450.")
    dialogue.keep_pictures("retry-finished", ".modal-content")
    assert states(odoo, failed) == ["outgoing"] * 450
    assert states(odoo, unknown) == ["exception"] * 2
    dialogue.close()
    overview.expect_count("failed", 0)


def test_goes_on_after_a_batch_that_could_not_be_done(state, overview, odoo, queue, page):
    state.give_server(SMTP)
    failed = queue(210, **FAILED)
    dialogue = overview.open().retry("failed")
    page.route("**/run_batch*", lambda route: route.abort(), times=1)
    dialogue.press("start")
    dialogue.expect_status("interrupted")
    expect(dialogue.box.get_by_role("alert")).to_contain_text("What was done stays done.")
    dialogue.press("start")
    dialogue.expect_status("finished")
    assert states(odoo, failed) == ["outgoing"] * 210


def test_selected_mails_go_again_and_others_are_left_out(state, surroundings, odoo, queue, page):
    state.give_server(SMTP)
    queue(2, scheduled_date="2099-01-01 10:00:00")
    (held,) = queue()
    odoo.run_mail_queue()
    queue(3, **FAILED)
    queue(1, **UNKNOWN)
    page.goto(f"{surroundings.odoo_url}/odoo/mails-not-left")
    expect(page.locator(".o_data_row")).to_have_count(7)
    page.locator("thead .o_list_record_selector input").check()
    page.locator("button[name=action_oauth2_retry]").click()
    dialogue = RetryDialogue(page)
    dialogue.keep_pictures("retry-plan", ".modal-content")
    for name, number in (("failed", 3), ("held", 1), ("unknown", 1), ("other", 2)):
        expect(dialogue.line(name)).to_contain_text(f": {number}")
    expect(dialogue.line("blocked")).to_contain_text(f"{MAILBOX['microsoft']}: Not connected.")
    dialogue.press("start")
    dialogue.expect_status("finished")
    expect(dialogue.progress).to_contain_text("Mails back in the queue: 4.")
    dialogue.close()
    expect(page.locator(".o_data_row").filter(has_text="Delivery unknown")).to_have_count(1)
    assert states(odoo, [held]) == ["outgoing"]


# ----------------------------------------------------------------
# ONE MAIL
# ----------------------------------------------------------------


def test_held_mail_leads_to_its_mailbox(state, mail_form, odoo, queue, page):
    state.give_server(SMTP)
    (mail,) = queue()
    odoo.run_mail_queue()
    form = mail_form(mail)
    expect(form.banner).to_contain_text("Held until the mailbox can send again")
    expect(form.banner).to_contain_text("Nobody has signed in for this mailbox yet.")
    form.keep_pictures("mail-held", BANNER)
    form.press("action_oauth2_open_mailbox")
    expect(page.locator(".o_field_widget[name=address] input")).to_have_value(MAILBOX["microsoft"])


def test_waiting_mail_says_until_when(state, mail_form, odoo, sandbox, queue):
    state.connect(SMTP)
    sandbox.fault("microsoft_smtp.mail", "reply", status=451, message="4.7.500 Server busy")
    (mail,) = queue()
    odoo.run_mail_queue()
    form = mail_form(mail)
    expect(form.banner).to_contain_text("Next attempt")
    expect(form.banner).to_contain_text("451 4.7.500 Server busy")
    expect(form.attempts).to_have_count(1)
    expect(form.attempts).to_contain_text("Try later")
    form.keep_pictures("mail-waiting", BANNER)


def test_refused_mail_says_why_and_where_its_other_recipients_are(
    state, mail_form, odoo, sandbox, queue, page
):
    state.connect(SMTP)
    words = "5.1.1 No such user here"
    sandbox.fault(
        "microsoft_smtp.rcpt",
        "reply",
        status=550,
        message=words,
        match={"recipient": "bob@example.com"},
    )
    people = [
        odoo.create("res.partner", name=name, email=f"{name.lower()}@example.com")
        for name in ("Ann", "Bob")
    ]
    (mail,) = queue(email_to=False, recipient_ids=[(6, 0, people)])
    odoo.run_mail_queue()
    form = mail_form(mail)
    expect(form.banner).to_contain_text("Recipient refused by the mail provider")
    lines = form.banner.locator("[name=failure_reason]").inner_text().splitlines()
    assert lines[-1].endswith(words), lines
    assert len(lines) > 2, "each kind of words has a line of its own"
    expect(form.attempts).to_have_count(2)
    expect(page.get_by_role("tab", name="Failure Reason")).to_have_count(0)
    form.keep_pictures("mail-refused", BANNER)
    form.press("action_oauth2_open_parts")
    expect(page.locator(".o_data_row")).to_have_count(1)
    page.locator(".o_data_row .o_data_cell").nth(1).click()
    expect(page.locator(".o_field_widget[name=recipient_ids]")).to_contain_text("Ann")
    page.locator("a[name=oauth2_attempts]").click()
    expect(form.attempts).to_have_count(2)
    form.keep_pictures("mail-sent", ".tab-pane.active")
    odoo.call("res.partner", "unlink", people)


def test_mail_of_unknown_delivery_is_decided_by_a_person(state, mail_form, odoo, sandbox, queue):
    state.connect(SMTP)
    sandbox.fault("microsoft_smtp.accepted", "drop", processed=True)
    first, second = queue(2)
    odoo.run_mail_queue()
    sandbox.clear_faults()
    odoo.run_mail_queue()
    unknown = [mail for mail in (first, second) if states(odoo, [mail]) == ["exception"]]
    form = mail_form(unknown[0])
    expect(form.banner).to_contain_text("Delivery unknown")
    expect(form.button("mark_outgoing")).to_have_count(0)
    form.keep_pictures("mail-unknown", BANNER)
    form.press("action_oauth2_mark_sent")
    expect(form.banner).to_have_count(0)
    assert states(odoo, unknown[:1]) == ["sent"]


# ----------------------------------------------------------------
# ALERTS
# ----------------------------------------------------------------


def test_alert_of_a_mailbox_opens_it(state, overview, colleague, odoo, sandbox, page):
    state.connect(SMTP)
    overview.open()
    (mailbox,) = odoo.search("mail.oauth2.mailbox")
    sandbox.revoke(MAILBOX["microsoft"])
    colleague.call("mail.oauth2.mailbox", "action_status", [mailbox])
    alert = overview.notification("danger")
    expect(alert).to_contain_text(f"Mailbox {MAILBOX['microsoft']} cannot send")
    alert.get_by_role("button", name="Open Mailbox").click()
    expect(page.locator(".o_field_widget[name=address] input")).to_have_value(MAILBOX["microsoft"])
    page.locator(".o_menu_systray [aria-label=Activities]").click()
    page.locator(".o-mail-ActivityGroup").filter(has_text="Mailbox").first.click()
    expect(page.locator(".o_data_row")).to_contain_text(MAILBOX["microsoft"])
    expect(page.locator(".o_searchview_facet")).to_contain_text("My Activities")
