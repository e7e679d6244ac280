from odoo import api, fields, models, modules
from odoo.fields import Domain

from .queue_progress import QueueProgress


class MailMail(models.Model):
    """Let the queue run on until it is empty or everything left waits for a time."""

    _inherit = "mail.mail"

    @api.model
    def process_email_queue(self, email_ids=(), batch_size=1000):
        """Report progress to the scheduler, so that it goes on with the next batch at once.

        Core means to, but asks for a model called ``ir_cron``: its queue goes on an hour later.
        """
        if email_ids or modules.module.current_test:
            return super().process_email_queue(email_ids, batch_size)
        progress = QueueProgress(self.env, self._count_due)
        progress.begin()
        result = True
        if not progress.is_time_over:
            queue = self.with_context(mail_oauth2_progress=progress)
            result = super(MailMail, queue).process_email_queue(email_ids, batch_size)
        progress.end()
        return result

    def send(self, auto_commit=False, raise_exception=False, post_send_callback=None):
        progress = self.env.context.get("mail_oauth2_progress")

        def count(mail_ids):
            progress.add(mail_ids)
            post_send_callback(mail_ids)

        return super().send(
            auto_commit=auto_commit,
            raise_exception=raise_exception,
            post_send_callback=count if progress else post_send_callback,
        )

    def _count_due(self, mail_ids=None):
        now = fields.Datetime.now()
        due = Domain("state", "=", "outgoing") & (
            Domain("scheduled_date", "=", False) | Domain("scheduled_date", "<=", now)
        )
        if mail_ids is not None:
            due &= Domain("id", "in", mail_ids)
        return self.search_count(due & Domain(self.env.context.get("filters") or Domain.TRUE))
