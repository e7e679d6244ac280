"""The first steps of a diagnosis: is there a host of this name, and does it answer."""

from __future__ import annotations

import contextlib
import socket
from urllib.parse import urlsplit

import requests

from ..exceptions import MailOAuth2Error
from .connection_errors import CONNECTION_ERRORS, typed_error
from .smtp_replies import CONNECT

#: Seconds for a host to take a connection.
CONNECT_SECONDS = 5.0

_PROXY_PORTS = {"http": 80, "https": 443, "socks5": 1080, "socks5h": 1080}


def resolve(host: str) -> list[str]:
    """Return the addresses of a host, each once, in the order they would be tried.

    :raises UnreachableError: ``dns_failed``
    :raises ConfigurationError: ``host_invalid``, no host could have this name
    """
    with naming(host):
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(address[0] for *_kind, address in found))


def reach(host: str, port: int, *, timeout: float = CONNECT_SECONDS) -> str:
    """Return the address at which a host takes connections on a port; all are tried in turn.

    :param timeout: seconds for each address
    :raises UnreachableError: ``connection_refused``, ``connect_timeout``, …
    """
    with naming(host, port), socket.create_connection((host, port), timeout) as connection:
        return connection.getpeername()[0]


def host_and_port(url: str) -> tuple[str, int]:
    """Return where an https URL leads to."""
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or 443


def proxy_for(url: str) -> tuple[str, int] | None:
    """Return host and port of the proxy that requests to ``url`` go through, if they do.

    Chosen by the environment (``HTTPS_PROXY``, ``NO_PROXY``), as for every request of ours.
    """
    proxies = requests.utils.get_environ_proxies(url)
    chosen = requests.utils.select_proxy(url, proxies)
    if not chosen:
        return None
    parts = urlsplit(chosen if "://" in chosen else f"http://{chosen}")
    return parts.hostname or "", parts.port or _PROXY_PORTS.get(parts.scheme, 80)


@contextlib.contextmanager
def naming(host: str, port: int = 0):
    """Turn what a connection raises into errors of ours that know whom it was made to."""
    try:
        yield
    except CONNECTION_ERRORS as error:
        failure = typed_error(error, stage=CONNECT)
        failure.details |= {"host": host, "port": port}
        raise failure from error
    except MailOAuth2Error as error:
        error.details = {"host": host, "port": port, **error.details}
        raise
