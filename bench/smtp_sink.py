"""An SMTP server that takes everything from everybody, for core's plain SMTP.

It is the sandbox's Exchange server without sign-in, so that both sides of a comparison wait for
the same work. TLS is offered and not asked for. It runs as a helper process that knows
one word, ``reset``: forget all mail. Its argument is the state folder of a sandbox, whose
authority signs its certificate too.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from aiosmtpd.smtp import SMTP

from sandbox import exchange
from sandbox.certificates import Certificates
from sandbox.directory import Account
from sandbox.mail import MessageSource
from sandbox.smtp_exchange import BARE_LINE_FEED, ExchangeService
from sandbox.smtp_session import SubmissionSession, content_problem
from sandbox.state import Addresses, World

from .helper_process import obey

_SOMEBODY = Account(provider="microsoft", address="somebody@example.com")


class _OpenService(ExchangeService):
    async def handle_DATA(self, server, session, envelope):  # noqa: N802 - aiosmtpd's name
        if BARE_LINE_FEED.search(envelope.content) or content_problem(envelope.content):
            return "550 5.6.0 Malformed"
        message = MessageSource(envelope.content)
        exchange.complete_headers(self.world, message, _SOMEBODY)
        exchange.deliver(
            self.world,
            message,
            envelope.rcpt_tos,
            via="sink",
            mailbox=_SOMEBODY,
            account=_SOMEBODY.address,
            envelope_from=envelope.mail_from,
            sent_items=_SOMEBODY.address,
        )
        return "250 2.0.0 OK"


class _OpenSession(SubmissionSession):
    def __init__(self, *arguments):
        super().__init__(*arguments)
        self._auth_required = False

    smtp_MAIL = SMTP.smtp_MAIL  # noqa: N815 - the sandbox's own asks for TLS


async def _serve(state_dir):
    world = World(Addresses("localhost", "", "", 0, 0, 0))
    context = Certificates(Path(state_dir), "localhost").server_context()
    service = _OpenService(world)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _OpenSession(service, context, loop), "127.0.0.1", 0)

    async def reset(_word):
        world.reset()
        return {}

    await obey({"port": server.sockets[0].getsockname()[1]}, reset)


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1]))
