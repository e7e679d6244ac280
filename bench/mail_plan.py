"""The mails of one row: every recipient occurs once, so an address tells which mail it was."""

from __future__ import annotations

from dataclasses import dataclass

#: most recipients of one of these mails
MOST_RECIPIENTS = 3


@dataclass(frozen=True)
class PlannedMail:
    """One mail of the queue.

    :param to: addresses of one hand-over together with ``cc``
    :param partners: addresses of contacts; each gets a hand-over of its own
    :param is_notification: people see on a document whether each contact got it
    """

    number: int
    to: tuple[str, ...] = ()
    cc: tuple[str, ...] = ()
    partners: tuple[str, ...] = ()
    auto_delete: bool = False
    is_notification: bool = False

    @property
    def subject(self):
        return f"Invoice {self.number}"

    @property
    def recipients(self):
        return (*self.to, *self.cc, *self.partners)


def planned_mails(count: int) -> list[PlannedMail]:
    """Return the mixture: of ten mails six go to one address and four to several people."""
    return [_planned(number) for number in range(count)]


def partner_address(number: int) -> str:
    """Return the address of a contact, see :func:`partners_needed`."""
    return f"contact{number}@example.org"


def partners_needed(count: int) -> int:
    """Return how many contacts ``count`` mails are for."""
    return sum(len(mail.partners) for mail in planned_mails(count))


def _planned(number):
    block, position = divmod(number, 10)
    one = (f"r{number}@example.com",)
    contacts = tuple(partner_address(4 * block + offset) for offset in range(4))
    if position == 3:
        return PlannedMail(
            number, to=(*one, f"r{number}b@example.com"), cc=(f"r{number}c@example.com",)
        )
    if position == 5:
        return PlannedMail(number, partners=contacts[:2], is_notification=True)
    if position == 7:
        return PlannedMail(number, to=one, partners=contacts[2:])
    return PlannedMail(number, to=one, auto_delete=position == 9)
