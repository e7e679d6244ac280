"""Any number of processes make one call to the token endpoint per expiry."""

import functools

import pytest

from odoo.addons.mail_server_oauth2.exceptions import TransientError

from odoo_processes import at_once
from office import GMAIL, GRAPH, MICROSOFT_SMTP

PROCESSES = 4
TOKEN_ENDPOINTS = {
    GRAPH: "microsoft.token",
    MICROSOFT_SMTP: "microsoft.token",
    GMAIL: "google.token",
}


def values(outcomes):
    """Return the different tokens that the processes got."""
    return {outcome.result().value for outcome in outcomes}


@pytest.mark.parametrize("kind", [GRAPH, MICROSOFT_SMTP, GMAIL])
def test_one_call_for_an_expired_token(office, kind):
    mailbox = office.connected_mailbox(kind, expired=True)
    outcomes = at_once(*[mailbox.token] * PROCESSES)
    assert len(values(outcomes)) == 1
    assert len(mailbox.token_calls()) == 1


def test_one_call_where_a_second_one_would_end_the_grant(office, sandbox):
    sandbox.post("settings", revoke_grant_on_reuse=True)
    mailbox = office.connected_mailbox(expired=True)
    (token,) = {outcome.result() for outcome in at_once(*[mailbox.token] * PROCESSES)}
    for _refusal in range(3):
        ask = functools.partial(mailbox.token, refused=token)
        (token,) = {outcome.result() for outcome in at_once(*[ask] * PROCESSES)}
    assert [call["status"] for call in mailbox.token_calls()] == [200] * 4
    assert mailbox.state() == "connected"


def test_one_call_for_each_transport_of_a_mailbox(office, sandbox):
    """Tokens for SMTP and Graph come from the same refresh token, one after the other."""
    sandbox.post("settings", revoke_grant_on_reuse=True)
    mailbox = office.new_mailbox(GRAPH)
    other = office.with_another_server(mailbox, MICROSOFT_SMTP)
    office.sign_in(mailbox, expired=True)
    before = len(mailbox.token_calls())
    outcomes = at_once(*[mailbox.token, other.token] * PROCESSES)
    assert len(values(outcomes)) == 2
    assert {call["status"] for call in mailbox.token_calls()} == {200}
    assert len(mailbox.token_calls()) == before + 2
    assert mailbox.state() == "connected"


@pytest.mark.parametrize("kind", [GRAPH, GMAIL])
def test_one_call_while_the_token_endpoint_is_slow(office, sandbox, kind):
    mailbox = office.connected_mailbox(kind, expired=True)
    sandbox.fault(TOKEN_ENDPOINTS[kind], "slow", seconds=2, times=None)
    outcomes = at_once(*[mailbox.token] * PROCESSES)
    assert len(values(outcomes)) == 1
    assert len(mailbox.token_calls()) == 1


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "error", "code": 90033},
        {"kind": "error", "code": 90055, "retry_after": "7"},
        {"kind": "drop"},
        {"kind": "html"},
        {"kind": "half_json"},
    ],
    ids=lambda fault: str(fault.get("code", fault["kind"])),
)
def test_trouble_of_the_token_endpoint_is_met_by_one_process_and_told_to_all(
    office, sandbox, fault
):
    mailbox = office.connected_mailbox(expired=True)
    sandbox.fault("microsoft.token", times=None, **fault)
    outcomes = at_once(*[mailbox.token] * PROCESSES)
    assert all(isinstance(outcome.error, TransientError) for outcome in outcomes), outcomes
    assert len(mailbox.token_calls()) == 1
    assert mailbox.state() == "connected"


@pytest.mark.parametrize("kind", [GRAPH, MICROSOFT_SMTP, GMAIL])
def test_one_call_after_a_token_was_refused(office, kind):
    mailbox = office.connected_mailbox(kind)
    refused = mailbox.token()
    outcomes = at_once(*[lambda: mailbox.token(refused=refused)] * PROCESSES)
    (renewed,) = values(outcomes)
    assert renewed != refused.value
    assert len(mailbox.token_calls()) == 1


def test_one_call_when_several_people_press_status(office, sandbox):
    mailbox = office.connected_mailbox()
    # Long enough for all of them to press before the answer is there.
    sandbox.fault("microsoft.token", "slow", seconds=1, times=None)

    def press():
        with mailbox.record() as record:
            return record._grant_sudo()._fresh_access_token(mailbox.resource)

    outcomes = at_once(*[press] * PROCESSES)
    assert len(values(outcomes)) == 1
    assert len(mailbox.token_calls()) == 1


def test_one_call_of_many_processes(office):
    """More processes than attempts at the lock: whoever waits never runs out of them."""
    mailbox = office.connected_mailbox(expired=True)
    assert len(values(at_once(*[mailbox.token] * 12))) == 1
    assert len(mailbox.token_calls()) == 1
