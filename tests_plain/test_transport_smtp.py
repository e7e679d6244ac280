"""An SMTP session: mails handed over, failures that stay with their mail, repeats."""

import email.policy
import socket
from email.message import EmailMessage, Message
from functools import partial

import pytest
from mail_server_oauth2 import exceptions as exc
from mail_server_oauth2.transport import MailSession
from mail_server_oauth2.transport.serialisation import to_bytes
from mail_server_oauth2.transport.smtp import SmtpSession
from transport_fakes import FIN, RST, TokenSource, smtp_server

SENDER = "erp@contoso.example"
ANN, BOB, CAT = "ann@fabrikam.example", "bob@fabrikam.example", "cat@fabrikam.example"
TRANSACTION = ["MAIL", "RCPT", "DATA"]


@pytest.fixture
def server():
    with smtp_server() as running:
        yield running


@pytest.fixture
def tokens():
    return TokenSource()


@pytest.fixture
def session(server, tokens):
    opened = session_to(server, tokens)
    yield opened
    opened.close()


def session_to(server, tokens, **kwargs):
    kwargs.setdefault("connect", server.connect)
    return SmtpSession(
        mailbox=SENDER, get_token=tokens, provider="microsoft", host="smtp.example", **kwargs
    )


def mail(body="Hello\n", **headers):
    message = EmailMessage(policy=email.policy.SMTP)
    message["From"] = SENDER
    message["To"] = ANN
    message["Subject"] = "Invoice"
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content(body, cte="8bit")
    return message


def send(session, *recipients, message=None):
    return session.send_message(message or mail(), SENDER, list(recipients) or [ANN])


def transactions(server):
    """Verbs from the first MAIL on."""
    verbs = server.verbs()
    return verbs[verbs.index("MAIL") :]


