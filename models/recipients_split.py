"""Divide the recipients of a mail whose hand-overs did not all end the same way.

Nobody who was served may get the mail again, whatever becomes of the others. So those who were
served, those nobody knows of, and those still to be served never stay in one ``mail.mail``.
"""

from datetime import timedelta

from odoo import fields
from odoo.tools import email_normalize
from odoo.tools.mail import email_split_and_format_normalize

from .back_off import next_attempt
from .hand_over import Share


def share_of(mail):
    """Return the :class:`Share` that all recipients of a mail are."""
    return Share(frozenset(mail.recipient_ids.ids), bool(mail.email_to or mail.email_cc))


def serves_all(share, mail):
    """Tell whether a share is everybody a mail is for."""
    everybody = share_of(mail)
    return everybody.partner_ids <= share.partner_ids and (share.group or not everybody.group)


def part_off(mail, share, notification_status, **values):
    """Move some recipients of a mail to a mail of their own.

    :param Share share: the recipients to move
    :param notification_status: of their notifications
    :param values: what the new mail has different from the old one
    :return: the new mail, or an empty record if nobody is to be moved
    """
    present = share_of(mail)
    partners = mail.recipient_ids.filtered(lambda partner: partner.id in share.partner_ids)
    is_group = share.group and present.group
    if not partners and not is_group:
        return mail.browse()
    parted = twin(
        mail,
        email_to=mail.email_to if is_group else False,
        email_cc=mail.email_cc if is_group else False,
        recipient_ids=[fields.Command.set(partners.ids)],
        oauth2_origin_ref=mail.oauth2_origin_ref or mail.id,
    )
    parted.write({"failure_type": False, "failure_reason": False, **values})
    pending_notifications(mail).filtered(
        lambda notification: (
            notification.res_partner_id in partners
            or (is_group and not notification.res_partner_id)
        )
    ).write(
        {
            "mail_mail_id": parted.id,
            "notification_status": notification_status,
            "failure_type": False,
            "failure_reason": False,
        }
    )
    rest = {"recipient_ids": [fields.Command.set((mail.recipient_ids - partners).ids)]}
    if is_group:
        rest.update(email_to=False, email_cc=False)
    mail.write(rest)
    return parted


def part_served(mail, course):
    """Move those who were served to a mail that is *sent*; leave a mail of the others.

    A mail that deletes itself once it is sent leaves nothing of those who were served.
    """
    served = part_off(mail, course.served, "sent", state="sent")
    if served and course.refused:
        PartialRefusal(served, course.refused).apply()
    elif served.auto_delete:
        served.unlink()


def part_untried(mail, course):
    """Move those whose turn had not come to a mail that leaves next; return it."""
    everybody = share_of(mail)
    untried = Share(
        everybody.partner_ids - course.failed.partner_ids,
        everybody.group and not course.failed.group,
    )
    return part_off(mail, untried, "ready", state="outgoing", scheduled_date=False)


def part_unserved(mail, refused):
    """Leave in a mail of unknown end only those whom it may have reached.

    :param refused: ``{address: reply}`` of those of its To and Cc whom it surely has not
    """
    if not refused:
        return
    PartialRefusal(mail, refused).queue_again()
    unserved = {email_normalize(address) for address in refused}
    for name in ("email_to", "email_cc"):
        addresses = email_split_and_format_normalize(mail[name] or "")
        kept = [address for address in addresses if email_normalize(address) not in unserved]
        mail[name] = ", ".join(kept) or False


class PartialRefusal:
    """What becomes of recipients who were refused while others of the same hand-over were not.

    :param mail: one ``mail.mail`` that the provider accepted for somebody
    :param refused: ``{address: provider's reply}``, see ``transport.SubmissionResult``
    """

    def __init__(self, mail, refused):
        self.mail = mail
        replies = {email_normalize(address): reply for address, reply in refused.items()}
        self.later = [address for address, reply in replies.items() if reply.startswith("4")]
        self.for_good = [address for address in replies if address not in self.later]
        self.reason = "\n".join(f"{address}: {reply}" for address, reply in refused.items())

    @property
    def failure(self):
        """Reason and type that core gives to the notifications of those who were not served."""
        return (self.reason, "mail_email_invalid") if self.for_good else (False, None)

    def apply(self):
        """Say who was refused, and give those refused for now a mail of their own."""
        self.queue_again()
        # Kept in any case: core would delete it together with what it says.
        self.mail.write({"failure_reason": self.reason, "auto_delete": False})

    def served(self, partners, formatted_emails):
        """Return which of the partners and addresses did get the mail.

        Addresses come as core has them, and plain: its notifications know them plain.
        """
        got_it = [email for email in formatted_emails if not self._is_refused(email)]
        plain = [email_normalize(email) for email in got_it]
        return [partner for partner in partners if not self._is_refused(partner.email)], [
            *got_it,
            *plain,
        ]

    def queue_again(self):
        """Give those refused for now a mail of their own."""
        if not self.later:
            return
        now = fields.Datetime.now()
        again = twin(
            self.mail,
            email_to=", ".join(self.later),
            email_cc=False,
            recipient_ids=[fields.Command.clear()],
            auto_delete=self.mail.auto_delete and not self.for_good,
            oauth2_origin_ref=self.mail.oauth2_origin_ref or self.mail.id,
            oauth2_attempts=1,
            oauth2_waiting_since=now,
            scheduled_date=next_attempt(now, 1),
        )
        wake_queue(again)
        pending_notifications(self.mail).filtered(
            lambda notification: (
                email_normalize(
                    notification.mail_email_address or notification.res_partner_id.email
                )
                in self.later
            )
        ).write(
            {
                "mail_mail_id": again.id,
                "notification_status": "ready",
                "failure_type": False,
                "failure_reason": False,
            }
        )

    def _is_refused(self, email):
        return email_normalize(email) in (*self.later, *self.for_good)


def wake_queue(mails):
    """Let the queue run when the first of these mails is due."""
    if mails:
        cron = mails.env.ref("mail.ir_cron_mail_scheduler_action").sudo()
        dates = [mail.scheduled_date or fields.Datetime.now() for mail in mails]
        cron._trigger(min(dates) + timedelta(seconds=1))


def twin(mail, **values):
    """Return a copy of a mail for some of its recipients; both share the message."""
    return (
        mail.with_user(mail.create_uid)
        .sudo()
        .copy({"headers": mail.headers, "mail_message_id": mail.mail_message_id.id, **values})
    )


def pending_notifications(mails):
    """Return the notifications of mails whose recipients were not served yet."""
    return (
        mails.env["mail.notification"]
        .sudo()
        .search(
            [
                ("notification_type", "=", "email"),
                ("mail_mail_id", "in", mails.ids),
                ("notification_status", "not in", ("sent", "canceled")),
            ]
        )
    )
