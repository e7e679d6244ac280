"""The header Date, by the sandbox's own clock."""

from __future__ import annotations

from email.utils import formatdate

from starlette.datastructures import MutableHeaders


class OwnDate:
    """ASGI middleware: every answer says what time it is here, unless a fault lies about it.

    https://www.rfc-editor.org/rfc/rfc9110#section-6.6.1
    """

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        """Run the application."""
        world = scope["app"].state.world

        async def dated(message):
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=list(message["headers"]))
                headers.setdefault("Date", formatdate(world.now(), usegmt=True))
                message = {**message, "headers": headers.raw}
            await send(message)

        await self.app(scope, receive, dated)
