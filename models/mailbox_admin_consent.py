import contextlib

from odoo import api, fields, models

from ..exceptions import AdminConsentError, ConfigurationError, MailOAuth2Error, TransientError
from ..providers import provider_for

#: what the provider brings back beside an administrator's answer; it is public and proves nothing
CONSENT_STATE = "admin-consent"

#: Errors behind which an approval may be missing although the provider did not say so: "Need
#: admin approval" is a page of its own, and people leave it as if they had cancelled.
MAYBE_APPROVAL = frozenset(
    {
        "aadsts_65001",
        "aadsts_65004",
        "device_code_ended",
        "entra_authorization_declined",
        "entra_expired_token",
        "sign_in_cancelled",
    }
)


class MailOAuth2Mailbox(models.Model):
    """The link to send to an administrator who must approve the app first."""

    _inherit = "mail.oauth2.mailbox"

    admin_consent_url = fields.Char(compute="_compute_admin_consent_url", compute_sudo=True)

    @api.depends("token_ids", "app_id")
    def _compute_admin_consent_url(self):
        for mailbox in self:
            error = mailbox._current_error(mailbox._grant_sudo())
            mailbox.admin_consent_url = mailbox._admin_consent_url(error)

    def _admin_consent_url(self, error):
        """Return the page that helps against an error, ``""`` where none does."""
        if not isinstance(error, AdminConsentError) and error_key(error) not in MAYBE_APPROVAL:
            return ""
        app = self.sudo().app_id
        try:
            return provider_for(app.provider, app._registration(secret="")).admin_consent_url(
                resources=self.sudo()._resources_to_ask_for(),
                redirect_uri=app._get_redirect_uri(),
                state=CONSENT_STATE,
            )
        except ConfigurationError:
            return ""

    def _finish_sign_in(self, pending, params):
        """Keep in mind that an administrator must approve, for the status block."""
        try:
            return super()._finish_sign_in(pending, params)
        except MailOAuth2Error as error:
            self._remember_refusal(error)
            raise

    def _remember_refusal(self, error):
        """Show on the status block that a sign-in waits for an administrator.

        What the mailbox can do right now does not change: nothing was granted, nothing lost.
        """
        if not isinstance(error, AdminConsentError):
            return
        # Not shown if other processes hold the row; whoever signs in hears of it all the same.
        with contextlib.suppress(TransientError):
            self._grant_sudo()._note_error(error)


def error_key(error):
    """Return the catalogue's key of an error, ``""`` for none."""
    return error.key if error else ""
