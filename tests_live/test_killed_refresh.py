"""``kill -9`` in the middle of a refresh: nobody waits for the dead, and nothing is lost."""

import pytest

from odoo_processes import OdooProcess, at_once, in_another_process
from waiting import wait_until


@pytest.fixture
def caught(office, sandbox):
    """A process that waits for an answer of the token endpoint, which never comes."""

    def catch(**fault):
        mailbox = office.connected_mailbox(expired=True)
        sandbox.fault("microsoft.token", "hang", **fault)
        process = OdooProcess(mailbox.token)
        wait_until(lambda: len(mailbox.token_calls()) == 1)
        return mailbox, process

    return catch


def waits_for_a_lock(database):
    """Tell whether another process waits for a row of the grants."""
    query = """SELECT count(*) FROM pg_stat_activity
                WHERE datname = %s AND wait_event_type = 'Lock'"""
    return database.rows(query, database.name) == [(1,)]


def test_next_caller_refreshes_at_once(caught):
    mailbox, process = caught()
    process.kill()
    outcomes = at_once(mailbox.token, mailbox.token)
    assert len({outcome.result().value for outcome in outcomes}) == 1
    assert [call["status"] for call in mailbox.token_calls()] == [0, 200]
    assert mailbox.state() == "connected"


def test_whoever_waits_for_the_lock_goes_on(caught, database):
    mailbox, process = caught()
    waiting = OdooProcess(mailbox.token)
    wait_until(lambda: waits_for_a_lock(database))
    assert len(mailbox.token_calls()) == 1
    process.kill()
    assert waiting.outcome().result().value
    assert [call["status"] for call in mailbox.token_calls()] == [0, 200]


def test_answer_that_got_lost_ends_nothing(caught):
    """The provider has rotated the refresh token, and nobody has the new one."""
    mailbox, process = caught(processed=True)
    process.kill()
    assert in_another_process(mailbox.token).value
    assert mailbox.state() == "connected"


def test_mail_under_way_goes_out_once(caught, office):
    mailbox, process = caught()
    process.kill()
    mails = office.queue(mailbox, 3)
    at_once(*[lambda mail=mail: office.send([mail]) for mail in mails])
    assert office.states(mails) == {"sent": 3}
    assert set(office.copies(mails).values()) == {1}
