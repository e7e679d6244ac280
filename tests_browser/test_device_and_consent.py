"""Signing in on another device, and asking an administrator who must approve."""

import pytest
from playwright.sync_api import expect

from fresh_state import MAILBOX
from screens import ProviderPage

ERIN = MAILBOX["microsoft"]
ADMINISTRATOR = "anna@contoso.example"


class DeviceDialogue:
    """Odoo's dialogue with the code."""

    def __init__(self, form):
        form.press("action_email_server_device_sign_in")
        self.box = form.dialog
        self.code = self.box.get_by_test_id("user-code")
        expect(self.code).to_be_visible()

    @property
    def link(self):
        return self.box.locator("ol a").get_attribute("href")

    @property
    def left(self):
        return self.box.get_by_test_id("time-left")

    def enter_code(self, tab):
        """Open the link in another tab and enter the code there, as on another device."""
        tab.goto(self.link)
        tab.get_by_test_id("code").fill(self.code.inner_text())
        tab.get_by_test_id("next").click()
        return ProviderPage(tab)

    def expect_qr_code(self):
        picture = self.box.locator("img")
        expect(picture).to_have_js_property("complete", True)
        assert picture.evaluate("image => image.naturalWidth") > 0, "the picture is broken"

    def expect_closed(self):
        expect(self.box).to_have_count(0)


@pytest.fixture
def device(trusting_context):
    """A browser tab that has nothing to do with Odoo."""
    tab = trusting_context.new_page()
    yield tab
    tab.close()


@pytest.fixture
def form(state, company_form):
    state.give_server("oauth2_microsoft_smtp", ERIN)
    return company_form.open()


def test_code_is_entered_on_another_device(form, device):
    dialogue = DeviceDialogue(form)
    expect(dialogue.left).to_contain_text("14:")
    dialogue.expect_qr_code()
    dialogue.enter_code(device).sign_in(ERIN)
    dialogue.expect_closed()
    form.expect_state("connected")
    form.send_test_mail("customer@example.com")


def test_declined_code_is_followed_by_another_one(form, device):
    dialogue = DeviceDialogue(form)
    dialogue.enter_code(device).cancel()
    expect(dialogue.box.get_by_test_id("cause")).to_contain_text("declined")
    dialogue.box.locator("button[name=renew]").click()
    dialogue.enter_code(device).sign_in(ERIN)
    dialogue.expect_closed()
    form.expect_state("connected")


def test_dialogue_that_is_closed_ends_the_sign_in(form, page):
    dialogue = DeviceDialogue(form)
    with page.expect_response("**/cancel"):
        dialogue.box.locator(".btn-close").click()
    dialogue.expect_closed()
    form.open().expect_state("disconnected")


def test_dialogue_fits_a_phone(form, page):
    page.set_viewport_size({"width": 390, "height": 844})
    dialogue = DeviceDialogue(form)
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= 390, f"the page is {width} pixels wide"
    expect(dialogue.code).to_be_in_viewport()
    page.set_viewport_size({"width": 1280, "height": 900})


def test_administrator_opens_the_link_and_approves(form, provider, page, device, sandbox):
    sandbox.require_approval()
    form.authenticate()
    provider.pick(ERIN)
    page.get_by_test_id("return").click()  # Microsoft's page "Need admin approval"
    link = page.get_by_label("Link for the administrator").input_value()
    device.context.clear_cookies()  # the administrator is no user of this Odoo
    device.goto(link)
    ProviderPage(device).sign_in(ADMINISTRATOR)
    expect(device.get_by_test_id("admin-consent")).to_contain_text("Thank you")
    page.locator("a[href*='/odoo/']").click()
    expect(form.status_block.get_by_test_id("consent")).to_contain_text("adminconsent")
    form.connect(ERIN, first=False)
    expect(form.status_block.get_by_test_id("consent")).to_have_count(0)
