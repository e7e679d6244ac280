import os
import stat
import tempfile
from unittest.mock import patch

from cryptography.fernet import Fernet

from odoo.tests import BaseCase, tagged
from odoo.tools import config

from ..exceptions import StorageKeyError
from ..models import secret_cipher

OLD, NEW = (Fernet.generate_key().decode() for _number in range(2))


def keys(*values):
    return patch.dict(os.environ, {secret_cipher.ENVIRONMENT_VARIABLE: ",".join(values)})


@tagged("post_install", "-at_install")
class TestSecretCipher(BaseCase):
    def test_what_was_encrypted_comes_back(self):
        with keys(OLD):
            sealed = secret_cipher.encrypt({"a": ["ü", 1]}, purpose="x/1/y")
            self.assertEqual(secret_cipher.decrypt(sealed, purpose="x/1/y"), {"a": ["ü", 1]})
            self.assertNotIn("ü", sealed)

    def test_ciphertext_moved_to_another_record_does_not_open(self):
        with keys(OLD):
            sealed = secret_cipher.encrypt("secret", purpose="mail.oauth2.app/1/client_secret")
            with self.assertRaises(StorageKeyError) as caught:
                secret_cipher.decrypt(sealed, purpose="mail.oauth2.app/2/client_secret")
        self.assertNotIn("secret value", str(caught.exception))

    def test_several_keys_first_encrypts_all_decrypt(self):
        with keys(OLD):
            before = secret_cipher.encrypt("secret", purpose="p")
        with keys(NEW, OLD):
            self.assertEqual(secret_cipher.decrypt(before, purpose="p"), "secret")
            after = secret_cipher.encrypt("secret", purpose="p")
            mark = secret_cipher.fingerprint()
        with keys(NEW):
            self.assertEqual(secret_cipher.decrypt(after, purpose="p"), "secret")
            self.assertTrue(secret_cipher.is_readable(mark))
            with self.assertRaises(StorageKeyError):
                secret_cipher.decrypt(before, purpose="p")

    def test_tampered_ciphertext_does_not_open(self):
        with keys(OLD):
            sealed = secret_cipher.encrypt("secret", purpose="p")
            for broken in (sealed[:-2], sealed[::-1], "", "gAAAA", "é"):
                with self.subTest(broken=broken[:8]), self.assertRaises(StorageKeyError):
                    secret_cipher.decrypt(broken, purpose="p")

    def test_malformed_key_is_said_so(self):
        with keys("too short"), self.assertRaises(StorageKeyError) as caught:
            secret_cipher.encrypt("secret", purpose="p")
        self.assertEqual(caught.exception.key, "storage_key_malformed")
        self.assertNotIn("too short", str(caught.exception))
        with keys("", " "), self.assertRaises(StorageKeyError):
            secret_cipher.fingerprint()

    def test_key_file_is_made_once_and_for_the_owner_only(self):
        with tempfile.TemporaryDirectory() as directory, patch.dict(os.environ):
            os.environ.pop(secret_cipher.ENVIRONMENT_VARIABLE, None)
            with patch.dict(config.options, {"data_dir": directory}):
                first = secret_cipher.fingerprint()
                self.assertEqual(secret_cipher.fingerprint(), first)
            path = os.path.join(directory, secret_cipher.KEY_FILE)
            self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
            self.assertEqual(os.listdir(directory), [secret_cipher.KEY_FILE])

    def test_unreadable_key_is_not_replaced(self):
        with tempfile.TemporaryDirectory() as directory, patch.dict(os.environ):
            os.environ.pop(secret_cipher.ENVIRONMENT_VARIABLE, None)
            os.mkdir(os.path.join(directory, secret_cipher.KEY_FILE))
            with patch.dict(config.options, {"data_dir": directory}):
                with self.assertRaises(StorageKeyError) as caught:
                    secret_cipher.fingerprint()
                self.assertFalse(secret_cipher.is_readable("whatever"))
        self.assertEqual(caught.exception.key, "storage_key_unreadable")
