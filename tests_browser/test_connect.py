"""From the company form to a delivered mail, for each way out."""

import pytest
from playwright.sync_api import expect

from fresh_state import MAILBOX

RECIPIENT = "customer@example.com"


def connect_and_send(company_form, account):
    company_form.connect(account)
    expect(company_form.status_block).to_contain_text(account)
    company_form.send_test_mail(RECIPIENT)


def test_microsoft_graph(company_form, inbox):
    company_form.open()
    company_form.choose_type("oauth2_microsoft_graph")
    connect_and_send(company_form, MAILBOX["microsoft"])
    inbox.expect_mail(RECIPIENT, via="Graph", subject="Test e-mail")


def test_microsoft_smtp(company_form, inbox):
    company_form.open()
    company_form.choose_type("oauth2_microsoft_smtp")
    connect_and_send(company_form, MAILBOX["microsoft"])
    inbox.expect_mail(RECIPIENT, via="Exchange SMTP", subject="Test e-mail")


@pytest.mark.google
def test_gmail(company_form, inbox):
    company_form.open()
    company_form.choose_type("oauth2_google_smtp")
    company_form.fill("email_server_address", MAILBOX["google"])
    connect_and_send(company_form, MAILBOX["google"])
    inbox.expect_mail(RECIPIENT, via="Gmail SMTP", subject="Test e-mail")


def test_the_type_brings_the_providers_server_and_app_registration(company_form, sandbox):
    company_form.open()
    company_form.choose_type("oauth2_google_smtp")
    port = company_form.field("email_server_port").locator("input")
    expect(port).to_have_value(str(sandbox["google"]["smtp_port"]))
    company_form.choose_type("oauth2_microsoft_smtp")
    expect(port).to_have_value(str(sandbox["microsoft"]["smtp_port"]))
    app = company_form.field("email_server_app_id").locator("input")
    expect(app).to_have_value("Microsoft (sandbox)")
    address = company_form.field("email_server_address").locator("input")
    expect(address).to_have_value(MAILBOX["microsoft"])
    company_form.discard()


def test_app_registration_is_made_from_the_company_form(company_form):
    company_form.open()
    company_form.choose_type("oauth2_microsoft_smtp")
    app = company_form.new_app_registration("Odoo mail of Contoso")
    app.fill("tenant", "contoso.example")
    app.fill("client_id", "11111111-2222-4333-8444-555555555555")
    app.fill("client_secret", "a~secret")
    app.save()
    chosen = company_form.field("email_server_app_id").locator("input")
    expect(chosen).to_have_value("Odoo mail of Contoso")
    host = company_form.field("email_server_host").locator("input")
    expect(host).to_have_value("smtp.office365.com")
    company_form.save()
    company_form.open().expect_state("disconnected")


def test_page_fits_a_phone(page, company_form):
    page.set_viewport_size({"width": 390, "height": 844})
    company_form.open()
    company_form.choose_type("oauth2_microsoft_smtp")
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= 390, f"the page is {width} pixels wide"
    expect(company_form.button("action_email_server_authenticate")).to_be_in_viewport()
    company_form.discard()
