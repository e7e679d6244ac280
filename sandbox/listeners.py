"""The services' ports, which can be taken off the network and brought back."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable


class Listener:
    """One port and what serves it.

    :param sock: bound, not listening yet
    :param protocol: makes the protocol of one connection
    :param cut: ends every open connection to a port
    :param tls: context of a port that speaks TLS from the first byte
    """

    def __init__(
        self,
        sock: socket.socket,
        protocol: Callable[[], asyncio.BaseProtocol],
        cut: Callable[[int], None],
        tls: ssl.SSLContext | None = None,
    ):
        self._socket, self._protocol, self._cut, self._tls = sock, protocol, cut, tls
        self.port = sock.getsockname()[1]
        self._server: asyncio.Server | None = None

    @property
    def is_up(self) -> bool:
        """Whether connections are taken."""
        return self._server is not None

    async def up(self) -> None:
        """Take connections."""
        if self._server is None:
            loop = asyncio.get_running_loop()
            self._server = await loop.create_server(
                self._protocol, sock=self._socket, ssl=self._tls, backlog=256
            )

    def down(self) -> None:
        """End every connection; new ones are refused until :meth:`up`."""
        if self._server is not None:
            self._server.close()
            self._server = None
            # Bound and not listening: the system refuses connections, and nobody else can take
            # the port meanwhile.
            self._socket = bind(self.port)
            self._cut(self.port)


def bind(port: int) -> socket.socket:
    """Return a socket bound to a port of loopback; 0 takes a free one."""
    # With the protocol named, asyncio switches Nagle's algorithm off for accepted connections.
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("127.0.0.1", port))
    return sock
