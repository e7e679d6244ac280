"""What people get wrong: each ends in a sentence that says what to do, and a form to do it on."""

import pytest
from playwright.sync_api import expect

from fresh_state import MAILBOX, REDIRECT_PATH

NOBODY = "11111111-2222-4333-8444-555555555555"


@pytest.fixture(autouse=True)
def graph_server(state):
    state.give_server("oauth2_microsoft_graph")


def expect_failed_sign_in(page, cause, remedy):
    """Odoo's page says what is wrong and what to do, and leads back."""
    expect(page.get_by_test_id("cause")).to_contain_text(cause)
    expect(page.get_by_test_id("remedy")).to_contain_text(remedy)
    page.locator("a.btn[href*='/odoo']").click()


def test_secret_id_in_place_of_the_secret(app_form):
    app_form.open()
    app_form.fill("client_secret", NOBODY)
    app_form.save()
    words = app_form.read_refusal()
    assert "This is the ID of the client secret" in words
    assert "copy the column Value" in words
    app_form.fill("client_secret", "the~value~of~it")
    app_form.save()
    expect(app_form.field("client_secret").locator("input")).to_have_value("")  # stored
    app_form.expect_no_error()


def test_wrong_client_id(app_form, company_form, provider):
    app_form.open()
    app_form.fill("client_id", NOBODY)
    app_form.save()
    company_form.open().authenticate()
    assert "AADSTS700016" in provider.read_error()
    company_form.open()
    company_form.expect_state("pending")
    expect(company_form.status_block).to_contain_text("client ID")
    company_form.expect_usable()


def test_client_id_that_is_none(app_form):
    app_form.open()
    app_form.fill("client_id", "Odoo mail")
    app_form.save()
    assert "client ID" in app_form.read_refusal()
    app_form.discard()


def test_wrong_secret(app_form, company_form, provider, page):
    app_form.open()
    app_form.fill("client_secret", "not~the~secret")
    app_form.save()
    company_form.open().authenticate()
    provider.sign_in(MAILBOX["microsoft"])
    expect(page.get_by_test_id("provider-text")).to_contain_text("AADSTS7000215")
    expect_failed_sign_in(page, "client secret) is wrong", "Copy the column Value")
    company_form.expect_shown()
    company_form.expect_usable()


def test_unknown_tenant(app_form, company_form):
    app_form.open()
    app_form.fill("tenant", "fabrikam.example")
    app_form.save()
    company_form.open().authenticate()
    words = company_form.read_refusal()
    assert "does not know this organisation" in words
    assert "Correct Tenant" in words
    company_form.expect_usable()


def test_mailbox_without_licence(state, company_form):
    address = "nolicence@contoso.example"
    state.give_server("oauth2_microsoft_graph", address)
    company_form.open().connect(address)
    company_form.open_test_mail("customer@example.com")
    company_form.press("action_send")
    outcome = company_form.dialog.get_by_test_id("test-mail-failed")
    expect(outcome.get_by_test_id("cause")).to_contain_text("has no mailbox in Exchange Online")
    expect(outcome.get_by_test_id("remedy")).to_contain_text("Check the licence")
    company_form.open().expect_usable()


def test_address_that_is_none(company_form):
    company_form.open()
    company_form.fill("email_server_address", "invoices")
    company_form.save()
    assert "is not an e-mail address" in company_form.read_refusal()
    company_form.fill("email_server_address", "invoices@contoso.example")
    company_form.save()
    company_form.open().expect_usable()


def test_redirect_uri_that_is_not_registered(company_form, provider, sandbox, surroundings):
    sandbox.register_redirect_uri("microsoft", "https://elsewhere.example/callback")
    company_form.open().authenticate()
    assert "AADSTS50011" in provider.read_error()
    company_form.open()
    company_form.expect_state("pending")
    block = company_form.status_block
    expect(block).to_contain_text(f"{surroundings.odoo_url}{REDIRECT_PATH}")
    company_form.expect_usable()


def test_sign_in_that_was_cancelled(company_form, provider, page):
    company_form.open().authenticate()
    provider.cancel()
    expect_failed_sign_in(page, "The sign-in was cancelled", "Press Authenticate")
    company_form.expect_shown()
    company_form.expect_usable()


def test_answer_that_belongs_to_no_sign_in(page, surroundings):
    page.goto(f"{surroundings.odoo_url}{REDIRECT_PATH}?code=0&state={'x' * 43}")
    expect_failed_sign_in(page, "does not belong to a sign-in", "Press Authenticate")
    expect(page.locator(".o_main_navbar")).to_be_visible()


@pytest.mark.google
def test_permission_for_mail_that_was_unticked(state, company_form, provider, page):
    state.give_server("oauth2_google_smtp")
    company_form.open().authenticate()
    provider.pick(MAILBOX["google"])
    provider.untick("https://mail.google.com/")
    provider.accept()
    expect_failed_sign_in(page, "permission", "Authenticate")
    company_form.expect_shown()
    company_form.expect_usable()
