"""Whoever writes on a document sees there what holds a mail up or made it fail."""

import uuid

import pytest
from playwright.sync_api import expect

from conftest import log_in
from odoo_client import OdooClient

GRAPH, SMTP = "oauth2_microsoft_graph", "oauth2_microsoft_smtp"
BERT = "bert@contoso.example"
TEXT = "Your order is on its way."


@pytest.fixture
def employee(state, odoo, surroundings):
    """Somebody who writes to customers and may not read the queue of mails."""
    groups = [odoo.record("base", name) for name in ("group_user", "group_partner_manager")]
    login = f"bert-{uuid.uuid4().hex}"
    values = {"name": "Bert", "login": login, "password": login, "email": BERT}
    user = odoo.create("res.users", **values, group_ids=[(6, 0, groups)])
    yield OdooClient(surroundings.odoo_url, surroundings.database, login, login)
    odoo.write("res.users", [user], active=False)


def failures(page):
    """Return the failures that the menu of messages lists."""
    page.locator(".o_menu_systray .o-mail-DiscussSystray-class").first.click()
    return page.locator(".o-mail-MessagingMenu").get_by_text("An error occurred when sending")


def test_held_mail_is_shown_at_once_and_vanishes_when_it_can_leave(
    state, partner_form, odoo, sandbox
):
    state.give_server(GRAPH)
    partner_form.open().send_message(TEXT)
    odoo.run_mail_queue()
    expect(partner_form.sign).to_have_text("Held")
    expect(partner_form.sign).to_have_attribute("aria-label", "Held: not sent yet")
    partner_form.open_popover()
    expect(partner_form.popover).to_contain_text("Fay Follower (follower@example.com)(Held)")
    expect(partner_form.reason).to_contain_text("Nobody has signed in for this mailbox yet.")
    expect(partner_form.reason).to_contain_text("Press Authenticate")
    partner_form.keep_pictures("document-held", ".o-mail-MessageNotificationPopover")
    state.connect(GRAPH)
    sandbox.wait_for_mail(2)
    expect(partner_form.sign).not_to_contain_text("Held")
    expect(partner_form.sign).to_have_attribute("aria-label", "Recipients")


def test_held_mail_is_no_failure_but_a_refused_one_is(state, partner_form, odoo, sandbox, page):
    state.give_server(GRAPH)
    partner_form.open().send_message(TEXT)
    odoo.run_mail_queue()
    expect(partner_form.sign).to_have_text("Held")
    expect(failures(page)).to_have_count(0)
    page.keyboard.press("Escape")
    sandbox.fault("graph.sendmail", "error", code="ErrorSendAsDenied", status=403)
    state.connect(GRAPH)
    odoo.run_mail_queue()
    expect(partner_form.sign).to_have_attribute("aria-label", "Delivery failure")
    expect(failures(page)).to_have_count(1)


def test_employee_reads_why_a_mail_was_refused(state, employee, partner_form, page, odoo, sandbox):
    state.connect(GRAPH)
    sandbox.fault("graph.sendmail", "error", code="ErrorSendAsDenied", status=403)
    log_in(page.context, employee)
    partner_form.open().send_message(TEXT)
    odoo.run_mail_queue()
    expect(partner_form.sign).to_have_attribute("aria-label", "Delivery failure")
    partner_form.sign.focus()
    page.keyboard.press("Enter")
    expect(partner_form.popover).to_contain_text("The mailbox may not send as this address")
    expect(partner_form.reason).to_have_count(1)  # the same for both recipients
    expect(partner_form.reason).to_contain_text("may not send with the sender's address")
    expect(partner_form.reason).to_contain_text("The provider says:")
    partner_form.keep_pictures("document-refused", ".o-mail-MessageNotificationPopover")


def test_different_reasons_name_their_recipients(state, partner_form, odoo, sandbox):
    state.connect(SMTP)
    for address, words in (
        ("customer@example.com", "5.1.1 No such user here"),
        ("follower@example.com", "5.7.1 Blocked by policy"),
    ):
        sandbox.fault(
            "microsoft_smtp.rcpt", "reply", status=550, message=words, match={"recipient": address}
        )
    partner_form.open().send_message(TEXT)
    odoo.run_mail_queue()
    odoo.run_mail_queue()  # a mail parted from another one leaves with the next run
    expect(partner_form.sign).to_have_attribute("aria-label", "Delivery failure")
    partner_form.open_popover()
    expect(partner_form.reason).to_have_count(2)
    customer = partner_form.reason.filter(has_text="No such user here")
    expect(customer).to_contain_text("Order 4711")
    expect(customer).not_to_contain_text("Fay Follower")


def test_mail_that_may_have_arrived_is_called_unknown(state, partner_form, odoo, sandbox):
    state.connect(SMTP)
    sandbox.fault("microsoft_smtp.accepted", "drop", processed=True)
    partner_form.open().send_message(TEXT)
    odoo.run_mail_queue()
    expect(partner_form.sign).to_have_attribute("aria-label", "Delivery failure")
    partner_form.open_popover()
    expect(partner_form.popover.get_by_title("Delivery unknown")).not_to_have_count(0)
    expect(partner_form.popover).to_contain_text("It may have arrived or not")
    partner_form.keep_pictures("document-unknown", ".o-mail-MessageNotificationPopover")
