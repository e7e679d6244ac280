"""The sandbox's limits, enforced while they are switched on."""

import contextlib
import smtplib
from concurrent.futures import ThreadPoolExecutor

import pytest
from sandbox_clients import (
    ERP,
    GOOGLE_ERP,
    google_grant,
    graph_token,
    log_in,
    mail,
    microsoft_grant,
    send_mime,
    smtp,
)

pytest_plugins = ["sandbox_fixture"]


@contextlib.contextmanager
def logged_in(sandbox, token, provider="microsoft", user=ERP):
    with smtp(sandbox, provider) as session:
        log_in(session, user, token)
        yield session


def send(session, sender=ERP, recipients=("a@x.example",)):
    """Send a mail; return the reply's code."""
    try:
        session.sendmail(sender, list(recipients), mail(sender))
    except smtplib.SMTPResponseException as error:
        return error.smtp_code
    return 250


def test_exchange_takes_30_mails_a_minute(sandbox):
    sandbox.settings(limits=True, exchange_messages_per_minute=3)
    with logged_in(sandbox, microsoft_grant(sandbox)["access_token"]) as session:
        assert [send(session) for _ in range(4)] == [250, 250, 250, 432]
        sandbox.api("clock", {"advance": 61})
        assert send(session) == 250


def test_graph_and_smtp_share_exchanges_pace(sandbox):
    sandbox.settings(limits=True, exchange_messages_per_minute=1)
    with logged_in(sandbox, microsoft_grant(sandbox)["access_token"]) as session:
        assert send(session) == 250
    response = send_mime(sandbox, graph_token(sandbox), mail(ERP))
    assert (response.status_code, response.json()["error"]["code"]) == (429, "ApplicationThrottled")
    assert float(response.headers["Retry-After"]) > 0


def test_exchange_takes_three_connections_a_mailbox(sandbox):
    token = microsoft_grant(sandbox)["access_token"]
    sandbox.settings(limits=True)
    with contextlib.ExitStack() as stack:
        for _ in range(3):
            stack.enter_context(logged_in(sandbox, token))
        with smtp(sandbox) as fourth, pytest.raises(smtplib.SMTPAuthenticationError) as refused:
            log_in(fourth, ERP, token)
        assert refused.value.smtp_code == 432
        assert b"Concurrent connections limit exceeded" in refused.value.smtp_error


def test_a_connection_that_ended_makes_room(sandbox):
    token = microsoft_grant(sandbox)["access_token"]
    sandbox.settings(limits=True, exchange_connections=1)
    for _ in range(3):
        with logged_in(sandbox, token) as session:
            session.quit()


def test_a_connection_from_before_a_reset_makes_no_room(sandbox):
    with logged_in(sandbox, microsoft_grant(sandbox)["access_token"]) as old:
        sandbox.reset()
        token = microsoft_grant(sandbox)["access_token"]
        sandbox.settings(limits=True, exchange_connections=1)
        old.quit()
    expected = pytest.raises(smtplib.SMTPAuthenticationError)
    with logged_in(sandbox, token), smtp(sandbox) as second, expected:
        log_in(second, ERP, token)


def test_recipients_per_day_are_counted_over_mails(sandbox):
    sandbox.settings(limits=True, exchange_recipients_per_day=3)
    with logged_in(sandbox, microsoft_grant(sandbox)["access_token"]) as session:
        assert send(session, recipients=["a@x.example", "b@x.example"]) == 250
        assert send(session, recipients=["a@x.example", "b@x.example"]) == 250
        assert send(session) == 554
    response = send_mime(sandbox, graph_token(sandbox), mail(ERP))
    assert response.json()["error"]["code"] == "ErrorExceededMessageLimit"


def test_gmail_counts_mails_by_the_day(sandbox):
    sandbox.settings(limits=True, gmail_messages_per_day=1)
    token = google_grant(sandbox)["access_token"]
    with logged_in(sandbox, token, "google", GOOGLE_ERP) as session:
        assert send(session, GOOGLE_ERP) == 250
        with pytest.raises(smtplib.SMTPDataError) as refused:
            session.sendmail(GOOGLE_ERP, ["a@x.example"], mail(GOOGLE_ERP))
        assert refused.value.smtp_code == 550
        assert b"5.4.5 Daily user sending limit exceeded." in refused.value.smtp_error
        sandbox.api("clock", {"advance": 86401})
    fresh = google_grant(sandbox)["access_token"]
    with logged_in(sandbox, fresh, "google", GOOGLE_ERP) as session:
        assert send(session, GOOGLE_ERP) == 250


def test_gmail_can_limit_logins(sandbox):
    sandbox.settings(limits=True, gmail_logins_per_minute=1)
    token = google_grant(sandbox)["access_token"]
    with logged_in(sandbox, token, "google", GOOGLE_ERP):
        pass
    expected = pytest.raises(smtplib.SMTPAuthenticationError)
    with smtp(sandbox, "google") as session, expected as refused:
        log_in(session, GOOGLE_ERP, token)
    assert refused.value.smtp_code == 454


def test_graph_handles_four_requests_of_a_mailbox_at_once(sandbox):
    sandbox.settings(limits=True, graph_latency_seconds=0.3)
    token = graph_token(sandbox)

    def attempt(_):
        with sandbox.browser() as browser:
            headers = {"Authorization": f"Bearer {token}", "Content-Type": "text/plain"}
            url = f"{sandbox.https}/v1.0/me/sendMail"
            return browser.post(url, data=b"RnJvbQ==", headers=headers).status_code

    with ThreadPoolExecutor(6) as pool:
        codes = sorted(pool.map(attempt, range(6)))
    assert codes == [400, 400, 400, 400, 429, 429]


def test_graph_counts_requests_over_ten_minutes(sandbox):
    sandbox.settings(limits=True, graph_requests_per_ten_minutes=2, graph_concurrency=1)
    token = graph_token(sandbox)
    codes = [send_mime(sandbox, token, mail(ERP)).status_code for _ in range(3)]
    assert codes == [202, 202, 429]
    sandbox.api("clock", {"advance": 601})
    assert send_mime(sandbox, token, mail(ERP)).status_code == 202


def test_no_limit_is_enforced_by_default(sandbox):
    sandbox.settings(exchange_messages_per_minute=1, exchange_connections=1)
    token = microsoft_grant(sandbox)["access_token"]
    with logged_in(sandbox, token) as one, logged_in(sandbox, token) as two:
        assert [send(one), send(two), send(one)] == [250, 250, 250]


def test_a_reset_between_connecting_and_signing_in_leaves_no_room_for_more(sandbox):
    with smtp(sandbox) as early:
        sandbox.reset()
        sandbox.settings(limits=True, exchange_connections=1)
        token = microsoft_grant(sandbox)["access_token"]
        log_in(early, ERP, token)
        with smtp(sandbox) as second, pytest.raises(smtplib.SMTPResponseException) as refused:
            log_in(second, ERP, token)
        assert refused.value.smtp_code == 432
    with smtp(sandbox) as first, smtp(sandbox) as second:
        log_in(first, ERP, token)
        with pytest.raises(smtplib.SMTPResponseException):
            log_in(second, ERP, token)
