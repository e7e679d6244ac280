"""Checks of the parts of an app registration that decide where secrets are sent."""

from __future__ import annotations

import re

from ..exceptions import ConfigurationError

#: Every key a check of this module raises with.
KEYS = frozenset({"client_id_invalid", "client_id_missing", "host_invalid", "tenant_invalid"})

_LABEL = r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)"
_HOST_URL = re.compile(rf"https://(?P<host>{_LABEL}(?:\.{_LABEL})*)(?::(?P<port>[0-9]{{1,5}}))?")
_DOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})+")
_GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")

#: Tenant of all personal Microsoft accounts.
#: https://learn.microsoft.com/entra/identity-platform/id-token-claims-reference
CONSUMER_TENANT = "9188040d-6c67-4c5b-b112-36a304b66dad"
#: Authorities that accept accounts of more than one tenant.
SHARED_TENANTS = frozenset({"common", "organizations", "consumers"})


def check_host_url(url: str, field: str) -> str:
    """Return ``url`` if it is an https URL made of a host and maybe a port, nothing else.

    Path, query, fragment, user information, blanks and other schemes are refused: with any of
    them a field of the app registration could lead the client secret somewhere else.

    :param field: name of the field, for the message
    :raises ConfigurationError: ``host_invalid``
    """
    match = _HOST_URL.fullmatch(url or "")
    if not match or len(match["host"]) > 253 or int(match["port"] or 443) not in range(1, 65536):
        raise ConfigurationError("host_invalid", details={"field": field, "host": url or ""})
    return url


def check_tenant(tenant: str) -> str:
    """Return the tenant segment of the authority in lower case.

    :param tenant: ``common``, ``organizations``, ``consumers``, a GUID or a verified domain
    :raises ConfigurationError: ``tenant_invalid``
    """
    value = (tenant or "").lower()
    if value in SHARED_TENANTS or is_guid(value):
        return value
    if _DOMAIN.fullmatch(value) and len(value) <= 253:
        return value
    raise ConfigurationError("tenant_invalid", details={"tenant": tenant or ""})


def is_guid(value) -> bool:
    """Tell whether ``value`` is a GUID in lower case, with hyphens and without braces."""
    return isinstance(value, str) and bool(_GUID.fullmatch(value))


def check_client_id(client_id: str) -> str:
    """Return the client id if it is one word of printable ASCII.

    :raises ConfigurationError: ``client_id_missing``, ``client_id_invalid``
    """
    if not client_id:
        raise ConfigurationError("client_id_missing")
    if not re.fullmatch(r"[!-~]{1,255}", client_id):
        raise ConfigurationError("client_id_invalid")
    return client_id
