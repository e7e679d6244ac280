"""The sandbox's faults at each stage of an SMTP session, as smtplib sees them."""

import smtplib
import ssl

import pytest
from sandbox_clients import (
    ERP,
    GOOGLE_ERP,
    google_grant,
    log_in,
    mail,
    microsoft_grant,
    smtp,
)

pytest_plugins = ["sandbox_fixture"]

STAGES = ["connect", "ehlo", "starttls", "auth", "mail", "rcpt", "data", "body", "accepted"]
SENDERS = {"microsoft": ERP, "google": GOOGLE_ERP}


@pytest.fixture
def tokens(sandbox):
    return {
        "microsoft": microsoft_grant(sandbox)["access_token"],
        "google": google_grant(sandbox)["access_token"],
    }


def send(sandbox, provider, token, *, size=0):
    sender = SENDERS[provider]
    with smtp(sandbox, provider) as session:
        log_in(session, sender, token)
        raw = mail(sender) + b"x\r\n" * size
        return session.sendmail(sender, ["a@x.example"], raw)


@pytest.mark.parametrize("provider", ["microsoft", "google"])
@pytest.mark.parametrize("stage", STAGES)
def test_a_session_can_break_at_every_stage(sandbox, tokens, provider, stage):
    sandbox.fault(f"{provider}_smtp.{stage}", "drop")
    with pytest.raises((OSError, smtplib.SMTPServerDisconnected)):
        send(sandbox, provider, tokens[provider], size=100_000)
    assert sandbox.messages() == []
    assert send(sandbox, provider, tokens[provider]) == {}


@pytest.mark.parametrize("stage", STAGES)
def test_any_reply_can_be_given_at_every_stage(sandbox, tokens, stage):
    sandbox.fault(f"microsoft_smtp.{stage}", "reply", status=451, message="4.7.500 Server busy")
    with pytest.raises((OSError, smtplib.SMTPException)) as refused:
        send(sandbox, "microsoft", tokens["microsoft"])
    assert "4.7.500 Server busy" in str(refused.value) or stage in ("ehlo", "starttls")
    assert sandbox.messages() == []


@pytest.mark.parametrize("provider", ["microsoft", "google"])
def test_a_mail_can_be_delivered_without_an_answer(sandbox, tokens, provider):
    sandbox.fault(f"{provider}_smtp.accepted", "drop", processed=True)
    with pytest.raises(smtplib.SMTPServerDisconnected):
        send(sandbox, provider, tokens[provider])
    assert len(sandbox.messages()) == 1


def test_one_recipient_can_be_refused(sandbox, tokens):
    sandbox.fault(
        "microsoft_smtp.rcpt",
        "reply",
        status=550,
        message="5.1.1 User unknown",
        match={"recipient": "b@x.example"},
    )
    with smtp(sandbox) as session:
        log_in(session, ERP, tokens["microsoft"])
        refused = session.sendmail(ERP, ["a@x.example", "b@x.example"], mail(ERP))
    assert refused == {"b@x.example": (550, b"5.1.1 User unknown")}
    assert len(sandbox.messages()) == 1


def test_421_closes_the_connection(sandbox, tokens):
    sandbox.fault("google_smtp.mail", "reply", status=421, message="4.7.0 Try again later")
    with smtp(sandbox, "google") as session:
        log_in(session, GOOGLE_ERP, tokens["google"])
        assert session.mail(GOOGLE_ERP) == (421, b"4.7.0 Try again later")
        with pytest.raises((OSError, smtplib.SMTPServerDisconnected)):
            session.noop()


@pytest.mark.parametrize("provider", ["microsoft", "google"])
@pytest.mark.parametrize("kind", ["tls_expired", "tls_wrong_name", "tls_untrusted"])
def test_a_bad_certificate_after_starttls(sandbox, tokens, provider, kind):
    sandbox.fault(f"{provider}_smtp.starttls", kind)
    with pytest.raises(ssl.SSLCertVerificationError), smtp(sandbox, provider):
        pass
    assert send(sandbox, provider, tokens[provider]) == {}


def test_a_bad_certificate_from_the_first_byte(sandbox):
    sandbox.fault("google_smtp.starttls", "tls_expired")
    with pytest.raises(ssl.SSLCertVerificationError), smtp(sandbox, "google", port="smtps_port"):
        pass


def test_a_hanging_server_answers_nobody(sandbox, tokens):
    sandbox.fault("microsoft_smtp.mail", "hang")
    with smtp(sandbox) as session:
        log_in(session, ERP, tokens["microsoft"])
        session.sock.settimeout(0.2)
        with pytest.raises((TimeoutError, smtplib.SMTPServerDisconnected)):
            session.mail(ERP)


def test_a_slow_server_still_delivers(sandbox, tokens):
    sandbox.fault("microsoft_smtp.accepted", "slow", seconds=0.05)
    assert send(sandbox, "microsoft", tokens["microsoft"]) == {}
    assert len(sandbox.messages()) == 1


def test_replies_are_counted_by_command(sandbox, tokens):
    send(sandbox, "microsoft", tokens["microsoft"])
    assert sandbox.count("microsoft_smtp", "AUTH", 235) == 1
    assert sandbox.count("microsoft_smtp", "DATA", 250) == 1
