"""One browser for all tests; a fresh state, a fresh tab and no cookies for each."""

import re
import shutil

import pytest
from playwright.sync_api import expect, sync_playwright

from fresh_state import FreshState
from odoo_client import OdooClient
from sandbox_client import SandboxClient
from screens import AppForm, CompanyForm, DocumentChatter, InboxPage, ProviderPage
from setup_screen import SetupForm
from surroundings import PICTURES, Surroundings

#: keeps Chromium from calling home, and lets it run as root
_OPTIONS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_PATIENCE = 15_000  # milliseconds until something that is waited for counts as missing
_FIRST_PATIENCE = 90_000  # milliseconds; Odoo builds the scripts and styles of a new database


@pytest.fixture(scope="session")
def surroundings():
    shutil.rmtree(PICTURES, ignore_errors=True)
    return Surroundings.from_environment()


@pytest.fixture(scope="session")
def odoo(surroundings):
    return OdooClient(surroundings.odoo_url, surroundings.database)


@pytest.fixture(scope="session")
def sandbox(surroundings):
    return SandboxClient(surroundings.sandbox)


@pytest.fixture(scope="session")
def demo(odoo, sandbox):
    return FreshState(odoo, sandbox)


@pytest.fixture(scope="session")
def browser(surroundings):
    expect.set_options(timeout=_PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=surroundings.chromium, args=_OPTIONS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def trusting_context(browser):
    """A browser that went on after the warning about the certificate of Google's sign-in."""
    yield from open_context(browser, ignore_https_errors=True)


@pytest.fixture(scope="session")
def strict_context(browser):
    """A browser that knows nothing of the sandbox's certificate authority."""
    yield from open_context(browser)


@pytest.fixture
def state(demo):
    """The demo, brought back to how it was set up."""
    demo.restore()
    return demo


@pytest.fixture
def page(request, state, odoo):
    """A tab in which the administrator is logged in."""
    google = request.node.get_closest_marker("google")
    name = "trusting_context" if google else "strict_context"
    context = request.getfixturevalue(name)
    context.clear_cookies()
    log_in(context, odoo)
    tab = context.new_page()
    yield tab
    if request.node.stash.get(_FAILED, False):
        _take_picture(tab, request.node.name)
    tab.close()


@pytest.fixture
def company_form(page, surroundings):
    return CompanyForm(page, surroundings.odoo_url)


@pytest.fixture
def connected_form(state, company_form):
    """The company form, connected through Microsoft Graph."""
    state.connect("oauth2_microsoft_graph")
    company_form.open().expect_state("connected")
    return company_form


@pytest.fixture
def app_form(page, surroundings, state):
    return AppForm(page, surroundings.odoo_url, state.apps["microsoft"])


@pytest.fixture
def setup_form(page, surroundings):
    return SetupForm(page, surroundings.odoo_url)


@pytest.fixture
def provider(page):
    return ProviderPage(page)


@pytest.fixture
def inbox(page, sandbox):
    return InboxPage(page, sandbox.web)


@pytest.fixture
def partner_form(page, odoo, surroundings, queued_only):
    """A contact whom a customer follows."""
    follower = odoo.create("res.partner", name="Fay Follower", email="follower@example.com")
    partner = odoo.create("res.partner", name="Order 4711", email="customer@example.com")
    odoo.call("res.partner", "message_subscribe", [partner], partner_ids=[follower])
    yield DocumentChatter(page, surroundings.odoo_url, partner)
    odoo.call("res.partner", "unlink", [partner, follower])


@pytest.fixture
def queued_only(odoo):
    """Let Odoo send nothing at once, as it does for mail to many people."""
    parameter = odoo.create("ir.config_parameter", key="mail.mail.force.send.limit", value="0")
    yield
    odoo.call("ir.config_parameter", "unlink", [parameter])


def log_in(context, odoo):
    """Give a browser the session of the administrator."""
    context.add_cookies([{"name": "session_id", "value": odoo.session_id, "url": odoo.url}])


def open_context(browser, **options):
    """Yield a browser with cookies of its own, and close it."""
    context = browser.new_context(
        viewport={"width": 1280, "height": 900}, service_workers="block", **options
    )
    context.set_default_timeout(_PATIENCE)
    context.set_default_navigation_timeout(_FIRST_PATIENCE)
    yield context
    context.close()


_FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.failed:
        item.stash[_FAILED] = True
    return report


def _take_picture(tab, name):
    PICTURES.mkdir(parents=True, exist_ok=True)
    tab.screenshot(path=PICTURES / f"{re.sub(r'[^a-z0-9_]+', '-', name.lower())}.png")
