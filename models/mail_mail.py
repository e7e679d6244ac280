from odoo import fields, models
from odoo.addons.base.models.ir_mail_server import MailDeliveryException

from ..exceptions import MailOAuth2Error
from ..transport import MailSession
from .queue_outcome import PartialRefusal, QueueOutcome


class HandOver:
    """Carries the typed error of one hand-over from ``send_email`` to the queue.

    Core's ``_send`` knows only text by the time it writes the state of a mail.
    """

    def __init__(self):
        self._error = None
        self._refused = {}

    def failed(self, error):
        self._error = error

    def accepted(self, refused):
        """Note the recipients, ``{address: reply}``, who were refused while others were served."""
        self._refused.update(refused)

    def take_refused(self):
        """Return the refused recipients of the mail in hand once."""
        refused, self._refused = self._refused, {}
        return refused

    def take_error(self):
        """Return the error of the last hand-over once, ``None`` if it went well."""
        error, self._error = self._error, None
        return error


class MailMail(models.Model):
    _inherit = "mail.mail"

    oauth2_attempts = fields.Integer(
        string="Attempts", readonly=True, copy=False, help="Hand-overs that have to be repeated."
    )
    oauth2_waiting_since = fields.Datetime(
        string="Waiting Since", readonly=True, copy=False, help="When the first of them failed."
    )

    def action_retry(self):
        """Start counting anew: a person asks for it."""
        self.filtered(lambda mail: mail.state == "exception").write(
            {"oauth2_attempts": 0, "oauth2_waiting_since": False, "scheduled_date": False}
        )
        return super().action_retry()

    # ------------------------------------------------------------
    # CHOOSING THE SERVER
    # ------------------------------------------------------------

    def _split_by_mail_configuration(self):
        """Let each company's mail find that company's server."""
        by_company = self.grouped(lambda mail: mail._sending_company().id)
        for company_id, mails in by_company.items():
            yield from super(
                MailMail, mails.with_company(company_id)
            )._split_by_mail_configuration()

    def _filter_mail_mail_servers(self, mail_servers):
        """Leave out the servers of other companies."""
        servers = super()._filter_mail_mail_servers(mail_servers)
        companies = self.env["res.company"].union(*(mail._sending_company() for mail in self))
        return servers.filtered(
            lambda server: not server.company_id or server.company_id == companies
        )

    def _sending_company(self):
        """Return the company a mail belongs to: its document's, else its author's."""
        self.ensure_one()
        mail = self.sudo()
        return (
            mail.record_company_id or mail.mail_message_id.create_uid.company_id or self.env.company
        )

    # ------------------------------------------------------------
    # SENDING
    # ------------------------------------------------------------

    def _send(
        self,
        auto_commit=False,
        raise_exception=False,
        smtp_session=None,
        alias_domain_id=False,
        mail_server=False,
        post_send_callback=None,
    ):
        """Connect before the first mail, so that trouble there does not fail any mail."""
        mails = self
        if isinstance(smtp_session, MailSession):
            try:
                smtp_session.open()
            except MailOAuth2Error as error:
                return self._not_connected(error, raise_exception)
            mails = self.with_context(mail_oauth2_hand_over=HandOver())
        return super(MailMail, mails)._send(
            auto_commit=auto_commit,
            raise_exception=raise_exception,
            smtp_session=smtp_session,
            alias_domain_id=alias_domain_id,
            mail_server=mail_server,
            post_send_callback=post_send_callback,
        )

    def _not_connected(self, error, raise_exception):
        if raise_exception:
            text = self.env["mail.oauth2.error"]._text(error)
            raise MailDeliveryException(
                self.env._("Unable to connect to the mail server"), text
            ) from error
        failed = QueueOutcome(self.filtered(lambda mail: mail.state == "outgoing"), error).apply()
        if failed:
            failed._postprocess_sent_message([], [], failed[0].failure_reason, "mail_smtp")
        return True

    def _postprocess_sent_message(
        self, success_pids, success_emails, failure_reason=False, failure_type=None
    ):
        """Give a mail the state that the typed error asks for, before core commits."""
        hand_over = self.env.context.get("mail_oauth2_hand_over")
        error = hand_over.take_error() if hand_over else None
        refused = hand_over.take_refused() if hand_over else {}
        if refused:
            partial = PartialRefusal(self, refused)
            partial.queue_again()
            success_pids, success_emails = partial.served(success_pids, success_emails)
            failure_reason, failure_type = partial.reason, "mail_email_invalid"
            self.failure_reason = partial.reason
        if error is None:
            return super()._postprocess_sent_message(
                success_pids, success_emails, failure_reason, failure_type
            )
        failed = QueueOutcome(self, error).apply(success_pids, success_emails)
        if not failed:
            return True
        return super(MailMail, failed)._postprocess_sent_message(
            [], [], failed[0].failure_reason, "mail_smtp"
        )
