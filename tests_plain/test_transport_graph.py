"""A Graph session against a scripted server on a real TLS socket."""

import base64
import email.policy
import logging
from email import message_from_bytes
from email.message import EmailMessage

import pytest
from mail_server_oauth2 import exceptions as exc
from mail_server_oauth2.transport.graph import MIME_LIMIT, REQUEST_LIMIT, GraphSession
from mail_server_oauth2.transport.graph_http import IDLE_LIMIT, Base64Body
from transport_fakes import FIN, TokenSource, authority, graph_server

MAILBOX = "erp@contoso.example"
ANN, BOB = "ann@fabrikam.example", "bob@fabrikam.example"


@pytest.fixture
def server(tmp_path, monkeypatch):
    ca_file = tmp_path / "ca.pem"
    authority().cert_pem.write_to_path(ca_file)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(ca_file))
    with graph_server() as running:
        yield running


@pytest.fixture
def tokens():
    return TokenSource()


class Clock:
    def __init__(self):
        self.time = 1000.0

    def __call__(self):
        return self.time


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def session(server, tokens, clock):
    opened = session_to(server.url, tokens, monotonic=clock)
    yield opened
    opened.close()


def session_to(url, tokens, mailbox=MAILBOX, account=MAILBOX, **kwargs):
    return GraphSession(api_url=url, mailbox=mailbox, account=account, get_token=tokens, **kwargs)


def mail(attachment=b""):
    message = EmailMessage(policy=email.policy.SMTP)
    message["Message-Id"] = "<1@contoso.example>"
    message["From"] = MAILBOX
    message["To"] = f"{ANN}, {BOB}"
    message.set_content("Hello\n")
    if attachment:
        message.add_attachment(attachment, maintype="application", subtype="pdf")
    return message


def send(session, *recipients, message=None):
    return session.send_message(message or mail(), MAILBOX, list(recipients) or [ANN])


def refusal(code, message="words"):
    return {"error": {"code": code, "message": message}}


class TestSending:
    def test_mime_is_posted_in_base64_as_the_signed_in_account(self, server, session):
        result = send(session)
        path, headers, body = server.requests[0]
        assert path == "/v1.0/me/sendMail"
        assert headers["Content-Type"] == "text/plain"
        assert headers["Authorization"] == "Bearer token-1"
        received = message_from_bytes(base64.b64decode(body, validate=True))
        assert (received["To"], received["Message-Id"]) == (ANN, "<1@contoso.example>")
        assert (result.reply, result.request_id, result.refused) == ("202 Accepted", "r-1", {})
        assert session.last_result is result

    def test_mail_of_another_mailbox_goes_through_that_mailbox(self, server, tokens):
        send(session_to(server.url, tokens, mailbox="in#v/oices@contoso.example"))
        assert server.requests[0][0] == "/v1.0/users/in%23v%2Foices@contoso.example/sendMail"

    def test_case_makes_no_other_mailbox(self, server, tokens):
        send(session_to(server.url, tokens, account="ERP@Contoso.example"))
        assert server.requests[0][0] == "/v1.0/me/sendMail"

    def test_mails_share_a_connection(self, server, session):
        for _ in range(3):
            send(session)
        assert (server.connections, len(server.requests)) == (1, 3)

    def test_idle_connection_is_not_used_again(self, server, session, clock):
        send(session)
        clock.time += IDLE_LIMIT + 1
        send(session)
        assert server.connections == 2

    def test_connection_in_use_stays(self, server, session, clock):
        for _ in range(3):
            send(session)
            clock.time += IDLE_LIMIT - 1
        assert server.connections == 1

    def test_malformed_recipient_does_not_keep_the_others_from_their_mail(self, server, session):
        result = send(session, ANN, "eve, mallory@x.example")
        assert result.refused == {"eve, mallory@x.example": "address_invalid"}
        assert b"mallory" not in base64.b64decode(server.requests[0][2])

    def test_largest_mail_fits_the_request(self, server, session):
        overhead = len(mail().as_bytes()) + 400
        room = (MIME_LIMIT - overhead) * 76 // 78 * 3 // 4
        send(session, message=mail(b"x" * room))
        assert REQUEST_LIMIT * 0.99 < len(server.requests[0][2]) <= REQUEST_LIMIT
        assert session.max_size == MIME_LIMIT

    def test_too_large_mail_is_refused_before_a_byte_leaves(self, server, session):
        with pytest.raises(exc.RefusedError, match="message_too_large") as caught:
            send(session, message=mail(b"x" * MIME_LIMIT))
        assert caught.value.details["limit"] == MIME_LIMIT
        assert caught.value.details["size"] > MIME_LIMIT
        assert (server.connections, server.requests) == (0, [])

    def test_token_reaches_neither_log_nor_error(self, server, session, caplog):
        caplog.set_level(logging.DEBUG)
        server.script = [(403, {}, refusal("ErrorAccessDenied"))]
        with pytest.raises(exc.ConfigurationError) as caught:
            send(session)
        send(session)
        assert "token-1" not in caplog.text + repr(caught.value) + str(caught.value)


