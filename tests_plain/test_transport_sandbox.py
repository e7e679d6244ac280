"""Sessions of every kind against the sandbox: real sign-in, real tokens, real protocols."""

import email.policy
import smtplib
import ssl

import pytest
from mail_server_oauth2 import exceptions as exc
from mail_server_oauth2.transport.graph import MIME_LIMIT
from transport_sandbox import (
    ANN,
    BERT,
    BOB,
    CAT,
    GOOGLE_MAILBOX,
    MS_MAILBOX,
    SHARED,
    mail,
    received,
    send,
)

pytest_plugins = ["sandbox_fixture", "transport_sandbox_fixtures"]

KINDS = ["microsoft_smtp", "google_smtp", "graph"]


@pytest.mark.parametrize("kind", KINDS)
class TestEveryTransport:
    def test_mail_arrives_with_its_thread(self, trusted_sandbox, connected, kind):
        result = send(connected(kind))
        (row,) = trusted_sandbox.messages()
        assert (row["recipient"], row["via"]) == (ANN, kind)
        assert result.reply[0] == "2"
        message = email.message_from_bytes(trusted_sandbox.source(row), policy=email.policy.SMTP)
        assert message["Message-Id"] == "<151-openerp-42-sale.order@odoo.contoso.example>"
        assert message["References"] == "<1@odoo.contoso.example> <2@odoo.contoso.example>"
        assert message["Subject"] == "Rechnung für Mai"
        assert message.get_body().get_content() == "Grüße\r\n.\r\n"

    def test_the_envelope_decides(self, trusted_sandbox, connected, kind):
        send(connected(kind), ANN, CAT, to=f"Ann <{ANN}>, Bob <{BOB}>")
        assert sorted(received(trusted_sandbox)) == [ANN, CAT]

    def test_expired_token_is_renewed_and_the_mail_goes_out_once(
        self, trusted_sandbox, connected, kind
    ):
        session = connected(kind)
        trusted_sandbox.api("clock", {"advance": 7200})
        send(session)
        assert received(trusted_sandbox) == [ANN]
        assert session.tokens.refreshed == 1

    def test_dead_grant_asks_for_a_sign_in_and_the_session_recovers(
        self, trusted_sandbox, connected, kind
    ):
        session = connected(kind)
        trusted_sandbox.api("clock", {"advance": 7200})
        trusted_sandbox.api("grants/revoke", {"account": session.mailbox})
        with pytest.raises(exc.SignInNeededError):
            send(session)
        assert received(trusted_sandbox) == []

    def test_several_mails_over_one_session(self, trusted_sandbox, connected, kind):
        session = connected(kind)
        for recipient in (ANN, BOB, CAT):
            send(session, recipient)
        session.quit()
        assert received(trusted_sandbox) == [ANN, BOB, CAT]
        assert session.tokens.refreshed == 0

    def test_verify_delivers_nothing(self, trusted_sandbox, connected, kind):
        session = connected(kind)
        session.verify(session.mailbox)
        assert received(trusted_sandbox) == []
        assert session.max_size > 0


STAGES = ["connect", "ehlo", "auth", "mail", "rcpt", "data", "body"]
#: more than the buffers between client and server hold, so that a drop meets an unfinished mail
LARGE = b"x" * 8_000_000


@pytest.mark.parametrize("kind", ["microsoft_smtp", "google_smtp"])
class TestSmtpFaults:
    def test_drop_before_the_final_dot_is_later_and_then_goes_out_once(
        self, trusted_sandbox, connected, kind
    ):
        session = connected(kind)
        for stage in STAGES:
            session.close()
            trusted_sandbox.fault(f"{kind}.{stage}", "drop")
            with pytest.raises(exc.UnreachableError):
                send(session, attachment=LARGE if stage == "body" else b"")
        assert received(trusted_sandbox) == []
        send(session)
        assert received(trusted_sandbox) == [ANN]

    @pytest.mark.parametrize("processed", [False, True])
    def test_drop_after_the_final_dot_is_unknown(self, trusted_sandbox, connected, kind, processed):
        session = connected(kind)
        trusted_sandbox.fault(f"{kind}.accepted", "drop", processed=processed)
        with pytest.raises(exc.DeliveryUnknownError):
            send(session)
        assert received(trusted_sandbox) == [ANN] * processed
        send(session, BOB)
        assert received(trusted_sandbox)[-1] == BOB

    def test_refused_recipient_is_named(self, trusted_sandbox, connected, kind):
        trusted_sandbox.api("recipients", {"address": BOB, "reply": "550 5.1.1 no such user"})
        session = connected(kind)
        result = send(session, ANN, BOB, to=f"{ANN}, {BOB}")
        assert ANN in received(trusted_sandbox) and BOB not in received(trusted_sandbox)
        if kind == "google_smtp":  # Exchange accepts and bounces later
            assert set(result.refused) == {BOB}


