"""The pictures of the documentation, taken from the running system by ``make screenshots``.

pytest does not collect this file by itself. Each function leaves one picture, 1280 pixels wide,
cut below what is on the screen, and small enough for a repository.
"""

import io
from datetime import UTC, datetime, timedelta
from pathlib import Path

from PIL import Image
from playwright.sync_api import expect

from fresh_state import COMPANY, MAILBOX

ROOT = Path(__file__).resolve().parent.parent
#: pictures that Odoo's list of apps shows
FOR_THE_ADDON = ROOT / "static" / "description"
FOR_THE_DOCS = ROOT / "docs" / "screenshots"
_LARGEST = 150_000  # bytes
_WIDTH = 1280  # pixels
_MARGIN = 16  # pixels left below what is on the screen


def keep(page, path, *, below=".o_form_sheet_bg"):
    """Write a picture of the page down to the end of an element."""
    page.evaluate("document.fonts.ready")
    page.mouse.move(0, 0)
    height = page.locator(below).last.evaluate("e => e.getBoundingClientRect().bottom")
    clip = {"x": 0, "y": 0, "width": _WIDTH, "height": int(height) + _MARGIN}
    content = page.screenshot(clip=clip, animations="disabled")
    write(content, path)


def write(content, path):
    """Write a picture in at most 256 colours."""
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = Image.open(io.BytesIO(content)).convert("RGB").quantize(256, dither=Image.Dither.NONE)
    picture.save(path, optimize=True)
    size = path.stat().st_size
    assert size < _LARGEST, f"{path.name} has {size} bytes"


def test_company_before(state, company_form, page):
    state.give_server("oauth2_microsoft_graph")
    company_form.open().expect_state("disconnected")
    keep(page, FOR_THE_ADDON / "company-before.png")


def test_company_connected(connected_form, page):
    connected_form.status()
    expect(connected_form.notification("success")).to_be_visible()
    keep(page, FOR_THE_ADDON / "company-connected.png")


def test_company_sign_in_needed(connected_form, sandbox, page):
    sandbox.revoke(MAILBOX["microsoft"])
    connected_form.status()
    connected_form.expect_state("sign_in_needed")
    page.set_viewport_size({"width": _WIDTH, "height": 1100})
    connected_form.open().expect_state("sign_in_needed")  # without the notifications
    keep(page, FOR_THE_ADDON / "company-sign-in-needed.png")


def test_app_registration(company_form, page):
    company_form.open()
    company_form.choose_type("oauth2_microsoft_graph")
    app = company_form.new_app_registration("Odoo mail of Contoso")
    app.fill("tenant", "contoso.onmicrosoft.com")
    app.fill("client_id", "11111111-2222-4333-8444-555555555555")
    app.fill("client_secret", "the secret's value")
    app.field("name").click()
    keep(page, FOR_THE_ADDON / "app-registration.png", below=".modal-content")
    app.dialog.locator(".o_form_button_cancel").click()
    company_form.discard()


def test_setup(state, odoo, setup_form, page):
    odoo.write("mail.oauth2.app", list(state.apps.values()), active=False)
    setup_form.open_from_settings()
    setup_form.choose_provider("microsoft")
    setup_form.expect_step("way")
    page.set_viewport_size({"width": _WIDTH, "height": 1100})
    keep(page, FOR_THE_ADDON / "setup-way.png")
    setup_form.choose_way("oauth2_microsoft_graph")
    setup_form.expect_step("app")
    setup_form.field("tenant").locator("input").blur()
    keep(page, FOR_THE_DOCS / "setup-app.png")
    page.set_viewport_size({"width": _WIDTH, "height": 900})


def test_remove(connected_form, page):
    connected_form.open_remove()
    keep(page, FOR_THE_DOCS / "remove.png")


def test_delivered(connected_form, sandbox, page):
    connected_form.send_test_mail("customer@example.com")
    page.goto(sandbox.web)
    expect(page.get_by_test_id("delivery")).to_be_visible()
    keep(page, FOR_THE_DOCS / "delivered.png", below="[data-testid=faults]")


