"""Somebody else signs in than the mailbox belongs to: Odoo asks what is meant."""

import pytest
from playwright.sync_api import expect

from screens import AccountChoicePage

OTHER = "bert@contoso.example"
SHARED = "invoices@contoso.example"


@pytest.fixture
def choice(state, company_form, provider, page):
    """The question, after Bert has signed in for the shared mailbox."""
    state.give_server("oauth2_microsoft_graph", SHARED)
    company_form.open().authenticate()
    provider.sign_in(OTHER)
    question = AccountChoicePage(page)
    question.expect_shown(SHARED, OTHER)
    return question


def test_sends_as_the_shared_mailbox_with_the_rights_of_who_signed_in(
    choice, company_form, provider, sandbox
):
    choice.choose("send_as")
    provider.sign_in(OTHER)  # sending as somebody else takes a further permission
    company_form.expect_state("connected")
    expect(company_form.status_block).to_contain_text(OTHER)
    company_form.send_test_mail("customer@example.com")
    (mail,) = sandbox.mails()
    assert SHARED in mail["header_from"]
    assert mail["account"] == OTHER


def test_sends_from_the_address_of_who_signed_in(choice, company_form, sandbox):
    choice.choose("use_address")
    company_form.expect_state("connected")
    address = company_form.field("email_server_address").locator("input")
    expect(address).to_have_value(OTHER)
    company_form.send_test_mail("customer@example.com")
    (mail,) = sandbox.mails()
    assert OTHER in mail["header_from"]


def test_starts_the_sign_in_over(choice, company_form, provider):
    choice.choose("again")
    provider.sign_in("erp@contoso.example")
    expect(company_form.page.locator("[name=choice]")).to_have_count(3)


def test_nothing_is_kept_when_the_question_is_left(choice, company_form):
    choice.leave()
    company_form.expect_shown()
    expect(company_form.button("action_email_server_authenticate")).to_be_visible()
    expect(company_form.button("action_email_server_test_mail")).to_have_count(0)
    company_form.expect_usable()
