"""A TCP proxy that makes the way longer, counts round trips, and can refuse connections.

It runs as a helper process that knows the words ``refuse`` (cut what is open, refuse what
comes), ``accept`` and ``report``.

The delay is pure: half of it each way for every byte, and a whole one for the TCP handshake.
Bandwidth is not limited, and there is no slow start.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import contextmanager

from .helper_process import helper_process, obey

_BLOCK = 64 * 1024


class TcpProxy:
    """Passes bytes on between clients and one port on loopback.

    :param round_trip: seconds
    """

    def __init__(self, target_port: int, round_trip: float):
        self._target_port = target_port
        self._round_trip = round_trip
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.Task] = set()
        self.port = 0
        #: connections so far
        self.connections = 0
        #: how often a client began to talk after the server had, and handshakes
        self.round_trips = 0

    async def accept(self) -> None:
        """Listen, on the same port as before."""
        if not self._server:
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    async def refuse(self) -> None:
        """Stop listening and cut every connection."""
        if self._server:
            self._server.close()
        self._server = None
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    def report(self) -> dict:
        """Return the counters."""
        return {"connections": self.connections, "round_trips": self.round_trips}

    async def _serve(self, reader, writer) -> None:
        task = asyncio.current_task()
        self._open.add(task)
        self.connections += 1
        self.round_trips += 1
        server_writer = None
        try:
            await asyncio.sleep(self._round_trip)
            server_reader, server_writer = await asyncio.open_connection(
                "127.0.0.1", self._target_port
            )
            turns = _Turns(self)
            await _first_to_end(
                self._pump(reader, server_writer, turns.client_talks),
                self._pump(server_reader, writer, turns.server_talks),
            )
        except OSError:
            pass  # either end is gone, and so will be the other
        finally:
            self._open.discard(task)
            for each in filter(None, (writer, server_writer)):
                each.close()

    async def _pump(self, reader, writer, note) -> None:
        """Pass on each block half a round trip after it came, without holding up the next."""
        loop = asyncio.get_running_loop()
        waiting: asyncio.Queue = asyncio.Queue()

        async def read():
            while block := await reader.read(_BLOCK):
                note()
                waiting.put_nowait((loop.time() + self._round_trip / 2, block))
            waiting.put_nowait((loop.time() + self._round_trip / 2, b""))

        async def write():
            while True:
                due, block = await waiting.get()
                await asyncio.sleep(max(due - loop.time(), 0))
                if not block:
                    return
                writer.write(block)
                await writer.drain()

        async with asyncio.TaskGroup() as group:
            group.create_task(read())
            group.create_task(write())


class _Turns:
    """Counts, for one connection, how often the client begins to talk."""

    def __init__(self, proxy):
        self._proxy = proxy
        self._client_talks = False

    def client_talks(self):
        if not self._client_talks:
            self._proxy.round_trips += 1
        self._client_talks = True

    def server_talks(self):
        self._client_talks = False


async def _first_to_end(*coroutines) -> None:
    """Run coroutines until one of them ends; the others are cancelled."""
    tasks = [asyncio.ensure_future(coroutine) for coroutine in coroutines]
    try:
        done, _others = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        if not task.cancelled() and isinstance(error := task.exception(), OSError):
            raise error


class ProxyProcess:
    """A :class:`TcpProxy` in a process of its own."""

    def __init__(self, helper):
        self._helper = helper
        self.port = helper.greeting["port"]

    def refuse(self):
        """Refuse connections, and cut those that are open."""
        self._helper.tell("refuse")

    def accept(self):
        """Accept connections again."""
        self._helper.tell("accept")

    def report(self):
        """Return ``connections`` and ``round_trips`` so far."""
        return self._helper.tell("report")


@contextmanager
def proxy_process(target_port, round_trip=0.0):
    """Run a proxy while the block lasts.

    :param round_trip: seconds
    :rtype: ProxyProcess
    """
    with helper_process("tcp_proxy", target_port, round_trip) as helper:
        yield ProxyProcess(helper)


async def _serve(target_port, round_trip):
    proxy = TcpProxy(target_port, round_trip)
    await proxy.accept()

    async def act(word):
        if word in ("refuse", "accept"):
            await getattr(proxy, word)()
        return proxy.report()

    await obey({"port": proxy.port}, act)
    await proxy.refuse()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), float(sys.argv[2])))
