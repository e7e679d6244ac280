"""Mail that people post on documents leaves through the queue, and none is lost."""

import pytest

from fresh_state import MAILBOX
from screens import PartnerForm

CUSTOMER, FOLLOWER = "customer@example.com", "follower@example.com"
TEXT = "Your order is on its way."


@pytest.fixture
def partner_form(page, odoo, surroundings, queued_only):
    """A contact whom a customer follows."""
    follower = odoo.create("res.partner", name="Fay Follower", email=FOLLOWER)
    partner = odoo.create("res.partner", name="Order 4711", email=CUSTOMER)
    odoo.call("res.partner", "message_subscribe", [partner], partner_ids=[follower])
    yield PartnerForm(page, surroundings.odoo_url, partner)
    odoo.call("res.partner", "unlink", [partner, follower])


@pytest.fixture
def queued_only(odoo):
    """Let Odoo send nothing at once, as it does for mail to many people."""
    parameter = odoo.create("ir.config_parameter", key="mail.mail.force.send.limit", value="0")
    yield
    odoo.call("ir.config_parameter", "unlink", [parameter])


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
    waiting = [mail["id"] for mail in waiting_mails(odoo) if mail["scheduled_date"]]
    assert sandbox.mails() == []
    sandbox.clear_faults()
    odoo.write("mail.mail", waiting, scheduled_date=False)  # the pause is over
    odoo.run_mail_queue()
    mails = sandbox.wait_for_mail(2)
    assert sorted(mail["recipient"] for mail in mails) == [CUSTOMER, FOLLOWER]


def waiting_mails(odoo):
    """Return the mails of the queue; there are some, and none has failed."""
    mails = odoo.call("mail.mail", "search_read", [], ["state", "scheduled_date", "failure_reason"])
    assert {mail["state"] for mail in mails} == {"outgoing"}
    return mails
