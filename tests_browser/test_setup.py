"""The guided setup: from the general settings to a company that sends."""

import pytest
from playwright.sync_api import expect

from fresh_state import COMPANY, MAILBOX
from password_server import PasswordServer
from screens import AccountChoicePage

RECIPIENT = "customer@example.com"


@pytest.fixture
def at_sign_in(setup_form):
    """The setup, walked through to the sign-in of Microsoft Graph."""
    setup_form.open_from_settings()
    setup_form.choose_provider("microsoft")
    setup_form.choose_way("oauth2_microsoft_graph")
    setup_form.press("action_save_app")  # the one that is known already
    setup_form.expect_step("sign_in")
    return setup_form


def finish(setup_form):
    """Send the test e-mail and make the server the company's."""
    setup_form.expect_step("test")
    setup_form.send_test_mail(RECIPIENT)
    setup_form.expect_step("sender")
    expect(setup_form.page.get_by_test_id("test-mail-accepted")).to_contain_text(RECIPIENT)
    setup_form.press("action_make_sender")
    setup_form.expect_step("done")


def company_server(odoo):
    (server,) = odoo.read("res.company", COMPANY, "email_server_id")["email_server_id"][:1]
    return odoo.read("ir.mail_server", server, "smtp_authentication", "active", "from_filter")


def test_microsoft_graph(at_sign_in, odoo, inbox, surroundings):
    at_sign_in.sign_in(MAILBOX["microsoft"])
    finish(at_sign_in)
    server = company_server(odoo)
    assert (server["smtp_authentication"], server["active"]) == ("oauth2_microsoft_graph", True)
    assert server["from_filter"] == MAILBOX["microsoft"]
    at_sign_in.page.goto(f"{surroundings.odoo_url}/odoo/settings")
    setting = at_sign_in.page.locator("#company_email_server_setting")
    expect(setting.locator("[data-state=connected]")).to_be_visible()
    expect(setting).to_contain_text(MAILBOX["microsoft"])
    inbox.expect_mail(RECIPIENT, via="Graph", subject="Test e-mail")


@pytest.mark.google
def test_gmail(setup_form, odoo):
    setup_form.open_from_settings()
    setup_form.choose_provider("google")
    setup_form.choose_way("oauth2_google_smtp")
    setup_form.press("action_save_app")
    setup_form.fill("address", MAILBOX["google"])
    setup_form.sign_in(MAILBOX["google"])
    finish(setup_form)
    assert company_server(odoo)["smtp_authentication"] == "oauth2_google_smtp"


def test_another_mail_server(setup_form, odoo):
    with PasswordServer("erp", "correct horse") as server:
        setup_form.open_from_settings()
        setup_form.choose_provider("other")
        setup_form.expect_step("server")
        setup_form.fill("address", "erp@contoso.example")
        setup_form.fill("smtp_host", "localhost")
        setup_form.fill("smtp_port", str(server.port))
        setup_form.select("smtp_encryption", "None")
        setup_form.fill("smtp_user", "erp")
        setup_form.fill("smtp_pass", "wrong horse")
        setup_form.press("action_save_server")
        setup_form.expect_step("test")
        setup_form.send_test_mail(RECIPIENT)
        failed = setup_form.page.get_by_test_id("test-mail-failed")
        expect(failed.get_by_test_id("provider-text")).to_contain_text("5.7.8")
        setup_form.back()
        setup_form.expect_step("server")
        setup_form.fill("smtp_pass", "correct horse")
        setup_form.press("action_save_server")
        finish(setup_form)
        assert server.recipients == [RECIPIENT]
    assert company_server(odoo)["smtp_authentication"] == "login"


def test_setup_that_was_left_goes_on_where_it_was(at_sign_in, company_form):
    at_sign_in.press("action_open_company")
    company_form.expect_shown()
    company_form.press("action_email_server_set_up")
    at_sign_in.expect_step("sign_in")
    at_sign_in.sign_in(MAILBOX["microsoft"])
    at_sign_in.expect_step("test")
    at_sign_in.page.reload()
    at_sign_in.expect_step("test")


def test_sign_in_that_was_cancelled_comes_back_to_its_step(at_sign_in, provider):
    at_sign_in.press("action_sign_in")
    provider.cancel()
    at_sign_in.page.locator("a.btn[href*='/odoo/email-setup']").click()
    at_sign_in.expect_step("sign_in")
    at_sign_in.sign_in(MAILBOX["microsoft"])
    at_sign_in.expect_step("test")


