"""Errors in the shape of each service."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from .aadsts import EntraError
from .faults import Fault
from .pages import page
from .state import World


class GraphError(Exception):
    """An error of Microsoft Graph.

    https://learn.microsoft.com/graph/errors
    """

    def __init__(self, status: int, code: str, message: str, headers: dict | None = None):
        self.status, self.code, self.message = status, code, message
        self.headers = headers or {}
        super().__init__(code)


class GoogleError(Exception):
    """An error of Google's token, revoke or tokeninfo endpoint, or (``page``) of its sign-in."""

    def __init__(
        self, status: int, error: str, description: str = "", *, page: bool = False, **more
    ):
        self.status, self.error, self.description = status, error, description
        self.page, self.more = page, more
        super().__init__(error)


#: message and status Graph uses with a code, for faults that name only the code
GRAPH_DEFAULTS = {
    "InvalidAuthenticationToken": (401, "Lifetime validation failed, the token is expired."),
    "ErrorAccessDenied": (403, "Access is denied. Check credentials and try again."),
    "ErrorSendAsDenied": (
        403,
        (
            "The user account which was used to submit this request does not have the right to send"
            " mail on behalf of the specified sending account. Cannot submit message."
        ),
    ),
    "MailboxNotEnabledForRESTAPI": (
        404,
        "The mailbox is either inactive, soft-deleted, or is hosted on-premise.",
    ),
    "ErrorItemNotFound": (404, "The specified object was not found in the store."),
    "ErrorInvalidRecipients": (
        400,
        (
            "At least one recipient is not valid., A message can't be sent because it contains no"
            " recipients."
        ),
    ),
    "ErrorMimeContentInvalidBase64String": (400, "Invalid base64 string for MIME content."),
    "ErrorMessageSizeExceeded": (400, "The message exceeds the maximum supported size."),
    "RequestEntityTooLarge": (413, "The maximum request length supported is 4MB."),
    "ErrorExceededMessageLimit": (
        403,
        (
            "Cannot send mail. Daily Message/Recipient limit exceeded. Follow the instructions in"
            " your Inbox to verify your account."
        ),
    ),
    "ErrorQuotaExceeded": (507, "The mailbox quota is exceeded."),
    "ApplicationThrottled": (429, "Application is over its MailboxConcurrency limit."),
    "TooManyRequests": (429, "Too many requests."),
    "ErrorInternalServerError": (500, "An internal server error occurred. The operation failed."),
    "ServiceUnavailable": (503, "The service is temporarily unavailable."),
    "GatewayTimeout": (504, "The gateway timed out."),
}


def graph_error(code: str, message: str = "", status: int = 0, headers=None) -> GraphError:
    """Return the error with the status and words Graph uses."""
    usual_status, usual_message = GRAPH_DEFAULTS.get(code, (500, code))
    return GraphError(status or usual_status, code, message or usual_message, headers)


def graph_response(world: World, error: GraphError, client_request_id: str = "") -> JSONResponse:
    """Return the JSON of a Graph error."""
    request_id = str(uuid.uuid4())
    client_request_id = client_request_id or request_id
    moment = datetime.fromtimestamp(world.now(), UTC).strftime("%Y-%m-%dT%H:%M:%S")
    body = {
        "error": {
            "code": error.code,
            "message": error.message,
            "innerError": {
                "date": moment,
                "request-id": request_id,
                "client-request-id": client_request_id,
            },
        }
    }
    headers = {"request-id": request_id, "client-request-id": client_request_id}
    return JSONResponse(body, error.status, headers=headers | error.headers)


def google_response(error: GoogleError) -> Response:
    """Return Google's JSON, or the page people see at sign-in."""
    if error.page:
        return page(
            "error.html",
            error.status,
            brand="Google",
            title="Access blocked: this request is invalid",
            text=f"Error {error.status}: {error.error}",
            details=error.description,
        )
    body = {"error": error.error, **error.more}
    if error.description:
        body["error_description"] = error.description
    return JSONResponse(body, error.status)


def entra_response(world: World, error: EntraError, request: Request) -> Response:
    """Return the JSON of Entra's token endpoint, or the page people see."""
    if _is_page(request.url.path):
        correlation = request.headers.get("client-request-id") or str(uuid.uuid4())
        return page(
            "error.html",
            400,
            brand="Microsoft Entra ID",
            title="Sorry, but we're having trouble signing you in.",
            text=error.text,
            details=f"Correlation ID: {correlation}",
        )
    correlation = request.headers.get("client-request-id", "")
    body = error.body(world.now(), world.addresses.https, request_id(request.scope), correlation)
    return JSONResponse(body, error.meaning.status, headers={"Cache-Control": "no-store, no-cache"})


def request_id(scope) -> str:
    """Return the id of a request, made at the first question."""
    return scope.setdefault("sandbox.request_id", str(uuid.uuid4()))


def service_error(world: World, place: str, fault: Fault, scope) -> Response:
    """Return what the service at ``place`` answers for a fault of kind ``error``."""
    service = place.partition(".")[0]
    if service == "graph":
        code = fault.code or "ServiceUnavailable"
        return graph_response(world, graph_error(code, fault.message, fault.status))
    if service == "google":
        error = GoogleError(fault.status or 400, fault.error or "invalid_grant", fault.message)
        if fault.suberror:
            error.more["error_subtype"] = fault.suberror
        return google_response(error)
    error = EntraError(int(fault.code or 50173))
    body = error.body(world.now(), world.addresses.https, request_id(scope))
    changes = {"error": fault.error, "suberror": fault.suberror, "error_description": fault.message}
    body |= {name: value for name, value in changes.items() if value}
    return JSONResponse(body, fault.status or error.meaning.status)


async def on_entra_error(request: Request, error: EntraError) -> Response:
    """Turn an :class:`EntraError` into a response."""
    return entra_response(request.app.state.world, error, request)


async def on_graph_error(request: Request, error: GraphError) -> Response:
    """Turn a :class:`GraphError` into a response."""
    client_request_id = request.headers.get("client-request-id", "")
    return graph_response(request.app.state.world, error, client_request_id)


async def on_google_error(_request: Request, error: GoogleError) -> Response:
    """Turn a :class:`GoogleError` into a response."""
    return google_response(error)


def _is_page(path: str) -> bool:
    return path.endswith(("/authorize", "/adminconsent", "/devicelogin"))
