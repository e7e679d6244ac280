"""The sandbox's Exchange SMTP: what smtplib meets there."""

import smtplib
import ssl

import pytest
from sandbox_clients import (
    ERP,
    google_grant,
    graph,
    graph_token,
    log_in,
    mail,
    microsoft_grant,
    smtp,
    xoauth2,
)

pytest_plugins = ["sandbox_fixture"]

SHARED = "invoices@contoso.example"


@pytest.fixture
def token(sandbox):
    return microsoft_grant(sandbox)["access_token"]


def refusal(sandbox, user, token):
    with smtp(sandbox) as session, pytest.raises(smtplib.SMTPAuthenticationError) as refused:
        log_in(session, user, token)
    return refused.value.smtp_code, refused.value.smtp_error.decode()


def sending_refusal(session, sender, raw, recipient="a@x.example"):
    with pytest.raises(smtplib.SMTPResponseException) as refused:
        session.sendmail(sender, [recipient], raw)
    return refused.value.smtp_code, refused.value.smtp_error.decode()


def test_the_greeting_and_ehlo_before_and_after_tls(sandbox):
    with smtp(sandbox, tls=False) as session:
        assert "auth" not in session.esmtp_features
        assert session.esmtp_features["size"] == "157286400"
        assert session.has_extn("starttls")
        code, words = session.starttls(context=ssl.create_default_context(cafile=sandbox.ca_file))
        assert (code, words) == (220, b"2.0.0 SMTP server ready")
        session.ehlo()
        assert session.esmtp_features["auth"].split() == ["LOGIN", "XOAUTH2"]
        assert not session.has_extn("starttls")


@pytest.mark.parametrize("two_steps", [False, True])
def test_a_mail_is_delivered_after_xoauth2_in_both_forms(sandbox, token, two_steps):
    raw = mail(ERP)
    with smtp(sandbox) as session:
        assert session.docmd("NOOP")[0] == 250
        answer = log_in(session, ERP, token, two_steps=two_steps)
        assert answer == (235, b"2.7.0 Authentication successful")
        assert session.mail(ERP) == (250, b"2.1.0 Sender OK")
        assert session.rcpt("a@x.example") == (250, b"2.1.5 Recipient OK")
        code, words = session.data(raw)
        assert code == 250
        assert words.startswith(b"2.0.0 OK <")
    row = sandbox.messages()[0]
    assert (row["via"], row["recipient"], row["mailbox"]) == ("microsoft_smtp", "a@x.example", ERP)
    assert sandbox.source(row) == raw


def test_submitted_mail_is_in_sent_items(sandbox, token):
    with smtp(sandbox) as session:
        log_in(session, ERP, token)
        session.sendmail(ERP, ["a@x.example"], mail(ERP))
    reader = graph_token(sandbox, permissions="Mail.Read")
    found = graph(sandbox, "GET", "/me/mailFolders/sentitems/messages", reader).json()["value"]
    assert [m["internetMessageId"] for m in found] == [sandbox.messages()[0]["message_id"]]


def test_nothing_goes_before_tls_or_login(sandbox, token):
    with smtp(sandbox, tls=False) as session:
        assert session.docmd("AUTH", "XOAUTH2")[0] == 504
        assert session.mail(ERP)[0] == 451
    with smtp(sandbox) as session:
        code, words = session.mail(ERP)
        assert code == 530
        assert words.startswith(b"5.7.57 SMTP; Client was not authenticated to send anonymous")


def test_passwords_are_refused(sandbox):
    with smtp(sandbox) as session, pytest.raises(smtplib.SMTPAuthenticationError) as refused:
        session.login(ERP, "password")
    expected = b"5.7.30 Basic authentication is not supported for Client Submission."
    assert (refused.value.smtp_code, refused.value.smtp_error) == (550, expected)


def test_a_token_must_be_for_smtp_alive_and_of_that_mailbox(sandbox, token):
    graph_only = graph_token(sandbox)
    from_google = google_grant(sandbox)["access_token"]
    imap = microsoft_grant(
        sandbox,
        token_for="https://outlook.office.com/IMAP.AccessAsUser.All",
        scope="openid offline_access https://outlook.office.com/IMAP.AccessAsUser.All",
    )["access_token"]
    wrong = [
        (ERP, graph_only),
        (ERP, from_google),
        (ERP, imap),
        (ERP, "nonsense"),
        ("anna@contoso.example", token),
        ("nobody@contoso.example", token),
    ]
    for user, value in wrong:
        code, words = refusal(sandbox, user, value)
        assert code == 535
        assert words.startswith("5.7.3 Authentication unsuccessful [")
    sandbox.api("clock", {"advance": 3600})
    assert refusal(sandbox, ERP, token)[0] == 535


@pytest.mark.parametrize("response", ["", "user=a", xoauth2("", "t"), xoauth2(ERP, "t") + "x"])
def test_a_malformed_response_is_refused_at_once(sandbox, response):
    with smtp(sandbox) as session, pytest.raises(smtplib.SMTPAuthenticationError) as refused:
        session.auth("XOAUTH2", lambda challenge=None: response, initial_response_ok=True)
    assert refused.value.smtp_code == 535
    assert sandbox.count("microsoft_smtp", "AUTH", 535) == 1


