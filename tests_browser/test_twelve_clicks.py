"""From a database in which the addon was just installed to a delivered mail, clicks counted."""

import pytest
from playwright.sync_api import expect

from conftest import log_in, open_context
from fresh_state import MAILBOX, REDIRECT_PATH
from odoo_client import OdooClient
from setup_screen import SetupForm

MOST_CLICKS = 12
RECIPIENT = "customer@example.com"
_COUNT = """
    document.addEventListener("click", (event) => {
        if (event.isTrusted) {
            const target = event.target.closest("button, a, input, label") || event.target;
            window.noteClick(target.innerText || target.name || target.id || target.tagName);
        }
    }, true);
"""


@pytest.fixture
def installed(surroundings):
    """Odoo as it is right after the addon was installed."""
    return OdooClient(surroundings.installed_url, surroundings.installed_database)


@pytest.fixture
def context(browser):
    yield from open_context(browser)


@pytest.fixture
def clicks(context):
    """What was clicked on in any page, Odoo's and the provider's, in order."""
    noted = []

    def note(name):  # Playwright takes no method of a list
        noted.append(name)

    context.expose_function("noteClick", note)
    context.add_init_script(_COUNT)
    return noted


@pytest.fixture
def tab(context, installed, sandbox):
    sandbox.reset(f"{installed.url}{REDIRECT_PATH}")
    log_in(context, installed)
    return context.new_page()


def type_into(tab, field, value):
    """Click into a field unless it has the focus already, and type."""
    entry = field.locator("input").first
    expect(entry).to_be_visible()
    if not entry.evaluate("element => element === document.activeElement"):
        entry.click()
    tab.keyboard.type(value)


def test_a_new_administrator_sends_within_twelve_clicks(tab, clicks, installed, sandbox):
    form = SetupForm(tab, installed.url)
    tab.goto(f"{installed.url}/odoo")
    tab.locator(".o_navbar_apps_menu button").click()
    tab.get_by_role("menuitem", name="Settings", exact=True).click()
    form.button("action_email_server_set_up").click()
    form.choose_provider("microsoft")
    form.choose_way("oauth2_microsoft_smtp")
    form.expect_step("app")
    type_into(tab, form.field("tenant"), sandbox["microsoft"]["tenant"])
    type_into(tab, form.field("client_id"), sandbox["microsoft"]["client_id"])
    type_into(tab, form.field("client_secret"), sandbox["microsoft"]["client_secret"])
    form.press("action_save_app")
    form.expect_step("sign_in")
    stand_in_for_microsoft(installed, sandbox)
    type_into(tab, form.field("address"), MAILBOX["microsoft"])
    form.sign_in(MAILBOX["microsoft"])
    form.expect_step("test")
    recipient = form.field("email_to").locator("input")
    if not recipient.input_value():
        type_into(tab, form.field("email_to"), RECIPIENT)
    form.press("action_send_test_mail")
    form.expect_step("sender")
    expect(tab.get_by_test_id("test-mail-accepted")).to_be_visible()
    assert [mail["via"] for mail in sandbox.mails()] == ["microsoft_smtp"]

    assert 0 < len(clicks) <= MOST_CLICKS, clicks


def stand_in_for_microsoft(installed, sandbox):
    """Let the registration that was typed in lead to the sandbox instead of Microsoft."""
    (app,) = installed.search("mail.oauth2.app")
    described = sandbox["microsoft"]
    installed.write(
        "mail.oauth2.app",
        [app],
        cloud="custom",
        authority_url=described["authority_url"],
        api_url=described["graph_url"],
        smtp_host=described["smtp_host"],
        smtp_port=described["smtp_port"],
    )
