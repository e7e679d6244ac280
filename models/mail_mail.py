from odoo import api, fields, models

from .recipients_split import pending_notifications

#: what core's failure types have no word for
FAILURE_TYPES = [
    ("mail_oauth2_refused", "Refused by the mail provider"),
    ("mail_oauth2_recipient", "Recipient refused by the mail provider"),
    ("mail_oauth2_sender", "The mailbox may not send as this address"),
    ("mail_oauth2_size", "Too large for the mail provider"),
    ("mail_oauth2_unknown", "Delivery unknown"),
    ("mail_oauth2_given_up", "Given up after waiting too long"),
    ("mail_oauth2_held", "Held until the mailbox can send again"),
]


class MailMail(models.Model):
    _inherit = "mail.mail"

    # ------------------------------------------------------------
    # FIELDS
    # ------------------------------------------------------------

    failure_type = fields.Selection(selection_add=FAILURE_TYPES)
    oauth2_attempts = fields.Integer(
        string="Attempts",
        readonly=True,
        copy=False,
        help="How many attempts to hand this mail over to the provider have failed so far.",
    )
    oauth2_waiting_since = fields.Datetime(
        string="Waiting Since", readonly=True, copy=False, help="When the first of them failed."
    )
    oauth2_held_by_id = fields.Many2one(
        "ir.mail_server",
        string="Held By",
        readonly=True,
        copy=False,
        index="btree_not_null",
        ondelete="set null",
        help="The server that this mail waits for until somebody has acted.",
    )
    oauth2_settled_attempt = fields.Integer(
        copy=False,
        help="The last attempt that the state of this mail tells of; what the journal has beyond "
        "it is settled before the mail is handed over again.",
    )
    oauth2_origin_ref = fields.Integer(
        copy=False, help="The mail that this one was parted from: its attempts are there."
    )
    oauth2_attempt_ids = fields.Many2many(
        "mail.oauth2.attempt",
        string="History",
        compute="_compute_attempts",
        groups="base.group_system",
    )

    def _compute_attempts(self):
        for mail in self:
            refs = [ref for ref in (mail._origin.id, mail.oauth2_origin_ref) if ref]
            mail.oauth2_attempt_ids = self.env["mail.oauth2.attempt"].search(
                [("mail_ref", "in", refs)]
            )

    # ------------------------------------------------------------
    # CRUD METHODS
    # ------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        """Note the company of the document, which templates do not: mails are counted by it."""
        mails = super().create(vals_list)
        unnoted = mails.sudo().filtered(lambda mail: not mail.record_company_id)
        for (model, res_id), of_document in unnoted.grouped(
            lambda mail: (mail.model, mail.res_id)
        ).items():
            if model and res_id and (company := of_document[0]._company_of_document()):
                of_document.record_company_id = company
        return mails

    def unlink(self):
        """Delete a message only with the last of the mails that were parted from one another.

        Core deletes it with the first, and PostgreSQL all other mails of it. What is deleted never
        leaves, so its document does not call it held any more.
        """
        self._forget_hold("canceled")
        owners = self.filtered(lambda mail: not mail.is_notification)
        others = self.sudo().search(
            [("mail_message_id", "in", owners.mail_message_id.ids), ("id", "not in", self.ids)]
        )
        owners.filtered(
            lambda mail: mail.mail_message_id in others.mail_message_id
        ).is_notification = True
        return super().unlink()

    # ------------------------------------------------------------
    # ACTIONS
    # ------------------------------------------------------------

    def action_retry(self):
        """Leave out what may have been delivered: whether that goes again is decided one by one."""
        sure = self.filtered(lambda mail: mail.failure_type != "mail_oauth2_unknown")
        return super(MailMail, sure).action_retry()

    def mark_outgoing(self):
        """Start counting anew: a person asks for it."""
        self._start_anew()
        return super().mark_outgoing()

    def cancel(self):
        """What is cancelled is not held any more, nor is it on the document."""
        self._forget_hold("ready")
        return super().cancel()

    def action_oauth2_resend(self):
        """Send again what may have been delivered: somebody knows that it was not."""
        return self._in_doubt().mark_outgoing()

    def action_oauth2_mark_sent(self):
        """Somebody knows that the mail was delivered."""
        for mail in self._in_doubt():
            mail._write_sent()
            mail._postprocess_sent_message(list(mail.recipient_ids), [])
        return True

    def _in_doubt(self):
        """Return those that still wait for a decision; a screen may show what is long past."""
        return self.filtered(
            lambda mail: mail.state == "exception" and mail.failure_type == "mail_oauth2_unknown"
        )

    def _write_sent(self):
        self.write({"state": "sent", "failure_type": False, "failure_reason": False})

    def _release(self):
        """Try mails that are held now rather than within the hour."""
        self.filtered(lambda mail: mail.state == "outgoing")._start_anew()

    def _start_anew(self):
        """Forget what became of the mails until now, also on the documents they belong to."""
        self.write(
            {
                "oauth2_attempts": 0,
                "oauth2_held_by_id": False,
                "oauth2_waiting_since": False,
                "scheduled_date": False,
                "failure_type": False,
                "failure_reason": False,
            }
        )
        self._clear_notifications("ready")

    def _forget_hold(self, notification_status):
        held = self.filtered("oauth2_held_by_id")
        if held:
            held.oauth2_held_by_id = False
            held._clear_notifications(notification_status)

    def _clear_notifications(self, status):
        """Take back what the documents say of recipients who were not served."""
        # Without an address they tell just that, and the database wants them to.
        pending_notifications(self).filtered(
            lambda notification: notification.res_partner_id or notification.mail_email_address
        ).write({"notification_status": status, "failure_type": False, "failure_reason": False})

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

    def _split_by_mail_configuration(self):
        """Let the fallback of a server send that has waited for a person too long."""
        servers = self.env["ir.mail_server"]
        for (
            server_id,
            alias_domain_id,
            smtp_from,
            mail_ids,
        ) in super()._split_by_mail_configuration():
            server = servers.browse(server_id)
            stand_in = server._stand_in() if server_id else server
            if stand_in != server:
                smtp_from = stand_in._sender_for(smtp_from)
            yield stand_in.id, alias_domain_id, smtp_from, mail_ids

    def _filter_mail_mail_servers(self, mail_servers):
        """Leave out the servers of other companies."""
        if self.env.context.get("mail_oauth2_hand_over"):
            # Looked at for the whole batch; core asks again for each mail of it.
            return mail_servers
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
        """Return the company of the document."""
        nobody = self.env["res.company"]
        if not self.res_id or self.model not in self.env or self.env[self.model]._abstract:
            return nobody
        record = self.env[self.model].browse(self.res_id).exists()
        return record._mail_get_companies(default=nobody)[record.id] if record else nobody
