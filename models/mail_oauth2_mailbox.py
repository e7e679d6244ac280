from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tools import email_normalize

from ..exceptions import MailOAuth2Error, StorageKeyError
from ..providers import SERVER_TYPES, UNUSED_GRANT_DAYS
from . import secret_cipher
from .mail_oauth2_authorization import screen_path

#: days before an unused grant ends from which on a mailbox wants attention
GRANT_EXPIRY_WARNING = 14
#: states in which mail leaves
LIVING_STATES = ("connected", "attention")


class MailOAuth2Mailbox(models.Model):
    """A mailbox that mail is sent from, connected through an app registration."""

    _name = "mail.oauth2.mailbox"
    _description = "Connected Mailbox"
    _inherit = ["mail.thread", "mail.activity.mixin"]
    _rec_name = "address"
    _order = "address, id"

    # ------------------------------------------------------------
    # FIELDS
    # ------------------------------------------------------------

    active = fields.Boolean(default=True)
    address = fields.Char(
        string="Mailbox",
        required=True,
        tracking=True,
        help="The address to send from. Somebody else may sign in for it, if that account has "
        "the right to send as this mailbox.",
    )
    app_id = fields.Many2one(
        "mail.oauth2.app",
        string="App Registration",
        required=True,
        ondelete="restrict",
        domain="[('company_id', 'in', [False, company_id])]",
        tracking=True,
    )
    provider = fields.Selection(related="app_id.provider")
    company_id = fields.Many2one(
        "res.company",
        ondelete="cascade",  # it would become everybody's
        help="The mail of this company only. Empty: of all companies.",
    )
    user_id = fields.Many2one(
        "res.users",
        string="Owner",
        ondelete="cascade",
        help="Set for the personal mailbox of an employee.",
    )
    shared = fields.Boolean(
        string="Another Account Signs In",
        tracking=True,
        help="Nobody signs in as this mailbox itself: the account that does has the right to "
        "send as it.",
    )
    read_write = fields.Boolean(
        string="Also Read and Write Mail",
        tracking=True,
        help="Ask for the permission to read and write mail too (Graph only). Mails larger than "
        "3 MB then go out with their attachments instead of links to them, and a mail whose "
        "delivery is in doubt is looked up among the sent ones. Authenticate again after "
        "changing this.",
    )
    server_ids = fields.One2many("ir.mail_server", "oauth2_mailbox_id", string="Mail Servers")
    token_ids = fields.One2many(
        "mail.oauth2.token", "mailbox_id", string="Grant", groups=fields.NO_ACCESS
    )
    authorization_ids = fields.One2many(
        "mail.oauth2.authorization", "mailbox_id", groups=fields.NO_ACCESS
    )

    state = fields.Selection(
        [
            ("disconnected", "Not connected"),
            ("pending", "Waiting for sign-in"),
            ("connected", "Connected"),
            ("attention", "Attention"),
            ("sign_in_needed", "Sign-in needed"),
            ("configuration_error", "Configuration error"),
        ],
        compute="_compute_grant",
        search="_search_state",
        compute_sudo=True,
    )
    account_name = fields.Char(compute="_compute_grant", compute_sudo=True)
    account_address = fields.Char(
        string="Connected As", compute="_compute_grant", compute_sudo=True
    )
    authenticated_on = fields.Datetime(compute="_compute_grant", compute_sudo=True)
    authenticated_by_id = fields.Many2one("res.users", compute="_compute_grant", compute_sudo=True)
    renewed_on = fields.Datetime(
        string="Refresh Token Renewed On", compute="_compute_grant", compute_sudo=True
    )
    unused_until = fields.Datetime(
        string="Would Expire Unused On", compute="_compute_grant", compute_sudo=True
    )
    access_valid_until = fields.Datetime(
        string="Access Token Valid Until", compute="_compute_grant", compute_sudo=True
    )
    scopes = fields.Char(string="Permissions", compute="_compute_grant", compute_sudo=True)
    error_cause = fields.Char(string="Last Error", compute="_compute_error", compute_sudo=True)
    error_remedy = fields.Text(compute="_compute_error", compute_sudo=True)
    error_who = fields.Char(compute="_compute_error", compute_sudo=True)
    error_command = fields.Text(compute="_compute_error", compute_sudo=True)
    error_link = fields.Char(compute="_compute_error", compute_sudo=True)
    error_text = fields.Text(compute="_compute_error", compute_sudo=True)
    error_on = fields.Datetime(compute="_compute_error", compute_sudo=True)

    _unique_address = models.UniqueIndex(
        "(app_id, address, COALESCE(company_id, 0), COALESCE(user_id, 0))",
        "This mailbox is already known for this app registration.",
    )

    # ------------------------------------------------------------
    # COMPUTE METHODS
    # ------------------------------------------------------------

    @api.depends("app_id", "token_ids", "authorization_ids")
    def _compute_grant(self):
        for mailbox in self:
            grant = mailbox._grant_sudo()
            mailbox.state = mailbox._state_of(grant)
            for name in (
                "account_name",
                "account_address",
                "authenticated_on",
                "authenticated_by_id",
                "renewed_on",
                "scopes",
            ):
                mailbox[name] = grant[name]
            # What is dead has no end any more that anybody would have to know.
            is_living = mailbox.state in LIVING_STATES
            mailbox.access_valid_until = is_living and grant.access_valid_until
            mailbox.unused_until = is_living and mailbox._unused_until(grant)

    def _search_state(self, operator, value):
        if operator != "in":
            return NotImplemented
        # Of all, because the state follows from dates and from whether the key is there.
        mailboxes = self.sudo().search([("active", "in", (True, False))])
        return [("id", "in", mailboxes.filtered(lambda mailbox: mailbox.state in value).ids)]

    @api.depends("token_ids")
    def _compute_error(self):
        for mailbox in self:
            grant = mailbox._grant_sudo()
            error = mailbox._current_error(grant)
            words = mailbox._words_for(error) if error else {}
            mailbox.error_cause = words.get("cause", False)
            mailbox.error_remedy = words.get("remedy", False)
            mailbox.error_who = words.get("who", False)
            mailbox.error_command = words.get("command", False)
            mailbox.error_link = words.get("link", False)
            mailbox.error_text = words.get("provider_text", False)
            mailbox.error_on = grant.error_on

    def _state_of(self, grant):
        if grant.state == "none" or not grant:
            return "pending" if self._is_sign_in_pending() else "disconnected"
        if grant.state == "refused" or not secret_cipher.is_readable(grant.key_fingerprint):
            return "sign_in_needed"
        if grant.state == "configuration":
            return "configuration_error"
        return "attention" if self._expires_soon(grant) else "connected"

    def _is_sign_in_pending(self):
        now = fields.Datetime.now()
        return any(pending.expires_on > now for pending in self.sudo().authorization_ids)

    def _expires_soon(self, grant):
        limit = fields.Datetime.now() + timedelta(days=GRANT_EXPIRY_WARNING)
        return self._unused_until(grant) < limit or self.app_id._secret_expires_soon()

    def _unused_until(self, grant):
        if grant.state == "none" or not grant.used_on:
            return False
        return grant.used_on + timedelta(days=UNUSED_GRANT_DAYS[self.app_id.provider])

    def _words_for(self, error):
        """Return the catalogue's words for an error of this mailbox, or of none.

        They name the buttons of whoever looks after it: an employee's are in the preferences.
        """
        errors = self.env["mail.oauth2.error"]
        return errors._explain_error(error, personal=bool(self.sudo().user_id))

    def _current_error(self, grant):
        """Return the error to show: the remembered one, or that no key opens the grant."""
        if grant.state == "granted" and not secret_cipher.is_readable(grant.key_fingerprint):
            return StorageKeyError()
        return grant._last_error() if grant else None

    # ------------------------------------------------------------
    # CONSTRAINT METHODS
    # ------------------------------------------------------------

    @api.constrains("address")
    def _check_address(self):
        for mailbox in self:
            if not is_plain_address(mailbox.address):
                raise ValidationError(
                    self.env._("“%(address)s” is not an e-mail address.", address=mailbox.address)
                )

    @api.constrains("app_id", "company_id", "user_id")
    def _check_app_company(self):
        """A personal mailbox sends its owner's mail of every company; others keep to theirs."""
        for mailbox in self.filtered(lambda box: not box.user_id):
            company = mailbox.app_id.company_id
            if company and company != mailbox.company_id:
                raise ValidationError(
                    self.env._(
                        "The app registration %(app)s belongs to %(company)s, so the mailbox "
                        "%(mailbox)s has to belong to it too.",
                        app=mailbox.app_id.name,
                        company=company.name,
                        mailbox=mailbox.address,
                    )
                )

    @api.constrains("company_id", "user_id")
    def _check_servers(self):
        self.sudo().with_context(active_test=False).server_ids._check_mailbox_fits()

    # ------------------------------------------------------------
    # CRUD METHODS
    # ------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        mailboxes = super().create([self._clean_values(vals) for vals in vals_list])
        self.env["mail.oauth2.token"].sudo().create(
            [{"mailbox_id": mailbox.id} for mailbox in mailboxes]
        )
        return mailboxes

    def write(self, vals):
        vals = self._clean_values(vals)
        self.filtered(lambda box: box._ends_grant(vals))._grant_sudo()._wipe_with_caller()
        result = super().write(vals)
        if "address" in vals:
            self.server_ids._follow_mailbox()
        return result

    def _ends_grant(self, vals):
        """A grant belongs to the client and to the person it was given to."""
        return any(name in vals and self[name].id != vals[name] for name in ("app_id", "user_id"))

    @api.model
    def _clean_values(self, vals):
        typed = (vals.get("address") or "").strip()
        return (
            {**vals, "address": email_normalize(typed)} if is_plain_address(typed) else dict(vals)
        )

    # ------------------------------------------------------------
    # ACTIONS
    # ------------------------------------------------------------

    def action_authenticate(self):
        """Send the browser to the provider to sign in for this mailbox."""
        self.ensure_one()
        self._check_may_connect()
        try:
            url = self._begin_sign_in()
        except MailOAuth2Error as error:
            raise self.env["mail.oauth2.error"]._user_error(error) from error
        return {"type": "ir.actions.act_url", "url": url, "target": "self"}

    def action_status(self):
        """Ask the provider whether this mailbox can send right now, and say so."""
        self.ensure_one()
        self._check_may_connect()
        error = self._probe()
        if error:
            words = self._words_for(error)
            message = " ".join(filter(None, (words["cause"], words["remedy"])))
            return self._notification(self.address, message, "danger")
        return self._notification(
            self.address, self.env._("This mailbox is connected and can send."), "success"
        )

    def action_disconnect(self):
        """Open the dialogue that says what removing the connection means."""
        self.ensure_one()
        self._check_may_connect()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Remove the connection"),
            "res_model": "mail.oauth2.disconnect",
            "view_mode": "form",
            "target": "new",
            "context": {"default_mailbox_id": self.id},
        }

    def _notification(self, title, message, kind):
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "title": title,
                "message": message,
                "type": kind,
                "sticky": kind == "danger",
                "next": {"type": "ir.actions.client", "tag": "soft_reload"},
            },
        }

    # ------------------------------------------------------------
    # BUSINESS METHODS
    # ------------------------------------------------------------

    def _grant_sudo(self):
        """Return the token records; they exist for every mailbox that is in the database."""
        return self.sudo().token_ids

    def _shown(self):
        """Return those whose state the user may read; what is computed is not checked by itself."""
        return self._origin._filtered_access("read")

    def _check_may_connect(self):
        """Administrators connect the mailboxes they see, employees their own.

        :raises AccessError:
        """
        self.check_access("read")
        if self.user_id == self.env.user or self.env.user.has_group("base.group_system"):
            return
        raise AccessError(self.env._("Only an administrator can connect this mailbox."))

    def _server_types(self):
        """Return what the servers of this mailbox need: rows of ``SERVER_TYPES``."""
        servers = self.sudo().with_context(active_test=False).server_ids
        codes = servers.mapped("smtp_authentication")
        return [SERVER_TYPES[code] for code in dict.fromkeys(codes) if code in SERVER_TYPES]

    def _resources(self):
        """Return the names of the resources that need a token, at least one."""
        resources = [self._resource_for(kind) for kind in self._server_types()]
        return list(dict.fromkeys(resources)) or ["smtp"]

    def _resource_for(self, kind):
        """Return the resource whose tokens a server of a type uses now."""
        read_write = self._uses_read_write(kind)
        return kind.resource_for(shared=self.shared, read_write=read_write)

    def _resources_to_ask_for(self):
        """Return the names of the resources whose permissions a sign-in asks for."""
        resources = [
            kind.resource_for(shared=self.shared, read_write=self.read_write)
            for kind in self._server_types()
        ]
        return list(dict.fromkeys(resources)) or ["smtp"]

    def _uses_read_write(self, kind):
        """Tell whether mail may be read and written: wanted, and granted at the last sign-in."""
        return self.read_write and kind.allows_read_write(
            self._grant_sudo().scopes or "", shared=self.shared
        )

    def _probe(self):
        """Return what keeps this mailbox from sending right now, or ``None``.

        Makes live calls: fetches a token per resource and tries it.
        """
        try:
            for resource in self._resources():
                token = self._grant_sudo()._fresh_access_token(resource)
                self.sudo().app_id._get_provider().check(token, resource=resource)
            for server in self.sudo().server_ids.filtered("active")._filter_oauth2():
                server._verify_oauth2_connection()
        except MailOAuth2Error as error:
            return error
        return None

    def _access_token(self, resource, *, refused=None):
        """Return a valid access token; see ``mail.oauth2.token._access_token``."""
        self.ensure_one()
        return self._grant_sudo()._access_token(resource, refused=refused)

    def _token_source(self, resource):
        """Return the ``get_token(force)`` of one mail session."""
        handed_out = None

        def get_token(force):
            nonlocal handed_out
            handed_out = self._access_token(resource, refused=handed_out if force else None)
            return handed_out

        return get_token

    def _return_url(self):
        """Return the path of the screen that a sign-in leads back to.

        It is the one in the context key ``mail_oauth2_screen``, else that of the mailbox.
        """
        screen = screen_path(self.env.context.get("mail_oauth2_screen"))
        return screen or self._own_screen()

    def _begun_on(self, screen):
        """Return the mailbox so that its sign-in leads back to a screen, unless one is set."""
        if self.env.context.get("mail_oauth2_screen"):
            return self
        return self.with_context(mail_oauth2_screen=screen)

    def _own_screen(self):
        if self.user_id == self.env.user or not self.env.user.has_group("base.group_system"):
            return f"/odoo/my-preferences/{self.env.uid}"
        company = self.env["res.company"].search(
            [("email_server_id.oauth2_mailbox_id", "=", self.id)], limit=1
        )
        if company:
            return f"/odoo/email-server/{company.id}"
        return f"/odoo/connected-mailboxes/{self.id}"

    @api.ondelete(at_uninstall=False)
    def _unlink_except_used(self):
        used = self.filtered("server_ids")
        if used:
            raise UserError(
                self.env._(
                    "%(mailboxes)s: a mail server still sends through this mailbox.",
                    mailboxes=", ".join(used.mapped("address")),
                )
            )


def is_plain_address(text):
    """Tell whether a text is one e-mail address and nothing else.

    ``email_normalize`` finds one in almost any text, and what it finds may be another one.
    """
    text = text.strip() if isinstance(text, str) else ""
    local, _at, domain = text.rpartition("@")
    return bool(local and domain) and email_normalize(text) == text.lower()