class TestSending:
    def test_making_a_session_connects_to_nothing(self, server, session, tokens):
        assert isinstance(session, MailSession)
        assert (server.connections, tokens.calls) == (0, [])

    def test_result_keeps_the_servers_words(self, session):
        result = send(session)
        assert result.reply == "250 2.0.0 OK <abc@localhost> [Hostname=localhost]"
        assert result.refused == {}
        assert session.last_result is result

    def test_mails_share_a_connection_and_a_sign_in(self, server, session, tokens):
        for _ in range(3):
            send(session)
        assert server.connections == 1
        assert tokens.calls == [False]
        assert transactions(server) == TRANSACTION * 3

    def test_message_arrives_byte_for_byte(self, server, session):
        message = mail("Dots:\n.\n..\n.leading\nÜmläut\n")
        send(session, ANN, BOB, message=message)
        command, recipients, content = server.delivered[0]
        assert recipients == [ANN, BOB]
        assert content == message.as_bytes(policy=email.policy.SMTP)
        assert command == b"mail FROM:<erp@contoso.example> SIZE=%d BODY=8BITMIME" % len(content)

    def test_message_without_a_last_line_end_gets_one(self, server, session):
        message = Message()
        message["Subject"] = "x"
        message.set_payload("no line end")
        send(session, message=message)
        assert server.delivered[0][2] == b"Subject: x\r\n\r\nno line end\r\n"

    def test_large_message_arrives_whole(self, server, session):
        message = mail()
        message.add_attachment(bytes(range(256)) * 4096, maintype="image", subtype="png")
        message.set_boundary("=-=-=")
        send(session, message=message)
        assert server.delivered[0][2] == message.as_bytes(policy=email.policy.SMTP)

    def test_eight_bit_body_is_recoded_where_the_server_cannot_take_it(self, server, session):
        server.extensions = ["AUTH XOAUTH2"]
        message = mail("Grüße\n")
        send(session, message=message)
        command, _recipients, content = server.delivered[0]
        assert command == b"mail FROM:<erp@contoso.example>"
        assert content.isascii()
        assert email.message_from_bytes(content, policy=email.policy.SMTP).get_content() == (
            "Grüße\n"
        )

    def test_blind_copies_are_served_and_not_shown(self, server, session):
        message = mail(Bcc=BOB)
        send(session, ANN, BOB, message=message)
        assert server.delivered[0][1] == [ANN, BOB]
        assert b"bob@" not in server.delivered[0][2]
        assert message["Bcc"] == BOB

    def test_one_recipient_named_twice_is_served_once(self, server, session):
        send(session, ANN, ANN)
        assert server.delivered[0][1] == [ANN]

    def test_international_address_needs_and_uses_smtputf8(self, server, session):
        send(session, "zoë@fabrikam.example")
        assert b"SMTPUTF8" in server.delivered[0][0]

    def test_international_address_is_refused_where_the_server_cannot(self, server, session):
        server.extensions = ["AUTH XOAUTH2"]
        with pytest.raises(exc.RefusedError, match="smtp_utf8_missing"):
            send(session, "zoë@fabrikam.example")
        assert "MAIL" not in server.verbs()

    def test_too_large_message_is_refused_before_a_byte_leaves(self, server, session):
        server.extensions = ["SIZE 300", "8BITMIME", "AUTH XOAUTH2"]
        with pytest.raises(exc.RefusedError, match="message_too_large") as caught:
            send(session, message=mail("x" * 400))
        assert caught.value.details["limit"] == 300
        assert caught.value.details["size"] > 400
        assert "MAIL" not in server.verbs()
        assert session.max_size == 300

    @pytest.mark.parametrize("offer", ["SIZE 0", "SIZE", "SIZE none"])
    def test_server_without_a_size_limit_takes_everything(self, server, session, offer):
        server.extensions = [offer, "8BITMIME", "AUTH XOAUTH2"]
        send(session)
        assert session.max_size == 0

    def test_envelope_without_recipients_is_refused(self, server, session):
        with pytest.raises(exc.RefusedError, match="no_recipients"):
            session.send_message(mail(), SENDER, [])
        assert server.connections == 0

    def test_line_breaks_cannot_smuggle_commands(self, server, session):
        bad = "eve@x.example>\r\nRCPT TO:<victim@x.example"
        result = send(session, ANN, bad)
        assert server.delivered[0][1] == [ANN]
        assert result.refused == {bad: "address_invalid"}

    def test_mail_to_nobody_but_malformed_addresses_is_refused(self, server, session):
        with pytest.raises(exc.RefusedError, match="address_invalid") as caught:
            send(session, "not an address", "a,b@x.example")
        assert set(caught.value.refused) == {"not an address", "a,b@x.example"}

    def test_malformed_sender_is_refused(self, server, session):
        with pytest.raises(exc.RefusedError, match="address_invalid"):
            session.send_message(mail(), "eve@x.example>\r\nRSET", [ANN])
        assert send(session)

    def test_message_that_cannot_be_written_is_refused_alone(self, server, session):
        message = mail()
        message.set_payload(object())
        with pytest.raises(exc.RefusedError, match="message_malformed"):
            send(session, message=message)
        assert send(session)
        assert server.connections == 1


def test_dots_at_line_starts_survive_wherever_a_block_ends(server, session):
    message = mail()
    message.set_content(".\n" * 50_000 + "..x\n.", cte="7bit")
    message.add_attachment(b"x" * 200_000, maintype="image", subtype="png")
    message.set_boundary("==0==")
    send(session, message=message)
    assert server.delivered[0][2] == to_bytes(message)


