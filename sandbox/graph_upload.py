"""Microsoft Graph's upload sessions for attachments from 3 to 150 MB.

https://learn.microsoft.com/graph/outlook-large-attachments
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from .graph_auth import authenticate, mailbox_of
from .graph_limits import graph_pace
from .graph_messages import find_draft
from .graph_send import REQUEST_BYTES, parse_json, read_body
from .http_errors import GraphError, graph_error
from .mailboxes import File, StoredMessage
from .state import World

SMALLEST, LARGEST = 3 * 1024 * 1024, 150 * 1024 * 1024
SESSION_SECONDS = 3 * 3600


@dataclass
class UploadSession:
    """An attachment that is being uploaded."""

    draft: StoredMessage
    item: dict
    expires_at: float
    content: bytearray = field(default_factory=bytearray, repr=False)

    @property
    def size(self) -> int:
        """Return how many bytes were announced."""
        return int(self.item["size"])


async def create_upload_session(request: Request) -> JSONResponse:
    """Answer ``POST /messages/{id}/attachments/createUploadSession``."""
    caller = authenticate(request)
    mailbox = mailbox_of(request, caller, "Mail.ReadWrite")
    if caller.account not in (None, mailbox):
        raise graph_error("ErrorAccessDenied")
    with graph_pace(caller, mailbox):
        draft = find_draft(request, caller, mailbox)
        item = parse_json(await read_body(request)).get("AttachmentItem") or {}
        _check_item(item)
    world, token = caller.world, secrets.token_urlsafe(60)
    session = UploadSession(draft, item, world.now() + SESSION_SECONDS)
    world.uploads[token] = session
    # Where the client reached us: a proxy may stand in between.
    url = f"{request.base_url}api/v2.0/upload/{token}"
    return JSONResponse({"uploadUrl": url} | _progress(session), 201, headers=caller.headers())


async def upload(request: Request) -> Response:
    """Answer ``PUT`` to the URL of a session: 200 until the last chunk, which gets 201.

    ``GET`` tells what is still missing.
    """
    world: World = request.app.state.world
    session = _session(request)
    if request.method == "GET":
        return JSONResponse(_progress(session))
    chunk = await request.body()
    _check_chunk(session, request.headers, chunk)
    session.content += chunk
    if len(session.content) < session.size:
        return JSONResponse(_progress(session))
    del world.uploads[request.path_params["token"]]
    session.draft.files.append(File.described(session.item, bytes(session.content)))
    location = f"{request.base_url}api/v2.0/attachments/{secrets.token_urlsafe(20)}"
    return Response(status_code=201, headers={"Location": location})


def _session(request: Request) -> UploadSession:
    world: World = request.app.state.world
    if "authorization" in request.headers:
        raise GraphError(401, "InvalidAuthenticationToken", "The upload URL is preauthenticated.")
    session = world.uploads.get(request.path_params["token"])
    if session is None or session.expires_at < world.now():
        raise graph_error("ErrorItemNotFound")
    return session


def _check_item(item: dict) -> None:
    if item.get("attachmentType") != "file" or not item.get("name"):
        raise graph_error("BadRequest", "AttachmentItem needs attachmentType and name.", 400)
    size = item.get("size")
    if not isinstance(size, int) or size < SMALLEST:
        raise graph_error(
            "ErrorAttachmentSizeShouldNotBeLessThanMinimumSize",
            "Attachment size must be greater than the minimum size.",
            400,
        )
    if size > LARGEST:
        raise graph_error(
            "ErrorAttachmentSizeLimitExceeded", "Attachment size exceeds the limit.", 413
        )


def _check_chunk(session: UploadSession, headers: Headers, chunk: bytes) -> None:
    found = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+)", headers.get("content-range", ""))
    if headers.get("content-type") != "application/octet-stream":
        raise GraphError(415, "UnsupportedMediaType", "Specify application/octet-stream.")
    start = len(session.content)
    expected = (start, start + len(chunk) - 1, session.size)
    if len(chunk) > REQUEST_BYTES or not chunk:
        raise graph_error("RequestEntityTooLarge")
    if not found or tuple(map(int, found.groups())) != expected:
        raise graph_error("InvalidContentRange", "Invalid Content-Range header.", 416)


def _progress(session: UploadSession) -> dict:
    expires = datetime.fromtimestamp(session.expires_at, UTC)
    return {
        "expirationDateTime": expires.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "nextExpectedRanges": [f"{len(session.content)}-"],
    }
