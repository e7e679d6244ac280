"""The test e-mail says what became of it, and shows the conversation where it failed."""

import pytest
from playwright.sync_api import expect

RECIPIENT = "customer@example.com"


@pytest.fixture
def smtp_form(state, company_form):
    """The company form, connected through Microsoft 365 SMTP."""
    state.connect("oauth2_microsoft_smtp")
    return company_form.open()


def test_accepted_mail_comes_with_the_servers_words(smtp_form, sandbox):
    smtp_form.open_test_mail(RECIPIENT)
    smtp_form.press("action_send")
    expect(smtp_form.notification("success")).to_contain_text("250 2.0.0 OK")
    assert [mail["recipient"] for mail in sandbox.mails()] == [RECIPIENT]


def test_refused_mail_shows_cause_remedy_and_conversation(smtp_form, sandbox):
    sandbox.fault("microsoft_smtp.rcpt", "reply", status=550, message="5.1.1 No such user", times=1)
    smtp_form.open_test_mail(RECIPIENT)
    smtp_form.press("action_send")
    outcome = smtp_form.dialog.get_by_test_id("test-mail-failed")
    expect(outcome.get_by_test_id("cause")).not_to_be_empty()
    expect(outcome.get_by_test_id("remedy")).not_to_be_empty()
    expect(outcome.get_by_test_id("provider-text")).to_contain_text("5.1.1 No such user")
    conversation = smtp_form.dialog.locator(".o_mail_oauth2_conversation")
    expect(conversation).to_contain_text("> AUTH XOAUTH2")
    expect(conversation).to_contain_text("< 550 5.1.1 No such user")
    expect(conversation).not_to_contain_text("dXNlcj")  # what signs in
    smtp_form.press("action_send")  # the dialogue is still there to try again
    expect(smtp_form.notification("success")).to_contain_text(RECIPIENT)
    expect(smtp_form.dialog).to_have_count(0)
