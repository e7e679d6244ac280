"""Status tells the truth: what works, what does not, and what to do."""

import pytest
from playwright.sync_api import expect

from fresh_state import MAILBOX


def test_says_that_everything_is_fine(connected_form):
    connected_form.status()
    expect(connected_form.notification("success")).to_contain_text(MAILBOX["microsoft"])
    block = connected_form.status_block
    for words in ("Erin Rhodes", "Authenticated On", "in 1 hour", "in 3 months", "Mail.Send"):
        expect(block).to_contain_text(words)
    connected_form.expect_state("connected")


def test_answers_when_the_form_was_changed_just_before(connected_form):
    connected_form.fill("email_server_max_size", "7")
    connected_form.status()
    expect(connected_form.notification("success")).to_contain_text(MAILBOX["microsoft"])
    expect(connected_form.field("email_server_max_size").locator("input")).to_have_value("7.00")
    connected_form.send_test_mail("customer@example.com")


def test_says_that_the_grant_was_revoked_and_a_new_sign_in_mends_it(connected_form, sandbox):
    sandbox.revoke(MAILBOX["microsoft"])
    connected_form.status()
    connected_form.expect_state("sign_in_needed")
    block = connected_form.status_block
    expect(block).to_contain_text("The permission was withdrawn")
    expect(block).to_contain_text("Press Authenticate")
    expect(block).to_contain_text("AADSTS50173")
    connected_form.expect_usable()
    connected_form.connect(MAILBOX["microsoft"], first=False)


def test_says_so_when_everything_is_broken(connected_form, sandbox):
    for place in ("microsoft.metadata", "microsoft.token", "graph.me", "graph.sendmail"):
        sandbox.fault(place, "drop")
    connected_form.status()
    shown = connected_form.notification("danger")
    expect(shown).to_contain_text("localhost")
    expect(shown).to_contain_text("Odoo tries again by itself")
    connected_form.expect_state("connected")
    connected_form.expect_usable()
    sandbox.clear_faults()
    connected_form.status()
    expect(connected_form.notification("success")).to_be_visible()


def test_says_what_an_expired_certificate_is(state, company_form, sandbox):
    state.connect("oauth2_microsoft_smtp")
    company_form.open()
    sandbox.fault("microsoft_smtp.starttls", "tls_expired")
    company_form.status()
    shown = company_form.notification("danger")
    expect(shown).to_contain_text("The certificate of localhost has expired")
    expect(shown).to_contain_text("check the clock")
    company_form.expect_state("connected")
    company_form.expect_usable()


def test_says_that_the_token_endpoint_answers_with_a_web_page(connected_form, sandbox):
    sandbox.fault("microsoft.token", "html", status=200)
    connected_form.status()
    shown = connected_form.notification("danger")
    expect(shown).to_contain_text("does not answer as a provider does")
    expect(shown).to_contain_text("proxy")
    connected_form.expect_state("connected")
    connected_form.expect_usable()


@pytest.mark.parametrize(
    ("spoiled", "cause"),
    [
        ({"smtp_host": "smtp.contoso.invalid"}, "smtp.contoso.invalid cannot be found"),
        ({"smtp_port": 9}, "does not accept connections on port 9"),
    ],
    ids=["name does not resolve", "port is closed"],
)
def test_names_the_server_that_cannot_be_reached(state, company_form, spoiled, cause):
    state.connect("oauth2_microsoft_smtp")
    state.spoil_server(**spoiled)
    company_form.open().status()
    shown = company_form.notification("danger")
    expect(shown).to_contain_text(cause)
    expect(shown).to_contain_text("Odoo tries again by itself")
    company_form.expect_usable()
