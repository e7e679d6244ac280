"""Diagnose: names, ports, certificates, clocks and proxies, each made to fail once."""

import json
import socket
import threading
from contextlib import contextmanager
from unittest.mock import patch

from odoo.tests import tagged

from ..wizard import mail_oauth2_diagnosis_mail
from .diagnosis_common import ERIN, GRAPH, SMTP, DiagnosisCase, closed_port

TLS_FAULTS = {
    "tls_untrusted": "tls_untrusted",
    "tls_wrong_name": "tls_wrong_host",
    "tls_expired": "tls_expired",
}


@tagged("post_install", "-at_install")
class TestDiagnosisOfTheWay(DiagnosisCase):
    AFTER_NAME = ("mail_port", "mail_certificate", "methods", "mailbox", "send_as")
    AFTER_SIGN_IN = ("clock", "token", "token_contents", "mailbox", "send_as")

    def setUp(self):
        super().setUp()
        self.server = self.connected_server(SMTP, ERIN)

    def test_wrong_host_name(self):
        self.server.smtp_host = "no-such-host.invalid"
        rows = self.diagnose(self.server)
        host = {"host": "no-such-host.invalid"}
        self.check_only_failure(rows, "mail_name", "dns_failed", *self.AFTER_NAME, **host)
        self.assertIn("getent hosts no-such-host.invalid", rows["mail_name"]["command"])
        self.assertEqual(
            rows["methods"]["summary"], "Needs “Certificate of the mail server” first."
        )

    def test_name_that_no_host_can_have(self):
        self.server.smtp_host = "https://localhost"
        rows = self.diagnose(self.server)
        self.assertEqual(rows["mail_name"]["outcome"], "failed")

    def test_unreachable_port(self):
        with closed_port() as port:
            self.server.smtp_port = port
            rows = self.diagnose(self.server)
        after = self.AFTER_NAME[1:]
        here = {"host": "localhost", "port": port}
        self.check_only_failure(rows, "mail_port", "connection_refused", *after, **here)
        self.assertIn(f"nc -vz localhost {port}", rows["mail_port"]["command"])

    def test_bad_certificate_of_the_mail_server(self):
        for fault, key in TLS_FAULTS.items():
            with self.subTest(fault):
                self.sandbox.fault("microsoft_smtp.starttls", fault, times=None)
                rows = self.diagnose(self.server)
                after = self.AFTER_NAME[2:]
                here = {"host": "localhost"}
                self.check_only_failure(rows, "mail_certificate", key, *after, **here)
                self.sandbox.get("state")
                self.clear_faults()

    def test_refused_certificate_says_where_it_is_from(self):
        self.sandbox.fault("microsoft_smtp.starttls", "tls_untrusted", times=None)
        row = self.diagnose(self.server)["mail_certificate"]
        self.assertIn("Issued by Somebody else", row["provider_text"])
        self.clear_faults()
        self.sandbox.fault("https.tls", "tls_wrong_name", times=None)
        row = self.diagnose(self.server)["sign_in_certificate"]
        self.assertIn("for other.example", row["provider_text"])

    def test_bad_certificate_of_the_sign_in_server(self):
        for fault, key in TLS_FAULTS.items():
            with self.subTest(fault):
                self.sandbox.fault("https.tls", fault, times=None)
                rows = self.diagnose(self.server)
                after = self.AFTER_SIGN_IN
                self.check_only_failure(rows, "sign_in_certificate", key, *after, host="localhost")
                self.clear_faults()

    def test_bad_certificate_of_graph(self):
        server = self.connected_server(GRAPH, ERIN)
        self.sandbox.fault("https.tls", "tls_untrusted", times=None)
        rows = self.diagnose(server)
        self.assertEqual(rows["mail_certificate"]["outcome"], "failed")
        self.assertEqual(rows["mailbox"]["outcome"], "not_tried")

    def test_sign_in_server_that_is_not_there(self):
        with closed_port() as port:
            self.microsoft_app.authority_url = f"https://localhost:{port}"
            rows = self.diagnose(self.server)
        after = ("sign_in_certificate", *self.AFTER_SIGN_IN)
        here = {"host": "localhost", "port": port}
        self.check_only_failure(rows, "sign_in_port", "connection_refused", *after, **here)

    def test_certificate_that_ends_within_days(self):
        with patch.object(mail_oauth2_diagnosis_mail, "CERTIFICATE_WARNING", 10**7):
            rows = self.diagnose(self.server)
        self.check_outcomes(rows, sign_in_certificate="warning", mail_certificate="warning")
        row = rows["mail_certificate"]
        self.check_row(row, "warning", "certificate_ends_soon", host="localhost")

    def test_clock_that_is_off(self):
        for seconds, outcome in ((600, "failed"), (-600, "failed"), (60, "warning")):
            with self.subTest(seconds):
                self.sandbox.post("clock", advance=seconds)
                dialogue = self.open_dialogue(self.server)
                for name in ("registration", "sign_in_name", "sign_in_port", "sign_in_certificate"):
                    dialogue.run_check(name)
                row = dialogue.run_check("clock")
                self.assertEqual(row["outcome"], outcome)
                self.assertIn("timedatectl", row["command"])
                self.sandbox.post("clock", advance=-seconds)

    def test_everything_goes_through_a_proxy(self):
        with closed_port() as port, proxy(f"http://someone:hushhush@localhost:{port}"):
            rows = self.diagnose(self.server)
        self.assertIn("proxy", rows["sign_in_name"]["summary"])
        after = ("sign_in_certificate", *self.AFTER_SIGN_IN)
        here = {"host": "localhost", "port": port}
        self.check_only_failure(rows, "sign_in_port", "connection_refused", *after, **here)
        self.assertNotIn("hushhush", json.dumps(rows))

    def test_proxy_that_lets_nothing_through(self):
        with refusing_proxy() as port, proxy(f"http://localhost:{port}"):
            rows = self.diagnose(self.server)
        self.assertEqual(rows["sign_in_port"]["outcome"], "passed")
        here = {"host": "localhost", "port": self.sign_in_port()}
        self.check_row(rows["sign_in_certificate"], "failed", "proxy_failed", **here)

    def test_host_that_never_answers_is_given_up(self):
        with patch.object(mail_oauth2_diagnosis_mail, "STEP_SECONDS", 1):
            self.sandbox.fault("microsoft_smtp.connect", "hang", times=None)
            rows = self.diagnose(self.server)
        self.check_row(
            rows["mail_certificate"],
            "failed",
            "check_timeout",
            host="localhost",
            port=self.server.smtp_port,
            seconds=1,
        )
        self.assertEqual(rows["mailbox"]["outcome"], "not_tried")

    def sign_in_port(self):
        return int(self.microsoft_app.authority_url.rpartition(":")[2])

    def clear_faults(self):
        self.sandbox._api("DELETE", "faults")


@contextmanager
def proxy(url):
    """Let requests go through a proxy."""
    values = {"HTTPS_PROXY": url, "https_proxy": url, "NO_PROXY": "", "no_proxy": ""}
    with patch.dict("os.environ", values):
        yield


@contextmanager
def refusing_proxy():
    """Yield the port of a proxy that says no."""

    def serve():
        while True:
            try:
                connection, _address = listener.accept()
            except OSError:
                return
            with connection:
                connection.recv(4096)
                connection.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
