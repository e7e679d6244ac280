"""Which files leave a message that is too large, and what is left of it."""

import email
import email.policy
import os
from email.message import EmailMessage
from email.mime.application import MIMEApplication
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText

import pytest
from mail_server_oauth2.transport.attachments import detached
from mail_server_oauth2.transport.message_tree import rough_size
from mail_server_oauth2.transport.serialisation import to_bytes

KB = 1000


def mail(**files):
    """Return a mail with text, HTML and files: ``name=size in bytes``."""
    message = EmailMessage(policy=email.policy.SMTP)
    message["Subject"], message["Message-Id"] = "Files", "<1@contoso.example>"
    message["X-Odoo-Objects"] = "sale.order-1"
    message.set_content("Hello\n")
    message.add_alternative("<p>Hello</p>", subtype="html")
    for name, size in files.items():
        message.add_attachment(
            os.urandom(size), maintype="application", subtype="pdf", filename=f"{name}.pdf"
        )
    return message


def names(files):
    return [file.name for file in files]


def left(rest):
    """Return what a reader of the rest finds: its texts and the names of its files."""
    parsed = email.message_from_bytes(to_bytes(rest), policy=email.policy.SMTP)
    texts = [part for part in parsed.walk() if part.get_content_maintype() == "text"]
    names = [part.get_filename() for part in parsed.iter_attachments()]
    return [part.get_content().strip() for part in texts], names


def test_largest_files_leave_until_the_rest_fits():
    message = mail(a=10 * KB, b=90 * KB, c=40 * KB, d=60 * KB)
    rest, files = detached(message, 80 * KB)
    assert names(files) == ["b.pdf", "d.pdf"]
    assert rough_size(rest) <= 80 * KB
    assert left(rest) == (["Hello", "<p>Hello</p>"], ["a.pdf", "c.pdf"])


def test_nothing_leaves_a_message_that_fits():
    message = mail(a=10 * KB)
    assert detached(message, 80 * KB) == (message, [])


def test_message_itself_is_left_as_it_is():
    message = mail(a=90 * KB)
    message.set_boundary("==0==")
    message.get_payload(0).set_boundary("==1==")
    before = to_bytes(message)
    rest, (file,) = detached(message, KB)
    assert to_bytes(message) == before
    assert rest["X-Odoo-Objects"] == "sale.order-1"
    assert file.content() == next(message.iter_attachments()).get_content()
    assert (file.content_type, file.content_id, file.is_inline) == ("application/pdf", "", False)


def test_image_of_the_html_keeps_its_id():
    message = mail()
    image = os.urandom(90 * KB)
    html = message.get_body(("html",))
    html.add_related(image, "image", "png", cid="<logo@odoo.example>")
    rest, (file,) = detached(message, KB)
    assert (file.name, file.content_type) == ("attachment.png", "image/png")
    assert (file.content_id, file.is_inline) == ("logo@odoo.example", True)
    assert file.content() == image
    assert left(rest)[0] == ["Hello", "<p>Hello</p>"]


def test_attachment_with_an_id_is_no_inline_image():
    message = mail()
    message.add_attachment(
        os.urandom(90 * KB), maintype="image", subtype="png", filename="x.png", cid="<x@y>"
    )
    _rest, (file,) = detached(message, KB)
    assert (file.content_id, file.is_inline) == ("x@y", False)


@pytest.mark.parametrize(
    ("text", "charset"), [("a;b\r\n" * 20_000, "us-ascii"), ("ä;b\r\n" * 20_000, "utf-8")]
)
@pytest.mark.parametrize("cte", ["base64", "quoted-printable", "8bit"])
def test_text_file_is_the_same_file(text, charset, cte):
    message = mail()
    message.add_attachment(text, subtype="csv", filename="List.csv", charset=charset, cte=cte)
    _rest, (file,) = detached(message, KB)
    assert (file.name, file.content_type) == ("List.csv", "text/csv")
    assert file.content().decode(charset).splitlines() == text.splitlines()


def test_broken_base64_is_read_as_email_reads_it():
    part = MIMEApplication(b"")
    part.set_payload("YWJj\nZA" * 1000)
    part.add_header("Content-Disposition", "attachment", filename="x.bin")
    message = MIMEMultipart()
    message.attach(MIMEText("Hello"))
    message.attach(part)
    _rest, (file,) = detached(message, 10)
    assert file.content() == part.get_payload(decode=True)


def test_forwarded_mail_is_a_file_of_its_own():
    inner, message = mail(a=90 * KB), mail()
    message.add_attachment(inner)
    rest, (file,) = detached(message, KB)
    assert (file.name, file.content_type) == ("attachment.eml", "message/rfc822")
    assert file.content() == to_bytes(inner)
    assert left(rest)[0] == ["Hello", "<p>Hello</p>"]


@pytest.mark.parametrize("kind", ["signed", "encrypted"])
def test_sealed_parts_stay_whole(kind):
    inner = MIMEMultipart("mixed")
    inner.attach(MIMEText("Hello"))
    inner.attach(MIMEApplication(os.urandom(90 * KB), Name="a.pdf"))
    sealed = MIMEMultipart(kind)
    sealed.attach(inner)
    sealed.attach(MIMEApplication(b"signature", "pkcs7-signature", Name="smime.p7s"))
    assert detached(sealed, KB) == (sealed, [])


def test_text_stays_however_long_it_is():
    message = mail(a=10 * KB)
    message.get_body(("plain",)).set_content("x\n" * 90 * KB)
    rest, files = detached(message, KB)
    assert names(files) == ["a.pdf"]
    assert rough_size(rest) > 90 * KB


def test_mail_of_files_alone_keeps_an_empty_text():
    message = MIMEMultipart()
    message["Subject"] = "Files"
    message.attach(MIMEApplication(os.urandom(90 * KB), Name="a.pdf"))
    rest, files = detached(message, KB)
    assert names(files) == ["a.pdf"]
    assert left(rest) == ([""], [])
    assert (rest["Subject"], len(message.get_payload())) == ("Files", 1)


def test_emptied_parts_go():
    message, inner = MIMEMultipart(), MIMEMultipart()
    message.attach(MIMEText("Hello"))
    message.attach(inner)
    inner.attach(MIMEApplication(os.urandom(90 * KB), Name="a.pdf"))
    rest, _files = detached(message, KB)
    assert [part.get_content_type() for part in rest.get_payload()] == ["text/plain"]
