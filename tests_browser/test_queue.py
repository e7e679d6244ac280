"""Mail that people post on documents leaves through the queue, and none is lost."""

import time

from fresh_state import MAILBOX

CUSTOMER, FOLLOWER = "customer@example.com", "follower@example.com"
TEXT = "Your order is on its way."
_PATIENCE = 40  # seconds


def test_a_message_on_a_document_reaches_its_followers(connected_form, partner_form, odoo, sandbox):
    partner_form.open().send_message(TEXT)
    assert sandbox.mails() == []
    odoo.run_mail_queue()
    mails = sandbox.wait_for_mail(2)
    assert sorted(mail["recipient"] for mail in mails) == [CUSTOMER, FOLLOWER]
    for mail in mails:
        assert mail["header_from"] == f'"Administrator" <{MAILBOX["microsoft"]}>'
        assert mail["mailbox"] == MAILBOX["microsoft"]
        assert "Order 4711" in mail["subject"]
    assert odoo.search("mail.mail", ("state", "=", "exception")) == []


def test_mail_waits_for_the_sign_in_and_leaves_by_itself_afterwards(
    state, company_form, partner_form, odoo, sandbox
):
    state.give_server("oauth2_microsoft_graph")
    partner_form.open().send_message(TEXT)
    odoo.run_mail_queue()
    for waiting in waiting_mails(odoo):
        assert "Nobody has signed in for this mailbox yet" in waiting["failure_reason"]
    assert sandbox.mails() == []
    company_form.open().connect(MAILBOX["microsoft"])
    mails = sandbox.wait_for_mail(2)
    assert sorted(mail["recipient"] for mail in mails) == [CUSTOMER, FOLLOWER]


def test_a_pause_that_microsoft_asks_for_loses_no_mail(connected_form, partner_form, odoo, sandbox):
    sandbox.fault("graph.sendmail", "error", code="ApplicationThrottled", retry_after="7")
    partner_form.open().send_message(TEXT)
    odoo.run_mail_queue()
    begin = time.monotonic()
    assert any(mail["scheduled_date"] for mail in waiting_mails(odoo))
    sandbox.clear_faults()
    while len(sandbox.mails()) < 2 and time.monotonic() < begin + _PATIENCE:
        odoo.run_mail_queue()
    recipients = sorted(mail["recipient"] for mail in sandbox.mails())
    assert recipients == [CUSTOMER, FOLLOWER]
    assert time.monotonic() - begin > 6, "Odoo has not waited"


def waiting_mails(odoo):
    """Return the mails of the queue; there are some, and none has failed."""
    mails = odoo.call("mail.mail", "search_read", [], ["state", "scheduled_date", "failure_reason"])
    assert {mail["state"] for mail in mails} == {"outgoing"}
    return mails
