"""Messages between Graph's JSON and MIME.

https://learn.microsoft.com/graph/api/resources/message
"""

from __future__ import annotations

import base64
import binascii
from datetime import UTC, datetime
from email import message_from_bytes
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, default

from .directory import Account
from .http_errors import GraphError, graph_error
from .mailboxes import File, StoredMessage

HEADERS_PER_MESSAGE = 5

# What is only read and written again keeps the lines it came with.
_AS_IT_CAME = SMTP.clone(refold_source="none")


def from_json(message: dict, mailbox: Account) -> bytes:
    """Build MIME from a Graph message.

    :raises GraphError: 400 for what Graph does not take
    """
    mime = EmailMessage(policy=SMTP)
    sender = message.get("from") or {
        "emailAddress": {"name": mailbox.name, "address": mailbox.address}
    }
    mime["From"] = _address(sender)
    for field, name in _RECIPIENT_FIELDS.items():
        if people := message.get(field):
            mime[name] = [_address(person) for person in people]
    mime["Subject"] = " ".join(str(message.get("subject", "")).split())
    if message.get("internetMessageId"):
        mime["Message-ID"] = message["internetMessageId"]
    if importance := message.get("importance"):
        mime["Importance"] = importance
    _add_headers(mime, message.get("internetMessageHeaders") or [])
    body = message.get("body") or {}
    html = str(body.get("contentType", "text")).lower() == "html"
    mime.set_content(str(body.get("content", "")), subtype="html" if html else "plain")
    for attachment in message.get("attachments") or []:
        attach(mime, file_of(attachment))
    return mime.as_bytes()


_RECIPIENT_FIELDS = {
    "toRecipients": "To",
    "ccRecipients": "Cc",
    "bccRecipients": "Bcc",
    "replyTo": "Reply-To",
}


def file_of(attachment: dict) -> File:
    """Read a ``fileAttachment``.

    :raises GraphError: 400 without a name, or where the content is not base64
    """
    name = str(attachment.get("name") or "")
    if not name:
        raise graph_error("BadRequest", "The property 'name' is required.", 400)
    try:
        content = base64.b64decode(attachment.get("contentBytes", ""), validate=True)
    except (binascii.Error, TypeError) as error:
        raise graph_error("BadRequest", "Cannot convert contentBytes.", 400) from error
    return File.described(attachment, content)


def attach(mime: EmailMessage, file: File) -> None:
    """Add a file to a message."""
    maintype, _, subtype = file.content_type.partition("/")
    mime.add_attachment(
        file.content,
        maintype=maintype,
        subtype=subtype or "octet-stream",
        filename=file.name,
        disposition="inline" if file.is_inline else "attachment",
        cid=f"<{file.content_id}>" if file.content_id else None,
    )


def complete(message: StoredMessage) -> bytes:
    """Return a message with the files that were added to it."""
    if not message.files:
        return message.source
    mime = message_from_bytes(message.source, policy=_AS_IT_CAME)
    for file in message.files:
        attach(mime, file)
    return mime.as_bytes()


def changed(source: bytes, changes: dict) -> bytes:
    """Return a draft with another subject, body or recipients.

    :raises GraphError: 400 for other properties
    """
    mime = message_from_bytes(source, policy=_AS_IT_CAME)
    for name, value in changes.items():
        if name == "subject":
            del mime["Subject"]
            mime["Subject"] = value
        elif name in _RECIPIENT_FIELDS:
            del mime[_RECIPIENT_FIELDS[name]]
            mime[_RECIPIENT_FIELDS[name]] = [_address(person) for person in value]
        else:
            raise graph_error("BadRequest", f"The sandbox cannot change {name}.", 400)
    return mime.as_bytes()


def to_json(message: StoredMessage) -> dict:
    """Return a stored message as Graph shows it."""
    mime = message_from_bytes(message.source, policy=default)
    moment = datetime.fromtimestamp(message.at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    body = mime.get_body(("html", "plain"))
    return {
        "id": message.id,
        "createdDateTime": moment,
        "receivedDateTime": moment,
        "sentDateTime": moment,
        "hasAttachments": bool(message.files) or any(mime.iter_attachments()),
        "internetMessageId": message.internet_message_id,
        "subject": str(mime.get("Subject", "")),
        "parentFolderId": message.folder,
        "isRead": True,
        "isDraft": message.is_draft,
        "body": {
            "contentType": body.get_content_subtype() if body else "text",
            "content": body.get_content() if body else "",
        },
        "from": (_people(mime, "From") or [None])[0],
        "toRecipients": _people(mime, "To"),
        "ccRecipients": _people(mime, "Cc"),
        "bccRecipients": _people(mime, "Bcc"),
        "replyTo": _people(mime, "Reply-To"),
    }


def _people(mime: EmailMessage, name: str) -> list[dict]:
    return [
        {"emailAddress": {"name": _utf8(address.display_name), "address": _utf8(address.addr_spec)}}
        for header in mime.get_all(name, [])
        for address in header.addresses
    ]


def _utf8(text: str) -> str:
    """Return a header's text where the header was UTF-8 itself (RFC 6532)."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _address(person: dict) -> Address:
    found = person.get("emailAddress") or {}
    try:
        return Address(found.get("name") or "", addr_spec=found.get("address") or "")
    except Exception as error:
        raise graph_error(
            "ErrorInvalidRecipients", "At least one recipient is not valid."
        ) from error


def _add_headers(mime: EmailMessage, headers: list[dict]) -> None:
    if len(headers) > HEADERS_PER_MESSAGE:
        raise GraphError(
            400,
            "InvalidInternetMessageHeaderCollection",
            "Maximum number of headers in one message should be less than or equal to 5.",
        )
    for header in headers:
        name = str(header.get("name", ""))
        if not name.lower().startswith("x-"):
            raise GraphError(
                400,
                "InvalidInternetMessageHeader",
                f"The internet message header name '{name}' should start with 'x-' or 'X-'.",
            )
        mime[name] = str(header.get("value", ""))
