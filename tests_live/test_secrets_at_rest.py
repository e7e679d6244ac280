"""What a backup of the database gives away, and what a neutralized copy still can do."""

import json

import pytest

from odoo.addons.mail_server_oauth2.models.token_memory import memory

from database_copy import copied, everything_in
from office import GMAIL, GRAPH, Office

#: names of what is secret in the token caches of msal and google-auth
_SECRET_NAMES = ("secret", "refresh_token", "client_secret")
_CIPHERTEXTS = """
    SELECT grant_encrypted FROM mail_oauth2_token
     UNION SELECT access_tokens_encrypted FROM mail_oauth2_token
     UNION SELECT client_secret_encrypted FROM mail_oauth2_app
     UNION SELECT pending_encrypted FROM mail_oauth2_authorization
"""


@pytest.fixture
def mailboxes(office):
    """One connected mailbox of each provider, with tokens that were refreshed."""
    connected = [office.connected_mailbox(kind, expired=True) for kind in (GRAPH, GMAIL)]
    for mailbox in connected:
        mailbox.token()
    return connected


@pytest.fixture
def pending(office):
    """What the provider needs to finish a sign-in that has begun: all of it secret."""
    mailbox = office.new_mailbox()
    with mailbox.record() as record:
        url = record._begin_sign_in()
    state = office.sandbox.sign_in(url, mailbox.address)["state"]
    with mailbox.record() as record:
        found = record.env["mail.oauth2.authorization"]._peek(state)
    sign_in = found["pending"]["sign_in"]
    return [state, sign_in["nonce"], sign_in["flow"]["code_verifier"]]


@pytest.fixture
def secrets(mailboxes, pending, sandbox):
    """Every secret that Odoo keeps, in plain text."""
    found = [sandbox[provider]["client_secret"] for provider in ("microsoft", "google")]
    for mailbox in mailboxes:
        found.append(mailbox.token().value)
        with mailbox.record() as record:
            found += secrets_in(json.loads(record._grant_sudo()._stored_cache()))
    return [*found, *pending]


def secrets_in(value):
    """Return the secrets of a token cache."""
    if isinstance(value, list):
        return [secret for item in value for secret in secrets_in(item)]
    if not isinstance(value, dict):
        return []
    own = [item for name, item in value.items() if name in _SECRET_NAMES and isinstance(item, str)]
    return own + secrets_in(list(value.values()))


def ciphertexts(database):
    return [row[0] for row in database.rows(_CIPHERTEXTS) if row[0]]


def test_backup_holds_no_secret_in_plain_text(secrets, database):
    backup = everything_in(database)
    assert len(secrets) >= 9
    # Were the ciphertexts not found, then the backup would not be a whole one.
    assert all(ciphertext in backup for ciphertext in ciphertexts(database))
    assert not [secret[:6] for secret in secrets if secret in backup]


def test_neutralized_copy_holds_no_secret_at_all(secrets, database):
    encrypted = ciphertexts(database)
    assert len(encrypted) >= 7
    with copied(database, "neutralized", neutralize=True) as copy:
        backup = everything_in(copy)
    assert not [secret[:6] for secret in (*secrets, *encrypted) if secret in backup]


def test_neutralized_copy_cannot_send(mailboxes, database, sandbox):
    calls = len(sandbox.token_calls())
    with copied(database, "neutralized", neutralize=True) as copy:
        office = Office(copy, sandbox)
        memory.clear()
        for original in mailboxes:
            mailbox = office.same_mailbox(original)
            assert mailbox.state() == "disconnected"
            with mailbox.record() as record:
                assert not any(record.with_context(active_test=False).server_ids.mapped("active"))
            mails = office.queue(mailbox)
            office.send(mails)
            assert "sent" not in office.states(mails)
    assert not sandbox.delivered()
    assert len(sandbox.token_calls()) == calls
