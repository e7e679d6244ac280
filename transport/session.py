"""A session with a provider's sending service, in the shape Odoo core's queue expects."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

from ..exceptions import MailOAuth2Error, PersonNeededError, RefusedError
from ..providers.base import AccessToken
from .addresses import is_address
from .delivery import Delivery, SubmissionResult

if TYPE_CHECKING:
    from .transcript import Transcript

_logger = logging.getLogger(__name__)

T = TypeVar("T")


class MailSession(ABC):
    """What Odoo core calls ``smtp_session``; one mailbox, any number of mails.

    Making one costs nothing: the connection is opened by :meth:`open` or by the first mail, and
    again by itself when an earlier mail or an idle while broke it. Everything that goes wrong
    arrives as a :class:`~mail_server_oauth2.exceptions.MailOAuth2Error`; a session that raised
    one is good for the next mail. What ``get_token`` raises passes through untouched.

    :param mailbox: address of the mailbox that sends
    :param get_token: ``get_token(force) -> AccessToken``; ``force`` skips what is stored and
        asks the provider for a new one
    :param max_recipients: most envelope recipients of one submission, 0 for any number; a mail
        to more of them goes out in parts
    """

    #: :meth:`find_sent` works
    can_look_up = False
    #: catalogue keys of refusals that a fresh token may cure
    token_refused_keys: frozenset[str] = frozenset()

    def __init__(
        self, *, mailbox: str, get_token: Callable[[bool], AccessToken], max_recipients: int = 0
    ):
        self.mailbox = mailbox
        self.max_recipients = max_recipients
        self._get_token = get_token
        #: what every error of this session tells the catalogue's sentences
        self._details = {"mailbox": mailbox}
        #: set by the caller and read by Odoo core (``ir.mail_server._prepare_email_message__``)
        self.from_filter = False
        self.smtp_from = False
        #: largest message in bytes, 0 where the provider has named none (yet)
        self.max_size = 0
        #: :class:`~.transcript.Transcript` that a caller wants kept of what is said, or ``None``
        self.transcript: Transcript | None = None
        #: :class:`SubmissionResult` of the last mail, ``None`` if it was not accepted
        self.last_result: SubmissionResult | None = None

    def open(self) -> None:
        """Connect and authenticate now instead of with the first mail.

        :raises MailOAuth2Error:
        """
        self._repeat_with_fresh_token(self._open)

    def send_message(self, message, from_addr, to_addrs) -> SubmissionResult:
        """Hand one mail over; the arguments are those of :meth:`smtplib.SMTP.send_message`.

        :param message: :class:`email.message.EmailMessage`, never modified
        :param from_addr: envelope sender
        :param to_addrs: envelope recipients; each is served once
        :raises MailOAuth2Error: its ``outcome`` tells what may be done with the mail
        """
        self.last_result = None
        delivery = Delivery(*_sorted_out(to_addrs, self.max_recipients))
        while delivery.part:
            try:
                self._repeat_with_fresh_token(
                    lambda force: self._submit(message, from_addr, delivery, force)
                )
            except MailOAuth2Error as error:
                delivery.failed(error)
        self.last_result = delivery.result()
        return self.last_result

    def verify(self, sender: str) -> None:
        """Go as far as one can without sending anything: connection, token, right to send.

        :param sender: envelope sender
        :raises MailOAuth2Error:
        """
        self._repeat_with_fresh_token(lambda force: self._verify(sender, force))

    def find_sent(self, message_id: str, recipients: Collection[str], since: datetime) -> bool:
        """Whether the provider keeps copies of a mail that went to all of these recipients.

        One Message-ID is shared by all submissions of a mail, so the recipients decide.

        :param message_id: with its angle brackets
        :param recipients: envelope addresses of the submission
        :param since: when the mail was handed over, aware or naive UTC. Copies from before do
            not count
        :raises MailOAuth2Error: it could not be looked up
        """
        raise NotImplementedError(f"{type(self).__name__} cannot look mail up")

    def quit(self) -> None:
        """Take leave of the server. Never raises: whatever was sent has its answer already."""
        self.close()

    @abstractmethod
    def close(self) -> None:
        """Drop the connection; the next mail opens another. Never raises."""

    @abstractmethod
    def _open(self, force_token: bool) -> None: ...

    @abstractmethod
    def _submit(self, message, from_addr, delivery: Delivery, force_token) -> None:
        """Serve one part after the other; leave the one that cannot be served to the caller."""

    @abstractmethod
    def _verify(self, sender, force_token) -> None: ...

    def _repeat_with_fresh_token(self, attempt: Callable[[bool], T]) -> T:
        """Run ``attempt(force_token)``; if the token is refused, once more with a new one.

        A token can die before its time (password reset, policy), so the first refusal says
        little; the second one says what the provider means.
        """
        try:
            return self._attempt(attempt, False)
        except PersonNeededError as refusal:
            if refusal.key not in self.token_refused_keys:
                raise
            _logger.info("Token of %s refused (%s): asking for a new one", self.mailbox, refusal)
        self.close()
        return self._attempt(attempt, True)

    def _attempt(self, attempt, force_token):
        try:
            return attempt(force_token)
        except MailOAuth2Error as error:
            error.details = {**self._details, **error.details}
            raise


def _sorted_out(addresses, part_size) -> tuple[list[str], int, dict[str, str]]:
    """Return what :class:`Delivery` wants: addresses, each once, and those that are none.

    smtplib and header parsers make something of a malformed address, and not all the same.
    """
    unique = list(dict.fromkeys(addresses))
    if not unique:
        raise RefusedError("no_recipients")
    invalid = {address: "address_invalid" for address in unique if not is_address(address)}
    if len(invalid) == len(unique):
        raise RefusedError("address_invalid", refused=invalid)
    return [address for address in unique if address not in invalid], part_size, invalid