class TestRecipients:
    def test_refused_recipient_does_not_keep_the_others_from_their_mail(self, server, session):
        server.script("RCPT", None, b"550 5.1.1 unknown", None)
        result = send(session, ANN, BOB, CAT)
        assert server.delivered[0][1] == [ANN, CAT]
        assert result.refused == {BOB: "550 5.1.1 unknown"}

    def test_all_refused_is_refused_with_every_reply(self, server, session):
        server.script("RCPT", b"550 5.1.1 unknown", b"553 5.1.3 bad")
        with pytest.raises(exc.RefusedError) as caught:
            send(session, ANN, BOB)
        assert caught.value.refused == {ANN: "550 5.1.1 unknown", BOB: "553 5.1.3 bad"}
        assert "DATA" not in server.verbs()

    def test_all_refused_for_now_is_tried_later(self, server, session):
        server.script("RCPT", b"450 4.2.1 too quickly", b"451 4.3.0 later")
        with pytest.raises(exc.TransientError):
            send(session, ANN, BOB)

    def test_recipients_over_the_limit_get_a_transaction_of_their_own(self, server, session):
        server.script("RCPT", None, None, b"452 4.5.3 too many recipients")
        result = send(session, ANN, BOB, CAT)
        assert [recipients for _s, recipients, _c in server.delivered] == [[ANN, BOB], [CAT]]
        assert result.refused == {}
        assert server.connections == 1

    @pytest.mark.parametrize(
        ("step", "action", "words"),
        [
            ("RCPT", b"452 4.5.3 too many recipients", "452 4.5.3 too many recipients"),
            ("MAIL", b"451 4.7.500 Server busy", "451 4.7.500 Server busy"),
            ("CONTENT", FIN, "delivery_unknown: connection_dropped"),
        ],
    )
    def test_failure_of_a_later_part_does_not_repeat_the_first(
        self, server, session, step, action, words
    ):
        server.script("RCPT", None, b"452 4.5.3 too many recipients")
        server.script(step, *(() if step == "RCPT" else (None,)), action)
        result = send(session, ANN, BOB)
        assert [recipients for _s, recipients, _c in server.delivered] == [[ANN]]
        assert result.refused[BOB].startswith(words)

    def test_recipients_over_our_own_limit_get_submissions_of_their_own(self, server, session):
        session.max_recipients = 2
        session.open()
        result = send(session, ANN, BOB, CAT)
        assert [recipients for _s, recipients, _c in server.delivered] == [[ANN, BOB], [CAT]]
        assert (result.refused, result.trouble) == ({}, None)
        assert server.connections == 1

    def test_part_whose_recipients_are_refused_does_not_stop_the_others(self, server, session):
        session.max_recipients = 1
        server.script("RCPT", b"550 5.1.1 unknown", b"450 4.2.1 too quickly")
        result = send(session, ANN, BOB, CAT)
        assert [recipients for _s, recipients, _c in server.delivered] == [[CAT]]
        assert result.refused == {ANN: "550 5.1.1 unknown", BOB: "450 4.2.1 too quickly"}

    def test_token_refused_between_parts_is_renewed_and_no_part_repeated(
        self, server, session, tokens
    ):
        session.max_recipients = 1
        server.script("MAIL", None, b"530 5.7.57 Client was not authenticated")
        result = send(session, ANN, BOB)
        assert [recipients for _s, recipients, _c in server.delivered] == [[ANN], [BOB]]
        assert (result.refused, tokens.calls) == ({}, [False, True])

    def test_unknown_delivery_names_who_was_not_served_for_sure(self, server, session):
        session.max_recipients = 2
        server.script("RCPT", None, b"550 5.1.1 unknown")
        server.script("CONTENT", FIN)
        with pytest.raises(exc.DeliveryUnknownError) as caught:
            send(session, ANN, BOB, CAT)
        assert caught.value.refused == {BOB: "550 5.1.1 unknown", CAT: "450 not handed over yet"}

    def test_recipient_the_server_had_no_room_for_is_not_unknown(self, server, session):
        server.script("RCPT", None, b"452 4.5.3 too many recipients")
        server.script("CONTENT", FIN)
        with pytest.raises(exc.DeliveryUnknownError) as caught:
            send(session, ANN, BOB)
        assert caught.value.refused == {BOB: "450 not handed over yet"}

    def test_limit_at_the_first_recipient_is_a_matter_of_time(self, server, session):
        server.script("RCPT", *[b"452 4.5.3 too many recipients"] * 2)
        with pytest.raises(exc.TransientError, match="too_many_recipients"):
            send(session, ANN, BOB)

    def test_server_that_goes_away_between_recipients_accepted_nothing(self, server, session):
        server.script("RCPT", None, b"421 4.4.2 closing")
        with pytest.raises(exc.TransientError, match="smtp_temporary"):
            send(session, ANN, BOB)
        assert server.delivered == []


