"""The screens of Odoo that these tests use, by what is on them and not by where it is."""

from playwright.sync_api import expect

from accessibility import expect_accessible, expect_no_wider_than_the_screen
from fresh_state import COMPANY
from surroundings import PICTURES

_APP_ACTION = "mail_server_oauth2.action_mail_oauth2_app"
_EXPLAIN_ACTION = "mail_server_oauth2.action_mail_oauth2_explain"
_TRACEBACK = ".o_error_dialog .btn-link"  # "See technical details"

#: milliseconds; before the first form of a run, Odoo builds the scripts and styles
_FIRST_LOAD = 90_000


def _is_record(answer):
    return "/web_read" in answer.url


class Screen:
    """What all screens of the web client have in common."""

    def __init__(self, page):
        self.page = page

    def load(self, url):
        """Open a form and wait for its record.

        The web client may show the record from its own cache first, and what is typed before
        the answer arrives is lost.
        """
        with self.page.expect_response(_is_record, timeout=_FIRST_LOAD):
            self.page.goto(url)

    def field(self, name):
        """Return a field of the form."""
        return self.page.locator(f".o_field_widget[name={name}]:visible")

    def fill(self, name, value):
        self.field(name).locator("input, textarea").first.fill(value)

    def select(self, name, words):
        """Choose from a selection field by what the choice is called."""
        self.field(name).locator("input").click()
        self.page.locator(".o_select_menu_item").get_by_text(words, exact=True).click()

    def button(self, name):
        return self.page.locator(f"button[name={name}]:visible")

    def press(self, name):
        self.button(name).click()

    def save(self):
        """Press *Save* and wait until Odoo has stored the form."""
        with self.page.expect_response(lambda answer: "/web_save" in answer.url):
            self.page.locator(".o_form_button_save").click()

    def discard(self):
        """Take changes back: a tab that is closed with changes saves them, in the next test."""
        button = self.page.locator(".o_form_button_cancel")
        button.click()
        expect(button).to_be_hidden()

    @property
    def dialog(self):
        return self.page.locator(".modal:visible")

    def read_refusal(self):
        """Return the sentence of the dialogue that refuses something, and close it."""
        text = self.page.locator(".o_error_dialog [role=alert]")
        expect(text).to_be_visible()
        expect(self.page.locator(_TRACEBACK), "a traceback is shown").to_have_count(0)
        words = text.inner_text()
        self.page.locator(".o_error_dialog footer button").click()
        expect(self.page.locator(".o_error_dialog")).to_have_count(0)
        return words

    def notification(self, kind):
        """Return the newest notification of a kind, ``success`` or ``danger``."""
        return self.page.locator(
            ".o_notification", has=self.page.locator(f".o_notification_bar.bg-{kind}")
        ).last

    def expect_no_error(self):
        """Fail if Odoo shows an error dialogue."""
        expect(self.page.locator(".o_error_dialog")).to_have_count(0)

    def keep_pictures(self, name, part):
        """Leave pictures at both widths that screens are made for, for people to look at.

        :param part: selector of what has to be usable by everybody, at both widths
        """
        PICTURES.mkdir(parents=True, exist_ok=True)
        for width, height in ((390, 844), (1280, 900)):
            self.page.set_viewport_size({"width": width, "height": height})
            self.arrange()
            expect_no_wider_than_the_screen(self.page)
            self.page.evaluate("document.fonts.ready")
            self.page.screenshot(path=PICTURES / f"{name}-{width}.png", animations="disabled")
            expect_accessible(self.page, part)

    def arrange(self):
        """Bring what pictures are of into view; the width has changed."""


class CompanyForm(Screen):
    """The company form, page *Email Server*."""

    def __init__(self, page, odoo_url):
        super().__init__(page)
        self._url = f"{odoo_url}/odoo/companies/{COMPANY}"

    def open(self):
        self.load(self._url)
        self.page.locator("a[name=email_server]").click()
        self.expect_shown()
        return self

    def expect_shown(self):
        """Wait until the page *Email Server* is there, also after a sign-in led back to it."""
        expect(self.field("email_server_type")).to_be_visible()

    def choose_type(self, code):
        self.field("email_server_type").locator(f"input[data-value={code}]").check()

    def expect_type(self, code):
        chosen = self.field("email_server_type").locator(f"input[data-value={code}]")
        expect(chosen).to_be_checked()

    def expect_state(self, state):
        """Wait until the badge shows a state of the mailbox."""
        badge = self.page.locator("[data-state]:visible")
        expect(badge).to_have_attribute("data-state", state)

    @property
    def status_block(self):
        return self.page.locator(".o_mail_oauth2_status:visible")

    def authenticate(self):
        self.press("action_email_server_authenticate")

    def connect(self, account, *, first=True):
        """Sign in as an account and wait until the mailbox is connected.

        :param first: the account has not agreed to the permissions before
        """
        self.authenticate()
        provider = ProviderPage(self.page)
        provider.pick(account)
        if first:
            provider.accept()
        self.expect_shown()
        self.expect_state("connected")

    def new_app_registration(self, name):
        """Open the dialogue that describes an app registration which is not there yet."""
        self.fill("email_server_app_id", name)
        self.page.locator(".o_m2o_dropdown_option_create_edit").click()
        expect(self.dialog.locator(".o_field_widget[name=redirect_uri]")).to_be_visible()
        return AppDialogue(self.page)

    def status(self):
        self.press("action_email_server_status")

    def open_remove(self):
        """Open the dialogue that says what removing means."""
        self.press("action_email_server_disconnect")
        expect(self.dialog).to_be_visible()

    def remove(self):
        self.open_remove()
        self.press("action_disconnect")
        expect(self.dialog).to_have_count(0)

    def open_test_mail(self, recipient):
        self.press("action_email_server_test_mail")
        expect(self.dialog).to_be_visible()
        self.fill("email_to", recipient)

    def send_test_mail(self, recipient):
        """Send a test e-mail and wait until Odoo says that the provider took it."""
        self.open_test_mail(recipient)
        self.press("action_send")
        expect(self.notification("success")).to_contain_text(recipient)
        expect(self.dialog).to_have_count(0)

    def expect_usable(self):
        """The form can be edited and saved: what an error must never take away."""
        self.expect_no_error()
        self.fill("email_server_max_size", "12")
        self.save()
        self.open()  # Odoo reloads the page by itself after a company was saved
        expect(self.field("email_server_max_size").locator("input")).to_have_value("12.00")
        expect(self.page.locator("button[name^=action_email_server]:visible").first).to_be_enabled()


