"""A long queue, several processes, and a token that ends in the middle.

``LIVE_MAILS`` says how many mails; the default keeps the test short.
"""

import itertools
import os
import time

import pytest

from odoo.addons.mail_server_oauth2.models.mail_oauth2_token import EARLY

from clock import clock_moved
from odoo_processes import OdooProcess, at_once
from office import GRAPH, MICROSOFT_SMTP
from waiting import wait_until

MAILS = int(os.environ.get("LIVE_MAILS", "100"))
PROCESSES = 4
#: mails that a process sends in one run of its queue, on one connection
RUN = 10
_PATIENCE = 600  # seconds
_LIFETIME = 3600  # seconds


def slices(mails):
    """Return for each process the runs of mails that it sends."""
    mine = [mails[start::PROCESSES] for start in range(PROCESSES)]
    return [[part[at : at + RUN] for at in range(0, len(part), RUN)] for part in mine]


def send_all(office, runs):
    for run in runs:
        office.send(run)


def check(office, mailbox, mails, *, token_calls):
    """Every mail is sent, every recipient got one copy, and tokens were asked for so often."""
    assert office.states(mails) == {"sent": len(mails)}
    copies = office.copies(mails)
    assert len(copies) == len(mails)
    assert set(copies.values()) == {1}
    assert [call["status"] for call in mailbox.token_calls()] == [200] * token_calls


@pytest.mark.parametrize("kind", [GRAPH, MICROSOFT_SMTP])
def test_token_that_ends_early_is_replaced_once(office, sandbox, kind, record_property):
    """The provider ends the token although Odoo believes that it is good for an hour."""
    mailbox = office.connected_mailbox(kind)
    mails = office.queue(mailbox, MAILS)
    began = time.monotonic()
    processes = [OdooProcess(lambda runs=runs: send_all(office, runs)) for runs in slices(mails)]
    wait_until(lambda: sandbox.get("state")["delivered"] >= MAILS // 2, _PATIENCE)
    sandbox.post("clock", advance=_LIFETIME)
    for process in processes:
        process.outcome(_PATIENCE).result()
    record_property("mails per second", round(MAILS / (time.monotonic() - began), 1))
    check(office, mailbox, mails, token_calls=1)


def test_tokens_that_end_one_after_the_other_cost_one_call_each(office, sandbox):
    """Tokens so short-lived that several are used up while the queue is sent."""
    usable = 4  # seconds
    mailbox = office.connected_mailbox(GRAPH, expired=True)
    sandbox.post("settings", access_token_seconds=EARLY + usable)
    mails = office.queue(mailbox, MAILS)
    outcomes = at_once(
        *[lambda runs=runs: send_all(office, runs) for runs in slices(mails)], timeout=_PATIENCE
    )
    assert [outcome.result() for outcome in outcomes] == [None] * PROCESSES
    times = [call["time"] for call in mailbox.token_calls()]
    # Ends of tokens are whole seconds.
    assert all(later - earlier > usable - 1 for earlier, later in itertools.pairwise(times))
    check(office, mailbox, mails, token_calls=len(times))


def test_trouble_of_the_token_endpoint_delays_and_loses_nothing(office, sandbox):
    """Nobody can get a token for a while: all mails wait, and leave later."""
    mailbox = office.connected_mailbox(GRAPH, expired=True)
    mails = office.queue(mailbox, 2 * PROCESSES)
    sandbox.fault("microsoft.token", "error", code=90033)
    at_once(*[lambda runs=runs: send_all(office, runs) for runs in slices(mails)])
    assert office.states(mails) == {"outgoing": len(mails)}
    assert len(mailbox.token_calls()) == 1

    def send_later(runs):
        with clock_moved(_LIFETIME):
            send_all(office, runs)

    at_once(*[lambda runs=runs: send_later(runs) for runs in slices(mails)])
    assert office.states(mails) == {"sent": len(mails)}
    assert set(office.copies(mails).values()) == {1}
    assert [call["status"] for call in mailbox.token_calls()] == [503, 200]