class TestStages:
    """Before the final dot nothing can have been accepted; after it only the answer tells."""

    @pytest.mark.parametrize("action", [FIN, RST])
    @pytest.mark.parametrize("step", ["CONNECT", "EHLO", "MAIL", "RCPT", "DATA"])
    def test_drop_before_the_content_is_tried_later(self, server, session, step, action):
        server.script(step, action)
        with pytest.raises(exc.UnreachableError) as caught:
            send(session)
        assert caught.value.key == "connection_dropped"
        assert caught.value.details["mailbox"] == SENDER
        assert caught.value.details["host"] == "smtp.example"
        assert session.last_result is None

    def test_drop_within_the_content_is_tried_later(self, server, session):
        server.script("BODY", RST)
        message = mail()
        message.add_attachment(b"x" * 8_000_000, maintype="image", subtype="png")
        with pytest.raises(exc.UnreachableError, match="connection_dropped"):
            send(session, message=message)
        assert server.delivered == []

    @pytest.mark.parametrize("action", [FIN, RST])
    def test_drop_after_the_final_dot_is_unknown(self, server, session, action):
        server.script("CONTENT", action)
        with pytest.raises(exc.DeliveryUnknownError):
            send(session)

    def test_silence_after_the_final_dot_is_unknown(self, server, tokens):
        server.script("CONTENT", b"")
        session = session_to(server, tokens, connect=partial(server.connect, timeout=0.3))
        with pytest.raises(exc.DeliveryUnknownError, match="read_timeout"):
            send(session)
        assert send(session)
        session.close()

    def test_silence_before_the_content_is_tried_later(self, server, tokens):
        server.script("DATA", b"")
        session = session_to(server, tokens, connect=partial(server.connect, timeout=0.3))
        with pytest.raises(exc.UnreachableError, match="read_timeout"):
            send(session)
        session.close()

    @pytest.mark.parametrize("garbage", [b"hello", b"25", b"354 more", b"9" * 9000])
    def test_gibberish_after_the_final_dot_is_unknown(self, server, session, garbage):
        server.script("CONTENT", garbage)
        with pytest.raises(exc.DeliveryUnknownError):
            send(session)
        assert send(session)
        assert server.connections == 2

    @pytest.mark.parametrize("step", ["MAIL", "RCPT", "DATA"])
    def test_gibberish_before_the_content_is_tried_later(self, server, session, step):
        server.script(step, b"hello")
        with pytest.raises(exc.UnreachableError, match="smtp_unexpected_answer"):
            send(session)
        assert send(session)

    @pytest.mark.parametrize(
        ("reply", "outcome", "key"),
        [
            (b"554 5.2.252 SendAsDenied; x not allowed to send as y", "refused", "send_as_denied"),
            (b"451 4.7.500 Server busy", "later", "smtp_server_busy"),
            (b"421 4.3.0 closing", "later", "smtp_temporary"),
            (b"550 5.1.8 bad outbound sender", "held", "mailbox_restricted"),
        ],
    )
    def test_negative_answer_to_the_content_means_not_accepted(
        self, server, session, reply, outcome, key
    ):
        server.script("CONTENT", reply)
        with pytest.raises(exc.MailOAuth2Error) as caught:
            send(session)
        assert (caught.value.outcome, caught.value.key) == (outcome, key)
        assert caught.value.provider_text == reply.decode()

    def test_any_positive_answer_to_the_content_means_accepted(self, server, session):
        server.script("CONTENT", b"251 2.0.0 forwarded")
        assert send(session).reply == "251 2.0.0 forwarded"

    def test_final_dot_is_the_last_thing_written(self, server, session):
        written = []
        session.open()
        connection = session._connection
        send_bytes = connection.send
        connection.send = lambda data: (written.append(data), send_bytes(data))
        send(session)
        assert written[-1] == b".\r\n"
        assert written[-2].endswith(b"\r\nHello\r\n")


