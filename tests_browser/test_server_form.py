"""The form of an outgoing mail server: its mailbox, and what becomes of it."""

import pytest
from playwright.sync_api import expect

from fresh_state import COMPANY, MAILBOX
from screens import ProviderPage, Screen


class ServerForm(Screen):
    """The form of an outgoing mail server."""

    def __init__(self, page, odoo_url, server):
        super().__init__(page)
        self._url = f"{odoo_url}/odoo/action-base.action_ir_mail_server_list/{server}"

    def open(self):
        self.load(self._url)
        return self


@pytest.fixture
def server_form(state, odoo, page, surroundings):
    state.give_server("oauth2_microsoft_graph")
    (server,) = odoo.search("ir.mail_server")
    return ServerForm(page, surroundings.odoo_url, server).open()


@pytest.fixture
def foreign_mailbox(odoo, state, page):
    """A mailbox of another company that the administrator has switched on, too."""
    company = odoo.create("res.company", name="Fabrikam")
    switched_on = {"name": "cids", "value": f"{COMPANY}-{company}", "url": odoo.url}
    page.context.add_cookies([switched_on])
    mailbox = odoo.create(
        "mail.oauth2.mailbox",
        address="erp@fabrikam.example",
        app_id=state.apps["microsoft"],
        company_id=company,
    )
    yield mailbox
    odoo.delete_all("mail.oauth2.mailbox", ("id", "=", mailbox))
    (user,) = odoo.search("res.users", ("login", "=", "admin"))
    odoo.write("res.users", [user], company_ids=[(3, company)])
    odoo.write("res.company", [company], active=False)


def test_only_mailboxes_of_the_companys_own_are_offered(server_form, foreign_mailbox, page, odoo):
    (server,) = odoo.search("ir.mail_server")
    odoo.write("ir.mail_server", [server], company_id=COMPANY)
    server_form.open()
    chosen = server_form.field("oauth2_mailbox_id").locator("input")
    expect(chosen).to_have_value(MAILBOX["microsoft"])
    chosen.fill("erp@")
    offered = page.locator(".o-autocomplete--dropdown-item")
    expect(offered.filter(has_text=MAILBOX["microsoft"])).to_be_visible()
    expect(offered.filter(has_text="erp@fabrikam.example")).to_have_count(0)
    page.keyboard.press("Escape")
    server_form.open()


def test_sign_in_of_the_server_form_leads_back_to_it(server_form, page):
    server_form.press("action_oauth2_authenticate")
    ProviderPage(page).sign_in(MAILBOX["microsoft"])
    expect(page.locator("[data-state=connected]:visible")).to_be_visible()
    expect(server_form.field("oauth2_mailbox_id").locator("input")).to_be_visible()
