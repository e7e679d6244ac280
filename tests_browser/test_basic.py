"""Passwords still work: the type SMTP Basic, on the same page."""

import pytest
from playwright.sync_api import expect

from password_server import PasswordServer


@pytest.fixture
def mail_server():
    with PasswordServer("erp", "correct horse") as server:
        yield server


def test_sends_with_a_password_and_keeps_it_when_the_form_is_saved_again(company_form, mail_server):
    fill_in(company_form, mail_server, "correct horse")
    company_form.save()
    company_form.open()
    expect(company_form.field("email_server_password").locator("input")).to_have_value("")
    company_form.expect_usable()
    company_form.send_test_mail("customer@example.com")
    assert mail_server.recipients == ["customer@example.com"]


def test_says_that_the_password_is_wrong(company_form, mail_server):
    fill_in(company_form, mail_server, "wrong")
    company_form.save()
    company_form.open().open_test_mail("customer@example.com")
    company_form.press("action_send")
    outcome = company_form.dialog.get_by_test_id("test-mail-failed")
    expect(outcome.get_by_test_id("provider-text")).to_contain_text("5.7.8")
    assert mail_server.recipients == []
    company_form.dialog.get_by_role("button", name="Close").last.click()
    expect(company_form.dialog).to_have_count(0)


def fill_in(company_form, server, password):
    company_form.open()
    company_form.choose_type("login")
    company_form.fill("email_server_host", "localhost")
    company_form.fill("email_server_port", str(server.port))
    company_form.select("email_server_encryption", "None")
    company_form.fill("email_server_user", "erp")
    company_form.fill("email_server_password", password)