class TestAfterAFailure:
    @pytest.mark.parametrize(
        ("step", "reply"),
        [
            ("MAIL", b"550 5.7.60 no"),
            ("RCPT", b"550 5.1.1 no"),
            ("DATA", b"554 no"),
            ("CONTENT", b"554 5.6.0 no"),
        ],
    )
    def test_failed_mail_does_not_poison_the_next(self, server, session, step, reply):
        server.script(step, reply)
        with pytest.raises(exc.RefusedError):
            send(session, ANN)
        send(session, BOB)
        assert server.delivered[0][1] == [BOB]
        assert "RSET" in server.verbs()
        assert server.connections == 1

    @pytest.mark.parametrize("answer", [FIN, RST, b"421 bye", b"500 what"])
    def test_server_that_cannot_start_over_is_left(self, server, session, answer):
        server.script("RCPT", b"550 5.1.1 no")
        server.script("RSET", answer)
        with pytest.raises(exc.RefusedError):
            send(session)
        assert send(session)
        assert server.connections == 2

    @pytest.mark.parametrize("action", [FIN, RST])
    @pytest.mark.parametrize("step", ["MAIL", "RCPT", "DATA", "CONTENT"])
    def test_dropped_connection_is_made_anew_for_the_next_mail(self, server, session, step, action):
        server.script(step, action)
        with pytest.raises(exc.MailOAuth2Error):
            send(session)
        assert send(session, BOB)
        assert server.delivered[-1][1] == [BOB]
        assert server.connections == 2

    @pytest.mark.parametrize("action", [FIN, RST, b"421 4.4.2 idle too long"])
    def test_connection_that_idled_away_is_made_anew_within_the_mail(self, server, session, action):
        server.script("MAIL", None, action)
        send(session, ANN)
        send(session, BOB)
        assert [recipients for _s, recipients, _c in server.delivered] == [[ANN], [BOB]]
        assert server.connections == 2

    def test_connection_lost_within_a_mail_is_left_to_the_queue(self, server, session):
        server.script("RCPT", None, FIN)
        send(session, ANN)
        with pytest.raises(exc.UnreachableError):
            send(session, BOB)
        assert server.connections == 1

    def test_connection_lost_again_is_not_tried_for_ever(self, server, session):
        server.script("MAIL", None, FIN, FIN)
        send(session, ANN)
        with pytest.raises(exc.UnreachableError):
            send(session, BOB)
        assert server.connections == 2

    def test_throttled_connection_is_not_made_anew_at_once(self, server, session):
        server.script("MAIL", None, b"421 4.7.28 rate limited")
        send(session, ANN)
        with pytest.raises(exc.ThrottledError):
            send(session, BOB)
        assert server.connections == 1

    def test_interrupted_worker_leaves_no_half_mail_behind(self, server, session):
        session.open()
        connection = session._connection

        def interrupted(_data):
            raise KeyboardInterrupt

        real, connection.send = connection.send, interrupted
        with pytest.raises(KeyboardInterrupt):
            send(session)
        connection.send = real
        assert send(session)
        assert server.connections == 2

    def test_last_result_does_not_outlive_its_mail(self, server, session):
        send(session)
        server.script("RCPT", b"550 5.1.1 no")
        with pytest.raises(exc.RefusedError):
            send(session)
        assert session.last_result is None


