"""A server that is taken over is so for good, whatever becomes of the caller."""

import json

import psycopg2
import pytest

from odoo.addons.mail_server_oauth2.models import mail_oauth2_take_over

from odoo_processes import in_another_process
from office import MICROSOFT_SMTP


class CallerFailed(Exception):
    """The caller's transaction ends badly."""


@pytest.fixture
def outlook_server(office, sandbox):
    """Id of a server of core's Outlook module, with a refresh token of the sandbox.

    An old refresh token that is used again ends the grant: a lost one would be noticed.
    """
    sandbox.post("settings", revoke_grant_on_reuse=True)
    microsoft = sandbox["microsoft"]
    ours = office.connected_mailbox(MICROSOFT_SMTP)
    with office.database.environment() as env:
        mailbox = env["mail.oauth2.mailbox"].browse(ours.id)
        cache = mailbox._grant_sudo()._stored_cache()
        parameters = env["ir.config_parameter"]
        parameters.set_param("microsoft_outlook_client_id", microsoft["client_id"])
        parameters.set_param("microsoft_outlook_client_secret", microsoft["client_secret"])
        parameters.set_param(
            "microsoft_outlook.endpoint",
            f"{microsoft['authority_url']}/{microsoft['tenant']}/oauth2/v2.0/",
        )
        server = mailbox.server_ids
        server.write(
            {
                "smtp_authentication": "outlook",
                "smtp_encryption": "starttls",
                "oauth2_mailbox_id": False,
                "microsoft_outlook_refresh_token": refresh_token_in(cache),
            }
        )
        mailbox.unlink()
        return server.id


def refresh_token_in(cache):
    (entry,) = json.loads(cache)["RefreshToken"].values()
    return entry["secret"]


def take_over(env, server_id):
    """Take a server over through the dialogue; return the line that says what became of it."""
    wizards = env["mail.oauth2.take.over.wizard"].with_context(take_over_server_ids=[server_id])
    wizard = wizards.create({})
    wizard.action_take_over()
    return wizard.line_ids


def test_server_and_rotated_token_survive_a_rollback_of_the_caller(office, outlook_server):
    def fail():
        with office.database.environment() as env:
            take_over(env, outlook_server)
            raise CallerFailed

    with pytest.raises(CallerFailed):
        in_another_process(fail)
    with office.database.environment() as env:
        server = env["ir.mail_server"].browse(outlook_server)
        assert server.smtp_authentication == MICROSOFT_SMTP
        assert not server.microsoft_outlook_refresh_token
        token = server.oauth2_mailbox_id._grant_sudo()._fresh_access_token("smtp")
        assert token.value


def test_dialogue_and_undo_work_with_transactions_of_their_own(office, outlook_server):
    with office.database.environment() as env:
        line = take_over(env, outlook_server)
        assert line.result == "done", line.reason
    with office.database.environment() as env:
        server = env["ir.mail_server"].browse(outlook_server)
        mailbox = server.oauth2_mailbox_id
        server.action_undo_take_over()
    with office.database.environment() as env:
        assert server.with_env(env).smtp_authentication == "outlook"
        assert not mailbox.with_env(env).exists()


def test_server_that_somebody_is_writing_on_is_left_alone(office, outlook_server, monkeypatch):
    monkeypatch.setattr(mail_oauth2_take_over, "LOCK_TIMEOUT", 1)
    with office.database.environment() as other:
        server = other["ir.mail_server"].browse(outlook_server)
        server.microsoft_outlook_access_token = "just refreshed"
        server.flush_recordset()
        with office.database.environment() as env:
            line = take_over(env, outlook_server)
            assert (line.result, line.permission) == ("failed", "along")
    with office.database.environment() as env:
        assert env["ir.mail_server"].browse(outlook_server).smtp_authentication == "outlook"


def test_take_over_leaves_no_trace_where_the_database_refuses_it(office, outlook_server):
    """The last write fails: app registration, mailbox and backup go with it."""
    with office.database.environment() as env:
        env.cr.execute(
            "ALTER TABLE ir_mail_server ADD CONSTRAINT refuse "
            "CHECK (smtp_encryption != 'starttls_strict') NOT VALID"
        )
    try:
        with pytest.raises(psycopg2.errors.CheckViolation), office.database.environment() as env:
            take_over(env, outlook_server)
        with office.database.environment() as env:
            server = env["ir.mail_server"].browse(outlook_server)
            assert server.smtp_authentication == "outlook"
            assert not env["mail.oauth2.take.over"].search([("server_id", "=", server.id)])
            assert not env["mail.oauth2.mailbox"].search([("address", "=", server.smtp_user)])
    finally:
        with office.database.environment() as env:
            env.cr.execute("ALTER TABLE ir_mail_server DROP CONSTRAINT refuse")
