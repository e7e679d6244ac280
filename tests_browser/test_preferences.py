"""Employees connect, look after and disconnect their own mailbox in their preferences."""

import pytest
from playwright.sync_api import expect

from conftest import log_in
from odoo_client import OdooClient
from screens import Screen

BERT = "bert@contoso.example"
GRAPH = "Microsoft 365 (Graph, OAuth2)"


class Preferences(Screen):
    """The preferences of an employee."""

    def __init__(self, page, employee):
        super().__init__(page)
        self._url = f"{employee.url}/odoo/my-preferences/{employee.user}"

    def open(self):
        self.load(self._url)
        return self

    @property
    def choice(self):
        return self.field("outgoing_mail_server_type").locator("select")

    def expect_state(self, state):
        badge = self.page.locator("[data-state]:visible")
        expect(badge).to_have_attribute("data-state", state)


@pytest.fixture
def employee(state, odoo, surroundings):
    """Bert, who has no rights but those of an employee."""
    settings = odoo.create("res.config.settings", external_email_server_default=True)
    odoo.call("res.config.settings", "execute", [settings])
    user = odoo.create("res.users", name="Bert", login="bert", password="bert-pass-1", email=BERT)
    client = OdooClient(surroundings.odoo_url, surroundings.database, "bert", "bert-pass-1")
    client.user = user
    yield client
    for model in ("ir.mail_server", "mail.oauth2.mailbox"):
        odoo.delete_all(model)
    odoo.call("res.users", "unlink", [user])


@pytest.fixture
def preferences(page, employee):
    page.context.clear_cookies()
    log_in(page.context, employee)
    return Preferences(page, employee).open()


@pytest.fixture
def connected(preferences, provider):
    preferences.choice.select_option(label=GRAPH)
    provider.sign_in(BERT)
    preferences.expect_state("connected")
    return preferences


def test_connects_the_own_mailbox(connected, odoo):
    block = connected.page.locator(".o_mail_oauth2_status:visible")
    expect(block).to_contain_text(BERT)
    (server,) = odoo.search("ir.mail_server", ("owner_user_id", "!=", False))
    values = odoo.read("ir.mail_server", server, "active", "from_filter")
    assert (values["active"], values["from_filter"]) == (True, BERT)


def test_status_tells_the_truth_and_signing_in_again_mends_it(connected, sandbox, provider):
    connected.press("action_status_own_mailbox")
    expect(connected.notification("success")).to_contain_text(BERT)
    expect(connected.button("action_authenticate_own_mailbox")).to_have_count(0)
    sandbox.revoke(BERT)
    connected.press("action_status_own_mailbox")
    connected.expect_state("sign_in_needed")
    connected.press("action_authenticate_own_mailbox")
    provider.pick(BERT)
    connected.expect_state("connected")


def test_disconnecting_brings_back_the_companys_server(connected, odoo):
    connected.press("action_disconnect_own_mailbox")
    expect(connected.dialog).to_contain_text("company's server again")
    connected.press("action_disconnect")
    expect(connected.page.locator("[data-state]:visible")).to_have_count(0)
    expect(connected.choice).to_have_value("default")
    assert odoo.search("ir.mail_server", ("owner_user_id", "!=", False)) == []


def test_nobody_connects_somebody_elses_mailbox(preferences, provider, page):
    preferences.choice.select_option(label=GRAPH)
    provider.sign_in("erp@contoso.example")
    expect(page.get_by_test_id("cause")).not_to_be_empty()
    page.locator("a.btn[href*='/odoo/my-preferences']").click()
    expect(preferences.choice).to_have_value("default")


def test_sign_in_that_ends_on_the_providers_page_is_explained(preferences, sandbox, provider):
    sandbox.register_redirect_uri("microsoft", "https://elsewhere.example/callback")
    preferences.choice.select_option(label=GRAPH)
    assert "AADSTS50011" in provider.read_error()
    preferences.open().expect_state("pending")
    expect(preferences.button("action_authenticate_own_mailbox")).to_be_visible()


def test_is_usable_on_desk_and_phone(connected):
    connected.keep_pictures("preferences", ".border:has(> [name=outgoing_mailbox_status_html])")
    expect(connected.button("action_disconnect_own_mailbox")).to_be_visible()
