"""Bytes that leave: CRLF everywhere, and headers that machines read are left whole."""

import email.policy
from email import message_from_bytes
from email.message import EmailMessage
from email.mime.text import MIMEText
from email.utils import getaddresses

import pytest
from mail_server_oauth2.exceptions import RefusedError
from mail_server_oauth2.transport.serialisation import to_bytes

LONG_ID = f"<{'9' * 90}-openerp-42-sale.order@odoo.contoso.example>"


def mail(body="Hello\n", **headers):
    message = EmailMessage(policy=email.policy.SMTP)
    message.set_content(body)
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    return message


def header_lines(content, name):
    head = content.split(b"\r\n\r\n")[0].decode().replace("\r\n ", "\n ")
    return next(h for h in head.split("\r\n") if h.startswith(f"{name}:")).split("\n")


@pytest.mark.parametrize("name", ["Message-Id", "In-Reply-To", "References", "Content-ID"])
def test_long_id_stays_on_the_line_of_its_name(name):
    assert header_lines(to_bytes(mail(**{name: LONG_ID})), name) == [f"{name}: {LONG_ID}"]


def test_references_fold_between_ids_only_where_the_line_limit_asks_for_it():
    ids = [LONG_ID] * 20
    lines = header_lines(to_bytes(mail(References=" ".join(ids))), "References")
    assert " ".join(line.strip() for line in lines) == "References: " + " ".join(ids)
    assert len(lines) > 1 and max(map(len, lines)) <= 998


@pytest.mark.parametrize("name", ["List-Unsubscribe", "X-Odoo-Objects"])
def test_long_value_for_machines_is_not_encoded(name):
    url = "<https://odoo.example/?token=" + "ab-" * 70 + ">"
    lines = header_lines(to_bytes(mail(**{name: f"{url}, <mailto:x@contoso.example>"})), name)
    assert lines == [f"{name}: {url},", " <mailto:x@contoso.example>"]


def test_other_headers_are_folded_as_ever():
    message = mail(Subject="Rechnung für " * 20, X_Text="word " * 40, To='"Zoë" <zoe@x.example>')
    assert to_bytes(message) == message.as_bytes(policy=email.policy.SMTP)


@pytest.mark.parametrize("name", ["From", "Reply-To", "To"])
@pytest.mark.parametrize("as_core_does", [False, True])
def test_long_display_name_keeps_to_itself(name, as_core_does):
    shown = "Sales, eve@evil.example, and a name so long that its header has to be folded somewhere"
    value = f'"{shown}" <sales@contoso.example>'
    content = to_bytes(mail(**{name: [value] if as_core_does else value}))
    (mailbox,) = message_from_bytes(content, policy=email.policy.SMTP)[name].addresses
    assert mailbox.addr_spec == "sales@contoso.example"
    assert getaddresses([message_from_bytes(content)[name]])[0][1] == "sales@contoso.example"


def test_long_header_with_a_group_keeps_the_group():
    members = ", ".join(f"p{number}@fabrikam.example" for number in range(9))
    content = to_bytes(mail(To=f"Team: {members};"))
    (group,) = message_from_bytes(content, policy=email.policy.SMTP)["To"].groups
    assert (group.display_name, len(group.addresses)) == ("Team", 9)


def test_attached_message_keeps_the_lines_it_came_with():
    source = (
        b"Message-ID: <1@x.example>\r\nX-Signature: " + b"a" * 200 + b"\r\n\tb=c\r\n"
        b"Subject: one\r\n  two\r\n\r\nHello\r\n"
    )
    message = mail()
    message.add_attachment(message_from_bytes(source), filename="a.eml")
    assert source in to_bytes(message)


def test_value_too_long_for_any_line_is_encoded_and_not_broken():
    content = to_bytes(mail(X_Blob="a" * 2000))
    assert max(map(len, content.split(b"\r\n"))) <= 998
    assert message_from_bytes(content, policy=email.policy.SMTP)["X-Blob"] == "a" * 2000


def test_eight_bit_body_is_recoded_on_demand_without_touching_the_message():
    message = EmailMessage(policy=email.policy.SMTP)
    message.set_content("Grüße\n", cte="8bit")
    before = message.as_bytes()
    assert not to_bytes(message).isascii()
    assert to_bytes(message, seven_bit=True).isascii()
    assert message.as_bytes() == before


def test_international_headers_are_written_as_utf8_on_demand():
    message = mail(Subject="Grüße")
    assert to_bytes(message).isascii()
    assert "Subject: Grüße\r\n".encode() in to_bytes(message, utf8=True)


def test_prefix_stands_in_front():
    plain = to_bytes(mail())
    assert to_bytes(mail(), prefix=b"Bcc: a\r\n") == b"Bcc: a\r\n" + plain


def test_message_of_the_old_interface_is_written_too():
    message = MIMEText("From here\nGrüße\n", "plain", "utf-8")
    message["Subject"] = "x"
    assert to_bytes(message) == message.as_bytes().replace(b"\n", b"\r\n")


def test_from_at_the_start_of_a_line_is_left_alone():
    message = MIMEText("From here\n")
    assert b"\r\nFrom here" in to_bytes(message)


@pytest.mark.parametrize("body", ["a\rb", "a\nb", "a\r\nb", "a\n\rb\r"])
def test_no_bare_line_feed_or_carriage_return_leaves(body):
    content = to_bytes(mail(body)).replace(b"\r\n", b"")
    assert b"\r" not in content and b"\n" not in content


def test_message_with_an_unknown_charset_is_refused():
    message = mail()
    message.set_payload("Gr\udcfc\udcdfe")
    message.set_param("charset", "no-such-charset")
    with pytest.raises(RefusedError, match="message_malformed"):
        to_bytes(message, seven_bit=True)
