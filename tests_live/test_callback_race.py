"""The provider's callback arrives more than once at the same moment."""

import pytest

from odoo.addons.mail_server_oauth2.exceptions import SignInRejectedError

from browser import Browser
from odoo_processes import at_once, in_another_process

CALLBACK = "/mail_server_oauth2/callback"
PROCESSES = 4


class RequestFailed(Exception):
    """The request ends badly."""


@pytest.fixture
def came_back(office, database):
    """A mailbox, the browser in which somebody signs in for it, and what the provider sent."""
    mailbox = office.new_mailbox()
    browser = Browser(database)
    action = in_another_process(
        lambda: browser.call("mail.oauth2.mailbox", "action_authenticate", [mailbox.id])
    )
    return mailbox, browser, office.sandbox.sign_in(action["url"], mailbox.address)


def open_callback(browser, params):
    """Return status and target of the answer, as another process of Odoo gives it."""
    answer = browser.get(CALLBACK, **params)
    return answer.status_code, answer.headers.get("Location", "")


def redeemed_codes(office):
    """Return the status of each attempt to redeem a code."""
    calls = office.sandbox.token_calls(grant_type="authorization_code")
    return [call["status"] for call in calls]


def test_one_of_several_callbacks_with_the_same_state_succeeds(office, came_back):
    mailbox, browser, params = came_back
    outcomes = at_once(*[lambda: open_callback(browser, params)] * PROCESSES)
    answers = [outcome.result() for outcome in outcomes]
    (kept,) = [target for status, target in answers if status == 303]
    assert kept.endswith(f"/connected-mailboxes/{mailbox.id}")
    assert {status for status, target in answers if target != kept} == {200}
    assert redeemed_codes(office) == [200]
    assert mailbox.state() == "connected"
    assert in_another_process(mailbox.token).value


def test_state_stays_used_after_a_callback_that_failed(office, came_back, sandbox):
    mailbox, browser, params = came_back
    sandbox.fault("microsoft.token", "error", code=90033)
    for _attempt in range(2):
        status, _target = in_another_process(lambda: open_callback(browser, params))
        assert status == 200
    assert redeemed_codes(office) == [503]
    assert mailbox.state() == "disconnected"


def test_state_stays_used_though_the_request_is_rolled_back(office):
    mailbox = office.new_mailbox()
    with mailbox.record() as record:
        url = record._begin_sign_in()
    state = office.sandbox.sign_in(url, mailbox.address)["state"]

    def consume():
        with office.database.environment() as env:
            env["mail.oauth2.authorization"]._consume(state)
            raise RequestFailed

    with pytest.raises(RequestFailed):
        in_another_process(consume)
    with pytest.raises(SignInRejectedError):
        in_another_process(consume)
