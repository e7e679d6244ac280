"""The envelope decides who gets a mail through Graph, and nobody gets it twice."""

import email.policy
import tracemalloc
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import EmailMessage, Message
from email.utils import getaddresses

import pytest
from mail_server_oauth2.exceptions import RefusedError
from mail_server_oauth2.transport.envelope import to_graph_mime

ANN, BOB, CAT = "ann@fabrikam.example", "bob@fabrikam.example", "cat@fabrikam.example"


def mail(**headers):
    message = EmailMessage(policy=email.policy.SMTP)
    message["Message-Id"] = "<1@contoso.example>"
    message["From"] = "erp@contoso.example"
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content("Hello\n")
    return message


def read(mime):
    """Parse as a receiver would, with the other of Python's two parsers too."""
    return message_from_bytes(mime, policy=email.policy.default)


def delivered(mime):
    """Addresses Graph would serve, one entry per header mention."""
    headers = message_from_bytes(mime)  # the old parser: no code in common with the writer
    values = [str(v) for name in ("To", "Cc", "Bcc") for v in headers.get_all(name, ())]
    return [address for _name, address in getaddresses(values)]


def header_addresses(mime, name):
    header = read(mime)[name]
    return [(a.display_name, a.addr_spec) for a in header.addresses] if header else []


def shown_name(mime):
    """Display name of To; Python's newer parser puts blanks between encoded words (gh-92081)."""
    name, _address = getaddresses([message_from_bytes(mime)["To"]])[0]
    return str(make_header(decode_header(name)))


def test_header_that_agrees_with_the_envelope_stays():
    mime = to_graph_mime(mail(To=f"Ann <{ANN}>", Cc=BOB), [ANN, BOB])
    assert header_addresses(mime, "To") == [("Ann", ANN)]
    assert header_addresses(mime, "Cc") == [("", BOB)]
    assert read(mime)["Bcc"] is None


def test_header_set_from_a_list_as_odoo_core_does_is_read():
    mime = to_graph_mime(mail(To=[f"Ann <{ANN}>", BOB], Cc=[CAT]), [ANN, CAT])
    assert header_addresses(mime, "To") == [("Ann", ANN)]
    assert header_addresses(mime, "Cc") == [("", CAT)]


def test_people_shown_but_not_in_the_envelope_are_cut():
    mime = to_graph_mime(mail(To=f"{ANN}, {BOB}", Cc=CAT), [ANN])
    assert delivered(mime) == [ANN]


def test_people_in_the_envelope_only_become_blind_copies():
    mime = to_graph_mime(mail(To=ANN), [ANN, BOB, CAT])
    assert header_addresses(mime, "Bcc") == [("", BOB), ("", CAT)]


def test_header_left_empty_is_dropped():
    mime = to_graph_mime(mail(To=f"Channel <{CAT}>"), [ANN])
    assert read(mime)["To"] is None
    assert delivered(mime) == [ANN]


@pytest.mark.parametrize("to", ["undisclosed-recipients:;", "", "no address at all", "<>"])
def test_header_that_names_nobody_is_dropped(to):
    mime = to_graph_mime(mail(To=to), [ANN])
    assert read(mime)["To"] is None
    assert delivered(mime) == [ANN]


def test_groups_are_opened():
    mime = to_graph_mime(mail(To=f"Team: Ann <{ANN}>, {BOB};, {CAT}"), [ANN, CAT])
    assert header_addresses(mime, "To") == [("Ann", ANN), ("", CAT)]


def test_one_person_named_twice_is_kept_once():
    mime = to_graph_mime(mail(To=f"{ANN}, Ann <{ANN}>", Cc=ANN, Bcc=ANN), [ANN, ANN])
    assert delivered(mime) == [ANN]


def test_spelling_of_the_envelope_wins_and_case_does_not_matter():
    mime = to_graph_mime(mail(To="Ann <Ann@Fabrikam.example>"), [ANN])
    assert header_addresses(mime, "To") == [("Ann", ANN)]


def test_first_spelling_of_the_envelope_counts():
    assert delivered(to_graph_mime(mail(To=ANN), [ANN, ANN.upper()])) == [ANN]


def test_resent_blind_copies_are_not_shown():
    assert b"bob" not in to_graph_mime(mail(To=ANN, Resent_Bcc=BOB), [ANN])


def test_unicode_domain_of_the_header_is_the_ascii_one_of_the_envelope():
    mime = to_graph_mime(mail(To="Jörg <joerg@müller.example>"), ["joerg@xn--mller-kva.example"])
    assert header_addresses(mime, "To") == [("Jörg", "joerg@xn--mller-kva.example")]
    assert mime.isascii()