def test_diagnose(state, odoo, sandbox, company_form, page):
    odoo.write("mail.oauth2.app", [state.apps["microsoft"]], client_secret_expires_on="2999-01-01")
    state.connect("oauth2_microsoft_smtp")
    sandbox.settings(smtp_auth_disabled="mailbox")
    page.set_viewport_size({"width": _WIDTH, "height": 1500})
    company_form.open().press("action_email_server_diagnose")
    checklist = page.locator(".o_mail_oauth2_diagnosis")
    expect(checklist).to_have_attribute("data-status", "finished")
    keep(page, FOR_THE_ADDON / "diagnose.png", below=".modal-content")


def test_overview(state, odoo, sandbox, page):
    state.connect("oauth2_microsoft_graph")
    state.run(f"env['mail.oauth2.attempt'].sudo().create({week_of_hand_overs(odoo)!r})")
    mail = {"body_html": "<p>Your invoice</p>", "email_from": MAILBOX["microsoft"]}
    queue = [
        {
            **mail,
            "subject": f"Invoice {number}",
            "email_to": f"customer{number}@example.com",
        }
        for number in range(5)
    ]
    sandbox.fault("graph.sendmail", "error", code="ErrorSendAsDenied", times=2)
    odoo.call("mail.mail", "create", queue)
    odoo.run_mail_queue()
    sandbox.revoke(MAILBOX["microsoft"])
    odoo.call("res.company", "action_email_server_status", [COMPANY])
    odoo.call("mail.mail", "create", queue)
    odoo.run_mail_queue()
    page.goto(f"{odoo.url}/odoo/sending-overview")
    expect(page.locator(".o_mail_oauth2_overview")).to_be_visible()
    expect(page.locator("canvas")).to_be_visible()
    page.wait_for_timeout(1_000)  # the bars grow
    keep(page, FOR_THE_ADDON / "overview.png", below="canvas")


def week_of_hand_overs(odoo):
    """Return rows of a week in which there was some trouble."""
    (mailbox,) = odoo.search("mail.oauth2.mailbox")
    today = datetime.now(UTC).replace(hour=6, minute=0, second=0, microsecond=0, tzinfo=None)
    counts = {
        1: {"accepted": 46, "refused": 2},
        2: {"accepted": 51, "later": 9},
        3: {"accepted": 38},
        4: {"accepted": 44, "refused": 1},
        5: {"accepted": 57, "later": 4, "unknown": 1},
        6: {"accepted": 29},
    }
    return [
        {
            "outcome": outcome,
            "started_at": str(today - timedelta(days=days)),
            "mailbox_id": mailbox,
            "company_id": COMPANY,
            "mail_ref": -1,
            "error_key": {"refused": "recipient_unknown", "later": "throttled"}.get(outcome),
        }
        for days, outcomes in counts.items()
        for outcome, count in outcomes.items()
        for _row in range(count)
    ]


def test_another_account(state, company_form, provider, page):
    state.give_server("oauth2_microsoft_graph", "invoices@contoso.example")
    company_form.open().authenticate()
    provider.sign_in("bert@contoso.example")
    expect(page.locator("button[name=choice]").first).to_be_visible()
    keep(page, FOR_THE_DOCS / "another-account.png", below=".card")


def test_sign_in_failed(company_form, provider, state, page):
    state.give_server("oauth2_microsoft_graph")
    state.spoil_app(client_secret="not~the~secret")
    company_form.open().authenticate()
    provider.sign_in(MAILBOX["microsoft"])
    expect(page.get_by_test_id("cause")).to_be_visible()
    keep(page, FOR_THE_DOCS / "sign-in-failed.png", below=".card")


def test_certificate_warning(state, company_form, page):
    """What a browser shows before the sandbox's sign-in of Google."""
    state.give_server("oauth2_google_smtp")
    company_form.open()
    with page.expect_event("requestfailed"):
        company_form.authenticate()
    expect(page.locator("#details-button")).to_be_visible()
    page.locator("#details-button").click()
    keep(page, FOR_THE_DOCS / "certificate-warning.png", below="#final-paragraph")


def test_icon(strict_context):
    page = strict_context.new_page()
    page.set_viewport_size({"width": 128, "height": 128})
    drawing = (FOR_THE_ADDON / "icon.svg").read_text()
    page.set_content(f"<style>body {{ margin: 0 }} svg {{ display: block }}</style>{drawing}")
    content = page.screenshot(omit_background=True)
    page.close()
    Image.open(io.BytesIO(content)).save(FOR_THE_ADDON / "icon.png", optimize=True)
