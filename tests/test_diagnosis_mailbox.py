"""Diagnose: tokens and mailboxes, each made to fail once."""

import json
from collections import Counter
from datetime import timedelta

import jwt

from odoo.tests import tagged

from ..providers import Grant
from .diagnosis_common import ERIN, GMAIL, GRAPH, MAILBOXES, SMTP, DiagnosisCase

SHARED, UNLICENSED = "invoices@contoso.example", "nolicence@contoso.example"


@tagged("post_install", "-at_install")
class TestDiagnosisOfTokens(DiagnosisCase):
    AFTER = ("token_contents", "mailbox", "send_as")

    def setUp(self):
        super().setUp()
        self.server = self.connected_server(SMTP, ERIN)

    def test_nobody_has_signed_in(self):
        server = self.create_server(SMTP, "bert@contoso.example")
        rows = self.diagnose(server)
        self.check_only_failure(rows, "token", "not_connected", *self.AFTER)

    def test_revoked_grant(self):
        self.sandbox.post("grants/revoke", account=ERIN)
        rows = self.diagnose(self.server)
        self.check_only_failure(rows, "token", "aadsts_50173", *self.AFTER)
        self.assertIn("AADSTS50173", rows["token"]["provider_text"])

    def test_expired_secret(self):
        self.change_client(secret_expired=True)
        rows = self.diagnose(self.server)
        self.check_only_failure(rows, "token", "aadsts_7000222", *self.AFTER)
        self.assertIn("Certificates & secrets", rows["token"]["remedy"])

    def test_wrong_secret(self):
        self.change_client(secret="another one")
        rows = self.diagnose(self.server)
        self.check_only_failure(rows, "token", "aadsts_7000215", *self.AFTER)

    def test_token_endpoint_in_trouble_keeps_the_grant(self):
        self.sandbox.fault("microsoft.token", "html", times=None)
        rows = self.diagnose(self.server)
        self.assertEqual(rows["token"]["outcome"], "failed")
        self.assertEqual(self.server.oauth2_mailbox_id.state, "connected")

    def test_wrong_audience(self):
        claims = {"aud": "https://graph.microsoft.com", "scp": "SMTP.Send"}
        self.next_token(claims, scope="https://outlook.office.com/SMTP.Send")
        rows = self.diagnose(self.server)
        self.check_row(
            rows["token_contents"],
            "failed",
            "token_wrong_audience",
            audience="https://graph.microsoft.com",
        )
        # The server has the last word, not what can be read in a token.
        self.check_row(rows["mailbox"], "failed", "exchange_auth_refused", mailbox=ERIN)

    def test_audience_that_nobody_knows_is_a_warning(self):
        self.next_token({"aud": "https://outlook.example"}, scope="SMTP.Send")
        row = self.diagnose(self.server)["token_contents"]
        self.check_row(row, "warning", "token_wrong_audience", audience="https://outlook.example")

    def test_missing_permission(self):
        self.next_token({"aud": "https://outlook.office.com"}, scope="openid profile")
        row = self.diagnose(self.server)["token_contents"]
        self.check_row(
            row, "failed", "scope_missing", scopes="https://outlook.office.com/SMTP.Send"
        )

    def test_reading_and_writing_is_wanted_and_was_not_granted(self):
        server = self.connected_server(GRAPH, ERIN)
        mailbox = server.oauth2_mailbox_id
        mailbox.read_write = True
        row = self.diagnose(server)["token_contents"]
        self.check_row(row, "warning", "read_write_missing", mailbox=ERIN)
        self.connect(mailbox)
        rows = self.diagnose(server)
        self.check_outcomes(rows)
        self.assertIn("Mail.ReadWrite", rows["token_contents"]["summary"])

    def test_google_tells_of_a_missing_permission(self):
        server = self.connected_server(GMAIL, MAILBOXES[GMAIL])
        app = self.sandbox["google"]["client_id"]
        self.answer("google.tokeninfo", {"aud": app, "sub": "1", "scope": "openid"})
        rows = self.diagnose(server)
        self.check_row(
            rows["token_contents"], "failed", "scope_missing", scopes="https://mail.google.com/"
        )

    def test_google_tells_of_a_token_of_another_client(self):
        server = self.connected_server(GMAIL, MAILBOXES[GMAIL])
        self.answer("google.tokeninfo", {"aud": "another", "scope": "https://mail.google.com/"})
        rows = self.diagnose(server)
        self.check_row(rows["token_contents"], "failed", "google_wrong_client")

    def change_client(self, **values):
        self.sandbox.post("clients", client_id=self.sandbox["microsoft"]["client_id"], **values)

    def next_token(self, claims, scope):
        """Let Entra hand out a token with these contents."""
        token = jwt.encode(claims, "a key of nobody, long enough to be one", algorithm="HS256")
        answer = {"access_token": token, "expires_in": 3599, "token_type": "Bearer", "scope": scope}
        self.answer("microsoft.token", answer)

    def answer(self, place, content):
        self.sandbox.fault(place, "reply", status=200, message=json.dumps(content), times=None)


