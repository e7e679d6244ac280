"""Entra's scopes: which resource they belong to and what they are called.

https://learn.microsoft.com/entra/identity-platform/scopes-oidc
"""

from __future__ import annotations

from typing import NamedTuple

from .aadsts import EntraError
from .directory import Client
from .state import World

OIDC = ("openid", "profile", "email", "offline_access")
GRAPH = "graph"
OUTLOOK = "outlook"

OUTLOOK_HOSTS = ("https://outlook.office.com", "https://outlook.office365.com")
WORLDWIDE_GRAPH = "https://graph.microsoft.com"

PERMISSIONS = {
    GRAPH: {
        "User.Read": "Sign you in and read your profile",
        "Mail.Send": "Send mail as you",
        "Mail.Send.Shared": "Send mail on behalf of others",
        "Mail.Read": "Read your mail",
        "Mail.Read.Shared": "Read mail you can access",
        "Mail.ReadWrite": "Read and write access to your mail",
        "Mail.ReadWrite.Shared": "Read and write mail you can access",
    },
    OUTLOOK: {
        "SMTP.Send": "Send emails from your mailbox using SMTP AUTH",
        "IMAP.AccessAsUser.All": "Read and write access to your mail via IMAP",
        "POP.AccessAsUser.All": "Read and write access to your mail via POP",
        "User.Read": "Read your profile",
    },
    "oidc": {
        "openid": "Sign you in",
        "profile": "View your basic profile",
        "email": "View your email address",
        "offline_access": "Maintain access to data you have given it access to",
    },
}


class Scope(NamedTuple):
    """One permission. ``asked`` is how the client wrote it, ``prefix`` the audience in it."""

    resource: str
    permission: str
    prefix: str
    asked: str

    @property
    def key(self) -> str:
        """Return the name under which consent to it is kept."""
        return f"{self.resource}/{self.permission}"

    @property
    def words(self) -> str:
        """Return what the consent page says."""
        return PERMISSIONS[self.resource].get(self.permission, self.permission)


def parse_scopes(world: World, client: Client, text: str, tenant: str = "") -> list[Scope]:
    """Return the scopes in ``text``; ``.default`` becomes what the registration lists.

    :raises EntraError: 70011 malformed or mixed, 500011 unknown resource
    """
    scopes: list[Scope] = []
    asked = text.split()
    for item in asked:
        scope = _parse(world, item, tenant)
        if scope.permission != ".default":
            scopes.append(scope)
            continue
        if any(other not in OIDC for other in asked if other != item):
            raise EntraError(70011, scope=text)
        scopes += [
            Scope(scope.resource, permission.permission, scope.prefix, permission.asked)
            for permission in (_parse(world, name, tenant) for name in client.permissions)
            if permission.resource == scope.resource
        ]
    return scopes


def first_resource(scopes: list[Scope]) -> list[Scope]:
    """Return the scopes of the resource that is named first, without the OIDC ones."""
    real = [scope for scope in scopes if scope.resource != "oidc"]
    return [scope for scope in real if scope.resource == real[0].resource]


def granted_text(world: World, scopes: list[Scope], oidc: list[str]) -> str:
    """Return the ``scope`` of a token response: full names, short ones for Graph."""
    names = []
    for scope in scopes:
        short = scope.resource == GRAPH and not world.settings.full_graph_scopes
        names.append(scope.permission if short else f"{scope.prefix}/{scope.permission}")
    if scopes and scopes[0].resource == GRAPH:
        names += [name for name in oidc if name != "offline_access"]
    return " ".join(names)


def _parse(world: World, item: str, tenant: str) -> Scope:
    if item in OIDC:
        return Scope("oidc", item, "", item)
    prefix, _, permission = item.rpartition("/")
    resource = _resource(world, prefix)
    if resource is None:
        raise EntraError(500011, resource=prefix, tenant=tenant)
    name = permission if permission == ".default" else _canonical(resource, permission)
    if not name:
        raise EntraError(70011, scope=item)
    return Scope(resource, name, prefix or WORLDWIDE_GRAPH, item)


def _canonical(resource: str, permission: str) -> str:
    """Return a permission as Entra spells it; requests may use any case."""
    known = {name.lower(): name for name in PERMISSIONS[resource]}
    return known.get(permission.lower(), "")


def _resource(world: World, prefix: str) -> str | None:
    if prefix in ("", WORLDWIDE_GRAPH, world.addresses.https):
        return GRAPH
    return OUTLOOK if prefix in OUTLOOK_HOSTS else None