def test_a_switch_makes_it_challenge_before_it_refuses(sandbox):
    sandbox.settings(exchange_challenge=True)
    assert refusal(sandbox, ERP, "nonsense")[0] == 535
    assert sandbox.count("microsoft_smtp", "AUTH", 334) == 1


@pytest.mark.parametrize("scope", ["Tenant", "Mailbox"])
def test_smtp_auth_can_be_disabled(sandbox, token, scope):
    sandbox.settings(smtp_auth_disabled=scope.lower())
    assert refusal(sandbox, ERP, token) == (
        535,
        "5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the"
        f" {scope}. Visit https://aka.ms/smtp_auth_disabled for more information.",
    )


def test_members_use_a_shared_mailbox_with_their_own_token(sandbox, token):
    with smtp(sandbox) as session:
        assert log_in(session, SHARED, token)[0] == 235
        session.sendmail(SHARED, ["a@x.example"], mail(SHARED))
    row = sandbox.messages()[0]
    assert (row["mailbox"], row["account"]) == (SHARED, ERP)
    anna = microsoft_grant(sandbox, "anna@contoso.example")["access_token"]
    assert refusal(sandbox, SHARED, anna)[0] == 535


@pytest.mark.parametrize(
    "header, envelope",
    [("anna@contoso.example", ERP), (ERP, "anna@contoso.example"), ("x@other.example", ERP)],
)
def test_send_as_is_denied_only_after_the_content(sandbox, token, header, envelope):
    with smtp(sandbox) as session:
        log_in(session, ERP, token)
        code, words = sending_refusal(session, envelope, mail(header))
    assert code == 554
    assert words.startswith("5.2.252 SendAsDenied; erp@contoso.example not allowed to send as ")
    assert "MapiExceptionSendAsDenied" in words
    assert sandbox.messages() == []


def test_send_as_a_shared_mailbox_is_allowed_to_members(sandbox, token):
    with smtp(sandbox) as session:
        log_in(session, ERP, token)
        session.sendmail(ERP, ["a@x.example"], mail(SHARED))
    assert sandbox.messages()[0]["header_from"] == SHARED


def test_an_alias_needs_the_organisations_consent(sandbox, token):
    alias = "orders@contoso.example"
    sandbox.api("accounts", {"address": ERP, "aliases": [alias]})
    with smtp(sandbox) as session:
        log_in(session, ERP, token)
        assert sending_refusal(session, ERP, mail(alias))[0] == 554
        sandbox.settings(send_from_alias=True)
        session.sendmail(ERP, ["a@x.example"], mail(alias))


def test_one_refused_recipient_does_not_stop_the_others(sandbox, token):
    sandbox.api("recipients", {"address": "gone@x.example", "reply": "550 5.1.1 User unknown"})
    with smtp(sandbox) as session:
        log_in(session, ERP, token)
        refused = session.sendmail(ERP, ["a@x.example", "gone@x.example"], mail(ERP))
    assert refused == {"gone@x.example": (550, b"5.1.1 User unknown")}
    assert [row["recipient"] for row in sandbox.messages()] == ["a@x.example"]


def test_recipients_per_message_are_limited(sandbox, token):
    sandbox.settings(exchange_recipients_per_message=2)
    with smtp(sandbox) as session:
        log_in(session, ERP, token)
        refused = session.sendmail(ERP, [f"{n}@x.example" for n in "abc"], mail(ERP))
    assert refused == {"c@x.example": (452, b"4.5.3 Too many recipients")}


def test_size_is_limited_at_mail_and_at_the_mailbox(sandbox, token):
    with smtp(sandbox) as session:
        log_in(session, ERP, token)
        assert session.mail(ERP, ["SIZE=157286401"])[0] == 552
        sandbox.settings(mailbox_message_bytes=1000)
        assert sending_refusal(session, ERP, mail(ERP) + b"x" * 900 + b"\r\n") == (
            552,
            "5.3.4 Message size exceeds fixed maximum message size",
        )


def test_lines_beyond_998_octets_and_bare_line_feeds_are_refused(sandbox, token):
    with smtp(sandbox) as session:
        log_in(session, ERP, token)
        assert sending_refusal(session, ERP, mail(ERP) + b"x" * 999 + b"\r\n")[0] == 500
        session.rset()
        session.mail(ERP)
        session.rcpt("a@x.example")
        assert session.docmd("DATA")[0] == 354
        session.send(mail(ERP) + b"bare\nfeed\r\n.\r\n")
        assert session.getreply()[0] == 550
    assert sandbox.messages() == []


def test_bcc_is_taken_out_and_missing_headers_are_added(sandbox, token):
    raw = b"Bcc: secret@x.example\r\nSubject: bare\r\n\r\n.dot\r\n"
    with smtp(sandbox) as session:
        log_in(session, ERP, token)
        session.sendmail(ERP, ["a@x.example"], raw)
    source = sandbox.source(sandbox.messages()[0])
    assert b"secret" not in source
    assert b"From: Erin Rhodes <erp@contoso.example>\r\n" in source
    assert b"Message-ID: <" in source
    assert source.endswith(b"\r\n\r\n.dot\r\n")


def test_internationalised_addresses_pass(sandbox, token):
    with smtp(sandbox) as session:
        log_in(session, ERP, token)
        session.sendmail(ERP, ["jürgen@x.example"], mail(ERP), mail_options=["SMTPUTF8"])
    assert sandbox.messages()[0]["recipient"] == "jürgen@x.example"
