"""The commands for keys, started as an administrator starts them, while Odoo works."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from odoo.tools import config

KEYS_VARIABLE = "MAIL_SERVER_OAUTH2_KEYS"
NEW, OTHER = (Fernet.generate_key().decode() for _number in range(2))
_TIMEOUT = 120  # seconds


def start(name, *arguments, keys=""):
    """Start a command of Odoo in a process of its own."""
    variables = os.environ | {"ODOO_RC": os.environ["ODOO_CONF"]}
    if keys:
        variables[KEYS_VARIABLE] = keys
    return subprocess.Popen(
        [sys.executable, "-m", "odoo", name, *arguments],
        env=variables,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def result(process):
    """Return exit code and output of a command."""
    try:
        output, log = process.communicate(timeout=_TIMEOUT)
    finally:
        process.kill()
    assert "Traceback" not in log, log
    return process.returncode, output


def start_reencrypt(keys):
    return start("mail_server_oauth2_reencrypt", "-d", os.environ["ODOO_DB"], keys=keys)


def reencrypt(keys):
    return result(start_reencrypt(keys))


def first_number(output):
    """Return how many rows the command has rewritten."""
    return int(output.splitlines()[0].rpartition(" ")[2])


@pytest.fixture
def file_key(office):
    """The key of the data directory, under which every secret is again afterwards."""
    office.connected_mailbox()
    key = Path(config["data_dir"], "mail_server_oauth2.key").read_text(encoding="ascii").strip()
    yield key
    assert reencrypt(f"{key},{NEW}")[0] == 0


def test_everything_moves_under_the_first_key(office, file_key):
    mailbox = office.connected_mailbox()
    code, output = reencrypt(f"{NEW},{file_key}")
    assert (code, first_number(output) > 0) == (0, True), output
    code, output = reencrypt(NEW)
    assert (code, first_number(output)) == (0, 0), output
    assert reencrypt(f"{file_key},{NEW}")[0] == 0
    assert mailbox.token().value


def test_what_no_key_opens_is_named_without_a_secret(office, file_key):
    mailbox = office.connected_mailbox()
    before = office.database.rows("SELECT grant_encrypted FROM mail_oauth2_token ORDER BY id")
    code, output = reencrypt(OTHER)
    assert code == 1
    assert mailbox.address in output
    stored = office.database.rows("SELECT grant_encrypted FROM mail_oauth2_token ORDER BY id")
    assert stored == before
    shown = [row[0] for row in stored if row[0] and row[0] in output]
    assert (shown, file_key in output, OTHER in output) == ([], False, False)


def test_a_refresh_at_the_same_time_is_waited_for(office, file_key, database):
    """What another process is just writing is neither overwritten nor left behind."""
    mailbox = office.connected_mailbox()
    with mailbox.record() as record:
        grant = record._grant_sudo()
        grant._lock()
        grant.access_tokens_encrypted = grant._seal("access_tokens_encrypted", {})
        grant.flush_recordset()
        process = start_reencrypt(f"{NEW},{file_key}")
        wait_until(lambda: waits_for_a_lock(database))
    code, output = result(process)
    assert code == 0, output
    code, output = reencrypt(NEW)
    assert (code, first_number(output)) == (0, 0), output


def wait_until(true):
    deadline = time.monotonic() + _TIMEOUT
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def waits_for_a_lock(database):
    query = """SELECT count(*) FROM pg_stat_activity
                WHERE datname = %s AND wait_event_type = 'Lock'"""
    return database.rows(query, database.name) == [(1,)]


def test_new_key_can_be_used():
    code, output = result(start("mail_server_oauth2_newkey"))
    assert code == 0
    Fernet(output.strip())
