from odoo import api, fields, models

from ..exceptions import MailOAuth2Error
from ..models.mail_oauth2_authorization import CHOICE_PATH
from ..models.mailbox_device_sign_in import moment_of


class MailOAuth2DeviceSignIn(models.TransientModel):
    """Show a code that a person enters on another device, and wait for it.

    The browser gets the code that people may see. What redeems it stays on the server, with the
    pending sign-in; so does the state that leads to it.
    """

    _name = "mail.oauth2.device.sign.in"
    _description = "Sign in on Another Device"

    mailbox_id = fields.Many2one("mail.oauth2.mailbox", required=True, ondelete="cascade")
    address = fields.Char(related="mailbox_id.address", related_sudo=True)
    state_token = fields.Char(groups=fields.NO_ACCESS)
    user_code = fields.Char()
    verification_uri = fields.Char()
    interval = fields.Integer(help="Seconds between two questions.")
    expires_on = fields.Datetime()
    seconds_left = fields.Integer(compute="_compute_seconds_left")

    @api.depends("expires_on")
    def _compute_seconds_left(self):
        now = fields.Datetime.now()
        for wizard in self:
            left = (wizard.expires_on - now).total_seconds() if wizard.expires_on else 0
            wizard.seconds_left = max(int(left), 0)

    # ------------------------------------------------------------
    # CALLED BY THE DIALOGUE
    # ------------------------------------------------------------

    def poll(self):
        """Tell how the sign-in stands. Makes at most one call to the provider per interval.

        :return: dict with ``status``: ``waiting``; ``failed`` with the words for the error and
            ``consent_url``; ``finished`` with the ``action`` to do
        """
        self.ensure_one()
        try:
            path = self.mailbox_id._poll_device_sign_in(self.sudo().state_token)
        except MailOAuth2Error as error:
            return self._failure(error)
        if path is None:
            return {"status": "waiting"}
        return {"status": "finished", "action": self._next_action(path)}

    def cancel(self):
        """Forget the sign-in."""
        self.ensure_one()
        self.mailbox_id._cancel_device_sign_in(self.sudo().state_token)
        return True

    def renew(self):
        """Get another code in place of one that has ended.

        :return: as :meth:`poll`
        """
        self.ensure_one()
        self.cancel()
        try:
            self.sudo().write(self._code_values(self.mailbox_id))
        except MailOAuth2Error as error:
            return self._failure(error)
        return {"status": "waiting"}

    # ------------------------------------------------------------
    # ACTIONS
    # ------------------------------------------------------------

    def action_cancel(self):
        self.cancel()
        return {"type": "ir.actions.act_window_close"}

    # ------------------------------------------------------------
    # BUSINESS METHODS
    # ------------------------------------------------------------

    @api.model
    def _open(self, mailbox):
        """Return the action that shows a new code for a mailbox.

        :raises MailOAuth2Error: there is no code
        """
        values = {"mailbox_id": mailbox.id, **self._code_values(mailbox)}
        # sudo: people read these dialogues and press their buttons; only this method makes them.
        wizard = self.sudo().create(values)
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Sign in on another device"),
            "res_model": self._name,
            "res_id": wizard.id,
            "view_mode": "form",
            "target": "new",
        }

    @api.model
    def _code_values(self, mailbox):
        sign_in, state = mailbox._begin_device_sign_in()
        return {
            "state_token": state,
            "user_code": sign_in.user_code,
            "verification_uri": sign_in.verification_uri,
            "interval": sign_in.interval,
            "expires_on": moment_of(sign_in.expires_at),
        }

    def _failure(self, error):
        words = self.mailbox_id._words_for(error)
        return {
            "status": "failed",
            "cause": words["cause"],
            "remedy": words["remedy"],
            "provider_text": words["provider_text"],
            "consent_url": self.mailbox_id._admin_consent_url(error),
        }

    def _next_action(self, path):
        """Return what the dialogue does once somebody has signed in."""
        if path.startswith(CHOICE_PATH):
            return {"type": "ir.actions.act_url", "url": path, "target": "self"}
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "success",
                "title": self.address,
                "message": self.env._("This mailbox is connected."),
                "next": {"type": "ir.actions.act_window_close"},
            },
        }
