"""The guided setup, step by step."""

from playwright.sync_api import expect

from screens import ProviderPage, Screen


class SetupForm(Screen):
    """The guided setup of a company."""

    def __init__(self, page, odoo_url):
        super().__init__(page)
        self._url = odoo_url

    def open_from_settings(self):
        """Press the button in the general settings."""
        self.page.goto(f"{self._url}/odoo/settings")
        self.press("action_email_server_set_up")
        return self

    def step(self, name):
        return self.page.locator(f"[data-setup-step={name}]:visible")

    def expect_step(self, name):
        expect(self.step(name)).to_be_visible()
        self.expect_no_error()

    def choose_provider(self, provider):
        self._choose("action_choose_provider", provider)

    def choose_way(self, way):
        self._choose("action_choose_way", way)

    def back(self):
        self.press("action_back")

    def sign_in(self, account, *, first=True):
        """Sign in at the provider and come back."""
        self.press("action_sign_in")
        provider = ProviderPage(self.page)
        provider.pick(account)
        if first:
            provider.accept()

    def send_test_mail(self, recipient):
        self.fill("email_to", recipient)
        self.press("action_send_test_mail")

    def _choose(self, button, value):
        # The web client keeps the arguments of a button to itself: go by what stands on it.
        words = {
            "microsoft": "Microsoft 365",
            "google": "Gmail or Google Workspace",
            "other": "Another Mail Server",
            "oauth2_microsoft_graph": "Use Microsoft Graph",
            "oauth2_microsoft_smtp": "Use SMTP",
            "oauth2_google_smtp": "Continue",
            "direct_send": "Use Direct Send",
            "relay": "Use a Connector",
        }[value]
        self.button(button).get_by_text(words, exact=True).click()
