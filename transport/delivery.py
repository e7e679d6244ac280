"""One mail on its way to its recipients, in as many parts as limits ask for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ..exceptions import (
    DeliveryUnknownError,
    MailOAuth2Error,
    PersonNeededError,
    RefusedError,
    ThrottledError,
    TransientError,
)

#: What goes before what where parts or recipients of one mail meet different trouble: what may
#: have been delivered, what concerns the sender, what passes, what stays.
_ORDER = (DeliveryUnknownError, PersonNeededError, ThrottledError, TransientError, RefusedError)

#: First word of a reply to a recipient who may have been served.
_UNKNOWN = "delivery_unknown"

#: Reply to a recipient whose turn has not come.
NOT_HANDED_OVER = "450 not handed over yet"


@dataclass(frozen=True)
class SubmissionResult:
    """What the provider answered when it accepted a mail.

    :param reply: the provider's own words, e.g. ``250 2.0.0 OK <id>`` or ``202 Accepted``
    :param request_id: id under which the provider's support finds the request (Graph)
    :param refused: ``{address: reply}`` of the recipients that were *not* served although the
        mail was accepted for others. A reply that starts with ``4`` is temporary, with ``5``
        final; ``address_invalid`` never left; ``delivery_unknown: …`` must not be repeated
    :param trouble: what kept a later part from its recipients, ``None`` where nothing did.
        It tells whether the mailbox pauses, and for how long
    """

    reply: str
    request_id: str = ""
    refused: dict[str, str] = field(default_factory=dict)
    trouble: MailOAuth2Error | None = None


class Delivery:
    """Keeps which recipients wait, and how the others fared.

    Once a part was accepted nothing is raised any more, because the caller would send that
    part again: the others are reported as refused.

    :param recipients: envelope addresses, each once
    :param part_size: most recipients of one submission, 0 for any number
    :param refused: ``{address: reply}`` of those that are not even offered
    """

    def __init__(
        self,
        recipients: Sequence[str],
        part_size: int = 0,
        refused: Mapping[str, str] | None = None,
    ):
        size = part_size if part_size > 0 else len(recipients)
        self._waiting = [tuple(recipients[i : i + size]) for i in range(0, len(recipients), size)]
        #: everybody who is offered
        self.recipients = tuple(recipients)
        self._refused = dict(refused or {})
        self._accepted: list[SubmissionResult] = []
        self._errors: list[MailOAuth2Error] = []

    @property
    def part(self) -> tuple[str, ...]:
        """The recipients to serve next, empty when all had their turn."""
        return self._waiting[0] if self._waiting else ()

    def served(self, result: SubmissionResult, postponed: Sequence[str] = ()) -> None:
        """Note that the part was accepted.

        :param postponed: those of the part that the server wants in another transaction
        """
        self._accepted.append(result)
        self._refused.update(result.refused)
        self._waiting[:1] = [tuple(postponed)] if postponed else []

    def failed(self, error: MailOAuth2Error) -> None:
        """Note that the part was not accepted; what concerns more ends the others too."""
        self._errors.append(error)
        self._refused.update(_replies(self._waiting.pop(0), error))
        if _ends_the_mail(error):
            for part in self._waiting:
                self._refused.update(_replies(part, error, handed_over=False))
            self._waiting.clear()

    def result(self) -> SubmissionResult:
        """Return what became of the mail.

        :raises MailOAuth2Error: no part was accepted
        """
        trouble = most_urgent(self._errors) if self._errors else None
        if self._accepted:
            first = self._accepted[0]
            return SubmissionResult(first.reply, first.request_id, self._refused, trouble)
        if isinstance(trouble, DeliveryUnknownError):
            unserved = (address for address, reply in self._refused.items() if not _unknown(reply))
            trouble.refused = {address: self._refused[address] for address in unserved}
        elif isinstance(trouble, RefusedError) and trouble.refused:
            trouble.refused = self._refused
        raise trouble


def most_urgent(errors: Iterable[MailOAuth2Error]) -> MailOAuth2Error:
    """Return the one of several errors of a mail that decides about it; not of none."""

    def rank(error):
        kind = next(i for i, kind in enumerate(_ORDER) if isinstance(error, kind))
        return kind, not getattr(error, "stops_mailbox", True)

    return min(errors, key=rank)


def _ends_the_mail(error: MailOAuth2Error) -> bool:
    """Whether the other parts would fare no better, or the connection is in doubt."""
    if isinstance(error, TransientError):
        return error.stops_mailbox
    return not (isinstance(error, RefusedError) and error.refused)


def _replies(part, error, *, handed_over=True) -> dict[str, str]:
    known = getattr(error, "refused", {}) if handed_over else {}
    return {address: known.get(address) or _reply(error, handed_over) for address in part}


def _reply(error: MailOAuth2Error, handed_over: bool) -> str:
    """Return the provider's reply, behind a word of ours where its own would mislead.

    An account that is over its daily limit (550) or must sign in again (535) has not refused
    the recipient for good, and the status of an HTTP answer is no reply code.
    """
    if error.outcome == "unknown":
        text = str(error)
        told = text if text.startswith(_UNKNOWN) else f"{_UNKNOWN}: {text}"
        return told if handed_over else NOT_HANDED_OVER
    code = "550" if error.outcome == "refused" else "450"
    return error.provider_text if error.provider_text[:1] == code[0] else f"{code} {error}"


def _unknown(reply: str) -> bool:
    return reply.startswith(_UNKNOWN)
