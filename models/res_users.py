from odoo import api, fields, models
from odoo.exceptions import UserError

from ..providers import SERVER_TYPES


class ResUsers(models.Model):
    """Let employees connect their own mailbox from their preferences."""

    _inherit = "res.users"

    outgoing_mail_server_type = fields.Selection(
        selection_add=[
            ("oauth2_microsoft_graph", "Microsoft 365 (Graph, OAuth2)"),
            ("oauth2_microsoft_smtp", "Microsoft 365 (SMTP, OAuth2)"),
            ("oauth2_google_smtp", "Gmail (OAuth2)"),
        ],
        ondelete={
            "oauth2_microsoft_graph": "set default",
            "oauth2_microsoft_smtp": "set default",
            "oauth2_google_smtp": "set default",
        },
    )
    outgoing_mailbox_state = fields.Selection(
        selection=lambda self: (
            self.env["mail.oauth2.mailbox"]._fields["state"]._description_selection(self.env)
        ),
        string="State of Your Mailbox",
        compute="_compute_outgoing_mailbox",
        groups="base.group_user",
    )
    outgoing_mailbox_status_html = fields.Html(
        string="Status of Your Mailbox",
        compute="_compute_outgoing_mailbox",
        sanitize=False,
        groups="base.group_user",
    )

    @property
    def SELF_READABLE_FIELDS(self):
        return super().SELF_READABLE_FIELDS + [
            "outgoing_mailbox_state",
            "outgoing_mailbox_status_html",
        ]

    @api.depends("outgoing_mail_server_id")
    @api.depends_context("uid")
    def _compute_outgoing_mailbox(self):
        """Tell people about their own mailbox, nobody about somebody else's."""
        nobody = self.env["mail.oauth2.mailbox"]
        for user in self:
            is_own = user._origin == self.env.user
            mailbox = user._shown_mailbox_sudo() if is_own else nobody
            user.outgoing_mailbox_state = mailbox.state
            user.outgoing_mailbox_status_html = mailbox.status_html

    def _shown_mailbox_sudo(self):
        """Return the mailbox that mail leaves through, else one whose sign-in has begun.

        Core keeps a personal server archived until its owner has signed in, and a sign-in that
        ends on the provider's page leaves nothing else to see.
        """
        mailboxes = self.env["mail.oauth2.mailbox"].sudo()
        begun = mailboxes.search([("user_id", "=", self._origin.id)]).filtered(
            lambda box: box.state == "pending"
        )
        return self._connected_mailbox_sudo() or begun[:1]

    def _connected_mailbox_sudo(self):
        """Return the personal mailbox that mail of this user leaves through, if there is one."""
        mailbox = self.outgoing_mail_server_id.sudo().oauth2_mailbox_id
        return mailbox.filtered(lambda box: box.user_id == self._origin)

    def write(self, vals):
        result = super().write(vals)
        if "active" in vals and not vals["active"]:
            self._forget_personal_grants()
        return result

    def _forget_personal_grants(self):
        """Whoever has left no longer sends: nothing of the permission stays here."""
        mailboxes = self.env["mail.oauth2.mailbox"].sudo().with_context(active_test=False)
        mailboxes.search([("user_id", "in", self.ids)])._wipe_after_commit()

    def action_authenticate_own_mailbox(self):
        """Sign in for the current user's own mailbox, again or at last."""
        return self._shown_mailbox_or_explain().action_authenticate()

    def action_status_own_mailbox(self):
        """Ask the provider whether the current user's own mailbox can send right now."""
        return self._shown_mailbox_or_explain().action_status()

    def action_disconnect_own_mailbox(self):
        """Open the dialogue that removes the connection of the current user's own mailbox."""
        return self._shown_mailbox_or_explain().action_disconnect()

    @api.model
    def _shown_mailbox_or_explain(self):
        mailbox = self.env.user._shown_mailbox_sudo()
        if not mailbox:
            raise UserError(self.env._("You have not connected a mailbox."))
        return mailbox.with_env(self.env)

    @api.model
    def _get_mail_server_values(self, server_type):
        """Add the mailbox of the current user to the values of the personal server."""
        values = super()._get_mail_server_values(server_type)
        if server_type not in SERVER_TYPES:
            return values
        return {
            **values,
            "smtp_authentication": server_type,
            "smtp_encryption": "starttls_strict",
            "oauth2_mailbox_id": self._own_mailbox(SERVER_TYPES[server_type]).id,
        }

    @api.model
    def _get_mail_server_setup_end_action(self, smtp_server):
        """Go to the provider's sign-in."""
        if smtp_server.sudo().smtp_authentication in SERVER_TYPES:
            return smtp_server.sudo().oauth2_mailbox_id.sudo(False).action_authenticate()
        return super()._get_mail_server_setup_end_action(smtp_server)

    @api.model
    def _own_mailbox(self, kind):
        """Return the personal mailbox of the current user for a server type."""
        user = self.env.user
        app = self._app_for_employees(kind.provider)
        mailboxes = self.env["mail.oauth2.mailbox"].sudo()
        values = {"app_id": app.id, "address": user.email_normalized, "user_id": user.id}
        domain = [(name, "=", value) for name, value in values.items()]
        return mailboxes.search(domain, limit=1) or mailboxes.create(values)

    @api.model
    def _app_for_employees(self, provider):
        app = (
            self.env["mail.oauth2.app"]
            .sudo()
            .search(
                [("provider", "=", provider), ("company_id", "in", [False, self.env.company.id])],
                limit=1,
            )
        )
        if not app:
            raise UserError(
                self.env._(
                    "Your company has not registered Odoo with this provider yet. Ask an "
                    "administrator to add an app registration "
                    "(General Settings, App Registrations)."
                )
            )
        return app
