"""Encrypt what is stored: refresh tokens, access tokens, client secrets, pending sign-ins.

Keys come, in this order, from the environment variable ``MAIL_SERVER_OAUTH2_KEYS``, from the
option ``mail_server_oauth2_keys`` of Odoo's configuration file, or from a file in Odoo's data
directory, which is made on first use. Several keys are separated by commas: the first one
encrypts, all of them decrypt (that is how keys are rotated).
"""

import hashlib
import json
import logging
import os
import tempfile
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from odoo.tools import config

from ..exceptions import StorageKeyError

_logger = logging.getLogger(__name__)

ENVIRONMENT_VARIABLE = "MAIL_SERVER_OAUTH2_KEYS"
CONFIG_OPTION = "mail_server_oauth2_keys"
KEY_FILE = "mail_server_oauth2.key"


def encrypt(value, *, purpose):
    """Return ``value`` (JSON-able) as ciphertext that only opens for the same ``purpose``.

    The purpose (e.g. ``mail.oauth2.app/5/client_secret``) keeps somebody with write access to
    the database from moving a secret to a record that would send it somewhere else.

    :raises StorageKeyError: no usable key
    """
    payload = json.dumps({"for": purpose, "value": value}, separators=(",", ":"))
    return _cipher(_keys()).encrypt(payload.encode()).decode()


def decrypt(ciphertext, *, purpose):
    """Return the value that :func:`encrypt` was given.

    :raises StorageKeyError: no key opens it, or it was made for another purpose
    """
    try:
        payload = json.loads(_cipher(_keys()).decrypt(ciphertext.encode()))
    except (InvalidToken, ValueError):
        raise StorageKeyError from None
    if payload.get("for") != purpose:
        raise StorageKeyError(provider_text="The stored secret belongs to another record.")
    return payload["value"]


def reencrypt(ciphertext):
    """Return the same secret encrypted with the first key, ``None`` if it already is.

    Neither value nor purpose change, so nobody needs to know them.

    :raises StorageKeyError: no key opens it
    """
    keys = _keys()
    token = ciphertext.encode()
    try:
        _cipher(keys[:1]).decrypt(token)
    except InvalidToken:
        return _rotated(keys, token)
    return None


def fingerprint():
    """Return a short mark of the encrypting key, to tell later which key a secret needs."""
    return _fingerprint(_keys()[0])


def is_readable(mark):
    """Tell whether a secret encrypted under the key with this mark can be opened."""
    try:
        return mark in {_fingerprint(key) for key in _keys()}
    except StorageKeyError:
        return False


def _rotated(keys, token):
    try:
        return _cipher(keys).rotate(token).decode()
    except InvalidToken:
        raise StorageKeyError from None


def _fingerprint(key):
    return hashlib.sha256(key.encode()).hexdigest()[:12]


def _keys():
    configured = os.environ.get(ENVIRONMENT_VARIABLE) or config.get(CONFIG_OPTION)
    if configured:
        keys = tuple(key.strip() for key in configured.split(",") if key.strip())
        if not keys:
            raise StorageKeyError("storage_key_malformed")
        return keys
    return (_key_of_data_directory(config["data_dir"]),)


@lru_cache(maxsize=8)
def _cipher(keys):
    try:
        return MultiFernet([Fernet(key) for key in keys])
    except ValueError as error:
        raise StorageKeyError("storage_key_malformed") from error


def _key_of_data_directory(directory):
    path = os.path.join(directory, KEY_FILE)
    try:
        with open(path, encoding="ascii") as file:
            return file.read().strip()
    except FileNotFoundError:
        _create_key_file(path)
    except OSError as error:
        raise StorageKeyError("storage_key_unreadable", details={"path": path}) from error
    return _key_of_data_directory(directory)


def _create_key_file(path):
    """Put a new key at ``path`` unless another process was faster; never half a file."""
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    # mkstemp creates with mode 0600; link() fails where the name exists, so one process wins.
    handle, temporary = tempfile.mkstemp(dir=os.path.dirname(path), prefix=f".{KEY_FILE}")
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(Fernet.generate_key().decode())
            file.flush()
            os.fsync(file.fileno())
        os.link(temporary, path)
        _logger.info("Created the key that encrypts mail tokens: %s", path)
    except FileExistsError:
        _logger.debug("Another process created the key file first")
    finally:
        os.unlink(temporary)
