"""Status tells the truth: what works, what does not, and what to do."""

import pytest
from playwright.sync_api import expect


@pytest.fixture
def connected_form(state, company_form, provider):
    """The company form after a sign-in for Microsoft Graph."""
    state.give_server("oauth2_microsoft_graph")
    return connect(company_form, provider)


@pytest.fixture
def connected_smtp_form(state, company_form, provider):
    """The company form after a sign-in for Microsoft's SMTP."""
    state.give_server("oauth2_microsoft_smtp")
    return connect(company_form, provider)


def connect(company_form, provider, account="erp@contoso.example"):
    company_form.open().authenticate()
    provider.sign_in(account)
    company_form.expect_shown()
    company_form.expect_state("connected")
    return company_form


def test_says_that_everything_is_fine(connected_form):
    connected_form.status()
    expect(connected_form.notification("success")).to_contain_text("erp@contoso.example")
    block = connected_form.status_block
    for words in ("Erin Rhodes", "Authenticated On", "in 1 hour", "in 3 months", "Mail.Send"):
        expect(block).to_contain_text(words)
    connected_form.expect_state("connected")


def test_says_that_the_grant_was_revoked_and_a_new_sign_in_mends_it(
    connected_form, provider, sandbox
):
    sandbox.revoke("erp@contoso.example")
    connected_form.status()
    connected_form.expect_state("sign_in_needed")
    block = connected_form.status_block
    expect(block).to_contain_text("The permission was withdrawn")
    expect(block).to_contain_text("Press Authenticate")
    expect(block).to_contain_text("AADSTS50173")
    connected_form.expect_usable()
    connect(connected_form, provider)


@pytest.mark.parametrize(
    ("place", "kind", "cause", "remedy"),
    [
        ("microsoft_smtp.starttls", "tls_expired", "certificate of", "Odoo tries again by itself"),
        ("microsoft_smtp.connect", "drop", "connection", "Odoo tries again by itself"),
        ("microsoft.token", "html", "try", "Odoo"),
    ],
)
def test_names_what_is_broken_and_keeps_the_connection(
    connected_smtp_form, sandbox, place, kind, cause, remedy
):
    sandbox.fault(place, kind)
    connected_smtp_form.status()
    shown = connected_smtp_form.notification("danger")
    expect(shown).to_contain_text(cause)
    expect(shown).to_contain_text(remedy)
    connected_smtp_form.expect_no_error()
    connected_smtp_form.expect_state("connected")
    sandbox.clear_faults()
    connected_smtp_form.open().status()
    expect(connected_smtp_form.notification("success")).to_be_visible()
