"""Microsoft Graph's messages: drafts, folders, filters, and sending a draft.

https://learn.microsoft.com/graph/api/user-post-messages
https://learn.microsoft.com/graph/api/user-list-messages
"""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from .directory import Account
from .exchange import complete_headers
from .graph_auth import Caller, authenticate, mailbox_of
from .graph_filter import matcher
from .graph_limits import graph_pace
from .graph_mime import changed, complete, file_of, from_json, to_json
from .graph_send import decode_mime, is_mime, parse_json, read_body, submit
from .http_errors import GraphError, graph_error
from .mail import MessageSource
from .mailboxes import FOLDERS, StoredMessage, messages_of, store

PAGE_SIZE = 10


async def list_messages(request: Request) -> JSONResponse:
    """Answer ``GET /messages`` and ``GET /mailFolders/{folder}/messages``, newest first."""
    caller = authenticate(request)
    mailbox = mailbox_of(request, caller, "Mail.Read", "Mail.ReadWrite")
    wanted = matcher(request.query_params.get("$filter", ""))
    found = [message for message in _visible(request, caller, mailbox) if wanted(message)]
    skip, top = _number(request, "$skip", 0), _number(request, "$top", PAGE_SIZE)
    page = [to_json(message) for message in found[skip : skip + top]]
    if selected := request.query_params.get("$select"):
        names = ["id", *selected.replace(" ", "").split(",")]
        page = [{name: row[name] for name in names if name in row} for row in page]
    context = f"{caller.world.addresses.https}/v1.0/$metadata#users/messages"
    answer: dict = {"@odata.context": context, "value": page}
    if len(found) > skip + top:
        answer["@odata.nextLink"] = str(request.url.include_query_params(**{"$skip": skip + top}))
    return JSONResponse(answer, headers=caller.headers())


async def create_draft(request: Request) -> JSONResponse:
    """Answer ``POST /messages`` with JSON or MIME: 201 and the draft."""
    caller = authenticate(request)
    mailbox = mailbox_of(request, caller, "Mail.ReadWrite")
    with graph_pace(caller, mailbox):
        body = await read_body(request)
        raw = decode_mime(body) if is_mime(request) else from_json(parse_json(body), mailbox)
        message = MessageSource(raw)
        complete_headers(caller.world, message, mailbox)
        draft = store(
            caller.world,
            mailbox.address,
            bytes(message),
            "drafts",
            immutable="ImmutableId" in request.headers.get("prefer", ""),
        )
    location = {"Location": f"{caller.world.addresses.https}/v1.0/me/messages/{draft.id}"}
    return JSONResponse(to_json(draft), 201, headers=caller.headers() | location)


async def one_message(request: Request) -> Response:
    """Answer GET, PATCH and DELETE of ``/messages/{id}``."""
    caller = authenticate(request)
    needed = ("Mail.Read", "Mail.ReadWrite") if request.method == "GET" else ("Mail.ReadWrite",)
    mailbox = mailbox_of(request, caller, *needed)
    message = _find(request, caller, mailbox)
    if request.method == "DELETE":
        del messages_of(caller.world, mailbox.address)[message.id]
        return Response(status_code=204, headers=caller.headers())
    if request.method == "PATCH":
        message.source = changed(message.source, parse_json(await read_body(request)))
    return JSONResponse(to_json(message), headers=caller.headers())


async def mime_content(request: Request) -> Response:
    """Answer GET and PUT of ``/messages/{id}/$value``."""
    caller = authenticate(request)
    needed = ("Mail.Read", "Mail.ReadWrite") if request.method == "GET" else ("Mail.ReadWrite",)
    mailbox = mailbox_of(request, caller, *needed)
    message = _find(request, caller, mailbox)
    if request.method == "PUT":
        message.source = decode_mime(await read_body(request))
    return Response(complete(message), media_type="text/plain", headers=caller.headers())


async def add_attachment(request: Request) -> JSONResponse:
    """Answer ``POST /messages/{id}/attachments``: files below 3 MB."""
    caller = authenticate(request)
    mailbox = mailbox_of(request, caller, "Mail.ReadWrite")
    with graph_pace(caller, mailbox):
        draft = find_draft(request, caller, mailbox)
        file = file_of(parse_json(await read_body(request)))
        draft.files.append(file)
    answer = {
        "@odata.type": "#microsoft.graph.fileAttachment",
        "id": f"{draft.id}-{len(draft.files)}",
        "name": file.name,
        "contentType": file.content_type,
        "size": len(file.content),
        "isInline": file.is_inline,
        "contentId": file.content_id or None,
    }
    return JSONResponse(answer, 201, headers=caller.headers())


async def send_draft(request: Request) -> Response:
    """Answer ``POST /messages/{id}/send``: 202, and the draft is gone.

    Its copy in Sent Items keeps an immutable id.
    https://learn.microsoft.com/graph/outlook-immutable-id#immutable-id-with-sending-mail
    """
    caller = authenticate(request)
    mailbox = mailbox_of(request, caller, "Mail.Send")
    draft = find_draft(request, caller, mailbox)
    with graph_pace(caller, mailbox, sends=True):
        await asyncio.sleep(caller.world.settings.graph_latency_seconds)
        sent = submit(caller, mailbox, complete(draft))
        messages = messages_of(caller.world, mailbox.address)
        del messages[draft.id]
        if draft.immutable:
            del messages[sent.id]
            sent.id = draft.id
            messages[sent.id] = sent
    return Response(status_code=202, headers=caller.headers())


def find_draft(request: Request, caller: Caller, mailbox: Account) -> StoredMessage:
    """Return the draft in the URL.

    :raises GraphError: 404 ErrorItemNotFound, 400 it was sent already
    """
    message = _find(request, caller, mailbox)
    if not message.is_draft:
        raise graph_error("ErrorInvalidOperation", "The message is not a draft.", 400)
    return message


def _find(request: Request, caller: Caller, mailbox: Account) -> StoredMessage:
    message = messages_of(caller.world, mailbox.address).get(request.path_params["id"])
    if message is None:
        raise graph_error("ErrorItemNotFound")
    return message


def _visible(request: Request, caller: Caller, mailbox: Account) -> list[StoredMessage]:
    """Return the messages a folder shows; Sent Items may lag behind by a switch."""
    world, folder = caller.world, request.path_params.get("folder", "").lower()
    if folder and folder not in FOLDERS:
        raise graph_error("ErrorItemNotFound")
    latest = world.now() - world.settings.sent_items_delay_seconds
    return [
        message
        for message in reversed(messages_of(world, mailbox.address).values())
        if folder in ("", message.folder)
        and (message.folder != "sentitems" or message.at <= latest)
    ]


def _number(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name, str(default))
    if not text.isdigit() or int(text) > 1000:
        raise GraphError(400, "BadRequest", f"Invalid value for {name}.")
    return int(text)
