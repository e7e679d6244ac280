"""A message is written the same way in pieces as it is at once, and costs no copies."""

import email
import email.policy
import os
import tracemalloc
from email.message import EmailMessage
from email.mime.application import MIMEApplication
from email.mime.multipart import MIMEMultipart

import pytest
from mail_server_oauth2.transport.content import LARGE, Content, to_content
from mail_server_oauth2.transport.serialisation import to_bytes

BLOCK_SIZES = [1, 2, 77, 78, 4096, 10**9]


def mail(*sizes, text="Hello\n.\n..\n", policy=email.policy.SMTP, **kinds):
    message = EmailMessage(policy=policy)
    message["From"], message["To"] = "erp@contoso.example", "ann@fabrikam.example"
    message["Message-Id"] = "<1@contoso.example>"
    message.set_content(text)
    message.add_alternative("<p>Hello</p>", subtype="html")
    for number, size in enumerate(sizes):
        message.add_attachment(
            os.urandom(size),
            maintype="application",
            subtype="pdf",
            filename=f"{number}.pdf",
            **kinds,
        )
    # The generator would choose another boundary each time.
    for number, part in enumerate(message.walk()):
        if part.is_multipart():
            part.set_boundary(f"=={number}==")
    return message


def single():
    message = EmailMessage(policy=email.policy.SMTP)
    message.set_content(os.urandom(LARGE), maintype="application", subtype="zip")
    return message


def old_api():
    message = MIMEMultipart(boundary="==0==")
    message["Subject"] = "old"
    message.attach(MIMEApplication(os.urandom(LARGE)))
    return message


def without_last_line_end():
    message = mail(LARGE)
    part = next(iter(message.iter_attachments()))
    part.set_payload(part.get_payload().rstrip("\n"))
    return message


def parsed():
    return email.message_from_bytes(to_bytes(mail(LARGE)), policy=email.policy.SMTP)


def forwarded():
    message = mail(10)
    message.add_attachment(mail(LARGE))
    message.set_boundary("==0==")
    return message


def image_in_html():
    message = mail(LARGE)
    html = message.get_body(("html",))
    html.add_related(os.urandom(LARGE), "image", "png", cid="<logo@x>")
    html.set_boundary("==related==")
    return message


@pytest.mark.parametrize(
    "make",
    [
        mail,
        lambda: mail(10),
        lambda: mail(LARGE),
        lambda: mail(10, LARGE, 3 * LARGE, 10),
        lambda: mail(LARGE, policy=email.policy.default),
        lambda: mail(LARGE, text="Grüße\n" * 10, cte="base64"),
        single,
        old_api,
        without_last_line_end,
        parsed,
        forwarded,
        image_in_html,
    ],
)
def test_pieces_join_to_what_is_written_at_once(make):
    message = make()
    before = to_bytes(message, prefix=b"Bcc: x@y.example\r\n")
    content = to_content(message, prefix=b"Bcc: x@y.example\r\n")
    for size in BLOCK_SIZES:
        assert b"".join(content.blocks(size)) == before
    assert len(content) == len(before)
    assert to_bytes(message, prefix=b"Bcc: x@y.example\r\n") == before


@pytest.mark.parametrize("size", BLOCK_SIZES)
def test_blocks_hold_whole_lines(size):
    blocks = list(to_content(mail(LARGE)).blocks(size))
    assert all(block.endswith(b"\r\n") for block in blocks[:-1])
    assert len(blocks) == 3 or max(map(len, blocks)) < size + 200


def test_eight_bit_text_is_not_ascii_and_files_are():
    assert to_content(mail(LARGE)).isascii()
    assert not to_content(mail(LARGE, text="Grüße", policy=email.policy.SMTP)).isascii()
    assert Content(b"a", "b").isascii()
    assert not Content(b"a", "ä").isascii()


def test_seven_bit_is_made_of_eight_bit_text():
    message = mail(LARGE, text="Grüße")
    assert to_content(message, seven_bit=True).isascii()


def test_large_file_is_held_once():
    message = mail(8_000_000)
    tracemalloc.start()
    for block in to_content(message).blocks(65536):
        assert block
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1.5 * 8_000_000