def test_several_headers_of_one_name_become_one():
    message = Message()
    for value in (f"=?utf-8?q?J=C3=B6rg?= <{ANN}>", BOB):
        message["To"] = value
    message.set_payload("Hello\n")
    mime = to_graph_mime(message, [ANN, BOB])
    assert header_addresses(mime, "To") == [("Jörg", ANN), ("", BOB)]


def test_headers_set_from_lists_as_odoo_core_does_are_read():
    mime = to_graph_mime(
        mail(To=[f"=?utf-8?q?J=C3=B6rg?= <{ANN}>", f'"Bob, eve@evil.example" <{BOB}>'], Cc=[CAT]),
        [ANN, BOB, CAT],
    )
    assert header_addresses(mime, "To") == [("Jörg", ANN), ("Bob, eve@evil.example", BOB)]
    assert header_addresses(mime, "Cc") == [("", CAT)]


@pytest.mark.parametrize("to", ["<", "a <", ":;<", "=?utf-8?q?", "\\", "(", "a@b.example <"])
def test_header_the_library_trips_over_keeps_nobody_from_their_mail(to):
    message = Message()
    message["To"] = to
    message.set_payload("Hello\n")
    assert delivered(to_graph_mime(message, [ANN])) == [ANN]


@pytest.mark.parametrize(
    "name",
    [
        "Müller, Hans",
        "eve@evil.example",
        "Hans, eve@evil.example, Müller",
        '"Hans" <eve@evil.example>, x',
        "Back\\slash",
        "very long name " * 20,
        "Ünïcödé " * 30,
        "株式会社フロッグ",
        "x" * 1200,
        "tab\there",
        "🐸",
    ],
)
def test_display_name_arrives_and_never_becomes_a_recipient(name):
    message = mail()
    message["To"] = email.headerregistry.Address(name, addr_spec=ANN)
    mime = to_graph_mime(message, [ANN])
    assert delivered(mime) == [ANN]
    assert shown_name(mime) == " ".join(name.split())
    assert max(map(len, mime.splitlines())) <= 998


def test_other_headers_survive_unchanged():
    url = "https://odoo.example/unsubscribe?token=" + "a1B2" * 40
    long_id = f"<{'9' * 90}-openerp-42-sale.order@odoo.contoso.example>"
    headers = {
        "In_Reply_To": long_id,
        "References": " ".join([long_id] * 9),
        "Reply_To": '"Sales, Inc." <catchall@contoso.example>',
        "List_Unsubscribe": f"<{url}>, <mailto:x@contoso.example>",
        "List_Unsubscribe_Post": "List-Unsubscribe=One-Click",
        "X_Odoo_Objects": "sale.order-" + "1" * 120,
        "Subject": "Über " * 30,
    }
    mime = to_graph_mime(mail(To=ANN, **headers), [ANN])
    result = read(mime)
    assert result["Message-Id"] == "<1@contoso.example>"
    for name, value in headers.items():
        assert " ".join(result[name.replace("_", "-")].split()) == value.strip()
    raw = mime.split(b"\r\n\r\n")[0].replace(b"\r\n ", b" ")
    assert url.encode() in raw
    assert f"In-Reply-To: {long_id}".encode() in raw


def test_original_is_left_as_it_is():
    message = mail(To=f"{ANN}, {BOB}", Cc=CAT, Bcc=BOB)
    message.add_attachment(b"x", maintype="image", subtype="png")
    before = list(message.items())
    to_graph_mime(message, [ANN])
    assert list(message.items()) == before


def test_line_ends_are_crlf_only():
    message = mail(To=f"Jörg <{ANN}>")
    message.set_content("one\ntwo\rthree\r\nfour")
    message.add_attachment(b"\n\r\x00" * 99, maintype="image", subtype="png")
    mime = to_graph_mime(message, [ANN, BOB])
    assert b"\r" not in mime.replace(b"\r\n", b"")
    assert b"\n" not in mime.replace(b"\r\n", b"")


def test_unwritable_message_is_refused():
    message = mail(To=ANN)
    message.set_payload(object())
    with pytest.raises(RefusedError, match="message_malformed"):
        to_graph_mime(message, [ANN])


def test_large_attachments_are_not_copied_about():
    content = bytes(range(256)) * 8192
    message = mail(To=ANN)
    message.add_attachment(content, maintype="application", subtype="pdf")
    tracemalloc.start()
    to_graph_mime(message, [ANN])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 6 * len(content)
