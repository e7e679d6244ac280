"""Servers of Odoo's own Outlook module are taken over in a dialogue, and given back."""

import pytest
from playwright.sync_api import expect

from fresh_state import MAILBOX, REDIRECT_PATH
from screens import ProviderPage, Screen

ERIN = MAILBOX["microsoft"]
_OUTLOOK_PATH = "/microsoft_outlook/confirm"


class TakeOverDialogue(Screen):
    """The dialogue that lists the servers to take over."""

    def open(self, odoo_url):
        self.page.goto(f"{odoo_url}/odoo/mail-server-take-overs")
        self.page.get_by_role("button", name="Take Over Servers").click()
        expect(self.dialog).to_be_visible()
        return self

    def line(self, server):
        return self.dialog.locator("tr.o_data_row", has_text=server)

    def take_over(self, server):
        self.line(server).locator("[name=selected] input").check()
        self.press("action_take_over")
        expect(self.dialog.locator(".alert-success")).to_contain_text("1")

    def close(self):
        self.dialog.get_by_role("button", name="Close").last.click()
        expect(self.dialog).to_have_count(0)


@pytest.fixture
def outlook(state, odoo, sandbox):
    """Return what makes a server of the Outlook module, which knows the sandbox's tenant."""
    described = sandbox["microsoft"]
    endpoint = f"{described['authority_url']}/{described['tenant']}/oauth2/v2.0/"
    for name, value in {
        "microsoft_outlook_client_id": described["client_id"],
        "microsoft_outlook_client_secret": described["client_secret"],
        "microsoft_outlook.endpoint": endpoint,
    }.items():
        odoo.call("ir.config_parameter", "set_param", name, value)
    uris = [f"{odoo.url}{path}" for path in (_OUTLOOK_PATH, REDIRECT_PATH)]
    sandbox.register_redirect_uri("microsoft", *uris)

    def make(name, *, signed_in):
        server = odoo.create(
            "ir.mail_server",
            name=name,
            smtp_authentication="outlook",
            smtp_host="smtp.outlook.com",
            smtp_port=587,
            smtp_encryption="starttls",
            smtp_user=ERIN,
            from_filter=ERIN,
        )
        if signed_in:
            url = odoo.read("ir.mail_server", server, "microsoft_outlook_uri")
            odoo.open(sandbox.sign_in(url["microsoft_outlook_uri"], ERIN))
        return server

    return make


@pytest.fixture
def dialogue(page):
    return TakeOverDialogue(page)


def test_permission_comes_along_and_can_be_given_back(outlook, dialogue, odoo, page, surroundings):
    server = outlook("Old Outlook", signed_in=True)
    page.goto(f"{surroundings.odoo_url}/odoo/settings")
    page.get_by_role("button", name="Server Take-overs").click()
    expect(page.locator(".o_list_view")).to_be_visible()
    dialogue.open(surroundings.odoo_url)
    expect(dialogue.line("Old Outlook")).to_contain_text("Permission comes along")
    dialogue.take_over("Old Outlook")
    dialogue.close()
    expect(page.locator("[data-state=connected]")).to_be_visible()
    kind = odoo.read("ir.mail_server", server, "smtp_authentication")["smtp_authentication"]
    assert kind == "oauth2_microsoft_smtp"
    page.goto(f"{surroundings.odoo_url}/odoo/mail-server-take-overs")
    page.get_by_role("button", name="Undo").click()
    dialogue.dialog.get_by_role("button", name="Undo").click()
    expect(page.locator("tr.o_data_row")).to_have_count(0)
    kind = odoo.read("ir.mail_server", server, "smtp_authentication")["smtp_authentication"]
    assert kind == "outlook"


def test_server_that_nobody_signed_in_for_asks_for_it(outlook, dialogue, page, surroundings):
    outlook("Forgotten Outlook", signed_in=False)
    dialogue.open(surroundings.odoo_url)
    expect(dialogue.line("Forgotten Outlook")).to_contain_text("Sign in again")
    dialogue.take_over("Forgotten Outlook")
    dialogue.line("Forgotten Outlook").locator("button[name=action_authenticate]").click()
    ProviderPage(page).sign_in(ERIN)
    expect(page.locator("[data-state=connected]:visible")).to_be_visible()
    dialogue.expect_no_error()


def test_nothing_to_take_over_is_said_in_words(state, dialogue, surroundings):
    dialogue.open(surroundings.odoo_url)
    expect(dialogue.dialog).to_contain_text("There is nothing to take over")
    dialogue.close()


def test_nothing_ticked_is_said_in_words(outlook, dialogue, surroundings):
    outlook("Old Outlook", signed_in=True)
    dialogue.open(surroundings.odoo_url)
    ticked = dialogue.line("Old Outlook").locator("[name=selected] input")
    ticked.uncheck()
    dialogue.press("action_take_over")
    assert "Tick the servers" in dialogue.read_refusal()
    dialogue.close()
