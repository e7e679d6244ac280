"""Processes beside Odoo, one module each, spoken to in words and answering in JSON."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Awaitable, Callable
from contextlib import contextmanager
from pathlib import Path

_ROOT = Path(__file__).resolve().parent.parent


class HelperProcess:
    """The other end of a helper's pipes.

    :param greeting: what it said when it was ready
    """

    def __init__(self, process):
        self._process = process
        self.greeting = self._answer()

    def tell(self, word):
        """Say a word and return the answer to it."""
        self._process.stdin.write(f"{word}\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self):
        return json.loads(self._process.stdout.readline())


@contextmanager
def helper_process(module, *arguments):
    """Run a module of ``bench/`` in a process of its own while the block lasts.

    :rtype: HelperProcess
    """
    command = [sys.executable, "-m", f"bench.{module}", *map(str, arguments)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=_ROOT, **pipes) as process:
        try:
            yield HelperProcess(process)
        finally:
            process.stdin.close()


async def obey(greeting: dict, act: Callable[[str], Awaitable[dict]]) -> None:
    """Be a helper: greet, and answer each word of the input until it ends."""
    _say(greeting)
    loop = asyncio.get_running_loop()
    while word := (await loop.run_in_executor(None, sys.stdin.readline)).strip():
        _say(await act(word))


def _say(answer):
    print(json.dumps(answer), flush=True)