def test_another_account_is_asked_about_and_its_address_taken(at_sign_in, provider):
    at_sign_in.fill("address", "invoices@contoso.example")
    at_sign_in.press("action_sign_in")
    provider.sign_in("bert@contoso.example")
    choice = AccountChoicePage(at_sign_in.page)
    choice.expect_shown("invoices@contoso.example", "bert@contoso.example")
    choice.choose("use_address")
    finish(at_sign_in)


def test_wrong_secret_is_corrected_in_the_setup(state, at_sign_in, provider, page, sandbox):
    state.spoil_app(client_secret="not~the~secret")
    at_sign_in.press("action_sign_in")
    provider.sign_in(MAILBOX["microsoft"])
    expect(page.get_by_test_id("cause")).to_contain_text("client secret) is wrong")
    page.locator("a.btn[href*='/odoo/email-setup']").click()
    at_sign_in.expect_step("sign_in")
    at_sign_in.back()
    at_sign_in.fill("client_secret", sandbox["microsoft"]["client_secret"])
    at_sign_in.press("action_save_app")
    at_sign_in.sign_in(MAILBOX["microsoft"], first=False)
    at_sign_in.expect_step("test")


def test_redirect_uri_and_permissions_can_be_copied(setup_form, surroundings, page):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    setup_form.open_from_settings()
    setup_form.choose_provider("microsoft")
    setup_form.choose_way("oauth2_microsoft_smtp")
    for value in (f"{surroundings.odoo_url}/mail_server_oauth2/callback", "SMTP.Send"):
        page.get_by_role("button", name=f"Copy {value}").click()
        assert page.evaluate("navigator.clipboard.readText()") == value


def test_what_is_missing_is_said_in_words(setup_form, odoo, state):
    for app in state.apps.values():
        odoo.write("mail.oauth2.app", [app], active=False)
    setup_form.open_from_settings()
    setup_form.choose_provider("microsoft")
    setup_form.choose_way("oauth2_microsoft_graph")
    setup_form.press("action_save_app")
    assert "Fill in the tenant, the client ID" in setup_form.read_refusal()
    setup_form.fill("tenant", "contoso.example")
    setup_form.fill("client_id", "11111111-2222-4333-8444-555555555555")
    setup_form.fill("client_secret", "11111111-2222-4333-8444-555555555555")
    setup_form.press("action_save_app")
    assert "ID of the client secret" in setup_form.read_refusal()
    setup_form.fill("client_secret", "the~value~of~it")
    setup_form.press("action_save_app")
    setup_form.expect_step("sign_in")
    setup_form.fill("address", "nobody")
    setup_form.press("action_sign_in")
    assert "address of the mailbox" in setup_form.read_refusal()
    setup_form.back()
    setup_form.expect_step("app")


def test_keyboard_is_enough(setup_form, page, surroundings):
    setup_form.open_from_settings()
    setup_form.expect_step("provider")
    expect(page.locator("h2:focus")).to_have_text("Who handles your mail?")
    page.keyboard.press("Tab")
    expect(page.locator("button:focus")).to_have_text("Microsoft 365")
    page.keyboard.press("Enter")
    setup_form.expect_step("way")
    expect(page.locator("h2:focus")).to_have_text("What Odoo may do")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    setup_form.expect_step("app")
    expect(page.locator("[name=client_secret] input:focus")).to_be_visible()


@pytest.mark.parametrize("width", [1280, 390])
def test_every_step_fits_the_screen_and_has_a_way_on(setup_form, page, width):
    page.set_viewport_size({"width": width, "height": 844})
    setup_form.open_from_settings()
    ways_on = []

    def check(step):
        setup_form.expect_step(step)
        shown = page.evaluate("document.documentElement.scrollWidth")
        assert shown <= width, f"{step} is {shown} pixels wide"
        buttons = setup_form.step(step).locator("button.btn-primary:visible")
        expect(buttons.first).to_be_enabled()
        ways_on.append(step)

    check("provider")
    setup_form.choose_provider("microsoft")
    check("way")
    setup_form.choose_way("relay")
    check("server")
    setup_form.back()
    setup_form.choose_way("oauth2_microsoft_smtp")
    check("app")
    setup_form.press("action_save_app")
    check("sign_in")
    setup_form.sign_in(MAILBOX["microsoft"])
    check("test")
    setup_form.send_test_mail(RECIPIENT)
    check("sender")
    setup_form.press("action_make_sender")
    check("done")
    assert len(ways_on) == 8
