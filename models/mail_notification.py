from odoo import fields, models
from odoo.addons.mail.tools.discuss import Store

from .mail_mail import FAILURE_TYPES

#: notifications of one author that are shown at once; older ones show when they are opened
SHOWN_AT_ONCE = 300
#: what the web client needs to show them, besides the reason
SHOWN_FIELDS = ("failure_type", "mail_message_id", "notification_status", "notification_type")


class MailNotification(models.Model):
    """Say on the document that a mail is held or has failed, and why."""

    _inherit = "mail.notification"

    failure_type = fields.Selection(selection_add=FAILURE_TYPES)

    def write(self, vals):
        """Let open documents show at once that a mail is held, and what held or failed no longer.

        Core tells them of failures only: anything else would show when the page is loaded again.
        """
        if "failure_type" not in vals:
            return super().write(vals)
        before = {notification: notification._trouble() for notification in self}
        result = super().write(vals)
        self.filtered(
            lambda notification: notification._trouble() not in ("failed", before[notification])
        )._show_to_authors()
        return result

    def _trouble(self):
        """Return ``held`` or ``failed`` if an e-mail is, else ``False``."""
        if self.notification_type != "email":
            return False
        if self.notification_status == "ready" and self.failure_type == "mail_oauth2_held":
            return "held"
        return self.notification_status == "exception" and "failed"

    def _show_to_authors(self):
        """Send the status to the browsers of those who wrote the messages.

        Only what changes is sent: a mailbox that is held may hold thousands of mails.
        """
        # sudo: authors may know what became of their own messages.
        for author, notifications in self.sudo().grouped("author_id").items():
            user = author.main_user_id
            if not user or user._is_public():
                continue
            newest = notifications.sorted("id", reverse=True)[:SHOWN_AT_ONCE]
            store = Store(bus_channel=user)
            store.add(newest, [*SHOWN_FIELDS, newest._reason_for(store.target)])
            store.bus_send()

    # ------------------------------------------------------------
    # DISCUSS
    # ------------------------------------------------------------

    def _filtered_for_web_client(self):
        """A held mail is shown to everybody who would see that it failed."""
        shown = super()._filtered_for_web_client()
        return self.filtered(lambda one: one in shown or one._trouble() == "held")

    def _to_store_defaults(self, target):
        return super()._to_store_defaults(target) + [self._reason_for(target)]

    def _reason_for(self, target):
        """Return the reason as a field of the web client; it is for colleagues only.

        Customers who write on a document are not concerned with our mail servers. A bounce has
        a reason too: the whole mail that came back.
        """
        is_internal = target.is_internal(self.env)
        return Store.Attr(
            "failure_reason",
            lambda notification: (
                is_internal and bool(notification._trouble()) and notification.failure_reason
            ),
        )
