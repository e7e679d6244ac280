"""A mail server of the old kind, that takes a user name and a password."""

import socket

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword


class PasswordServer:
    """Take mail on loopback from one user while the block lasts.

    :ivar recipients: everybody mail was accepted for, in order
    :ivar port: where it listens
    """

    def __init__(self, user, password):
        self.recipients = []
        self._known = LoginPassword(user.encode(), password.encode())
        self.port = _free_port()
        self._controller = Controller(
            self,
            hostname="127.0.0.1",
            port=self.port,
            authenticator=self._authenticate,
            auth_require_tls=False,
        )

    def __enter__(self):
        self._controller.start()
        return self

    def __exit__(self, *exc_info):
        self._controller.stop()

    async def handle_DATA(self, _server, session, envelope):  # noqa: N802 (aiosmtpd's name)
        """Accept a mail from who has logged in."""
        if not session.authenticated:
            return "530 5.7.0 Authentication required"
        self.recipients += envelope.rcpt_tos
        return "250 2.0.0 OK"

    def _authenticate(self, _server, _session, _envelope, _mechanism, given):
        return AuthResult(success=given == self._known, handled=False)


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
