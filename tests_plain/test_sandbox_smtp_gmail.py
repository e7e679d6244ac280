"""The sandbox's Gmail SMTP: what smtplib meets there."""

import base64
import json
import smtplib

import pytest
from sandbox_clients import (
    GOOGLE_ERP,
    google_grant,
    log_in,
    mail,
    microsoft_grant,
    smtp,
    xoauth2,
)

pytest_plugins = ["sandbox_fixture"]

ALIAS = "sales@northwind.example"


@pytest.fixture
def token(sandbox):
    return google_grant(sandbox)["access_token"]


@pytest.fixture
def session(sandbox, token):
    with smtp(sandbox, "google") as session:
        log_in(session, GOOGLE_ERP, token)
        yield session


def refusal(sandbox, user, token):
    expected = pytest.raises(smtplib.SMTPAuthenticationError)
    with smtp(sandbox, "google") as session, expected as refused:
        log_in(session, user, token)
    return refused.value.smtp_code, refused.value.smtp_error.decode()


def delivered(sandbox):
    row = sandbox.messages()[-1]
    return row, sandbox.source(row)


@pytest.mark.parametrize("port", ["", "smtps_port"])
@pytest.mark.parametrize("two_steps", [False, True])
def test_a_mail_is_delivered_over_both_kinds_of_tls(sandbox, token, port, two_steps):
    with smtp(sandbox, "google", port=port) as session:
        assert "XOAUTH2" in session.esmtp_features["auth"].split()
        assert session.esmtp_features["size"] == "35882577"
        assert log_in(session, GOOGLE_ERP, token, two_steps=two_steps) == (235, b"2.7.0 Accepted")
        session.sendmail(GOOGLE_ERP, ["a@x.example"], mail(GOOGLE_ERP))
    row = sandbox.messages()[0]
    assert (row["via"], row["recipient"]) == ("google_smtp", "a@x.example")


def test_no_auth_is_offered_or_taken_before_tls(sandbox):
    with smtp(sandbox, "google", tls=False) as session:
        assert "auth" not in session.esmtp_features
        expected = (530, b"5.7.0 Must issue a STARTTLS command first. - gsmtp")
        assert session.docmd("AUTH", "XOAUTH2") == expected
        assert session.mail(GOOGLE_ERP) == expected
    with smtp(sandbox, "google") as session:
        code, words = session.mail(GOOGLE_ERP)
        assert code == 530
        assert words.startswith(b"5.7.0 Authentication Required.")
        assert session.docmd("AUTH", "CRAM-MD5")[0] == 504


def test_a_refusal_is_a_challenge_an_empty_line_and_535(sandbox):
    with smtp(sandbox, "google") as session:
        blob = base64.b64encode(xoauth2(GOOGLE_ERP, "nonsense").encode()).decode()
        code, challenge = session.docmd("AUTH", f"XOAUTH2 {blob}")
        assert code == 334
        assert json.loads(base64.b64decode(challenge)) == {
            "status": "400",
            "schemes": "Bearer",
            "scope": "https://mail.google.com/",
        }
        code, words = session.docmd("")
    assert code == 535
    first, _, last = words.partition(b"\n")
    assert first == b"5.7.8 Username and Password not accepted. For more information, go to"
    assert b"https://support.google.com/mail/?p=BadCredentials" in last
    assert last.endswith(b" - gsmtp")


def test_whatever_follows_the_challenge_is_eaten(sandbox):
    """A client that overlooks the 334 learns of the refusal at MAIL FROM."""
    with smtp(sandbox, "google") as session:
        blob = base64.b64encode(xoauth2(GOOGLE_ERP, "nonsense").encode()).decode()
        session.docmd("AUTH", f"XOAUTH2 {blob}")
        assert session.mail(GOOGLE_ERP)[0] == 535


def test_a_token_must_have_the_scope_be_alive_and_of_that_account(sandbox, token):
    weak_scopes = ["https://www.googleapis.com/auth/gmail.send", "openid"]
    weak = google_grant(sandbox, scopes=weak_scopes)["access_token"]
    microsoft = microsoft_grant(sandbox)["access_token"]
    wrong = [
        (GOOGLE_ERP, weak),
        (GOOGLE_ERP, microsoft),
        ("gina@northwind.example", token),
        (ALIAS, token),
    ]
    for user, value in wrong:
        assert refusal(sandbox, user, value)[0] == 535
    sandbox.api("clock", {"advance": 3600})
    assert refusal(sandbox, GOOGLE_ERP, token)[0] == 535