class TestTokens:
    def test_refused_token_is_renewed_once_and_the_mail_goes_out(self, server, session, tokens):
        server.script("CREDENTIALS", b"535 5.7.3 Authentication unsuccessful")
        send(session)
        assert tokens.calls == [False, True]
        assert len(server.delivered) == 1

    def test_fresh_token_refused_too_is_a_matter_for_a_person(self, server, session, tokens):
        refusal = b"535 5.7.3 Authentication unsuccessful"
        server.script("CREDENTIALS", refusal, refusal)
        with pytest.raises(exc.PersonNeededError, match="exchange_auth_refused"):
            send(session)
        assert tokens.calls == [False, True]

    def test_refusal_that_no_token_cures_renews_none(self, server, session, tokens):
        server.script(
            "CREDENTIALS",
            b"535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for "
            b"the Tenant.",
        )
        with pytest.raises(exc.ConfigurationError, match="smtp_auth_disabled_tenant"):
            send(session)
        assert tokens.calls == [False]

    def test_server_that_forgot_the_sign_in_gets_a_new_one(self, server, session, tokens):
        server.script("MAIL", None, b"530 5.7.57 SMTP; Client was not authenticated")
        send(session, ANN)
        send(session, BOB)
        assert tokens.calls == [False, True]
        assert [recipients for _s, recipients, _c in server.delivered] == [[ANN], [BOB]]

    def test_errors_of_the_token_store_pass_through(self, server):
        def dead(_force):
            raise exc.SignInNeededError("aadsts_700082")

        session = session_to(server, dead)
        with pytest.raises(exc.SignInNeededError, match="aadsts_700082"):
            send(session)
        assert server.connections == 0

    def test_fault_of_the_token_store_is_not_taken_for_the_networks(self, server):
        def broken(_force):
            raise ValueError("a bug")

        with pytest.raises(ValueError, match="a bug"):
            send(session_to(server, broken))


class TestOpenVerifyClose:
    def test_open_signs_in_and_is_idempotent(self, server, session, tokens):
        session.open()
        session.open()
        assert server.verbs()[:2] == ["EHLO", "AUTH"]
        assert (server.connections, tokens.calls) == (1, [False])
        assert session.max_size == 157286400

    def test_open_says_what_is_wrong(self, server, session):
        server.script("CONNECT", b"421 4.3.2 Service not available")
        with pytest.raises(exc.TransientError, match="smtp_temporary"):
            session.open()

    def test_open_renews_a_refused_token(self, server, session, tokens):
        server.script("CREDENTIALS", b"535 5.7.3 Authentication unsuccessful")
        session.open()
        assert tokens.calls == [False, True]

    def test_connection_that_could_not_be_signed_in_on_is_closed(self, server, session):
        server.script("AUTH", b"454 4.7.0 Too many login attempts")
        with pytest.raises(exc.ThrottledError) as caught:
            session.open()
        assert caught.tb  # holds the connection, so that nothing but close() can end it
        assert server.clients_gone()

    def test_final_dot_is_not_held_back(self, session):
        session.open()
        connection = session._connection.sock
        assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)

    def test_nobody_listening_is_tried_later(self, tokens):
        with smtp_server() as gone:
            pass
        with pytest.raises(exc.UnreachableError, match="connection_refused"):
            session_to(gone, tokens).open()

    def test_verify_sends_nothing(self, server, session):
        session.verify(SENDER)
        assert transactions(server) == ["MAIL", "RSET"]
        assert server.delivered == []
        assert send(session)

    def test_verify_tells_that_the_sender_is_not_allowed(self, server, session):
        server.script("MAIL", b"550 5.7.60 SMTP; Client does not have permissions")
        with pytest.raises(exc.RefusedError, match="send_as_denied"):
            session.verify("boss@contoso.example")

    def test_quit_says_goodbye(self, server, session):
        send(session)
        session.quit()
        assert server.verbs()[-1] == "QUIT"

    @pytest.mark.parametrize("answer", [FIN, RST, b"500 no", b"gibberish"])
    def test_quit_never_raises(self, server, session, answer):
        send(session)
        server.script("QUIT", answer)
        session.quit()
        session.quit()
        session.close()

    def test_session_lives_on_after_quit(self, server, session):
        send(session)
        session.quit()
        assert send(session)
        assert server.connections == 2

    def test_attributes_of_odoo_core_are_there(self, session):
        assert session.from_filter is False
        assert session.smtp_from is False
