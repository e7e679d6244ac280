"""Every screen in every language: nothing left in English, nothing wider than the screen."""

import re
from pathlib import Path

import polib
import pytest
from playwright.sync_api import expect

from accessibility import expect_no_wider_than_the_screen
from conftest import log_in
from fresh_state import COMPANY, MAILBOX
from odoo_client import OdooClient
from screens import ExplainPage
from surroundings import PICTURES

GRAPH = "oauth2_microsoft_graph"
I18N = Path(__file__).resolve().parent.parent / "i18n"
#: languages as Odoo calls them -> catalogues
CATALOGUES = {
    "de_DE": "de",
    "es_ES": "es",
    "fr_FR": "fr",
    "nl_NL": "nl",
    "pt_BR": "pt_BR",
    "pt_PT": "pt",
}
SCREENS = PICTURES.parent / "languages"
SIZES = ((390, 844), (1280, 900))
#: letters that a sentence with placeholders needs around them to be told from others
_ENOUGH = 12

#: every text of a page, as people see or hear it: of elements, of nodes, of attributes; but what
#: was written by and for others
_TEXTS = """(part) => {
    const texts = new Set();
    const add = (text) => texts.add((text || "").replace(/\\s+/g, " ").trim());
    for (const element of part.querySelectorAll("*")) {
        if (element.closest("script, style, svg, .o-mail-Chatter")) continue;
        if (!element.checkVisibility({ visibilityProperty: true })) continue;
        if (element.textContent.length < 2000) add(element.textContent);
        for (const node of element.childNodes) {
            if (node.nodeType === Node.TEXT_NODE) add(node.textContent);
        }
        for (const name of ["placeholder", "title", "aria-label", "data-tooltip", "alt"]) {
            add(element.getAttribute(name));
        }
    }
    return [...texts].filter((text) => text.length > 2);
}"""


class EnglishTerms:
    """What must not be seen in a language, because its catalogue has other words for it."""

    def __init__(self, name):
        entries = polib.pofile(str(I18N / f"{name}.po"))
        terms = {_plain(entry.msgid): _plain(entry.msgstr) for entry in entries}
        strange = [term for term, words in terms.items() if term != words and len(term) > 2]
        words_too = set(terms.values())  # an English word may be another term's translation
        self._whole = {term for term in strange if "%(" not in term} - words_too
        self._patterns = [
            _pattern(term) for term in strange if "%(" in term and _letters(term) >= _ENOUGH
        ]

    def among(self, texts):
        """Return those of some texts that are English terms."""
        return sorted(
            text
            for text in texts
            if text in self._whole or any(pattern.fullmatch(text) for pattern in self._patterns)
        )


def _plain(text):
    return " ".join(re.sub(r"<[^>]+>", "", text).replace("&amp;", "&").split())


def _letters(term):
    return len(re.sub(r"%\(\w+\)s|[^a-zA-Z]", "", term))


def _pattern(term):
    parts = re.split(r"%\(\w+\)s", term)
    return re.compile(".+".join(re.escape(part) for part in parts))


@pytest.fixture(scope="module")
def languages(odoo):
    """All languages are loaded; what is in English is loaded anew afterwards."""
    ids = odoo.call(
        "res.lang",
        "search",
        [("code", "in", list(CATALOGUES))],
        context={"active_test": False},
    )
    wizard = odoo.create("base.language.install", lang_ids=[(6, 0, ids)], overwrite=True)
    odoo.call("base.language.install", "lang_install", [wizard])


@pytest.fixture(params=CATALOGUES)
def speaker(request, languages, state, odoo, surroundings):
    """An administrator who speaks a language."""
    login = f"speaker {request.param}"
    user = odoo.create(
        "res.users",
        name="Sam",
        login=login,
        password=login,
        email="sam@contoso.example",
        lang=request.param,
        company_id=COMPANY,
        company_ids=[(6, 0, [COMPANY])],
        group_ids=[
            (6, 0, [odoo.record("base", "group_user"), odoo.record("base", "group_system")])
        ],
    )
    client = OdooClient(surroundings.odoo_url, surroundings.database, login, login)
    client.lang = request.param
    yield client
    odoo.write("res.users", [user], active=False, login=f"{login} {user}")


