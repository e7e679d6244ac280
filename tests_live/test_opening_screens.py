"""Starting Odoo and opening screens loads no OAuth library and calls nobody."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

PROBE = Path(__file__).with_name("opening_probe.py")
OAUTH_LIBRARIES = ("msal", "google", "google_auth_oauthlib", "requests_oauthlib", "oauthlib")
_TIMEOUT = 60  # seconds


@pytest.fixture
def screens(office, database):
    """Forms that show a connected mailbox, and lists: model, view, record."""
    mailbox = office.connected_mailbox()
    mails = office.queue(mailbox, 2)
    office.send(mails[:1])
    with database.environment() as env:
        app = env["mail.oauth2.mailbox"].browse(mailbox.id).app_id
        company = env["res.company"].create(
            {"name": mailbox.address, "email_server_id": mailbox.server_id}
        )
        administrator = env.ref("base.user_admin")
        administrator.company_ids += company
        setup = env["mail.oauth2.setup"].create(
            {
                "company_id": administrator.company_id.id,
                "provider": app.provider,
                "way": "oauth2_microsoft_graph",
                "app_id": app.id,
                "server_id": mailbox.server_id,
            }
        )
        settings = env["res.config.settings"].with_user(administrator).create({})
        attempt = env["mail.oauth2.attempt"].search([("mail_ref", "=", mails[0])])
    yield [
        ("mail.oauth2.setup", None, setup.id),
        ("res.config.settings", "base.res_config_settings_view_form", settings.id),
        ("res.company", "base.view_company_form", company.id),
        ("ir.mail_server", "base.ir_mail_server_form", mailbox.server_id),
        ("mail.oauth2.mailbox", None, mailbox.id),
        ("mail.oauth2.app", None, app.id),
        ("res.users", "base.view_users_form_simple_modif", administrator.id),
        ("mail.mail", None, mails[0]),
        ("mail.oauth2.attempt", None, attempt.id),
        ("mail.oauth2.attempt", None, None),
        ("mail.oauth2.mailbox", None, None),
        ("mail.oauth2.app", None, None),
        ("mail.oauth2.take.over", None, None),
        ("ir.mail_server", None, None),
        ("mail.mail", None, None),
    ]
    with database.environment() as env:
        env["mail.oauth2.setup"].search([]).unlink()
        env.ref("base.user_admin").company_ids -= env["res.company"].browse(company.id)


def test_opening_screens_loads_no_oauth_library_and_calls_nobody(screens):
    done = subprocess.run(
        [sys.executable, PROBE, json.dumps(screens)],
        capture_output=True,
        text=True,
        timeout=_TIMEOUT,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    opened = json.loads(done.stdout)
    shown = {name for names in opened["fields"].values() for name in names}
    assert {
        "email_server_type",
        "oauth2_mailbox_id",
        "status_html",
        "client_id",
        "progress",
        "oauth2_attempt_ids",
        "recipient_line",
        "expires_text",
    } <= shown
    loaded = {name.partition(".")[0] for name in opened["modules"]}
    assert not loaded & set(OAUTH_LIBRARIES)
    assert not opened["connections"]
