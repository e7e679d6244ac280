"""Secrets stay out of texts and logs, the rest stays readable."""

import logging

import pytest
from mail_server_oauth2.providers.redaction import TEXT_LIMIT, clean_text, silence_debug

JWT = "eyJhbGciOiJSUzI1NiJ9.eyJhdWQiOiJjbGllbnQifQ.c2lnbmF0dXJlLW9mLXRoZS10b2tlbg"


@pytest.mark.parametrize(
    "credential",
    [
        JWT,
        "ya29.a0AfH6SMBx-9_Zk3.abc",
        "1//0gabcdefghijklmnopqrstuv-_",
        "4/0AeaYSHCabcdefghijklmnopq",
        "GOCSPX-abcDEF123_-abcdefghijklmnopq",
        "abc8Q~abcdefghijklmnopqrstuvwxyz1234567890.-_~"[:40],
        "0.AXoAabcdefghijklmnop-_abcdefghijklmnopqrstuv.AgABAAEAAAD",
        "A" * 40,
    ],
)
def test_whatever_looks_like_a_credential_is_hidden(credential):
    cleaned = clean_text(f"The value {credential} is bad.")
    assert cleaned == "The value […] is bad."


def test_words_ids_and_links_of_a_provider_stay():
    text = (
        "AADSTS700082: The refresh token has expired due to inactivity.\r\n"
        "Trace ID: 4f1b2c3d-aaaa-bbbb-cccc-0123456789ab\r\n"
        "Correlation ID: 5e6f7a8b-aaaa-bbbb-cccc-0123456789ab\r\n"
        "Timestamp: 2026-08-18 15:26:14Z https://aka.ms/smtp_auth_disabled"
    )
    assert clean_text(text) == text.replace("\r\n", "\n")


def test_an_exact_secret_is_hidden_however_short_it_is():
    assert clean_text("secret s3cret!", secrets=("s3cret!", "")) == "secret […]"


def test_control_characters_go_and_lines_stay():
    assert clean_text("a\x00\x1b[31mb\rc\u2028d\n") == "a[31mb\ncd"


def test_a_text_ends_at_the_limit():
    cleaned = clean_text("word " * 5000)
    assert len(cleaned) == TEXT_LIMIT
    assert cleaned.endswith("…")


@pytest.mark.parametrize("value", [None, 5, b"bytes", ["list"], {}])
def test_anything_but_text_is_nothing(value):
    assert clean_text(value) == ""


def test_debug_records_stay_silent_even_when_the_level_is_put_back(caplog):
    silence_debug("some_library.session")
    logger = logging.getLogger("some_library.session")
    with caplog.at_level(logging.DEBUG, "some_library.session"):
        logger.debug("the token is hunter2")
        logger.warning("heard")
    assert caplog.messages == ["heard"]
