"""Any pasted text: what is recognised in it, what is shown of it, and what is not."""

import json
import textwrap
import time
from html import escape
from urllib.parse import quote

import pytest
from known_errors import read_samples
from mail_server_oauth2.recognition import hide_secrets, recognise
from mail_server_oauth2.recognition.pasted_text import LIMIT, readings

from scripts import error_page

CATALOGUE = {entry.key: entry for entry in error_page.read_catalogue()}
SENTENCES = [(entry.key, entry.cause) for entry in CATALOGUE.values()]
SAMPLES = read_samples()

#: Sections about what others say: each entry needs a text of theirs.
SAMPLED_SECTIONS = {
    "Exchange SMTP", "Gmail API", "Gmail SMTP", "Google sign-in", "Mail and recipients",
    "Microsoft 365 without sign-in (direct send and relay)", "Microsoft Graph",
    "Microsoft sign-in (AADSTS)", "Microsoft sign-in without a number", "Network",
    "Receiving mail (IMAP)", "SMTP",
}  # fmt: skip
#: Entries there that Odoo finds by itself: the only text is Odoo's own.
OWN = {
    "address_invalid", "answer_incomplete", "google_no_refresh_token", "google_wrong_client",
    "graph_unexpected_answer", "no_recipients", "not_json", "redirect_refused",
    "response_too_large", "smtp_unexpected_answer", "smtp_utf8_missing",
}  # fmt: skip


class Values(dict):
    """Values of placeholders that nobody gave."""

    def __missing__(self, name):
        return f"some {name}"


def keys_in(text, sentences=SENTENCES):
    return [finding.key for finding in recognise(text, sentences)]


def reason(key, provider_text=""):
    """Return the failure reason of a mail, as Odoo stores it."""
    entry = CATALOGUE[key]
    lines = [entry.cause, entry.remedy, entry.command, entry.link]
    lines = [line % Values() for line in lines if line]
    return "\n".join([*lines, *([f"The provider says: {provider_text}"] if provider_text else [])])


def as_log(text):
    return (
        "2026-11-21 05:00:01,123 4711 WARNING prod odoo.addons.mail_server_oauth2.models."
        f"mail_oauth2_token: Mailbox erp@contoso.example: {text}"
    )


def as_odoo_answer(text):
    return json.dumps({"error": {"data": {"message": text, "debug": f"Traceback:\n{text}"}}})


FORMS = {
    "as it is": str,
    "a line of a log": as_log,
    "inside JSON": as_odoo_answer,
    "as Python shows it": repr,
    "a page": lambda text: f"<!DOCTYPE html><html><body><p>{escape(text)}</p></body></html>",
    "an address": lambda text: f"https://erp.contoso.example/web?message={quote(text)}",
    "broken into lines": lambda text: "\n".join(
        textwrap.wrap(text, 60, break_long_words=False, break_on_hyphens=False)
    ),
    "quoted in a mail": lambda text: textwrap.indent(text, "> "),
}


def test_every_entry_has_a_sample_or_is_odoo_s_own():
    needed = {key for key, entry in CATALOGUE.items() if entry.section in SAMPLED_SECTIONS}
    assert needed - OWN - set(SAMPLES) == set()
    assert set(SAMPLES) - set(CATALOGUE) == set()
    assert set(SAMPLES) & OWN == set()


def test_the_sections_are_called_so():
    assert SAMPLED_SECTIONS - {entry.section for entry in CATALOGUE.values()} == set()


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("key", sorted(SAMPLES))
def test_a_provider_s_text_leads_to_its_entry(key, form):
    assert keys_in(FORMS[form](SAMPLES[key]))[:1] == [key]


@pytest.mark.parametrize("key", sorted(SAMPLES))
def test_the_provider_s_text_alone_is_enough(key):
    assert keys_in(SAMPLES[key], sentences=())[:1] == [key]


@pytest.mark.parametrize("key", sorted(CATALOGUE))
def test_a_failure_reason_of_odoo_leads_to_its_entry(key):
    found = keys_in(reason(key, SAMPLES.get(key, "")))
    same_words = {other for other, cause in SENTENCES if cause == CATALOGUE[key].cause}
    assert found[0] == key or (key not in SAMPLES and set(found) <= same_words)


