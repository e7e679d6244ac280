"""What Exchange Online does with every mail, whether it came by SMTP or Graph."""

from __future__ import annotations

from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate

from .directory import Account
from .mail import MessageSource
from .mailboxes import StoredMessage, new_message_id, store
from .state import World

#: header fields Exchange does not pass on
#: https://learn.microsoft.com/graph/outlook-things-to-know-about-send-mail
DROPPED_BY_GRAPH = ("Auto-Submitted", "Return-Path")


def sender_addresses(world: World, caller: Account | None, mailbox: Account) -> set[str]:
    """Return the From addresses Exchange lets ``caller`` use from ``mailbox``, in lower case.

    :param caller: who signed in; ``None`` where an app acts for itself
    """
    allowed = set(caller.send_as) if caller else set()
    if caller is None or caller is mailbox:
        allowed.add(mailbox.address)
        allowed.update(mailbox.aliases if world.settings.send_from_alias else ())
    return {address.lower() for address in allowed}


def complete_headers(world: World, message: MessageSource, mailbox: Account) -> None:
    """Add what a message lacks; replace the Message-ID where the switch says so."""
    if "From" not in message.headers:
        message.replace("From", f"{mailbox.name} <{mailbox.address}>")
    if "Date" not in message.headers:
        message.replace("Date", formatdate(world.now()))
    if not message.header("Message-ID") or world.settings.exchange_replaces_message_id:
        message.replace("Message-ID", new_message_id())


def deliver(
    world: World,
    message: MessageSource,
    recipients: list[str],
    *,
    via: str,
    mailbox: Account,
    account: str,
    envelope_from: str,
    sent_items: str = "",
) -> StoredMessage | None:
    """Hand a mail to its recipients without Bcc, and keep a copy with it in Sent Items.

    :param account: address of who signed in; limits count by it
    :param sent_items: mailbox that keeps the copy, empty for none
    :return: the copy
    """
    copy = store(world, sent_items, bytes(message), "sentitems") if sent_items else None
    del message.headers["Bcc"]
    refused = world.mail.refused_recipients
    world.mail.deliver(
        via=via,
        mailbox=mailbox.address,
        account=account,
        envelope_from=envelope_from,
        recipients=tuple(r for r in recipients if r.lower() not in refused),
        source=bytes(message),
        received_at=world.now(),
    )
    return copy


def return_undeliverable(world: World, mailbox: Account, refused: dict[str, str]) -> None:
    """Put the non-delivery report for refused recipients into the mailbox's inbox."""
    report = EmailMessage(policy=SMTP)
    report["From"] = "Microsoft Outlook <postmaster@contoso.example>"
    report["To"] = mailbox.address
    report["Subject"] = "Undeliverable"
    report["Message-ID"] = new_message_id()
    report["Date"] = formatdate(world.now())
    lines = [f"{address}: {reply}" for address, reply in refused.items()]
    report.set_content("Delivery has failed to these recipients:\n\n" + "\n".join(lines))
    store(world, mailbox.address, report.as_bytes(), "inbox")
