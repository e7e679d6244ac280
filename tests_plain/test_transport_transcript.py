"""What was said, fit to be shown to a person: no credentials, no content."""

import base64
import email.policy
from email.message import EmailMessage

import pytest
from mail_server_oauth2 import exceptions as exc
from mail_server_oauth2.transport.graph import GraphSession
from mail_server_oauth2.transport.smtp import SmtpSession
from mail_server_oauth2.transport.transcript import Transcript
from transport_fakes import FIN, TokenSource, authority, graph_server, smtp_server

MAILBOX, ANN = "erp@contoso.example", "ann@fabrikam.example"
TOKEN = "a-secret-token"


@pytest.fixture
def server():
    with smtp_server() as running:
        yield running


@pytest.fixture
def session(server):
    opened = SmtpSession(
        connect=server.connect,
        mailbox=MAILBOX,
        get_token=TokenSource(TOKEN),
        provider="microsoft",
        host="smtp.example",
    )
    opened.transcript = Transcript()
    yield opened
    opened.close()


def send(session, subject="Invoice"):
    message = EmailMessage(policy=email.policy.SMTP)
    message["From"], message["To"], message["Subject"] = MAILBOX, ANN, subject
    message.set_content("Nobody else's business\n")
    session.send_message(message, MAILBOX, [ANN])


def said(session):
    return str(session.transcript).splitlines()


def test_tells_a_submission_from_the_connection_to_the_last_answer(session):
    send(session)
    lines = said(session)
    assert lines[0] == "* connected to smtp.example"
    assert "> AUTH XOAUTH2" in lines
    assert "< 235 2.7.0 Authentication successful" in lines
    assert "> rcpt TO:<ann@fabrikam.example>" in [line.replace("RCPT", "rcpt") for line in lines]
    assert lines[-2].startswith("> (")
    assert lines[-2].endswith(" bytes)")
    assert lines[-1] == f"< {session.transcript.last_answer}"
    assert session.transcript.last_answer == "250 2.0.0 OK <abc@localhost> [Hostname=localhost]"


def test_shows_every_line_of_an_answer(session):
    send(session)
    assert "< 250 AUTH LOGIN XOAUTH2" in said(session)


def test_hides_what_signs_in_also_where_the_server_repeats_it(session, server):
    plain = f"user={MAILBOX}\x01auth=Bearer {TOKEN}\x01\x01"
    credentials = base64.b64encode(plain.encode())
    server.script("CREDENTIALS", *[b"500 5.5.2 unrecognised: " + credentials] * 2)
    with pytest.raises(exc.MailOAuth2Error):
        send(session)
    text = str(session.transcript)
    assert "> […]" in text
    assert "< 500 5.5.2 unrecognised: […]" in text
    for secret in (TOKEN, credentials.decode()):
        assert secret not in text


def test_hides_credentials_in_the_line_of_auth(server):
    server.script("AUTH", b"535 5.7.8 no such user: AGVycABzd29yZGZpc2g=")
    connection = server.connect()
    transcript = Transcript()
    transcript.listen(connection)
    connection.docmd("AUTH", "PLAIN AGVycABzd29yZGZpc2g=")
    connection.close()
    assert "> AUTH PLAIN […]" in str(transcript)
    assert "AGVycABzd29yZGZpc2g" not in str(transcript)


def test_keeps_the_content_to_itself(session):
    send(session, subject="Salaries")
    assert "Nobody else" not in str(session.transcript)
    assert "Salaries" not in str(session.transcript)


def test_tells_that_the_server_hung_up(session, server):
    server.script("RCPT", FIN)
    with pytest.raises(exc.MailOAuth2Error):
        send(session)
    assert said(session)[-1] == "* the connection is gone"


def test_tells_an_exchange_with_graph(tmp_path, monkeypatch):
    ca_file = tmp_path / "ca.pem"
    authority().cert_pem.write_to_path(ca_file)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(ca_file))
    refusal = {"error": {"code": "ErrorSendAsDenied", "message": "No right to send."}}
    with graph_server() as graph:
        graph.script.append((403, {}, refusal))
        session = GraphSession(
            api_url=graph.url, mailbox=MAILBOX, account=MAILBOX, get_token=TokenSource(TOKEN)
        )
        session.transcript = Transcript()
        with pytest.raises(exc.MailOAuth2Error):
            send(session)
        session.close()
    request, answer = said(session)
    assert request.startswith(f"> POST {graph.url}/v1.0/me/sendMail (")
    assert answer == "< 403 ErrorSendAsDenied No right to send. (request r-1)"
    assert TOKEN not in str(session.transcript)


def test_has_an_end():
    transcript = Transcript()
    for number in range(1000):
        transcript.note(number)
    assert len(str(transcript).splitlines()) == 200


def test_sessions_keep_nothing_unless_asked(server):
    session = SmtpSession(
        connect=server.connect, mailbox=MAILBOX, get_token=TokenSource(TOKEN), host="smtp.example"
    )
    send(session)
    session.close()
    assert session.transcript is None
