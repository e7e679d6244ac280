"""Who calls Microsoft Graph, and which mailbox they may touch."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from starlette.requests import Request

from .directory import Account
from .entra_scopes import GRAPH
from .grants import AccessToken
from .http_errors import GraphError, graph_error
from .state import World

CHALLENGE = (
    'Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize",'
    ' client_id="00000003-0000-0000-c000-000000000000"'
)


@dataclass(frozen=True)
class Caller:
    """A checked access token. ``account`` is ``None`` where an app acts for itself."""

    world: World
    token: AccessToken
    client_request_id: str

    @property
    def account(self) -> Account | None:
        return self.token.account

    def may(self, *permissions: str) -> bool:
        """Whether the token carries one of these permissions."""
        return any(name in self.token.scopes for name in permissions)

    def need(self, *permissions: str) -> None:
        """Demand one of these permissions.

        :raises GraphError: 403 ErrorAccessDenied
        """
        if not self.may(*permissions):
            raise graph_error("ErrorAccessDenied")

    def headers(self) -> dict:
        """Return the ids every response carries."""
        request_id = str(uuid.uuid4())
        return {
            "request-id": request_id,
            "client-request-id": self.client_request_id or request_id,
        }


def authenticate(request: Request) -> Caller:
    """Check the bearer token.

    :raises GraphError: 401 InvalidAuthenticationToken
    """
    world: World = request.app.state.world
    value = request.headers.get("authorization", "").partition(" ")[2].strip()
    if not value:
        raise _unauthorized("Access token is empty.")
    token = world.grants.access_tokens.get(value)
    if token is None or token.provider != "microsoft":
        well_formed = value.count(".") == 2 or value.startswith("EwB")
        raise _unauthorized(
            "Access token validation failure."
            if well_formed
            else "CompactToken parsing failed with error code: 80049217"
        )
    if token.resource != GRAPH:
        raise _unauthorized("Access token validation failure. Invalid audience.")
    if token.expires_at <= world.now():
        raise _unauthorized("Lifetime validation failed, the token is expired.")
    return Caller(world, token, request.headers.get("client-request-id", ""))


def mailbox_of(request: Request, caller: Caller, *permissions: str) -> Account:
    """Return the mailbox in the URL, after checking the caller's right to it.

    Somebody else's mailbox needs one of ``permissions`` with ``.Shared`` and Full Access.

    :raises GraphError: 403 ErrorAccessDenied, 404 no such user or no mailbox
    """
    owner = _owner(request, caller)
    if owner is caller.account or caller.account is None:
        caller.need(*permissions)
    else:
        caller.need(*(f"{name}.Shared" for name in permissions))
        if owner.address not in caller.account.full_access:
            raise graph_error("ErrorAccessDenied")
    if not owner.mailbox:
        raise graph_error("MailboxNotEnabledForRESTAPI")
    return owner


def _owner(request: Request, caller: Caller) -> Account:
    name = request.path_params.get("user")
    if name is None:
        if caller.account is None:
            message = "/me request is only valid with delegated authentication flow."
            raise GraphError(400, "BadRequest", message)
        return caller.account
    owner = caller.world.directory.find("microsoft", name)
    tenant = caller.account.tenant if caller.account else caller.token.client.tenant
    if owner is None or owner.tenant != tenant:
        raise GraphError(404, "ErrorInvalidUser", f"The requested user '{name}' is invalid.")
    return owner


def _unauthorized(message: str) -> GraphError:
    return GraphError(401, "InvalidAuthenticationToken", message, {"WWW-Authenticate": CHALLENGE})
