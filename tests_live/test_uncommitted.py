"""What a transaction that is not committed, or never will be, does to a grant."""

import pytest

from odoo.addons.mail_server_oauth2.exceptions import SignInNeededError

from odoo_processes import in_another_process


class SavingFailed(Exception):
    """A change is refused, for example by a constraint."""


def change_app(record):
    record.app_id = record.app_id.copy({})
    record.flush_recordset()


def test_mailbox_that_is_not_committed_has_no_token(office, database):
    known = office.connected_mailbox()
    with database.environment() as env:
        app = env["mail.oauth2.mailbox"].browse(known.id).app_id
        mailbox = env["mail.oauth2.mailbox"].create(
            {"app_id": app.id, "address": f"new-{known.address}"}
        )
        assert mailbox.state == "disconnected"
        with pytest.raises(SignInNeededError):
            mailbox._access_token("graph")
        assert isinstance(mailbox._probe(), SignInNeededError)


def test_change_of_the_app_registration_that_fails_leaves_the_grant(office):
    mailbox = office.connected_mailbox()
    with pytest.raises(SavingFailed), mailbox.record() as record:
        change_app(record)
        raise SavingFailed
    assert mailbox.state() == "connected"
    assert in_another_process(mailbox.token).value
    assert not mailbox.token_calls()


def test_change_of_the_app_registration_ends_the_grant_everywhere(office):
    mailbox = office.connected_mailbox()
    assert mailbox.token().value

    def change():
        with mailbox.record() as record:
            change_app(record)

    in_another_process(change)
    assert mailbox.state() == "disconnected"
    with pytest.raises(SignInNeededError):
        mailbox.token()
