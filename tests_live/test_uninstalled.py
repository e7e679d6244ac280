"""The addon is removed from a database in use: nothing of it stays, and it can come back."""

import pytest

from database_copy import copied
from odoo_processes import in_another_process
from office import GMAIL, GRAPH, MICROSOFT_SMTP, Office, register_apps

ADDON = "mail_server_oauth2"
#: queries that find what belongs to the addon
LEFTOVERS = {
    "tables": "SELECT tablename FROM pg_tables WHERE tablename LIKE '%%oauth2%%'",
    "columns": """SELECT table_name || '.' || column_name FROM information_schema.columns
                   WHERE column_name LIKE '%%oauth2%%' OR column_name LIKE 'email_server_%%'
                      OR (table_name, column_name) = ('ir_mail_server', 'company_id')""",
    "models": "SELECT model FROM ir_model WHERE model LIKE '%%oauth2%%'",
    "fields": """SELECT model || '.' || name FROM ir_model_fields
                  WHERE name LIKE '%%oauth2%%' OR name LIKE 'email_server_%%'""",
    "selections": "SELECT value FROM ir_model_fields_selection WHERE value LIKE 'oauth2_%%'",
    "external ids": f"SELECT name FROM ir_model_data WHERE module = '{ADDON}'",
    "views": "SELECT name FROM ir_ui_view WHERE arch_db::text LIKE '%%oauth2%%'",
    "jobs": "SELECT code FROM ir_act_server WHERE code LIKE '%%oauth2%%'",
    "parameters": "SELECT key FROM ir_config_parameter WHERE key LIKE '%%oauth2%%'",
    "messages": "SELECT model FROM mail_message WHERE model LIKE '%%oauth2%%'",
    "activities": "SELECT res_model FROM mail_activity WHERE res_model LIKE '%%oauth2%%'",
    "followers": "SELECT res_model FROM mail_followers WHERE res_model LIKE '%%oauth2%%'",
    "files": "SELECT res_model FROM ir_attachment WHERE res_model LIKE '%%oauth2%%'",
}


@pytest.fixture(scope="module")
def used(demo_database):
    """A copy of the database for this module."""
    with copied(demo_database, "uninstalled") as copy:
        yield copy


@pytest.fixture
def office_in_use(used, sandbox):
    """An office with a mailbox of every type, an incident and a queue."""
    office = Office(used, sandbox)
    for kind in (GRAPH, MICROSOFT_SMTP, GMAIL):
        office.queue(office.connected_mailbox(kind))
    refused = office.connected_mailbox(expired=True)
    sandbox.post("grants/revoke", account=refused.address)
    office.send(office.queue(refused))
    assert refused.state() == "sign_in_needed"
    return office


def leftovers(database):
    """Return what belongs to the addon, by kind; kinds of which there is nothing are left out."""
    return {kind: found for kind, query in LEFTOVERS.items() if (found := database.rows(query))}


def module_action(database, action):
    """Press a button of the addon's entry in the list of apps, in a process of its own."""

    def press():
        with database.environment() as env:
            module = env["ir.module.module"].search([("name", "=", ADDON)])
            getattr(module, action)()

    in_another_process(press)


def test_nothing_stays_and_the_addon_can_come_back(office_in_use, used, sandbox):
    servers = "SELECT id FROM ir_mail_server WHERE smtp_authentication LIKE 'oauth2_%%'"
    ours = [row[0] for row in used.rows(servers)]
    assert len(ours) >= 4
    # Whatever the queries find afterwards, they find it now.
    assert {"tables", "columns", "fields", "views", "messages", "activities"} <= set(
        leftovers(used)
    )

    module_action(used, "button_immediate_uninstall")
    assert leftovers(used) == {}
    state = "SELECT smtp_authentication, active, smtp_pass FROM ir_mail_server WHERE id = ANY(%s)"
    assert set(used.rows(state, ours)) == {("login", False, None)}

    module_action(used, "button_immediate_install")

    def send_again():
        register_apps(used, sandbox)
        mailbox = office_in_use.connected_mailbox()
        mails = office_in_use.queue(mailbox)
        office_in_use.send(mails)
        return office_in_use.states(mails)

    with used.environment() as env:
        assert env["ir.module.module"].search([("name", "=", ADDON)]).state == "installed"
    assert in_another_process(send_again) == {"sent": 1}