@pytest.mark.parametrize("key", sorted(CATALOGUE))
def test_a_line_of_our_log_leads_to_its_entry(key):
    assert key in keys_in(as_log(f"{key}: what the provider said"))


@pytest.mark.parametrize("key", sorted(key for key in SAMPLES if key.startswith("aadsts_")))
def test_a_number_of_entra_is_enough_wherever_it_stands(key):
    text = SAMPLES[key]
    number = text.partition(":")[0].removeprefix("AADSTS")
    token_answer = {
        "error": "invalid_grant",
        "error_description": f"{text}\r\nTrace ID: 4f1b2c3d-aaaa-bbbb-cccc-0123456789ab",
        "error_codes": [int(number)],
        "error_uri": f"https://login.microsoftonline.com/error?code={number}",
    }
    callback = f"https://erp/mail_server_oauth2/callback?error=access_denied&error_description={quote(text)}"
    cut_off = f'…","error_uri":"https://login.microsoftonline.com/error?code={number}"}}'
    for written in (json.dumps(token_answer), callback, cut_off):
        assert keys_in(written) == [key]


def test_several_errors_are_all_shown_the_most_telling_first():
    text = "\n".join(
        [
            "ConnectionRefusedError: [Errno 111] Connection refused",
            "554 Transaction failed",
            SAMPLES["google_invalid_client"],
            SAMPLES["aadsts_50173"],
        ]
    )
    assert keys_in(text) == ["aadsts_50173", "google_invalid_client", "connection_refused"]


def test_what_says_least_is_shown_where_there_is_nothing_else():
    assert keys_in("554 Transaction failed") == ["smtp_refused"]


def test_an_unknown_number_of_entra_is_named():
    (finding,) = recognise("AADSTS50097: Device authentication is required.")
    assert (finding.key, finding.details) == ("aadsts_unknown", {"number": "50097"})


def test_an_unknown_name_is_named():
    (finding,) = recognise('{"error": "brand_new_error", "error_description": "x"}')
    assert (finding.key, finding.details) == ("oauth_error_unknown", {"error": "brand_new_error"})


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ('{"error": "invalid_client"}', {"entra_invalid_client", "google_invalid_client"}),
        ('{"error": "invalid_client", "trace_id": "x"}', {"entra_invalid_client"}),
        ("oauth2.googleapis.com: (invalid_client) Unauthorized", {"google_invalid_client"}),
    ],
)
def test_what_both_providers_say_is_shown_for_both_unless_one_is_named(text, keys):
    assert set(keys_in(text)) == keys


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("smtplib.SMTPRecipientsRefused: {'a@b.example': (552, b'5.2.2 full')}",
         "recipient_mailbox_full"),
        ("smtplib.SMTPDataError: (552, b'5.2.2 STOREDRV.Submission full')", "mailbox_full"),
        ("smtplib.SMTPSenderRefused: (552, b'too big', 'a@b.example')", "message_too_large"),
    ],
)  # fmt: skip
def test_smtplib_s_class_tells_the_stage(text, key):
    assert keys_in(text) == [key]


def test_the_sentence_of_another_language_leads_to_its_entry():
    german = [("send_as_denied", "Das Konto darf nicht als %(mailbox)s senden.")]
    assert keys_in("Das Konto darf nicht als erp@contoso.example senden.", german) == [
        "send_as_denied"
    ]


def test_a_sentence_within_a_longer_one_is_not_meant():
    sentences = [("short", "The app is unknown."), ("long", "Odoo says: The app is unknown.")]
    assert keys_in("Odoo says: The app is unknown.", sentences) == ["long"]


def test_host_and_port_reach_the_sentences():
    (finding,) = recognise(SAMPLES["read_timeout"])
    assert finding.details == {"host": "graph.microsoft.com", "port": "443"}


def test_the_mailbox_of_our_log_and_the_server_of_odoo_s_reach_the_sentences():
    (finding,) = recognise(as_log("535 5.7.3 Authentication unsuccessful"))
    assert finding.details == {"mailbox": "erp@contoso.example"}
    (finding,) = recognise(SAMPLES["exchange_auth_refused"])
    assert finding.details == {"host": "smtp.office365.com"}