@tagged("post_install", "-at_install")
class TestDiagnosisOfMailboxes(DiagnosisCase):
    def test_server_without_xoauth2(self):
        server = self.connected_server(SMTP, ERIN)
        # The first EHLO offers STARTTLS as usual.
        options = {"status": 250, "message": "localhost", "times": None}
        self.sandbox.fault("microsoft_smtp.ehlo", "reply", after=2, **options)
        rows = self.diagnose(server)
        self.check_only_failure(rows, "methods", "smtp_xoauth2_missing", "mailbox", "send_as")

    def test_smtp_switched_off(self):
        server = self.connected_server(SMTP, ERIN)
        for scope in ("tenant", "mailbox"):
            with self.subTest(scope):
                self.sandbox.post("settings", smtp_auth_disabled=scope)
                rows = self.diagnose(server)
                key = f"smtp_auth_disabled_{scope}"
                self.check_only_failure(rows, "mailbox", key, "send_as", mailbox=ERIN)
                self.assertIn(f'Set-CASMailbox -Identity "{ERIN}"', rows["mailbox"]["command"])

    def test_mailbox_without_a_licence(self):
        server = self.connected_server(GRAPH, UNLICENSED)
        rows = self.diagnose(server)
        key = "graph_mailbox_not_enabled"
        self.check_only_failure(rows, "mailbox", key, "send_as", mailbox=UNLICENSED)
        server = self.connected_server(SMTP, UNLICENSED)
        rows = self.diagnose(server)
        key = "exchange_auth_refused"
        self.check_only_failure(rows, "mailbox", key, "send_as", mailbox=UNLICENSED)

    def test_permission_that_graph_does_not_accept(self):
        server = self.connected_server(GRAPH, ERIN)
        self.sandbox.fault("graph.sendmail", "error", code="ErrorAccessDenied", times=None)
        rows = self.diagnose(server)
        self.check_only_failure(rows, "mailbox", "graph_access_denied", "send_as", mailbox=ERIN)

    def test_google_does_not_accept_the_account(self):
        server = self.connected_server(GMAIL, MAILBOXES[GMAIL])
        reply = {"status": 535, "message": "5.7.8 Username and Password not accepted."}
        self.sandbox.fault("google_smtp.auth", "reply", times=None, **reply)
        rows = self.diagnose(server)
        details = {"mailbox": MAILBOXES[GMAIL]}
        self.check_only_failure(rows, "mailbox", "gmail_auth_refused", "send_as", **details)

    def test_send_as_denied_by_exchange(self):
        server = self.connected_server(SMTP, ERIN)
        message = "5.7.60 SMTP; Client does not have permissions to send as this sender"
        self.sandbox.fault("microsoft_smtp.mail", "reply", status=550, message=message, times=None)
        rows = self.diagnose(server)
        self.check_only_failure(rows, "send_as", "send_as_denied", mailbox=ERIN)
        self.assertIn("Add-RecipientPermission", rows["send_as"]["command"])

    def test_send_as_denied_by_graph(self):
        server = self.connected_server(GRAPH, ERIN)
        self.sandbox.fault("graph.sendmail", "error", code="ErrorSendAsDenied", times=None)
        rows = self.diagnose(server)
        self.check_only_failure(rows, "send_as", "send_as_denied", mailbox=ERIN)

    def test_right_to_send_for_a_shared_mailbox_is_not_proven(self):
        for kind in (SMTP, GRAPH):
            with self.subTest(kind):
                server = self.create_server(kind, SHARED)
                self.send_as_member(server.oauth2_mailbox_id)
                rows = self.diagnose(server)
                self.check_outcomes(rows, send_as="warning")
                details = {"mailbox": SHARED, "account": ERIN}
                self.check_row(rows["send_as"], "warning", "send_as_not_proven", **details)
                self.assertIn(f'"{SHARED}"', rows["send_as"]["command"])

    def test_right_to_send_for_a_shared_mailbox_is_proven_by_a_mail(self):
        for kind in (SMTP, GRAPH):
            with self.subTest(kind):
                server = self.create_server(kind, SHARED)
                self.send_as_member(server.oauth2_mailbox_id)
                mail = self.queue_mail()
                with self.sending():
                    mail.send()
                self.assertEqual(mail.state, "sent", mail.failure_reason)
                rows = self.diagnose(server)
                self.check_outcomes(rows)
                self.assertIn("took a mail", rows["send_as"]["summary"])

    def test_mail_proves_nothing_that_was_refused_or_is_of_an_earlier_sign_in(self):
        server = self.create_server(SMTP, SHARED)
        mailbox = server.oauth2_mailbox_id
        self.send_as_member(mailbox)
        signed_in = mailbox.authenticated_on
        for outcome, at in (
            ("refused", signed_in + timedelta(minutes=1)),
            ("accepted", signed_in - timedelta(minutes=1)),
        ):
            self.env["mail.oauth2.attempt"].sudo().create(
                {
                    "mailbox_id": mailbox.id,
                    "server_id": server.id,
                    "outcome": outcome,
                    "ended_at": at,
                }
            )
        self.check_outcomes(self.diagnose(server), send_as="warning")

    def send_as_member(self, mailbox):
        """Sign in as somebody who may send as a shared mailbox."""
        path = self.connect(mailbox, ERIN)
        if mailbox.state == "connected":  # the question was answered before
            return
        pending = self.env["mail.oauth2.authorization"]._consume(path.partition("state=")[2])
        grant = Grant.from_dict(pending["pending"]["grant"])
        url = mailbox._choose_account(grant, "send_as")
        self.env.flush_all()
        if url.startswith("http"):  # one more permission is asked for
            self.finish(mailbox, self.sandbox.sign_in(url, ERIN))
        self.env.invalidate_all()

    def test_nothing_is_sent_and_nothing_is_left_open(self):
        for kind, address in MAILBOXES.items():
            self.diagnose(self.connected_server(kind, address))
        self.assertEqual(self.sandbox.delivered(), [])
        counts = Counter()
        for row in self.sandbox.get("requests"):
            counts[row["method"]] += row["count"]
        self.assertFalse({"RCPT", "DATA"} & set(counts))
        # At two mail servers: certificate, ways to sign in, mailbox, right to send.
        self.assertEqual(counts["QUIT"], 8)
