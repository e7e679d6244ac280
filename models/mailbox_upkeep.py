import logging
from datetime import timedelta

from odoo import api, fields, models
from odoo.tools.misc import format_date

from ..exceptions import MailOAuth2Error

_logger = logging.getLogger(__name__)

#: days after which a grant that nobody used is renewed by the daily job
RENEW_AFTER_DAYS = 7
#: days before the end of a client secret on which administrators hear of it
SECRET_WARNING_DAYS = (30, 14, 7, 1)
#: administrators who get an activity for an incident; more would only be noise
INCIDENT_READERS = 10


class MailOAuth2Mailbox(models.Model):
    """Keeping grants alive, and telling people in time."""

    _inherit = "mail.oauth2.mailbox"

    # ------------------------------------------------------------
    # DAILY JOB
    # ------------------------------------------------------------

    @api.model
    def _cron_keep_alive(self):
        """Renew grants that were not used for a week; tell people what they have to know."""
        limit = fields.Datetime.now() - timedelta(days=RENEW_AFTER_DAYS)
        grants = (
            self.env["mail.oauth2.token"]
            .sudo()
            .search([("state", "in", ("granted", "configuration")), ("used_on", "<", limit)])
        )
        for mailbox in grants.mailbox_id:
            mailbox._renew()
        self._announce_what_was_missed()
        self.env["mail.oauth2.app"].search(
            [("client_secret_expires_on", "!=", False)]
        )._warn_of_secret_expiry()

    @api.model
    def _announce_what_was_missed(self):
        """Tell of broken grants whose process ended before it could."""
        broken = (
            self.env["mail.oauth2.token"]
            .sudo()
            .search([("state", "in", ("refused", "configuration"))])
        )
        for grant in broken.filtered("error_class"):
            grant.mailbox_id._open_incident(grant._last_error())

    def _renew(self):
        try:
            self._access_token(self._resources()[0])
        except MailOAuth2Error as error:
            # The grant remembers the error and has told people if it is a definite one.
            _logger.info("Mailbox %s could not be renewed: %s", self.address, error)

    # ------------------------------------------------------------
    # INCIDENTS
    # ------------------------------------------------------------

    def _open_incident(self, error, *, answered=False):
        """Tell the people in charge that this mailbox cannot send, once until it can again.

        :param answered: id of the user whose own button has found it out and says so
        """
        self.ensure_one()
        if self._incident_activities():
            return
        # Odoo mails people what they are asked to do; such a mail would only wait here itself.
        calm = self.with_context(mail_activity_quick_update=not self._can_mail_about_itself())
        for user in self._people_in_charge():
            spoken = calm.with_context(lang=user.lang)
            words, summary = spoken._words_for(error), spoken._incident_in_words()
            spoken.activity_schedule(
                "mail.mail_activity_data_warning",
                summary=summary,
                note=f"{words['cause']}\n{words['remedy']}",
                user_id=user.id,
            )
            if user.id != answered:
                user._bus_send(
                    "mail_server_oauth2.incident",
                    {"mailbox_id": self.id, "title": summary, "message": words["cause"]},
                )
        here = self._in_the_language_of_the_company()
        here.message_post(
            body=here.env._(
                "%(summary)s: %(cause)s",
                summary=here._incident_in_words(),
                cause=here._words_for(error)["cause"],
            )
        )

    def _incident_in_words(self):
        return self.env._("Mailbox %(address)s cannot send", address=self.address)

    def _recovery_in_words(self):
        return self.env._("Mailbox %(address)s can send again", address=self.address)

    def _in_the_language_of_the_company(self):
        company = self.company_id or self.env.company
        return self.with_context(lang=company.partner_id.lang or self.env.lang)

    def _can_mail_about_itself(self):
        """Tell whether a mail about this mailbox may leave by another way."""
        company = self.company_id or self.user_id.company_id or self.env.company
        server = company.sudo().email_server_id
        return server not in self.server_ids or bool(server.oauth2_fallback_id)

    def _close_incident(self, *, answered=False):
        """The mailbox can send again: say so where the incident was announced.

        :param answered: id of the user whose own button has found it out and says so
        """
        self.ensure_one()
        activities = self._incident_activities()
        if not activities:
            return
        for user in activities.user_id.filtered(lambda person: person.id != answered):
            text = self.with_context(lang=user.lang)._recovery_in_words()
            user._bus_send("simple_notification", {"type": "success", "message": text})
        self._cancel_incident_mails(activities)
        activities.unlink()
        here = self._in_the_language_of_the_company()
        here.message_post(body=here._recovery_in_words())

    def _cancel_incident_mails(self, activities):
        """A mail about the incident that was held until now is no longer true."""
        about = activities.mapped("summary")
        mails = self.env["mail.mail"].search(
            [
                ("state", "=", "outgoing"),
                ("model", "=", self._name),
                ("res_id", "=", self.id),
                ("message_type", "=", "user_notification"),
                ("subject", "!=", False),
            ]
        )
        mails = mails.filtered(lambda mail: any(words in mail.subject for words in about))
        mails.try_lock_for_update(allow_referencing=True).cancel()

    def _warn_of_secret(self, expires_on, told):
        """Ask for a new client secret before the present one ends.

        :param told: users who have heard of it already
        :return: those who have now
        """
        people = self._people_in_charge() - told
        for user in people:
            spoken = self.with_context(lang=user.lang)
            spoken.activity_schedule(
                "mail.mail_activity_data_todo",
                date_deadline=expires_on,
                summary=spoken.env._(
                    "The client secret of %(app)s ends on %(date)s",
                    app=self.app_id.name,
                    date=format_date(spoken.env, expires_on),
                ),
                user_id=user.id,
            )
        return told | people

    def _incident_activities(self):
        warning = self.env.ref("mail.mail_activity_data_warning")
        return self.activity_ids.filtered(lambda activity: activity.activity_type_id == warning)

    def _people_in_charge(self):
        """Return the owner of a personal mailbox, else administrators of its company."""
        if self.user_id:
            return self.user_id
        administrators = self.env.ref("base.group_system")
        domain = [("share", "=", False), ("all_group_ids", "in", administrators.ids)]
        if self.company_id:
            domain.append(("company_ids", "in", self.company_id.ids))
        return self.env["res.users"].sudo().search(domain, limit=INCIDENT_READERS)


class MailOAuth2App(models.Model):
    _inherit = "mail.oauth2.app"

    secret_warning_given = fields.Integer(
        copy=False, help="Days before the end of the secret of the last warning given."
    )

    def write(self, vals):
        if "client_secret_expires_on" in vals:
            vals = {**vals, "secret_warning_given": 0}
        return super().write(vals)

    def _warn_of_secret_expiry(self):
        """Warn of client secrets that end soon, once for each of :data:`SECRET_WARNING_DAYS`."""
        today = fields.Date.context_today(self)
        for app in self:
            days = (app.client_secret_expires_on - today).days
            passed = [limit for limit in SECRET_WARNING_DAYS if days <= limit]
            if not passed or app.secret_warning_given == min(passed):
                continue
            app.secret_warning_given = min(passed)
            told = self.env["res.users"]
            # Owners of personal mailboxes can only pass it on.
            companies = app.mailbox_ids.filtered(lambda box: not box.user_id)
            for mailbox in companies or app.mailbox_ids:
                told = mailbox._warn_of_secret(app.client_secret_expires_on, told)