def test_a_revoked_grant_ends_its_access_tokens(sandbox, token):
    sandbox.api("grants/revoke", {"account": GOOGLE_ERP})
    assert refusal(sandbox, GOOGLE_ERP, token)[0] == 535


def test_passwords_are_refused(sandbox):
    expected = pytest.raises(smtplib.SMTPAuthenticationError)
    with smtp(sandbox, "google") as session, expected as refused:
        session.login(GOOGLE_ERP, "password")
    assert refused.value.smtp_code == 535


@pytest.mark.parametrize(
    "given, kept",
    [
        (GOOGLE_ERP, True),
        (f"Sales <{ALIAS}>", True),
        ("Erp@northwind.example", False),
        ("Gina <gina@northwind.example>", False),
        (f"{GOOGLE_ERP}, {ALIAS}", False),
    ],
)
def test_a_foreign_from_is_rewritten(sandbox, session, given, kept):
    session.sendmail("bounce@northwind.example", ["a@x.example"], mail(given))
    row, source = delivered(sandbox)
    assert row["envelope_from"] == GOOGLE_ERP
    if kept:
        assert row["header_from"] == given
        assert b"X-Google-Original-From" not in source
    else:
        assert GOOGLE_ERP in row["header_from"]
        assert f"X-Google-Original-From: {given}".encode() in source


def test_the_display_name_survives_the_rewriting(sandbox, session):
    session.sendmail(GOOGLE_ERP, ["a@x.example"], mail("Gina G <gina@northwind.example>"))
    assert delivered(sandbox)[0]["header_from"] == f"Gina G <{GOOGLE_ERP}>"


@pytest.mark.parametrize(
    "given, kept",
    [
        ("<1@odoo.example>", True),
        ("<1.2@odoo.example>", True),
        ("<1@a@odoo.example>", False),
        ("<1.@odoo.example>", False),
        ("<1 2@odoo.example>", False),
        ("<1@odoo.example.>", False),
        ("", False),
    ],
)
def test_only_a_well_formed_message_id_is_kept(sandbox, session, given, kept):
    raw = f"From: {GOOGLE_ERP}\r\nMessage-ID: {given}\r\nSubject: x\r\n\r\nx\r\n".encode()
    session.sendmail(GOOGLE_ERP, ["a@x.example"], raw)
    row, source = delivered(sandbox)
    if kept:
        assert row["message_id"] == given
    else:
        assert row["message_id"].endswith("@mx.google.com>")
        original = f"X-Google-Original-Message-ID: {given}".encode()
        assert (original in source) == bool(given)


def test_bcc_is_taken_out(sandbox, session):
    session.sendmail(GOOGLE_ERP, ["a@x.example"], mail(GOOGLE_ERP, Bcc="secret@x.example"))
    assert b"secret" not in delivered(sandbox)[1]


def test_a_message_has_100_recipients(sandbox, session):
    refused = session.sendmail(
        GOOGLE_ERP, [f"a{n}@x.example" for n in range(101)], mail(GOOGLE_ERP)
    )
    assert list(refused) == ["a100@x.example"]
    assert refused["a100@x.example"][0] == 452
    assert len(sandbox.messages()) == 100


def test_recipients_can_be_refused(sandbox, session):
    sandbox.api("recipients", {"address": "gone@x.example", "reply": "550 5.1.1 No such user"})
    with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        session.sendmail(GOOGLE_ERP, ["gone@x.example", "nonsense"], mail(GOOGLE_ERP))
    codes = {address: reply[0] for address, reply in refused.value.recipients.items()}
    assert codes == {"gone@x.example": 550, "nonsense": 553}


def test_size_is_limited(sandbox, session):
    code, words = session.mail(GOOGLE_ERP, ["SIZE=35882578"])
    assert code == 552
    assert words.startswith(b"5.2.3 Your message exceeded Google's message size limits.")