class TestParts:
    def recipients(self, server):
        """Return To and Bcc of each request."""
        sent = [message_from_bytes(base64.b64decode(body)) for _p, _h, body in server.requests]
        return [(message["To"], message["Bcc"]) for message in sent]

    def test_recipients_over_the_limit_get_submissions_of_their_own(self, server, session):
        session.max_recipients = 2
        result = send(session, ANN, BOB, "cat@fabrikam.example")
        assert self.recipients(server) == [
            (f"{ANN},\r\n {BOB}", None),
            (None, "cat@fabrikam.example"),
        ]
        assert (result.refused, session.last_result) == ({}, result)

    def test_throttling_of_a_later_part_is_told_with_the_result(self, server, session):
        session.max_recipients = 1
        server.script = [(202, {}, None), (429, {"Retry-After": "7"}, refusal("TooManyRequests"))]
        result = send(session, ANN, BOB, "cat@fabrikam.example")
        assert len(server.requests) == 2
        assert set(result.refused) == {BOB, "cat@fabrikam.example"}
        assert result.refused[BOB] == "429 TooManyRequests words"
        assert (result.trouble.retry_after, result.trouble.stops_mailbox) == (7, True)

    def test_unknown_part_is_the_only_one_that_must_not_be_repeated(self, server, session):
        session.max_recipients = 1
        server.script = [(202, {}, None), (504, {}, refusal("GatewayTimeout"))]
        result = send(session, ANN, BOB, "cat@fabrikam.example")
        assert result.refused[BOB].startswith("delivery_unknown: graph_unanswered: 504")
        assert result.refused["cat@fabrikam.example"].startswith("4")

    def test_refused_token_repeats_no_part_that_was_accepted(self, server, session, tokens):
        session.max_recipients = 1
        server.script = [(202, {}, None), (401, {}, refusal("InvalidAuthenticationToken"))]
        assert send(session, ANN, BOB).refused == {}
        assert [to for to, _bcc in self.recipients(server)] == [ANN, BOB, BOB]


class TestAnswers:
    @pytest.mark.parametrize("status", [200, 201, 204])
    def test_only_202_means_accepted(self, server, session, status):
        server.script = [(status, {}, None)]
        with pytest.raises(exc.DeliveryUnknownError, match="graph_unexpected_answer"):
            send(session)
        assert session.last_result is None

    def test_throttling_says_how_long(self, server, session):
        server.script = [(429, {"Retry-After": "2.128"}, refusal("ApplicationThrottled"))]
        with pytest.raises(exc.ThrottledError) as caught:
            send(session)
        assert caught.value.retry_after == 2.128
        assert caught.value.request_id == "r-1"
        assert caught.value.details["mailbox"] == MAILBOX

    def test_refused_mail_does_not_harm_the_next(self, server, session):
        server.script = [(403, {}, refusal("ErrorSendAsDenied"))]
        with pytest.raises(exc.RefusedError, match="send_as_denied"):
            send(session)
        assert send(session)
        assert server.connections == 1

    def test_page_of_a_proxy_is_no_answer(self, server, session):
        server.script = [(403, {"Content-Type": "text/html"}, b"<html>Blocked</html>")]
        with pytest.raises(exc.UnreachableError, match="graph_unexpected_answer"):
            send(session)

    def test_redirect_is_not_followed_and_not_accepted(self, server, session):
        server.script = [(307, {"Location": "https://elsewhere.example/"}, None)]
        with pytest.raises(exc.UnreachableError, match="redirect_refused") as caught:
            send(session)
        assert caught.value.stops_mailbox
        assert len(server.requests) == 1

    @pytest.mark.parametrize("status", [500, 502, 504])
    def test_failure_behind_the_front_door_is_unknown(self, server, session, status):
        server.script = [(status, {}, refusal("ErrorInternalServerError"))]
        with pytest.raises(exc.DeliveryUnknownError):
            send(session)


