"""What Odoo says of each recipient of the planned mails, read from the database."""

from __future__ import annotations

from collections import defaultdict

from odoo.tools import email_normalize, email_split

from .judgement import FAILED, NOTHING, SENT, UNKNOWN, WAITING

#: failure type that says *delivery unknown*
_UNKNOWN_TYPE = "mail_oauth2_unknown"
_MAIL_WORDS = {"outgoing": WAITING, "sent": SENT, "received": SENT, "exception": FAILED}
_NOTIFICATION_WORDS = {
    "ready": WAITING,
    "process": WAITING,
    "pending": WAITING,
    "sent": SENT,
    "exception": FAILED,
    "bounce": FAILED,
}
#: which of several words counts: the one that has the worse consequences if it is wrong
_ORDER = (WAITING, UNKNOWN, FAILED, SENT, NOTHING)

_MAILS = """
    SELECT mail.id, message.subject, mail.state, mail.failure_type, mail.email_to, mail.email_cc,
           array_remove(array_agg(partner.email), NULL)
      FROM mail_mail mail
      JOIN mail_message message ON message.id = mail.mail_message_id
 LEFT JOIN mail_mail_res_partner_rel rel ON rel.mail_mail_id = mail.id
 LEFT JOIN res_partner partner ON partner.id = rel.res_partner_id
  GROUP BY mail.id, message.subject
"""
_NOTIFICATIONS = """
    SELECT message.subject, partner.email, note.notification_status, note.failure_type
      FROM mail_notification note
      JOIN mail_message message ON message.id = note.mail_message_id
      JOIN res_partner partner ON partner.id = note.res_partner_id
     WHERE note.notification_type = 'email'
"""


def words(database, plan):
    """Return ``{recipient: word}`` for all recipients of the planned mails."""
    rows = database.rows(_MAILS)
    kept = {subject for _id, subject, *_rest in rows}
    of_mails = _words_of_mails(rows)
    of_notifications = {
        (subject, email): _word(_NOTIFICATION_WORDS, status, failure_type)
        for subject, email, status, failure_type in database.rows(_NOTIFICATIONS)
    }
    return {
        recipient: _of_recipient(mail, recipient, kept, of_mails, of_notifications)
        for mail in plan
        for recipient in mail.recipients
    }


def _of_recipient(mail, recipient, kept, of_mails, of_notifications):
    key = (mail.subject, recipient)
    found = of_mails[key]
    if WAITING in found:
        return WAITING
    if key in of_notifications:
        return of_notifications[key]
    if found:
        return min(found, key=_ORDER.index)
    # A mail that is gone was sent: Odoo deletes no other. What is gone from a mail that is
    # kept was parted from it, and the part deleted when it was sent.
    return SENT if mail.auto_delete or mail.subject not in kept else NOTHING


def _words_of_mails(rows):
    found = defaultdict(set)
    for _id, subject, state, failure_type, email_to, email_cc, partners in rows:
        addresses = [*email_split(email_to or ""), *email_split(email_cc or ""), *partners]
        for address in map(email_normalize, addresses):
            found[subject, address].add(_word(_MAIL_WORDS, state, failure_type))
    return found


def _word(table, state, failure_type):
    word = table.get(state, NOTHING)
    return UNKNOWN if word == FAILED and failure_type == _UNKNOWN_TYPE else word
