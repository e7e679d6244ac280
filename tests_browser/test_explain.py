"""*Explain an Error*: a box for any error text, and what to do about it."""

import pytest
from playwright.sync_api import expect

from screens import ExplainPage

MAILBOX_OFF = (
    "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the "
    "Mailbox. Visit https://aka.ms/smtp_auth_disabled for more information. "
    "[SN2PR00CA0018.namprd00.prod.outlook.com 2026-11-20T10:00:00.000Z 08DE2A6028D26C22]"
)
REVOKED = (
    '{"error":"invalid_grant","error_description":"AADSTS50173: The provided grant has expired due '
    "to it being revoked, a fresh auth token is needed.\\r\\nTrace ID: "
    '4f1b2c3d-aaaa-bbbb-cccc-0123456789ab","error_codes":[50173],"refresh_token":"hunter2hunter2"}'
)
#: what the page, or the dialogue, consists of
PART = ".o_mail_oauth2_explain"


@pytest.fixture
def explain(page, surroundings):
    return ExplainPage(page, surroundings.odoo_url).open()


def test_an_error_is_explained_with_everything_to_do_about_it(explain):
    explain.paste(MAILBOX_OFF)
    explain.press("explain")
    finding = explain.finding("smtp_auth_disabled_mailbox")
    expect(finding.get_by_test_id("cause")).to_contain_text("switched off for the mailbox")
    expect(finding.get_by_test_id("remedy")).to_contain_text("Authenticated SMTP")
    expect(finding.get_by_test_id("who")).to_have_text("Administrator of your mail system")
    expect(finding.get_by_test_id("command")).to_contain_text("Set-CASMailbox")
    expect(finding.get_by_role("link")).to_have_attribute(
        "href", "https://aka.ms/smtp_auth_disabled"
    )
    expect(finding.get_by_test_id("provider-text")).to_contain_text("SmtpClientAuthentication")
    explain.keep_pictures("explain", PART)


def test_the_menu_leads_there(explain, page, surroundings):
    page.goto(f"{surroundings.odoo_url}/odoo/settings?debug=1")
    page.get_by_role("button", name="Technical", exact=True).click()
    page.get_by_role("menuitem", name="Explain an Error", exact=True).click()
    explain.expect_shown()


def test_the_command_is_copied(explain, page):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    explain.paste(MAILBOX_OFF)
    explain.press("explain")
    explain.finding("smtp_auth_disabled_mailbox").get_by_role("button", name="Copy").click()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("Set-CASMailbox -Identity")


def test_a_pasted_secret_leaves_the_screen(explain, page):
    explain.paste(REVOKED)
    explain.press("explain")
    expect(explain.finding("aadsts_50173")).to_be_visible()
    expect(explain.box).not_to_have_value("hunter2")
    assert "hunter2" not in page.content() + explain.box.input_value()


def test_several_errors_are_shown_one_below_the_other(explain):
    explain.paste(f"ConnectionRefusedError: [Errno 111] Connection refused\n{REVOKED}")
    explain.press("explain")
    expect(explain.findings).to_have_count(2)
    expect(explain.findings.first).to_have_attribute("data-key", "aadsts_50173")
    explain.keep_pictures("explain-several", PART)


def test_an_unknown_text_gets_an_honest_sentence_and_a_way_on(explain):
    explain.paste("The printer is on fire")
    explain.press("explain")
    expect(explain.findings).to_have_count(1)
    expect(explain.findings).to_contain_text("Odoo does not know this text")
    expect(explain.findings).to_contain_text("Press Status")
    explain.keep_pictures("explain-unknown", PART)
    explain.press("clear")
    expect(explain.box).to_be_focused()
    expect(explain.box).to_have_value("")
    expect(explain.findings).to_have_count(0)


def test_it_works_by_keyboard_alone(explain, page):
    expect(explain.box).to_be_focused()
    page.keyboard.insert_text(MAILBOX_OFF)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(explain.finding("smtp_auth_disabled_mailbox")).to_be_visible()
    expect(page.locator(".o_mail_oauth2_outcome")).to_be_focused()


@pytest.mark.parametrize("text", ["", "  \n "])
def test_an_empty_box_asks_nothing_and_waits_for_a_text(explain, text):
    explain.paste(text)
    explain.press("explain")
    expect(explain.box).to_be_focused()
    expect(explain.findings).to_have_count(0)


def test_in_a_dialogue_it_explains_the_text_it_was_opened_with(explain, page, surroundings):
    page.goto(f"{surroundings.odoo_url}/odoo/settings?debug=1")
    page.locator(".o_main_navbar").wait_for()
    page.evaluate(
        """text => odoo.__WOWL_DEBUG__.root.env.services.action.doAction({
            type: "ir.actions.client", tag: "mail_oauth2_explain", name: "Explain an Error",
            target: "new", params: { text },
        })""",
        MAILBOX_OFF,
    )
    finding = explain.dialog.locator("[data-key=smtp_auth_disabled_mailbox]")
    expect(finding).to_be_visible()
    explain.keep_pictures("explain-dialogue", PART)
