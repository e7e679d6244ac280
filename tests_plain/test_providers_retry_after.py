"""Retry-After in all its forms."""

import pytest
from mail_server_oauth2.providers.retry_after import (
    LONGEST_PAUSE,
    parse_retry_after,
    pause_in_words,
    requested_pause,
)

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


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("Too many requests. Please retry after 37 seconds.", 37),
        ("Rate limit is exceeded. Try again in 5 minutes.", 300),
        ("Please try again later (in 90 secs)", 90),
        ("Request is throttled. Suggested Backoff Time: 299910 milliseconds", 299.91),  # Exchange
        ("You reached the limit for today: wait 24 hours", 86400),
        ("Greylisted, please wait at least 1.5 minutes", 90),
        ("wait for 1 hour and 30 minutes before retrying", 5400),
        ("retry in 1h 5m 30s", 3930),
        ("Retry after 3 days", LONGEST_PAUSE),
        ("Sending is available again in 2 HOURS", 7200),
        # Gmail
        ("User-rate limit exceeded.  Retry after 2026-11-20T12:15:00.500Z (Mail sending)", 900.5),
        ("next allowed at: Fri, 20 Nov 2026 12:01:30 GMT.", 90),
        ("Blocked; do not retry until 20 November 2026 13:00 +0100", 0),
        ("Wait until 2026-11-20 12:10:00+00:00, please", 600),
        ("retry after 2026-11-20 11:59 UTC", 0),
    ],
)
def test_words_that_name_a_time_become_seconds(text, seconds):
    assert pause_in_words(text, now=lambda: NOON) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "4.7.500 Server busy. Please try again later.",
        "Application is over its limit of 30 messages in 1 minute.",
        "Too many login attempts, try again later; support is available 24 hours a day",
        "retry after 5 messages",
        "try 3 months of our service",
        "Retry after 2026-11-20T12:15:00",  # of which zone?
        "Retry after 11/12/2026 10:00:00 GMT",  # November or December?
        "Retry after 2026-99-99T12:15:00Z",
        "retry " * 5000 + "in 5 seconds",
    ],
)
def test_words_that_name_no_time_or_none_for_sure_mean_nothing(text):
    assert pause_in_words(text, now=lambda: NOON) is None


def test_header_goes_before_words():
    text = "Please retry after 37 seconds."
    assert requested_pause("2.128", text, now=lambda: NOON) == 2.128
    assert requested_pause("soon", text, now=lambda: NOON) == 37
    assert requested_pause(None, "later", now=lambda: NOON) is None
