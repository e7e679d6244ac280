from odoo import fields, models
from odoo.addons.base.models.ir_mail_server import MailDeliveryException

from ..exceptions import MailOAuth2Error
from ..transport import MailSession
from .hand_over import HandOver
from .queue_outcome import PartialRefusal, QueueOutcome


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

    oauth2_held_by_id = fields.Many2one(
        "ir.mail_server",
        string="Held By",
        readonly=True,
        copy=False,
        index="btree_not_null",
        ondelete="set null",
        help="The server that this mail waits for until somebody has acted.",
    )

    # ------------------------------------------------------------
    # CHOOSING THE SERVER
    # ------------------------------------------------------------

    def send(self, auto_commit=False, raise_exception=False, post_send_callback=None):
        """Send each company's mail as that company: server, sender and bounces follow from it."""
        for company, mails in self.grouped(lambda mail: mail._sending_company()).items():
            super(MailMail, mails._as_company(company)).send(
                auto_commit=auto_commit,
                raise_exception=raise_exception,
                post_send_callback=post_send_callback,
            )
        return True

    def _as_company(self, company):
        # sudo: whoever sends a mail need not work for the company that it belongs to.
        is_allowed = self.env.su or company in self.env.user.company_ids
        return (self if is_allowed else self.sudo()).with_company(company)

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
            mail.record_company_id
            or mail._company_of_document()
            or mail.mail_message_id.create_uid.company_id
            or self.env.company
        )

    def _company_of_document(self):
        """Return the company of the document; templates do not note it on the mail."""
        nobody = self.env["res.company"]
        if not self.res_id or self.model not in self.env:
            return nobody
        record = self.env[self.model].browse(self.res_id).exists()
        return record._mail_get_companies(default=nobody)[record.id] if record else nobody

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
                return self._not_connected(error, raise_exception, mail_server)
            mails = self.with_context(mail_oauth2_hand_over=HandOver(mail_server))
        return super(MailMail, mails)._send(
            auto_commit=auto_commit,
            raise_exception=raise_exception,
            smtp_session=smtp_session,
            alias_domain_id=alias_domain_id,
            mail_server=mail_server,
            post_send_callback=post_send_callback,
        )

    def _not_connected(self, error, raise_exception, server):
        if raise_exception:
            text = self.env["mail.oauth2.error"]._text(error)
            raise MailDeliveryException(
                self.env._("Unable to connect to the mail server"), text
            ) from error
        mails = self.filtered(lambda mail: mail.state == "outgoing")
        failed = QueueOutcome(mails, error, server).apply()
        if failed:
            failed._postprocess_sent_message([], [], failed[0].failure_reason, "mail_smtp")
        return True

    def _postprocess_sent_message(
        self, success_pids, success_emails, failure_reason=False, failure_type=None
    ):
        """Give a mail the state that the typed error asks for, before core commits."""
        hand_over = self.env.context.get("mail_oauth2_hand_over")
        if not hand_over:
            return super()._postprocess_sent_message(
                success_pids, success_emails, failure_reason, failure_type
            )
        error, refused = hand_over.take_error(), hand_over.take_refused()
        # Core hands over to email_to and email_cc first, then to partner after partner.
        is_first_accepted = hand_over.take_first()
        is_group_served = bool(self.email_to or self.email_cc) and is_first_accepted
        if refused:
            partial = PartialRefusal(self, refused)
            partial.apply()
            success_pids, success_emails = partial.served(success_pids, success_emails)
            failure_reason, failure_type = partial.failure
        if error is None:
            return super()._postprocess_sent_message(
                success_pids, success_emails, failure_reason, failure_type
            )
        outcome = QueueOutcome(self, error, hand_over.server)
        failed = outcome.apply(success_pids, is_group_served)
        if not failed:
            return True
        return super(MailMail, failed)._postprocess_sent_message(
            [], [], failed[0].failure_reason, "mail_smtp"
        )
