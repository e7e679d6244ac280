"""A TCP proxy that makes the way longer, counts round trips, and can refuse connections.

A process of its own: ``python -m bench.tcp_proxy TARGET_PORT ROUND_TRIP_SECONDS``. It prints its
port, then obeys one word per line of its input and answers each with one line of JSON:
``refuse`` (cut what is open, refuse what comes), ``accept``, ``report``. It ends with its input.

The delay is pure: half of it each way for every byte, and a whole one for the TCP handshake.
Bandwidth is not limited, and there is no slow start.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

_BLOCK = 64 * 1024
_ROOT = Path(__file__).resolve().parent.parent


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
    """A :class:`TcpProxy` in a process of its own, at the other end of two pipes."""

    def __init__(self, process):
        self._process = process
        self.port = self._answer()["port"]

    def refuse(self):
        """Refuse connections, and cut those that are open."""
        self._tell("refuse")

    def accept(self):
        """Accept connections again."""
        self._tell("accept")

    def report(self):
        """Return ``connections`` and ``round_trips`` so far."""
        return self._tell("report")

    def _tell(self, word):
        self._process.stdin.write(f"{word}\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self):
        return json.loads(self._process.stdout.readline())


@contextmanager
def proxy_process(target_port, round_trip=0.0):
    """Run a proxy while the block lasts.

    :param round_trip: seconds
    :rtype: ProxyProcess
    """
    command = [sys.executable, "-m", "bench.tcp_proxy", str(target_port), str(round_trip)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=_ROOT, **pipes) as process:
        try:
            yield ProxyProcess(process)
        finally:
            process.stdin.close()


async def _obey(target_port, round_trip):
    proxy = TcpProxy(target_port, round_trip)
    await proxy.accept()
    _say({"port": proxy.port})
    loop = asyncio.get_running_loop()
    while word := (await loop.run_in_executor(None, sys.stdin.readline)).strip():
        if word in ("refuse", "accept"):
            await getattr(proxy, word)()
        _say(proxy.report())
    await proxy.refuse()


def _say(answer):
    print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    asyncio.run(_obey(int(sys.argv[1]), float(sys.argv[2])))
