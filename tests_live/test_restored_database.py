"""A database on a server that has other keys: nothing crashes, nothing is thrown away."""

import os
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from odoo.addons.mail_server_oauth2.exceptions import StorageKeyError
from odoo.addons.mail_server_oauth2.models.secret_cipher import KEY_FILE
from odoo.tools import config

from database_copy import copied
from odoo_library import KEYS_VARIABLE
from odoo_processes import in_another_process
from office import Office

_SECRETS = (
    "SELECT grant_encrypted, access_tokens_encrypted FROM mail_oauth2_token WHERE mailbox_id = %s"
)


@pytest.fixture(scope="module")
def restored(demo_database):
    """A copy of the database, as a backup that was restored somewhere."""
    with copied(demo_database, "restored") as copy:
        yield copy


@pytest.fixture
def mailbox(restored, sandbox):
    """A mailbox of the restored database that was connected under the old key."""
    return Office(restored, sandbox).connected_mailbox()


@pytest.fixture
def new_server(tmp_path):
    """Make calls in processes whose data directory is new, so that there is no key yet."""

    def call(function):
        def on_new_server():
            config["data_dir"] = str(tmp_path)
            return function()

        return in_another_process(on_new_server)

    return call


def with_keys(keys, function):
    """Make a call in a process that is given these keys."""

    def on_server():
        os.environ[KEYS_VARIABLE] = keys
        return function()

    return in_another_process(on_server)


def stored_secrets(mailbox):
    return mailbox.office.database.rows(_SECRETS, mailbox.id)


def old_key():
    return Path(config["data_dir"], KEY_FILE).read_text(encoding="ascii").strip()


def look_at(mailbox):
    """Return what people see of a mailbox."""
    with mailbox.record() as record:
        return record.state, record.error_cause, str(record.status_html)


def incidents(mailbox):
    """Return the ids of what administrators were told to look at."""
    with mailbox.record() as record:
        return record._incident_activities().ids


def test_sign_in_is_needed_and_the_reason_is_said(mailbox, new_server):
    state, cause, status = new_server(lambda: look_at(mailbox))
    assert state == "sign_in_needed"
    assert "key" in cause
    assert "Sign-in needed" in status


def test_mail_waits_without_a_call_and_people_are_told(mailbox, new_server):
    secrets = stored_secrets(mailbox)
    mails = mailbox.office.queue(mailbox, 2)
    new_server(lambda: mailbox.office.send(mails))
    assert mailbox.office.states(mails) == {"outgoing": 2}
    with pytest.raises(StorageKeyError):
        new_server(mailbox.token)
    assert not mailbox.token_calls()
    assert stored_secrets(mailbox) == secrets
    state, cause, _status = new_server(lambda: look_at(mailbox))
    assert state == "sign_in_needed"
    assert "key" in cause
    assert incidents(mailbox)


def test_everything_works_again_with_the_old_key(mailbox, new_server):
    with pytest.raises(StorageKeyError):
        new_server(mailbox.token)
    mails = mailbox.office.queue(mailbox)
    mailbox.office.send(mails)
    assert mailbox.office.states(mails) == {"sent": 1}
    assert mailbox.state() == "connected"
    assert not incidents(mailbox)


def test_new_sign_in_works_under_the_new_key(mailbox, new_server, sandbox):
    secret = sandbox["microsoft"]["client_secret"]
    mails = mailbox.office.queue(mailbox)

    def mend():
        with mailbox.record() as record:
            # One of its own: the others keep the registration whose secret the old key opens.
            record.app_id = record.app_id.copy({"client_secret": secret})
        mailbox.office.sign_in(mailbox)
        mailbox.office.send(mails)
        return mailbox.state()

    assert new_server(mend) == "connected"
    assert mailbox.office.states(mails) == {"sent": 1}


def test_keys_are_rotated(mailbox):
    """What the old key closed stays readable; what is written is written under the new one."""
    new = Fernet.generate_key().decode()
    before = mailbox.token()
    assert with_keys(f"{new},{old_key()}", mailbox.token) == before
    renewed = with_keys(f"{new},{old_key()}", lambda: mailbox.token(refused=before))
    assert renewed != before
    assert with_keys(new, mailbox.token) == renewed
    assert with_keys(new, lambda: look_at(mailbox))[0] == "connected"
    with pytest.raises(StorageKeyError):
        mailbox.token(refused=renewed)


def test_client_secret_that_no_key_opens_is_said(mailbox):
    """The old key was thrown away before everything was under the new one."""
    new = Fernet.generate_key().decode()
    token = mailbox.token()
    with_keys(f"{new},{old_key()}", lambda: mailbox.token(refused=token))
    token = with_keys(new, mailbox.token)
    with pytest.raises(StorageKeyError):
        with_keys(new, lambda: mailbox.token(refused=token))
    state, cause, _status = with_keys(new, lambda: look_at(mailbox))
    assert state == "configuration_error"
    assert "key" in cause
    assert incidents(mailbox)