@pytest.fixture
def look(page, speaker):
    """Return ``look(name)``: reads the screen, or a part of it, and keeps pictures."""
    page.context.clear_cookies()
    log_in(page.context, speaker)
    english = EnglishTerms(CATALOGUES[speaker.lang])
    SCREENS.mkdir(parents=True, exist_ok=True)
    left = {}

    def look(name, part="body"):
        for width, height in SIZES:
            page.set_viewport_size({"width": width, "height": height})
            expect_no_wider_than_the_screen(page)
            picture = SCREENS / f"{name}-{speaker.lang}-{width}.png"
            page.screenshot(path=picture, animations="disabled")
        if found := english.among(page.locator(part).evaluate(_TEXTS)):
            left[name] = found

    yield look
    assert not left, "\n".join(f"{name}: {text}" for name in left for text in left[name])


def test_every_screen_speaks_the_language(
    look, state, page, speaker, sandbox, surroundings, company_form, setup_form
):
    state.connect(GRAPH)
    sandbox.fault("graph.sendmail", "error", code="ErrorSendAsDenied", times=1)
    queue_mail(speaker)
    look_at_the_company(look, company_form)
    page.goto(f"{surroundings.odoo_url}/odoo/settings")
    page.locator("#company_email_server_setting").scroll_into_view_if_needed()
    look("settings", "#company_email_server_setting")
    walk_through_the_setup(look, setup_form)
    sandbox.revoke(MAILBOX["microsoft"])
    company_form.open().status()
    company_form.expect_state("sign_in_needed")
    look("sign-in-needed")
    held = queue_mail(speaker)
    look_at_the_lists(look, page, surroundings.odoo_url)
    company_form.load(f"{surroundings.odoo_url}/odoo/mail.mail/{held}")
    expect(page.locator(".alert:visible").first).to_be_visible()
    look("mail-held")
    explain = ExplainPage(page, surroundings.odoo_url).open()
    explain.paste("AADSTS7000215: Invalid client secret provided.")
    explain.press("explain")
    expect(explain.findings).to_have_count(1)
    look("explain")


def queue_mail(odoo):  # as the speaker: reasons are in the language of the author
    """Let a mail be refused, or held; return its id."""
    mail = odoo.create(
        "mail.mail",
        subject="Invoice 2026/0042",
        body_html="<p>Please find your invoice.</p>",
        email_from=MAILBOX["microsoft"],
        email_to="customer@example.com",
        is_notification=True,
    )
    odoo.run_mail_queue()
    return mail


def look_at_the_company(look, form):
    form.open().expect_state("connected")
    look("company")
    for button, name in (
        ("action_email_server_disconnect", "remove"),
        ("action_email_server_test_mail", "test-mail"),
    ):
        form.press(button)
        expect(form.dialog).to_be_visible()
        look(name)
        form.page.keyboard.press("Escape")
        expect(form.dialog).to_have_count(0)
    form.press("action_email_server_diagnose")
    checklist = form.page.locator(".o_mail_oauth2_diagnosis")
    expect(checklist).to_have_attribute("data-status", "finished")
    look("diagnose")
    form.open().choose_type("oauth2_google_smtp")
    expect(form.field("email_server_change")).to_be_visible()
    look("company-change")
    form.discard()


def walk_through_the_setup(look, form):
    """Look at each step; go by the names of the steps, not by words."""
    form.open_from_settings()
    for _back in range(6):
        if form.step("provider").count():
            break
        step = form.page.locator("[data-setup-step]:visible").first
        step.wait_for()
        look(f"setup-{step.get_attribute('data-setup-step')}")
        if form.button("action_start_again").count():
            form.press("action_start_again")
        else:
            form.back()
        form.page.wait_for_timeout(300)
    form.expect_step("provider")
    look("setup-provider")


def look_at_the_lists(look, page, odoo_url):
    """Look at lists that have something in them, and at the mailbox that is in one."""
    for path, part in {
        "sending-overview": ".o_mail_oauth2_overview",
        "mails-not-left": ".o_data_row",
        "connected-mailboxes": ".o_data_row",
    }.items():
        page.goto(f"{odoo_url}/odoo/{path}")
        expect(page.locator(part).first).to_be_visible()
        look(path)
    page.locator(".o_data_row .o_data_cell").first.click()
    expect(page.locator(".o_form_sheet [data-state]:visible")).to_be_visible()
    look("mailbox")


def test_english_that_is_left_is_found():
    """The check itself: whole terms, terms in parts, terms with values in them."""
    english = EnglishTerms("de")
    texts = {
        "Send Test E-mail",
        "Test-E-Mail senden",
        "Mailbox erp@contoso.example cannot send",
        "AADSTS50173: The provided grant has expired",
    }
    assert english.among(texts) == [
        "Mailbox erp@contoso.example cannot send",
        "Send Test E-mail",
    ]


def test_all_catalogues_are_looked_at():
    assert sorted(CATALOGUES.values()) == sorted(path.stem for path in I18N.glob("*.po"))