def test_what_is_shown_stays_in_its_line_and_has_whole_words():
    text = f"first line\n{'word ' * 50}AADSTS50173: revoked {'more ' * 100}\nlast line"
    (finding,) = recognise(text)
    assert finding.text.startswith("…word word")
    assert finding.text.endswith("more…")
    assert "line" not in finding.text


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \n ",
        "Hello, where is my invoice 5012?",
        "Odoo 19.0.1.0.0 on 192.168.5.1, version 4.5.1",
        "Traceback (most recent call last):\n  File \"x.py\", line 535, in f\nKeyError: 'x'",
        "order S00550 confirmed, 550 units",
        "2026-11-21 10:00:00 GET /web 200",
        "Warning: configuration: see the page on refused payments: throttled",
        "<p>Hello</p>",
        "404 Not Found",
    ],
)
def test_a_text_without_an_error_is_not_explained(text):
    assert keys_in(text) == []


SECRETS = {
    "client secret": "client_secret=short-one",
    "client secret of Entra": "abc8Q~abcdefghijklmnopqrstuvwxyz1234567890"[:40],
    "client secret of Google": "GOCSPX-abcDEF123_-abcdefghijk",
    "password": "password: hunter2",
    "JSON": '"refresh_token": "tiny"',
    "header": "Authorization: Bearer abc.def.ghi",
    "basic": "Authorization: Basic b2RvbzpzZWNyZXQ=",
    "SASL": "AUTH XOAUTH2 dXNlcj1l/cnBAY29u/dG9zbw==",
    "cookie": "Cookie: session_id=0123456789abcdef",
    "address": "https://erp/callback?code=0.AXoAshort&state=Q2x1ZVdp",
    "JWT": "eyJhbGciOiJSUzI1NiJ9.eyJhdWQiOiJjbGllbnQifQ.c2ln",
}
HIDDEN = {
    "client secret": "short-one", "client secret of Entra": "8Q~abc",
    "client secret of Google": "abcDEF123", "password": "hunter2", "JSON": "tiny",
    "header": "abc.def", "basic": "b2Rvb", "SASL": "dXNlcj", "cookie": "0123456789",
    "address": "AXoAshort", "JWT": "eyJhbG",
}  # fmt: skip


@pytest.mark.parametrize("kind", SECRETS)
def test_a_pasted_secret_is_shown_nowhere(kind):
    text = f"AADSTS50173: revoked {SECRETS[kind]} 535 5.7.3 Authentication unsuccessful"
    findings = recognise(text, SENTENCES)
    assert {finding.key for finding in findings} >= {"aadsts_50173", "exchange_auth_refused"}
    assert HIDDEN[kind] not in hide_secrets(text)
    assert HIDDEN[kind] not in "".join(f"{finding!r}" for finding in findings)


def test_the_words_of_an_encoded_address_can_be_read():
    (finding,) = recognise(
        "https://erp/callback?error=x&error_description=AADSTS65004%3A+User+declined"
    )
    assert "AADSTS65004: User declined" in finding.text


def test_words_numbers_and_links_of_an_error_are_not_hidden():
    for sample in SAMPLES.values():
        text = readings(sample)[-1]
        for word in ("AADSTS", "5.7.139", "error", "token", "secret", "aka.ms"):
            assert hide_secrets(text).count(word) == text.count(word)


@pytest.mark.parametrize(
    "text",
    [
        "A" * 4 * LIMIT,
        "535 5.7.3 x\n" * LIMIT,
        "AADSTS50173: x " * LIMIT,
        "<p>" * LIMIT,
        "%41" * LIMIT,
        '{"error":' * LIMIT,
        "certificate verify failed: " * LIMIT,
        "hostname " * LIMIT,
        "password = " * LIMIT,
        "code=aaaaaaaa" * LIMIT,
    ],
    ids=lambda text: text[:12],
)
def test_a_text_of_any_size_is_read_at_once(text):
    start = time.process_time()
    recognise(text, SENTENCES)
    assert time.process_time() - start < 5  # seconds; a pattern that runs wild takes minutes