class TestDrops:
    def test_drop_after_the_request_is_unknown(self, server, session):
        server.script = [FIN]
        with pytest.raises(exc.DeliveryUnknownError, match="connection_dropped"):
            send(session)

    def test_drop_within_the_request_is_tried_later(self, server, session):
        server.script = ["unread"]
        with pytest.raises(exc.UnreachableError, match="connection_dropped") as caught:
            send(session, message=mail(b"x" * 2_000_000))
        assert not caught.value.stops_mailbox

    def test_next_mail_gets_a_new_connection(self, server, session):
        server.script = [FIN]
        with pytest.raises(exc.DeliveryUnknownError):
            send(session)
        assert send(session)
        assert server.connections == 2

    def test_nobody_listening_is_tried_later(self, server, tokens):
        with graph_server() as gone:
            pass
        with pytest.raises(exc.UnreachableError, match="connection_refused") as caught:
            send(session_to(gone.url, tokens))
        assert caught.value.stops_mailbox

    def test_untrusted_certificate_is_tried_later_and_gets_no_token(
        self, server, session, monkeypatch
    ):
        monkeypatch.delenv("REQUESTS_CA_BUNDLE")
        monkeypatch.delenv("CURL_CA_BUNDLE", raising=False)
        with pytest.raises(exc.UnreachableError, match="tls_untrusted"):
            send(session)
        assert server.requests == []

    def test_http_is_refused(self, tokens):
        with pytest.raises(exc.ConfigurationError, match="host_invalid"):
            send(session_to("http://localhost:1", tokens))

    def test_silence_after_the_request_is_unknown(self, server, tokens):
        from mail_server_oauth2.providers.http_session import open_session

        server.script = ["silent"]
        session = session_to(server.url, tokens, open_http=lambda: open_session(read_timeout=0.2))
        with pytest.raises(exc.DeliveryUnknownError, match="read_timeout"):
            send(session)
        session.close()


class TestTokens:
    def test_refused_token_is_renewed_once_and_the_mail_goes_out(self, server, session, tokens):
        server.script = [(401, {}, refusal("InvalidAuthenticationToken"))]
        send(session)
        assert tokens.calls == [False, True]
        assert [h["Authorization"] for _p, h, _b in server.requests] == [
            "Bearer token-1",
            "Bearer token-2",
        ]

    def test_fresh_token_refused_too_is_a_matter_for_a_person(self, server, session, tokens):
        server.script = [(401, {}, refusal("InvalidAuthenticationToken"))] * 2
        with pytest.raises(exc.SignInNeededError, match="graph_token_refused"):
            send(session)
        assert len(server.requests) == 2

    def test_missing_permission_renews_nothing(self, server, session, tokens):
        server.script = [(403, {}, refusal("ErrorAccessDenied"))]
        with pytest.raises(exc.ConfigurationError, match="graph_access_denied"):
            send(session)
        assert tokens.calls == [False]

    def test_open_asks_for_a_token_and_connects_to_nothing(self, server, session, tokens):
        session.open()
        assert (tokens.calls, server.connections) == ([False], 0)


class TestVerify:
    def test_complaint_about_base64_proves_token_and_permission(self, server, session):
        server.script = [(400, {}, refusal("ErrorMimeContentInvalidBase64String"))]
        session.verify(MAILBOX)
        assert server.requests[0][2] == b"*"

    def test_anything_else_is_told(self, server, session):
        server.script = [(404, {}, refusal("MailboxNotEnabledForRESTAPI"))]
        with pytest.raises(exc.ConfigurationError, match="graph_mailbox_not_enabled"):
            session.verify(MAILBOX)

    @pytest.mark.parametrize("status", [202, 500, 504])
    def test_answer_that_proves_nothing_is_no_unknown_delivery(self, server, session, status):
        server.script = [(status, {}, None)]
        with pytest.raises(exc.UnreachableError, match="graph_unexpected_answer"):
            session.verify(MAILBOX)

    def test_drop_during_the_check_is_no_unknown_delivery(self, server, session):
        server.script = [FIN]
        with pytest.raises(exc.UnreachableError):
            session.verify(MAILBOX)

    def test_refused_token_is_renewed(self, server, session, tokens):
        server.script = [
            (401, {}, refusal("InvalidAuthenticationToken")),
            (400, {}, refusal("ErrorMimeContentInvalidBase64String")),
        ]
        session.verify(MAILBOX)
        assert tokens.calls == [False, True]


class TestBase64Body:
    @pytest.mark.parametrize("size", [1, 4, 5, 7, 8, 16384, -1])
    @pytest.mark.parametrize("length", [0, 1, 2, 3, 4, 100, 50_000])
    def test_blocks_join_to_the_base64_of_the_whole(self, size, length):
        content = bytes(range(256)) * 200
        body = Base64Body(content[:length])
        blocks = []
        while block := body.read(size):
            assert not body.sent
            blocks.append(block)
        encoded = b"".join(blocks)
        assert encoded == base64.b64encode(content[:length])
        assert len(encoded) == len(body)
        assert body.sent
