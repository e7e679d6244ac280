"""SMTP with XOAUTH2: one authenticated connection that outlives failed mails."""

from __future__ import annotations

import contextlib
import copy
import smtplib
import socket
from collections.abc import Callable
from dataclasses import replace

from ..exceptions import MailOAuth2Error, ThrottledError, TransientError
from .connection_errors import CONNECTION_ERRORS, typed_error
from .content import to_content
from .delivery import SubmissionResult
from .session import MailSession
from .smtp_auth import authenticate_xoauth2
from .smtp_replies import CONNECT, MAIL, TOKEN_REFUSED_KEYS
from .smtp_transaction import Mail, Outcome, Transaction, size_limit


class SmtpSession(MailSession):
    """One mailbox at an SMTP submission server.

    :param connect: makes a connected :class:`smtplib.SMTP` with verified TLS in place that is
        not signed in yet
    :param provider: ``microsoft`` or ``google``, whose manners the replies are read by
    :param host, port: where ``connect`` goes to, for the words of errors
    """

    token_refused_keys = TOKEN_REFUSED_KEYS

    def __init__(
        self,
        *,
        connect: Callable[[], smtplib.SMTP],
        provider: str = "",
        host: str = "",
        port: int = 0,
        **session,
    ):
        super().__init__(**session)
        self._details |= {"host": host, "port": port}
        self._connect = connect
        self._provider = provider
        self._connection: smtplib.SMTP | None = None
        self._stage = CONNECT

    def quit(self) -> None:
        """Say QUIT if connected, and close."""
        if self._connection:
            with contextlib.suppress(*CONNECTION_ERRORS):
                self._connection.quit()
        self.close()

    def close(self) -> None:
        """Drop the connection without a word."""
        if self._connection:
            with contextlib.suppress(*CONNECTION_ERRORS):
                self._connection.close()
        self._connection = None

    def _open(self, force_token: bool) -> None:
        if self._connection:
            return
        token = self._get_token(force_token)
        try:
            connection = self._connect()
            if self.transcript:
                self.transcript.note(f"connected to {self._details['host']}")
                self.transcript.listen(connection)
            # The final dot is a small write after a large one: Nagle would hold it back until
            # the server's delayed acknowledgement.
            connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except CONNECTION_ERRORS as error:
            raise typed_error(error, stage=CONNECT, provider=self._provider) from error
        try:
            authenticate_xoauth2(connection, self.mailbox, token, self._provider)
        except MailOAuth2Error:
            connection.close()
            raise
        self._connection = connection
        self.max_size = size_limit(connection)

    def _submit(self, message, from_addr, delivery, force_token) -> None:
        reused = self._connection is not None
        self._open(force_token)
        mail = self._prepare(message, from_addr, delivery.recipients)
        while delivery.part:
            outcome = self._transact(replace(mail, recipients=delivery.part), reused)
            delivery.served(
                SubmissionResult(str(outcome.reply), refused=outcome.refused), outcome.postponed
            )
            reused = True

    def _verify(self, sender, force_token):
        self._open(force_token)
        with self._kept_usable() as transaction:
            transaction.begin(sender)
        self._reset()

    def _prepare(self, message, sender, recipients) -> Mail:
        """Serialise as :meth:`smtplib.SMTP.send_message` does."""
        message = copy.copy(message)
        del message["Bcc"]
        del message["Resent-Bcc"]
        international = not "".join([sender, *recipients]).isascii()
        content = to_content(message, utf8=international)
        if not content.isascii() and not self._connection.has_extn("8bitmime"):
            content = to_content(message, utf8=international, seven_bit=True)
        return Mail(content, sender, (), international)

    def _transact(self, mail: Mail, reused: bool) -> Outcome:
        try:
            return self._run(mail)
        except TransientError as error:
            # A server closes a connection that idled or carried enough mails when it likes; we
            # notice at the next MAIL. That says nothing about this mail.
            lost_early = reused and self._connection is None and self._stage == MAIL
            if not lost_early or isinstance(error, ThrottledError):
                raise
        self._open(False)
        return self._run(mail)

    def _run(self, mail: Mail) -> Outcome:
        with self._kept_usable() as transaction:
            return transaction.run(mail)

    @contextlib.contextmanager
    def _kept_usable(self):
        """After a failure, bring the connection back to its start or let go of it."""
        transaction = Transaction(self._connection, self._provider)
        try:
            yield transaction
        except MailOAuth2Error:
            self._stage = transaction.stage
            self._reset()
            raise
        except BaseException:
            # Out of memory, or a worker's time limit: nobody knows where the session stands.
            self.close()
            raise

    def _reset(self):
        """Forget the transaction at the server, so that it cannot poison the next one."""
        if self._connection.sock is None:  # smtplib closes what it lost
            self.close()
            return
        try:
            code, _text = self._connection.rset()
        except CONNECTION_ERRORS:
            code = None
        if code != 250:
            self.close()
