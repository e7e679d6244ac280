"""A rotated refresh token outlives its caller.

The sandbox ends a grant as soon as an old refresh token is used again, so every lost rotation
is fatal here.
"""

import pytest

from odoo_processes import at_once, in_another_process
from office import GMAIL, GRAPH, MICROSOFT_SMTP


@pytest.fixture(autouse=True)
def reuse_is_fatal(sandbox):
    sandbox.post("settings", revoke_grant_on_reuse=True, google_refresh_rotation=True)


class CallerFailed(Exception):
    """The caller's transaction ends badly."""


def refresh_and_fail(mailbox):
    """Fetch a token in a transaction that is rolled back."""
    with mailbox.record() as record:
        record._access_token(mailbox.resource)
        raise CallerFailed


def renew(mailbox):
    """Use the stored refresh token again, as another process does later."""
    with mailbox.record() as record:
        return record._grant_sudo()._fresh_access_token(mailbox.resource)


@pytest.mark.parametrize("kind", [GRAPH, MICROSOFT_SMTP, GMAIL])
def test_rotated_refresh_token_survives_a_rollback_of_the_caller(office, kind):
    mailbox = office.connected_mailbox(kind, expired=True)
    with pytest.raises(CallerFailed):
        in_another_process(lambda: refresh_and_fail(mailbox))
    in_another_process(mailbox.token)
    assert len(mailbox.token_calls()) == 1
    assert in_another_process(lambda: renew(mailbox)).value
    assert mailbox.state() == "connected"


def test_sign_in_survives_a_rollback_of_the_callback(office):
    mailbox = office.new_mailbox()
    with mailbox.record() as record:
        url = record._begin_sign_in()
    params = office.sandbox.sign_in(url, mailbox.address)
    with pytest.raises(CallerFailed), mailbox.record() as record:
        sign_in = record.env["mail.oauth2.authorization"]._consume(params["state"])
        record._finish_sign_in(sign_in["pending"], params)
        raise CallerFailed
    assert in_another_process(lambda: renew(mailbox)).value


def test_rollback_of_one_sender_takes_nothing_from_another(office):
    """Two processes send through an expired mailbox at once; one of them fails afterwards."""
    mailbox = office.connected_mailbox(expired=True)
    mine, theirs = office.queue(mailbox), office.queue(mailbox)

    def send_and_fail():
        with office.database.environment() as env:
            env["mail.mail"].browse(mine).send()
            raise CallerFailed

    failed, sent = at_once(send_and_fail, lambda: office.send(theirs))
    assert isinstance(failed.error, CallerFailed)
    sent.result()
    assert office.states(theirs) == {"sent": 1}
    assert len(mailbox.token_calls()) == 1
    assert in_another_process(lambda: renew(mailbox)).value
    assert mailbox.state() == "connected"
