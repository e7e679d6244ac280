from odoo import fields, models
from odoo.tools import email_normalize
from odoo.tools.misc import format_date, format_datetime

from ..exceptions import ConfigurationError, SignInNeededError
from .diagnosis_steps import Finding

#: hours after its time from which on a scheduled action counts as not running
LATE_HOURS = 2


class MailOAuth2Diagnosis(models.TransientModel):
    """Checks of what is set in Odoo; they ask nobody outside."""

    _inherit = "mail.oauth2.diagnosis"

    def _check_registration(self):
        if not self.mailbox_id:
            raise SignInNeededError("no_mailbox", details={"server": self.mail_server_id.name})
        app = self._app()
        provider = app._get_provider()  # opens the stored secret
        provider.validate()
        if app.provider == "google" and not app.has_client_secret:
            raise ConfigurationError("client_secret_missing")
        return Finding(self.env._("“%(app)s” has everything that a sign-in needs.", app=app.name))

    def _check_client_secret(self):
        app = self._app()
        if not app.has_client_secret:
            return Finding(self.env._("None is entered: Odoo signs in as a public client."))
        ends = app.client_secret_expires_on
        if not ends:
            return self._undated_secret(app)
        details = {"app": app.name, "date": format_date(self.env, ends)}
        summary = self.env._("Ends on %(date)s.", date=details["date"])
        if ends < fields.Date.context_today(self):
            # A warning: whether the provider still takes it, the access token will tell.
            return Finding(summary, ConfigurationError("client_secret_date_past", details=details))
        if app._secret_expires_soon():
            return Finding(summary, ConfigurationError("client_secret_ends_soon", details=details))
        return Finding(summary)

    def _undated_secret(self, app):
        summary = self.env._("No end is entered.")
        if app.provider == "google":  # those have none unless somebody ends them
            return Finding(summary)
        problem = ConfigurationError("client_secret_undated", details={"app": app.name})
        return Finding(summary, problem)

    def _check_redirect_uri(self):
        app = self._app()
        return Finding(app.redirect_uri, warning=app.redirect_uri_warning or "")

    def _check_sender(self):
        server = self.mail_server_id
        if not server:
            details = {"mailbox": self.mailbox_id.address}
            problem = ConfigurationError("mailbox_without_server", details=details)
            return Finding(self.env._("Nothing is sent from this mailbox."), problem)
        if not server.active:
            raise ConfigurationError("mail_server_archived", details={"server": server.name})
        return self._own_sender(server) if self.mailbox_id else self._usual_sender(server)

    def _own_sender(self, server):
        """The server sends as its mailbox: nothing else may pass the filter."""
        address = self.mailbox_id.address
        details = {"mailbox": address, "filter": server.from_filter, "server": server.name}
        if not server._match_from_filter(address, server.from_filter):
            raise ConfigurationError("from_filter_excludes_mailbox", details=details)
        summary = self.env._("Mail leaves as %(address)s.", address=address)
        parts = {part.lower() for part in server._parse_from_filter(server.from_filter)}
        if parts - {address}:
            return Finding(summary, ConfigurationError("from_filter_too_wide", details=details))
        return Finding(summary, self._other_default_sender(address))

    def _other_default_sender(self, address):
        """Return the error for a company whose mails without an author have another sender."""
        default = email_normalize(self._company().default_from_email or "")
        if not default or default == address or self.mailbox_id.user_id:
            return None
        details = {"mailbox": address, "sender": default}
        return ConfigurationError("default_sender_differs", details=details)

    def _usual_sender(self, server):
        """The server sends as whoever passes its filter: the company's usual sender should."""
        default = email_normalize(self._company().default_from_email or "")
        if default and not server._match_from_filter(default, server.from_filter):
            details = {"sender": default, "filter": server.from_filter, "server": server.name}
            problem = ConfigurationError("from_filter_excludes_sender", details=details)
            return Finding(self.env._("Odoo's usual sender is another."), problem)
        return Finding(self.env._("Mail leaves as %(address)s.", address=self._sender_to_try()))

    def _check_mail_queue(self):
        cron = self.env.ref("mail.ir_cron_mail_scheduler_action", raise_if_not_found=False)
        if not cron or not cron.active:
            raise ConfigurationError("mail_queue_stopped")
        late = (fields.Datetime.now() - cron.nextcall).total_seconds() / 3600
        summary = self.env._("The scheduled action “%(action)s” is active.", action=cron.name)
        if late > LATE_HOURS:
            details = {"hours": int(late)}
            return Finding(summary, ConfigurationError("mail_queue_late", details=details))
        return self._pause() or Finding(summary)

    def _pause(self):
        """Return that the mailbox sends nothing for a while, because it was told so."""
        pause = self.env["mail.oauth2.pause"]._of(self.mailbox_id)
        error = pause._error_now()
        if not error:
            return None
        time = format_datetime(self.env, pause.until, dt_format="short")
        return Finding(self.env._("Mail of this mailbox waits until %(time)s.", time=time), error)
