"""The provider refuses a grant for good: said once, asked once, and nothing is lost."""

import pytest

from odoo.addons.mail_server_oauth2.exceptions import SignInNeededError

from odoo_processes import at_once, in_another_process
from office import GMAIL, GRAPH, MICROSOFT_SMTP

PROCESSES = 4


class CallerFailed(Exception):
    """The caller's transaction ends badly."""


@pytest.fixture(params=[GRAPH, MICROSOFT_SMTP, GMAIL])
def revoked(request, office, sandbox):
    """A mailbox whose grant was revoked at the provider; Odoo does not know yet."""
    mailbox = office.connected_mailbox(request.param, expired=True)
    sandbox.post("grants/revoke", account=mailbox.address)
    return mailbox


@pytest.fixture(scope="module")
def second_administrator(demo_database):
    """One more person who is told."""
    with demo_database.environment() as env:
        user = env["res.users"].create(
            {
                "name": "Second Administrator",
                "login": "second administrator",
                "group_ids": [(4, env.ref("base.group_system").id)],
            }
        )
    yield user.id
    with demo_database.environment() as env:
        env["res.users"].browse(user.id).active = False


def warned_users(mailbox):
    """Return the ids of the users who were warned about a mailbox, one per warning."""
    with mailbox.record() as record:
        return sorted(record._incident_activities().user_id.ids)


def ask_and_fail(mailbox):
    with mailbox.record() as record:
        try:
            record._access_token(mailbox.resource)
        except SignInNeededError as error:
            raise CallerFailed(error.key) from error


def find_out(mailbox):
    """Press *Status*."""
    with mailbox.record() as record:
        record._probe()


def test_refusal_is_kept_though_the_caller_rolls_back(revoked):
    with pytest.raises(CallerFailed):
        in_another_process(lambda: ask_and_fail(revoked))
    assert revoked.state() == "sign_in_needed"


def test_later_callers_do_not_ask_again(revoked):
    for _round in range(2):
        outcomes = at_once(*[revoked.token] * PROCESSES)
        assert all(isinstance(outcome.error, SignInNeededError) for outcome in outcomes)
        assert len({outcome.error.key for outcome in outcomes}) == 1
    assert len(revoked.token_calls()) == 1


def test_administrators_are_told_once_and_mails_wait(revoked, office, second_administrator):
    mails = office.queue(revoked, 8)
    slices = [mails[start::PROCESSES] for start in range(PROCESSES)]
    for _run in range(2):
        for outcome in at_once(*[lambda part=part: office.send(part) for part in slices]):
            outcome.result()
    assert office.states(mails) == {"outgoing": 8}
    assert len(revoked.token_calls()) == 1
    with revoked.record() as record:
        administrators = record._people_in_charge().ids
        said = [m for m in record.message_ids if "cannot send" in (m.body or "")]
    assert second_administrator in administrators
    assert warned_users(revoked) == sorted(administrators)
    assert len(said) == 1


def test_processes_that_remember_a_token_hold_mail_too(office, sandbox):
    mailbox = office.connected_mailbox(GRAPH)
    mails = office.queue(mailbox, 2)
    office.send(mails[:1])
    sandbox.post("grants/revoke", account=mailbox.address)
    in_another_process(lambda: find_out(mailbox))
    assert mailbox.state() == "sign_in_needed"
    office.send(mails[1:])  # by this process, which has sent before
    assert office.states(mails) == {"sent": 1, "outgoing": 1}


def test_mails_leave_after_a_new_sign_in(revoked, office):
    mails = office.queue(revoked, 8)
    office.send(mails)
    assert warned_users(revoked)
    office.sign_in(revoked)
    assert revoked.state() == "connected"
    assert not warned_users(revoked)
    slices = [mails[start::PROCESSES] for start in range(PROCESSES)]
    at_once(*[lambda part=part: office.send(part) for part in slices])
    assert office.states(mails) == {"sent": 8}
    assert set(office.copies(mails).values()) == {1}


def test_second_incident_is_told_again(revoked, office, sandbox):
    office.send(office.queue(revoked))
    office.sign_in(revoked, expired=True)
    sandbox.post("grants/revoke", account=revoked.address)
    office.send(office.queue(revoked))
    assert revoked.state() == "sign_in_needed"
    assert warned_users(revoked)
