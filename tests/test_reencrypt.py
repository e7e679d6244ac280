import os
from unittest.mock import patch

from cryptography.fernet import Fernet

from odoo.tests import tagged

from ..models import secret_cipher
from ..models.secret_rotation import ENCRYPTED_COLUMNS
from .common import SandboxCase

ERIN = "erp@contoso.example"
OLD, NEW, OTHER = (Fernet.generate_key().decode() for _number in range(3))


def keys(*values):
    return patch.dict(os.environ, {secret_cipher.ENVIRONMENT_VARIABLE: ",".join(values)})


@tagged("post_install", "-at_install")
class TestReencrypt(SandboxCase):
    """After a new key was put in front, every secret moves under it."""

    @classmethod
    def setUpClass(cls):
        cls.enterClassContext(keys(OLD))
        super().setUpClass()

    def setUp(self):
        super().setUp()
        self.server = self.connected_server("oauth2_microsoft_graph", ERIN)
        self.mailbox = self.server.oauth2_mailbox_id
        self.take_over = self.env["mail.oauth2.take.over"].create(
            {
                "server_id": self.server.id,
                "previous_type": "outlook",
                "previous_encrypted": secret_cipher.encrypt({"smtp_port": 587}, purpose="p"),
            }
        )
        self.other_mailbox = self.env["mail.oauth2.mailbox"].create(
            {"app_id": self.microsoft_app.id, "address": "bert@contoso.example"}
        )
        self.params = self.begin(self.other_mailbox, "bert@contoso.example")

    def reencrypt(self):
        self.env.flush_all()
        report = self.env["mail.oauth2.token"]._reencrypt()
        self.env.invalidate_all()
        return report

    def stored(self):
        """Return every ciphertext in the database by where it is."""
        found = {}
        for name, columns in ENCRYPTED_COLUMNS.items():
            for record in self.env[name].sudo().with_context(active_test=False).search([]):
                found |= {(name, record.id, column): record[column] for column in columns}
        return {place: ciphertext for place, ciphertext in found.items() if ciphertext}

    def test_everything_opens_with_the_new_key_alone(self):
        with keys(NEW, OLD):
            report = self.reencrypt()
            self.assertTrue(report.is_complete)
            self.assertEqual(set(report.rewritten), set(ENCRYPTED_COLUMNS))
        with keys(NEW):
            for place, ciphertext in self.stored().items():
                with self.subTest(place=place):
                    self.assertIsNone(secret_cipher.reencrypt(ciphertext))
            self.assertEqual(self.mailbox.state, "connected")
            self.assertTrue(self.mailbox._grant_sudo()._fresh_access_token("graph").value)
            self.finish(self.other_mailbox, self.params)
            self.env.invalidate_all()
            self.assertEqual(self.other_mailbox.state, "connected")

    def test_doing_it_again_changes_nothing(self):
        with keys(NEW, OLD):
            first = self.reencrypt()
            before = self.stored()
            second = self.reencrypt()
            self.assertEqual(self.stored(), before)
        self.assertFalse(second.rewritten)
        self.assertEqual(second.current, first.rewritten)

    def test_nothing_is_written_while_the_key_stays(self):
        before = self.stored()
        self.assertFalse(self.reencrypt().rewritten)
        self.assertEqual(self.stored(), before)

    def test_what_no_key_opens_is_named_and_left_alone(self):
        with keys(OTHER):
            lost = secret_cipher.encrypt("x", purpose="p")
        grant = self.mailbox._grant_sudo()
        grant.grant_encrypted = lost
        before = (grant.grant_encrypted, grant.access_tokens_encrypted, grant.key_fingerprint)
        with keys(NEW, OLD):
            report = self.reencrypt()
        self.assertFalse(report.is_complete)
        (name,) = report.unreadable
        self.assertIn(ERIN, name)
        self.assertNotIn(lost, name)
        self.assertEqual(
            (grant.grant_encrypted, grant.access_tokens_encrypted, grant.key_fingerprint), before
        )
        self.assertEqual(report.rewritten["mail.oauth2.app"], 2)

    def test_rows_without_secrets_do_not_count(self):
        self.mailbox._disconnect()
        self.assertNotIn("mail.oauth2.token", self.reencrypt().current)

    def test_no_encrypted_column_is_forgotten(self):
        found = {
            (name, field)
            for name, model in self.env.registry.items()
            for field in model._fields
            if name.startswith("mail.oauth2.") and field.endswith("_encrypted")
        }
        known = {(name, field) for name, fields in ENCRYPTED_COLUMNS.items() for field in fields}
        self.assertEqual(known, found)
