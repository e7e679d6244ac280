from datetime import timedelta

from psycopg2 import errors as pg_errors

from odoo import api, fields, models
from odoo.tools import SQL, email_normalize

from ..exceptions import (
    ConfigurationError,
    SignInNeededError,
    SignInRejectedError,
    StorageKeyError,
    TransientError,
)
from ..providers import SERVER_TYPES
from . import secret_cipher
from .core_module import CORE_MODULES, CoreRegistration

#: days in which a take-over can be undone
UNDO_DAYS = 30
#: seconds a mail that leaves through the server at this moment may keep its row
LOCK_TIMEOUT = 20

#: what a take-over changes of every server, beside the columns of core's module
CHANGED_COLUMNS = (
    "smtp_authentication",
    "smtp_host",
    "smtp_port",
    "smtp_encryption",
    "smtp_user",
    "from_filter",
    "oauth2_mailbox_id",
)


class MailOAuth2TakeOver(models.Model):
    """A server that was taken over from core's Outlook or Gmail module, and the way back.

    What the server was before is kept encrypted, core's tokens among it, until somebody
    confirms the take-over or :data:`UNDO_DAYS` have passed.
    """

    _name = "mail.oauth2.take.over"
    _description = "Mail Server Take-over"
    _rec_name = "server_id"
    _order = "id desc"

    # ------------------------------------------------------------
    # FIELDS
    # ------------------------------------------------------------

    server_id = fields.Many2one(
        "ir.mail_server", string="Mail Server", required=True, readonly=True, ondelete="cascade"
    )
    mailbox_id = fields.Many2one("mail.oauth2.mailbox", readonly=True, ondelete="set null")
    mailbox_state = fields.Selection(related="mailbox_id.state", string="Connection")
    mailbox_is_new = fields.Boolean(readonly=True)
    previous_type = fields.Selection(
        [("outlook", "Outlook"), ("gmail", "Gmail")],
        string="Taken Over From",
        required=True,
        readonly=True,
    )
    previous_encrypted = fields.Text(groups=fields.NO_ACCESS, prefetch=False)
    undo_until = fields.Datetime(
        string="Can Be Undone Until",
        required=True,
        readonly=True,
        index=True,
        default=lambda self: fields.Datetime.now() + timedelta(days=UNDO_DAYS),
    )

    # ------------------------------------------------------------
    # TAKING OVER
    # ------------------------------------------------------------

    @api.model
    def _take_over(self, server, target, app, *, bring_grant):
        """Turn one server of core's into one of ours: all of it, or nothing.

        In a transaction of its own: what the provider has confirmed for this server must
        survive trouble with the next one, and trouble with this one must not undo the others.

        :param target: type that the server gets, a key of ``SERVER_TYPES``
        :param app: app registration; an empty one means core's own, made if need be
        :param bring_grant: import core's refresh token, so that nobody has to sign in
        :raises MailOAuth2Error, UserError: the server is what it was
        """
        # Everything below runs as superuser.
        server.with_env(self.env).check_access("write")
        app.with_env(self.env).check_access("read")
        try:
            with self.env.registry.cursor() as cr:
                take_overs = self.with_env(self.env(cr=cr)).sudo()
                take_overs._lock(server.id)
                take_overs._convert(
                    take_overs.env["ir.mail_server"].browse(server.id),
                    target,
                    take_overs.env["mail.oauth2.app"].browse(app.id),
                    bring_grant,
                )
        except (pg_errors.SerializationFailure, pg_errors.LockNotAvailable) as error:
            raise TransientError("take_over_busy") from error

    def _lock(self, server_id):
        """Keep others from writing on the server: core may be storing a token right now."""
        cr = self.env.cr
        cr.execute("SELECT set_config('lock_timeout', %s, true)", [f"{LOCK_TIMEOUT}s"])
        query = SQL("SELECT id FROM ir_mail_server WHERE id = %s FOR NO KEY UPDATE", server_id)
        cr.execute(query, log_exceptions=False)

    def _convert(self, server, target, app, bring_grant):
        module = CORE_MODULES.get(server.smtp_authentication)
        if not module or target not in module.targets:
            raise ConfigurationError("take_over_server_changed")
        registration = CoreRegistration(self.env, module)
        app = app or registration.find() or self._new_app(registration)
        mailbox = self._find_mailbox(server, app)
        take_over = self._back_up(server, module)
        take_over.mailbox_is_new = not mailbox
        take_over.mailbox_id = mailbox = mailbox or self._new_mailbox(server, app)
        if bring_grant:
            self._bring_grant(server, module, registration, mailbox, target)
        self._change(server, module, mailbox, target)
        mailbox._write_down(
            self.env._(
                "The server “%(server)s” was taken over from the %(module)s module by %(user)s.",
                server=server.name,
                module=module.title,
                user=self.env.user.name,
            )
        )

    def _new_app(self, registration):
        if not registration.is_complete:
            raise ConfigurationError("take_over_app_missing")
        return registration.create()

    @api.model
    def _find_mailbox(self, server, app):
        """Return the mailbox that a server would get, if it is known already."""
        values = self._mailbox_values(server, app)
        domain = [(name, "=", value) for name, value in values.items()]
        return self.env["mail.oauth2.mailbox"].sudo().search(domain, limit=1)

    def _new_mailbox(self, server, app):
        return self.env["mail.oauth2.mailbox"].create(self._mailbox_values(server, app))

    @api.model
    def _mailbox_values(self, server, app):
        return {
            "app_id": app.id,
            "address": email_normalize(server.smtp_user or "") or server.smtp_user,
            "company_id": server.company_id.id,
            "user_id": server.owner_user_id.id,
        }

    def _bring_grant(self, server, module, registration, mailbox, target):
        """Import core's refresh token: redeemed live, kept only for an account that fits.

        :raises MailOAuth2Error: it is dead, of somebody else, or nobody answered
        """
        refresh_token = server[module.refresh_token_column]
        if not refresh_token or not registration.fits(mailbox.app_id):
            raise SignInNeededError("grant_missing")
        grant = mailbox.app_id._get_provider().import_refresh_token(
            refresh_token, resource=SERVER_TYPES[target].resource
        )
        self._check_account(mailbox, grant)
        known = mailbox._grant_sudo()
        known._lock()
        known._write_sign_in(grant, self.env.user)

    def _check_account(self, mailbox, grant):
        """Compare who signed in back then with the mailbox.

        Core lets any account sign in for a company's server. Where it was another one than the
        mailbox's own, the server has been sending with that account's rights, and goes on.
        """
        if mailbox._is_expected(grant.identity):
            return
        if mailbox.user_id or mailbox._grant_sudo().account_subject:
            details = {"address": mailbox.address, "account": grant.identity.address or "?"}
            raise SignInRejectedError("take_over_other_account", details=details)
        mailbox.shared = bool(grant.identity.address)

    def _change(self, server, module, mailbox, target):
        # One write: core's constraint wants the unverified encryption for its types, ours the
        # verified one. The filter stays: it decides which mail leaves through this server.
        server.write(
            {
                "smtp_authentication": target,
                "smtp_encryption": "starttls_strict",
                "oauth2_mailbox_id": mailbox.id,
                "from_filter": server.from_filter,
                **dict.fromkeys(module.token_columns, False),
            }
        )

    # ------------------------------------------------------------
    # THE WAY BACK
    # ------------------------------------------------------------

    def _back_up(self, server, module):
        take_over = self.create({"server_id": server.id, "previous_type": module.server_type})
        (values,) = server.read([*CHANGED_COLUMNS, *module.token_columns], load=None)
        del values["id"]
        take_over.previous_encrypted = secret_cipher.encrypt(values, purpose=take_over._purpose())
        return take_over

    def _purpose(self):
        return f"{self._name}/{self.id}/previous"

    def action_undo(self):
        """Make each server what it was before; forget the mailbox that was made for it."""
        self.check_access("read")
        for take_over in self.sudo():
            try:
                take_over._undo()
            except StorageKeyError as error:
                raise self.env["mail.oauth2.error"]._user_error(error) from error
        return {"type": "ir.actions.client", "tag": "soft_reload"}

    def _undo(self):
        values = secret_cipher.decrypt(self.previous_encrypted, purpose=self._purpose())
        mailbox = self.mailbox_id if self.mailbox_is_new else self.mailbox_id.browse()
        self.server_id.write(values)
        # Wiped, never revoked: at Google that would end core's refresh token too.
        mailbox.filtered(lambda box: not box.with_context(active_test=False).server_ids).unlink()
        self.unlink()

    def action_confirm(self):
        """Forget what the servers were before, core's tokens among it."""
        self.check_access("read")
        self.sudo().unlink()
        return {"type": "ir.actions.client", "tag": "soft_reload"}

    @api.autovacuum
    def _gc_expired(self):
        self.sudo().search([("undo_until", "<", fields.Datetime.now())]).unlink()


class IrMailServer(models.Model):
    _inherit = "ir.mail_server"

    take_over_ids = fields.One2many(
        "mail.oauth2.take.over", "server_id", groups="base.group_system"
    )

    def action_take_over(self):
        """Open the dialogue that takes this server over from core's module."""
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "mail_server_oauth2.action_mail_oauth2_take_over_wizard"
        )
        return {**action, "context": {"take_over_server_ids": self.ids}}

    def action_undo_take_over(self):
        """Make this server what it was before it was taken over."""
        return self.take_over_ids[:1].action_undo()