class TestExchange:
    def test_shared_mailbox_sends_with_its_members_token(self, trusted_sandbox, connected):
        send(connected("microsoft_smtp", mailbox=SHARED))
        assert trusted_sandbox.messages()[0]["mailbox"] == SHARED

    @pytest.mark.parametrize("place", ["tenant", "mailbox"])
    def test_smtp_auth_switched_off_is_named(self, trusted_sandbox, connected, place):
        trusted_sandbox.settings(smtp_auth_disabled=place)
        with pytest.raises(exc.ConfigurationError, match=f"smtp_auth_disabled_{place}"):
            connected("microsoft_smtp").open()

    def test_foreign_from_is_send_as_denied_and_the_next_mail_goes_out(
        self, trusted_sandbox, connected
    ):
        session = connected("microsoft_smtp")
        with pytest.raises(exc.RefusedError, match="send_as_denied"):
            session.send_message(mail("anna@contoso.example"), MS_MAILBOX, [ANN])
        send(session)
        assert received(trusted_sandbox) == [ANN]

    def test_gmails_manner_of_refusing_is_survived(self, trusted_sandbox, connected):
        trusted_sandbox.settings(exchange_challenge=True)
        session = connected("microsoft_smtp")
        trusted_sandbox.api("clock", {"advance": 7200})
        send(session)
        assert received(trusted_sandbox) == [ANN]

    def test_connection_too_many_waits(self, trusted_sandbox, connected):
        trusted_sandbox.settings(limits=True, exchange_connections=1)
        first, second = (connected("microsoft_smtp", account=BERT) for _ in range(2))
        first.open()
        with pytest.raises(exc.ThrottledError, match="smtp_concurrent_connections"):
            send(second)
        send(first)
        assert received(trusted_sandbox) == [ANN]


class TestGmail:
    def test_more_recipients_than_a_message_may_have_are_all_served_once(
        self, trusted_sandbox, connected
    ):
        people = [f"p{number}@fabrikam.example" for number in range(150)]
        result = send(connected("google_smtp"), *people)
        assert sorted(received(trusted_sandbox)) == sorted(people)
        assert result.refused == {}

    def test_parts_smaller_than_the_servers_limit_serve_everybody_once_too(
        self, trusted_sandbox, connected
    ):
        people = [f"p{number}@fabrikam.example" for number in range(150)]
        result = send(connected("google_smtp", max_recipients=40), *people)
        assert sorted(received(trusted_sandbox)) == sorted(people)
        assert trusted_sandbox.count("google_smtp", "DATA", 250) == 4
        assert (result.refused, trusted_sandbox.count("google_smtp", "RCPT", 452)) == ({}, 0)

    def test_daily_limit_is_a_pause(self, trusted_sandbox, connected):
        trusted_sandbox.settings(limits=True, gmail_messages_per_day=1)
        session = connected("google_smtp")
        send(session)
        with pytest.raises(exc.ThrottledError, match="gmail_daily_limit") as caught:
            send(session, BOB)
        assert caught.value.retry_after == 3600

    def test_implicit_tls_works_too(self, trusted_sandbox, connected):
        session = connected("google_smtp")
        place = trusted_sandbox.google
        session._connect = lambda: smtplib.SMTP_SSL(
            "localhost", place["smtps_port"], timeout=10, context=ssl.create_default_context()
        )
        send(session)
        assert received(trusted_sandbox) == [ANN]

    def test_token_of_another_account_is_a_matter_for_a_person(self, trusted_sandbox, connected):
        session = connected("google_smtp", account="gina@northwind.example", mailbox=GOOGLE_MAILBOX)
        with pytest.raises(exc.SignInNeededError, match="gmail_auth_refused"):
            session.open()
        assert session.tokens.refreshed == 1


class TestGraph:
    def test_foreign_from_is_send_as_denied(self, trusted_sandbox, connected):
        session = connected("graph")
        with pytest.raises(exc.RefusedError, match="send_as_denied"):
            session.send_message(mail("anna@contoso.example"), MS_MAILBOX, [ANN])

    def test_more_recipients_than_a_message_may_have_are_all_served_once(
        self, trusted_sandbox, connected
    ):
        trusted_sandbox.settings(exchange_recipients_per_message=40)
        people = [f"p{number}@fabrikam.example" for number in range(90)]
        result = send(connected("graph", max_recipients=40), *people)
        assert sorted(received(trusted_sandbox)) == sorted(people)
        assert (result.refused, trusted_sandbox.count("graph.sendmail", "POST", 202)) == ({}, 3)

    def test_largest_mail_is_taken_and_a_larger_one_refused_unsent(
        self, trusted_sandbox, connected
    ):
        session = connected("graph")
        room = MIME_LIMIT * 76 // 78 * 3 // 4 - 3000
        send(session, attachment=b"x" * room)
        with pytest.raises(exc.RefusedError, match="message_too_large"):
            send(session, attachment=b"x" * (room + 6000))
        assert trusted_sandbox.count("graph.sendmail", "POST") == 1

    @pytest.mark.parametrize("processed", [False, True])
    def test_drop_after_the_request_is_unknown(self, trusted_sandbox, connected, processed):
        session = connected("graph")
        trusted_sandbox.fault("graph.sendmail", "drop", processed=processed)
        with pytest.raises(exc.DeliveryUnknownError):
            send(session)
        assert received(trusted_sandbox) == [ANN] * processed

    def test_throttling_names_its_pause(self, trusted_sandbox, connected):
        session = connected("graph")
        trusted_sandbox.fault("graph.sendmail", "error", status=429, code="TooManyRequests",
                      retry_after="2.128")  # fmt: skip
        with pytest.raises(exc.ThrottledError) as caught:
            send(session)
        assert caught.value.retry_after == 2.128
        send(session)
        assert received(trusted_sandbox) == [ANN]

    def test_page_instead_of_an_answer_is_unknown_at_502(self, trusted_sandbox, connected):
        session = connected("graph")
        trusted_sandbox.fault("graph.sendmail", "html", status=502)
        with pytest.raises(exc.DeliveryUnknownError):
            send(session)

    def test_mailbox_without_licence_is_named(self, trusted_sandbox, connected):
        session = connected("graph", account="nolicence@contoso.example")
        with pytest.raises(exc.ConfigurationError, match="graph_mailbox_not_enabled"):
            session.verify(session.mailbox)