class AppDialogue(Screen):
    """An app registration that is made from the company form."""

    def field(self, name):
        return self.dialog.locator(f".o_field_widget[name={name}]:visible")

    def save(self):
        self.dialog.locator(".o_form_button_save").click()
        expect(self.dialog).to_have_count(0)


class AppForm(Screen):
    """The form of an app registration."""

    def __init__(self, page, odoo_url, app):
        super().__init__(page)
        self._url = f"{odoo_url}/odoo/action-{_APP_ACTION}/{app}"

    def open(self):
        self.load(self._url)
        expect(self.field("client_id")).to_be_visible()
        return self


class ExplainPage(Screen):
    """*Explain an Error*."""

    def __init__(self, page, odoo_url):
        super().__init__(page)
        self._url = f"{odoo_url}/odoo/action-{_EXPLAIN_ACTION}"

    def open(self):
        self.page.goto(self._url)
        self.expect_shown()
        return self

    def expect_shown(self):
        expect(self.box).to_be_visible()

    @property
    def box(self):
        return self.page.locator(".o_mail_oauth2_explain textarea")

    def paste(self, text):
        self.box.fill(text)

    @property
    def findings(self):
        return self.page.locator(".o_mail_oauth2_finding")

    def finding(self, key):
        """Return what is shown of one entry of the error catalogue."""
        return self.page.locator(f".o_mail_oauth2_finding[data-key={key}]")


class PartnerForm(Screen):
    """The form of a contact, with its chatter."""

    def __init__(self, page, odoo_url, partner):
        super().__init__(page)
        self._url = f"{odoo_url}/odoo/res.partner/{partner}"

    def open(self):
        self.load(self._url)
        expect(self.page.locator(".o-mail-Chatter-sendMessage")).to_be_visible()
        return self

    def send_message(self, text):
        """Write to the followers and wait until the message stands in the chatter."""
        self.page.locator(".o-mail-Chatter-sendMessage").click()
        self.page.locator(".o-mail-Composer-input").fill(text)
        self.page.locator(".o-mail-Composer-send").click()
        expect(self.page.locator(".o-mail-Message").filter(has_text=text)).to_be_visible()


class DocumentChatter(PartnerForm):
    """What the chatter of a contact says about the mails that were written there."""

    @property
    def sign(self):
        """The sign beside the author of the newest message that went out as mail."""
        return self.page.locator(".o-mail-Message-notification").first

    @property
    def popover(self):
        return self.page.locator(".o-mail-MessageNotificationPopover")

    @property
    def reason(self):
        return self.popover.get_by_test_id("reason")

    def open_popover(self):
        self.sign.click()
        expect(self.popover).to_be_visible()

    def arrange(self):
        self.page.keyboard.press("Escape")
        expect(self.popover).to_have_count(0)
        self.open_popover()


class ProviderPage:
    """The sandbox's sign-in, as Microsoft or Google show it."""

    def __init__(self, page):
        self.page = page

    def sign_in(self, account):
        """Pick an account and agree to what is asked."""
        self.pick(account)
        self.accept()

    def pick(self, account):
        self._item(f"account-{account}").click()

    def untick(self, scope):
        """Take back one of the permissions that Google lists."""
        self._item(f"scope-{scope}").uncheck()

    def accept(self):
        self._item("accept").click()

    def cancel(self):
        self._item("cancel").click()

    def read_error(self):
        """Return what the provider's page says is wrong."""
        expect(self._item("error")).to_be_visible()
        return self._item("error").inner_text()

    def _item(self, test_id):
        return self.page.get_by_test_id(test_id)


class AccountChoicePage:
    """Odoo's question what to do with another account than the mailbox's own."""

    def __init__(self, page):
        self.page = page

    def expect_shown(self, address, account):
        """Wait for the question: which mailbox it is about, and who signed in."""
        expect(self.page.locator("dl")).to_contain_text(address)
        expect(self.page.locator("dl")).to_contain_text(account)

    def choose(self, answer):
        """Answer ``send_as``, ``use_address`` or ``again``."""
        self.page.locator(f"button[name=choice][value={answer}]").click()

    def leave(self):
        self.page.locator("a[href*='/odoo']").click()


class InboxPage:
    """The page of the sandbox that shows delivered mail."""

    def __init__(self, page, web):
        self.page = page
        self._web = web

    def expect_mail(self, recipient, via, subject):
        """Open the page: exactly one mail has arrived at a recipient, by this way."""
        self.page.goto(self._web)
        row = self.page.get_by_test_id("delivery").filter(has_text=recipient)
        expect(row).to_have_count(1)
        expect(row).to_contain_text(via)
        expect(row).to_contain_text(subject)
