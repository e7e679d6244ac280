"""Retry-After in all its forms."""

import pytest
from mail_server_oauth2.providers.retry_after import LONGEST_PAUSE, parse_retry_after

NOON = 1_795_176_000.0  # Fri, 20 Nov 2026 12:00:00 GMT


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120.0),
        ("2.128", 2.128),  # Graph
        ("0", 0.0),
        ("-5", 0.0),
        (" 7 ", 7.0),
        ("999999999999", float(LONGEST_PAUSE)),
        ("Fri, 20 Nov 2026 12:01:30 GMT", 90.0),
        ("Fri, 20 Nov 2026 11:00:00 GMT", 0.0),
        ("Friday, 20-Nov-26 12:00:05 GMT", 5.0),
        ("Fri, 20 Nov 2126 12:00:00 GMT", float(LONGEST_PAUSE)),
        (None, None),
        ("", None),
        ("soon", None),
        ("nan", None),
        ("inf", None),
        ("Fri, 99 Nov 2026 12:00:00 GMT", None),
    ],
)
def test_every_form_becomes_seconds(value, seconds):
    assert parse_retry_after(value, now=lambda: NOON) == seconds
