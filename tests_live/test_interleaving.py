"""People and the queue work on one grant at the same time."""

import pytest

from odoo.addons.mail_server_oauth2.exceptions import SignInNeededError

from odoo_processes import OdooProcess, in_another_process
from waiting import wait_until


@pytest.fixture
def refreshing(office, sandbox):
    """A mailbox, and a process that refreshes its token just now; the provider takes a second."""
    mailbox = office.connected_mailbox(expired=True)
    sandbox.fault("microsoft.token", "slow", seconds=1, match={"grant_type": "refresh_token"})
    process = OdooProcess(mailbox.token)
    wait_until(lambda: len(mailbox.token_calls()) == 1)
    return mailbox, process


def test_sign_in_during_a_refresh_is_kept(office, refreshing):
    mailbox, process = refreshing
    with mailbox.record() as record:
        url = record._begin_sign_in()
    params = office.sandbox.sign_in(url, mailbox.address)
    signed_in = OdooProcess(lambda: office.come_back(mailbox, params))
    assert process.outcome().result().value
    assert signed_in.outcome().result().startswith("/odoo")
    assert mailbox.state() == "connected"


def test_removing_during_a_refresh_removes(refreshing):
    mailbox, process = refreshing

    def remove():
        with mailbox.record() as record:
            record._disconnect()

    removed = OdooProcess(remove)
    assert process.outcome().result().value
    removed.outcome().result()
    assert mailbox.state() == "disconnected"
    with pytest.raises(SignInNeededError):
        in_another_process(mailbox.token)


def test_removed_mailbox_is_forgotten_by_every_process(office):
    """A token in the memory of one process is worth nothing once another one removed it."""
    mailbox = office.connected_mailbox()
    remembered = mailbox.token()

    def remove():
        with mailbox.record() as record:
            record._disconnect()

    in_another_process(remove)
    assert remembered.value
    with pytest.raises(SignInNeededError):
        mailbox.token()
