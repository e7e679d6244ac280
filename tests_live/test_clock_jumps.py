"""Clocks that jump, and nodes whose clocks differ."""

from odoo.addons.mail_server_oauth2.exceptions import TransientError
from odoo.addons.mail_server_oauth2.models.mail_oauth2_token import EARLY

from clock import clock_moved
from odoo_processes import at_once, in_another_process

HOUR = 3600  # seconds, and about the life of a token
DAY = 24 * HOUR


def moved(seconds, call):
    """Return ``call`` for a process with another clock."""

    def with_another_clock():
        with clock_moved(seconds):
            return call()

    return with_another_clock


def test_clock_jumps_beyond_the_end_of_the_token(office, sandbox):
    mailbox = office.connected_mailbox()
    old = mailbox.token()
    sandbox.post("clock", advance=HOUR)
    tokens = {outcome.result() for outcome in at_once(*[moved(HOUR, mailbox.token)] * 4)}
    (token,) = tokens
    assert token.value != old.value
    assert token.expires_at > old.expires_at + HOUR - EARLY
    assert len(mailbox.token_calls()) == 1


def test_clock_jumps_close_to_the_end_of_the_token(office):
    """Nobody gets a token that ends while a long mail is on its way."""
    mailbox = office.connected_mailbox()
    old = mailbox.token()
    assert in_another_process(moved(HOUR - EARLY - 60, mailbox.token)) == old
    assert in_another_process(moved(HOUR - EARLY + 60, mailbox.token)) != old
    assert len(mailbox.token_calls()) == 1


def test_clock_is_set_back_and_the_token_ends_unseen(office, sandbox):
    """The token looks good for a day; the provider knows better; the mail leaves all the same."""
    mailbox = office.connected_mailbox()
    sandbox.post("clock", advance=HOUR)
    mails = office.queue(mailbox, 4)
    at_once(*[moved(-DAY, lambda mail=mail: office.send([mail])) for mail in mails])
    assert office.states(mails) == {"sent": 4}
    assert set(office.copies(mails).values()) == {1}
    assert len(mailbox.token_calls()) == 1


def test_clock_was_ahead_when_the_token_was_fetched(office, sandbox):
    """Its end is then thought to be a day later than it is."""
    mailbox = office.connected_mailbox(expired=True)
    in_another_process(moved(DAY, mailbox.token))
    sandbox.post("clock", advance=HOUR)
    mails = office.queue(mailbox, 4)
    at_once(*[lambda mail=mail: office.send([mail]) for mail in mails])
    assert office.states(mails) == {"sent": 4}
    assert set(office.copies(mails).values()) == {1}
    assert len(mailbox.token_calls()) == 2


def test_nodes_whose_clocks_differ_do_not_outbid_each_other(office):
    mailbox = office.connected_mailbox()
    for _round in range(2):
        for difference in (0, HOUR, -HOUR):
            in_another_process(moved(difference, mailbox.token))
    assert len(mailbox.token_calls()) <= 2


def test_pause_noted_by_a_clock_that_was_ahead_does_not_last(office, sandbox):
    mailbox = office.connected_mailbox(expired=True)
    sandbox.fault("microsoft.token", "error", code=90033)
    (outcome,) = at_once(moved(DAY, mailbox.token))
    assert isinstance(outcome.error, TransientError)
    assert in_another_process(mailbox.token).value
    assert [call["status"] for call in mailbox.token_calls()] == [503, 200]
