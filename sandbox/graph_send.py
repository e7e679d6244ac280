"""Microsoft Graph's sendMail, and the rules every mail sent through Graph meets.

https://learn.microsoft.com/graph/api/user-sendmail
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
from email.errors import MessageError
from email.headerregistry import Address

from starlette.requests import Request
from starlette.responses import Response

from . import exchange
from .directory import Account
from .graph_auth import Caller, authenticate, mailbox_of
from .graph_limits import graph_pace
from .graph_mime import from_json
from .http_errors import GraphError, graph_error
from .mail import MessageSource
from .mailboxes import StoredMessage

REQUEST_BYTES = 4 * 1024 * 1024


async def send_mail(request: Request) -> Response:
    """Answer ``POST /me/sendMail`` and ``POST /users/{id}/sendMail``: 202 and nothing else."""
    caller = authenticate(request)
    mailbox = mailbox_of(request, caller, "Mail.Send")
    with graph_pace(caller, mailbox, sends=True):
        body = await read_body(request)
        await asyncio.sleep(caller.world.settings.graph_latency_seconds)
        if is_mime(request):
            raw, save = decode_mime(body), True
        else:
            payload = parse_json(body)
            raw = from_json(payload.get("message") or {}, mailbox)
            save = payload.get("saveToSentItems", True)
        submit(caller, mailbox, raw, save=save)
    return Response(status_code=202, headers=caller.headers())


def is_mime(request: Request) -> bool:
    """Whether the body is MIME in base64 rather than JSON.

    :raises GraphError: 415 neither of them
    """
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type not in ("text/plain", "application/json"):
        raise GraphError(415, "UnsupportedMediaType", f"Content type {content_type!r}.")
    return content_type == "text/plain"


async def read_body(request: Request) -> bytes:
    """Read a request body of at most 4 MB.

    :raises GraphError: 413, or 400 where the switch says so
    """
    body = await request.body()
    if len(body) <= REQUEST_BYTES:
        return body
    if request.app.state.world.settings.graph_oversize_status == 400:
        raise graph_error("BadRequest", "The maximum request length supported is 4MB.", 400)
    raise graph_error("RequestEntityTooLarge")


def decode_mime(body: bytes) -> bytes:
    """Return the message from its base64; line breaks in it are fine.

    :raises GraphError: 400 ErrorMimeContentInvalidBase64String
    """
    try:
        raw = base64.b64decode(b"".join(body.split()), validate=True)
    except binascii.Error as error:
        raise graph_error("ErrorMimeContentInvalidBase64String") from error
    if not raw:
        raise graph_error("ErrorMimeContentInvalidBase64String")
    return raw


def parse_json(body: bytes) -> dict:
    """Return a JSON object.

    :raises GraphError: 400 BadRequest
    """
    try:
        parsed = json.loads(body)
    except ValueError as error:
        raise graph_error("BadRequest", "Unable to read JSON request payload.", 400) from error
    if not isinstance(parsed, dict):
        raise graph_error("BadRequest", "Unable to read JSON request payload.", 400)
    return parsed


def submit(
    caller: Caller, mailbox: Account, raw: bytes, *, save: bool = True
) -> StoredMessage | None:
    """Take a message: its To, Cc and Bcc are the envelope.

    :return: its copy in Sent Items, ``None`` where none is kept
    :raises GraphError: 400 no or bad recipients or too big, 403 ErrorSendAsDenied
    """
    world, message = caller.world, MessageSource(raw)
    if len(raw) > world.settings.mailbox_message_bytes:
        raise graph_error("ErrorMessageSizeExceeded")
    recipients = message.addresses("To", "Cc", "Bcc")
    _check_recipients(world, recipients)
    _check_sender(caller, mailbox, message)
    exchange.complete_headers(world, message, mailbox)
    for name in exchange.DROPPED_BY_GRAPH:
        del message.headers[name]
    copy = exchange.deliver(
        world,
        message,
        recipients,
        via="graph",
        mailbox=mailbox,
        account=(caller.account or mailbox).address,
        envelope_from=message.addresses("From")[0],
        sent_items=mailbox.address if save else "",
    )
    refused = world.mail.refused_recipients
    bounced = {r: refused[r.lower()] for r in recipients if r.lower() in refused}
    if bounced:
        exchange.return_undeliverable(world, mailbox, bounced)
    return copy


def _check_recipients(world, recipients: list[str]) -> None:
    if not recipients:
        raise graph_error("ErrorInvalidRecipients")
    if not all(_is_address(recipient) for recipient in recipients):
        raise graph_error("ErrorInvalidRecipients", "At least one recipient is not valid.")
    if len(recipients) > world.settings.exchange_recipients_per_message:
        raise GraphError(
            400,
            "ErrorExceededMaxRecipientLimit",
            "The message has more recipients than a message may have.",
        )


def _is_address(text: str) -> bool:
    try:
        return bool(Address(addr_spec=text).domain)
    except (ValueError, IndexError, MessageError):
        return False


def _check_sender(caller: Caller, mailbox: Account, message: MessageSource) -> None:
    senders = message.addresses("From")
    if not senders:
        return
    allowed = exchange.sender_addresses(caller.world, caller.account, mailbox)
    foreign = any(sender.lower() != mailbox.address.lower() for sender in senders)
    if len(senders) > 1 or senders[0].lower() not in allowed:
        raise graph_error("ErrorSendAsDenied")
    if foreign and caller.account and not caller.may("Mail.Send.Shared"):
        raise graph_error("ErrorSendAsDenied")
