"""A valid token costs next to nothing: it is asked for with every mail."""

import statistics
import time
from unittest.mock import patch

from odoo.addons.mail_server_oauth2.models import secret_cipher

from odoo_processes import in_another_process
from statements import recorded_statements, writes

CALLS = 300


def test_valid_token_in_memory_costs_one_read_and_less_than_a_millisecond(office, record_property):
    mailbox = office.connected_mailbox()
    with mailbox.record() as record:
        get_token = record._token_source(mailbox.resource)
        first = get_token(False)
        with (
            recorded_statements() as statements,
            patch.object(secret_cipher, "decrypt", side_effect=AssertionError),
        ):
            durations = [timed(get_token, first) for _call in range(CALLS)]
    assert len(statements) == CALLS
    assert not writes(statements)
    median = statistics.median(durations)
    record_property("microseconds", round(median * 1e6))
    assert median < 0.001
    assert not mailbox.token_calls()


def timed(get_token, expected):
    began = time.perf_counter()
    token = get_token(False)
    duration = time.perf_counter() - began
    assert token is expected
    return duration


def test_first_token_of_a_process_is_read_and_nothing_is_written(office):
    mailbox = office.connected_mailbox()

    def read():
        with recorded_statements() as statements:
            token = mailbox.token()
        return token.value, statements

    value, statements = in_another_process(read)
    assert value
    assert statements
    assert not writes(statements)
    assert not mailbox.token_calls()


def test_token_that_another_process_renewed_is_read_and_nothing_is_written(office):
    mailbox = office.connected_mailbox()
    old = mailbox.token()
    in_another_process(lambda: mailbox.token(refused=old))
    with recorded_statements() as statements:
        assert mailbox.token() != old
    assert not writes(statements)
    assert len(mailbox.token_calls()) == 1
