from datetime import timedelta

from babel.dates import format_timedelta

from odoo import _, api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tools import babel_locale_parse, email_normalize, formataddr
from odoo.tools.misc import format_datetime, get_lang

from ..exceptions import MailOAuth2Error, SignInRejectedError, StorageKeyError
from ..providers import SERVER_TYPES, UNUSED_GRANT_DAYS
from . import secret_cipher

#: days before an unused grant ends from which on a mailbox wants attention
GRANT_EXPIRY_WARNING = 14


class MailOAuth2Mailbox(models.Model):
    """A mailbox that mail is sent from, connected through an app registration."""

    _name = "mail.oauth2.mailbox"
    _description = "Connected Mailbox"
    _inherit = ["mail.thread", "mail.activity.mixin"]
    _rec_name = "address"
    _order = "address, id"
    _check_company_auto = True

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
        check_company=True,
        tracking=True,
    )
    provider = fields.Selection(related="app_id.provider")
    company_id = fields.Many2one(
        "res.company", help="The mail of this company only. Empty: of all companies."
    )
    user_id = fields.Many2one(
        "res.users",
        string="Owner",
        ondelete="cascade",
        help="Set for the personal mailbox of an employee.",
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
        compute_sudo=True,
    )
    account_name = fields.Char(compute="_compute_grant", compute_sudo=True)
    account_address = fields.Char(
        string="Connected As", compute="_compute_grant", compute_sudo=True
    )
    authenticated_on = fields.Datetime(compute="_compute_grant", compute_sudo=True)
    authenticated_by_id = fields.Many2one(
        "res.users", string="Authenticated By", compute="_compute_grant", compute_sudo=True
    )
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
    error_cause = fields.Char(
        string="Last Error", compute="_compute_error", compute_sudo=True
    )
    error_remedy = fields.Text(compute="_compute_error", compute_sudo=True)
    error_text = fields.Text(compute="_compute_error", compute_sudo=True)
    error_on = fields.Datetime(compute="_compute_error", compute_sudo=True)
    mails_queued = fields.Integer(string="Mails Waiting", compute="_compute_mail_counts", compute_sudo=True)
    mails_failed = fields.Integer(string="Mails Failed", compute="_compute_mail_counts", compute_sudo=True)
    status_html = fields.Html(
        string="Status", compute="_compute_status_html", sanitize=False
    )

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
                "access_valid_until",
                "scopes",
            ):
                mailbox[name] = grant[name]
            mailbox.unused_until = mailbox._unused_until(grant)

    @api.depends("token_ids")
    def _compute_error(self):
        for mailbox in self:
            grant = mailbox._grant_sudo()
            error = mailbox._current_error(grant)
            words = self.env["mail.oauth2.error"]._explain_error(error) if error else {}
            mailbox.error_cause = words.get("cause", False)
            mailbox.error_remedy = words.get("remedy", False)
            mailbox.error_text = words.get("provider_text", False)
            mailbox.error_on = grant.error_on

    def _compute_mail_counts(self):
        for mailbox in self:
            counts = dict(
                self.env["mail.mail"]._read_group(
                    [
                        ("mail_server_id", "in", mailbox.server_ids.ids),
                        ("state", "in", ("outgoing", "exception")),
                    ],
                    ["state"],
                    ["__count"],
                )
            )
            mailbox.mails_queued = counts.get("outgoing", 0)
            mailbox.mails_failed = counts.get("exception", 0)

    def _compute_status_html(self):
        for mailbox in self:
            mailbox.status_html = self.env["ir.qweb"]._render(
                "mail_server_oauth2.mailbox_status",
                {
                    "mailbox": mailbox,
                    "state_label": mailbox._state_label(),
                    "rows": mailbox._status_rows(),
                },
            )

    def _state_label(self):
        return dict(self._fields["state"]._description_selection(self.env))[self.state]

    def _status_rows(self):
        """Return what the status block lists: dicts ``label, value, relative``."""
        if self.state in ("disconnected", "pending"):
            return self._count_rows()
        account = formataddr((self.account_name or "", self.account_address or ""))
        rows = [
            self._row("account_address", account),
            self._moment_row("authenticated_on"),
            self._row("authenticated_by_id", self.authenticated_by_id.name),
            self._moment_row("renewed_on"),
            self._moment_row("access_valid_until"),
            self._moment_row("unused_until"),
            self._row("scopes", self.scopes),
        ]
        return [row for row in rows if row["value"]] + self._count_rows()

    def _count_rows(self):
        rows = [
            self._row("mails_queued", self.mails_queued),
            self._row("mails_failed", self.mails_failed),
        ]
        return [row for row in rows if row["value"]]

    def _row(self, name, value, relative=""):
        label = self._fields[name]._description_string(self.env)
        return {"label": label, "value": value, "relative": relative}

    def _moment_row(self, name):
        """A point in time: exact in the reader's time zone, and how far away it is."""
        moment = self[name]
        if not moment:
            return self._row(name, "")
        locale = babel_locale_parse(get_lang(self.env).code)
        distance = format_timedelta(
            moment - fields.Datetime.now(), add_direction=True, locale=locale
        )
        return self._row(name, format_datetime(self.env, moment, dt_format="medium"), distance)

    def _state_of(self, grant):
        if grant.state == "refused":
            return "sign_in_needed"
        if grant.state == "configuration":
            return "configuration_error"
        if grant.state != "granted":
            return "pending" if self._is_sign_in_pending() else "disconnected"
        if not secret_cipher.is_readable(grant.key_fingerprint):
            return "sign_in_needed"
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
            if not email_normalize(mailbox.address):
                raise ValidationError(
                    _("“%(address)s” is not an e-mail address.", address=mailbox.address)
                )

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
        if "app_id" in vals:
            # A grant belongs to the client it was given to.
            self.filtered(lambda box: box.app_id.id != vals["app_id"])._grant_sudo()._wipe()
        result = super().write(vals)
        if "address" in vals:
            self.server_ids._follow_mailbox()
        return result

    @api.model
    def _clean_values(self, vals):
        address = email_normalize(vals.get("address") or "")
        return {**vals, "address": address} if address else dict(vals)

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
            words = self.env["mail.oauth2.error"]._explain_error(error)
            return self._notification(words["cause"], words["remedy"], "danger")
        return self._notification(
            _("%(address)s is connected and can send.", address=self.address), "", "success"
        )

    def action_disconnect(self):
        """Open the dialogue that says what removing the connection means."""
        self.ensure_one()
        self._check_may_connect()
        return {
            "type": "ir.actions.act_window",
            "name": _("Remove the connection"),
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

    def _check_may_connect(self):
        """Administrators connect the mailboxes they see, employees their own.

        :raises AccessError:
        """
        self.check_access("read")
        if self.user_id == self.env.user or self.env.user.has_group("base.group_system"):
            return
        raise AccessError(_("Only an administrator can connect this mailbox."))

    def _server_types(self):
        """Return what the servers of this mailbox need: rows of ``SERVER_TYPES``."""
        servers = self.sudo().with_context(active_test=False).server_ids
        codes = servers.mapped("smtp_authentication")
        return [SERVER_TYPES[code] for code in dict.fromkeys(codes) if code in SERVER_TYPES]

    def _resources(self):
        """Return the names of the resources that need a token, at least one."""
        resources = dict.fromkeys(kind.resource for kind in self._server_types())
        return list(resources) or ["smtp"]

    def _begin_sign_in(self):
        """Return the address to send the browser to; remember the sign-in meanwhile.

        :raises MailOAuth2Error:
        """
        authorizations = self.env["mail.oauth2.authorization"]
        state = authorizations._new_state()
        sign_in = self.app_id._get_provider().begin_sign_in(
            resources=self._resources(),
            redirect_uri=self.app_id._get_redirect_uri(),
            state=state,
            login_hint=self.address,
        )
        authorizations._begin(state, sign_in.pending, self, self._return_url())
        return sign_in.url

    def _finish_sign_in(self, pending, params):
        """Redeem what the browser brought back from the provider.

        The grant is kept at once if the expected account signed in; else the user is asked.

        :param dict pending: what ``_begin_sign_in`` stored
        :param dict params: the query of the callback
        :return: the path to show next
        :raises MailOAuth2Error: nothing was stored
        """
        self.ensure_one()
        self._check_may_connect()
        provider = self.app_id.sudo()._get_provider()
        grant = provider.finish_sign_in(pending, params, resources=self._resources())
        if self._is_expected(grant.identity):
            self._keep_grant(grant)
            return self._return_url()
        if self.user_id:
            raise SignInRejectedError("sign_in_other_account", details=self._accounts(grant))
        return self.env["mail.oauth2.authorization"]._begin_choice(grant, self)

    def _is_expected(self, identity):
        """Tell whether this account is the mailbox's own, and the one connected before."""
        before = self._grant_sudo().account_subject
        return email_normalize(identity.address) == self.address and (
            not before or before == identity.subject
        )

    def _keep_grant(self, grant):
        """Store a grant, write it down, and let the waiting mails go."""
        self._check_may_connect()
        self._grant_sudo()._store_sign_in(grant, self.env.user)
        self.message_post(
            body=_(
                "Connected by %(user)s, signed in as %(account)s.",
                user=self.env.user.name,
                account=grant.identity.address or grant.identity.name,
            )
        )
        self.sudo().server_ids._release_held_mails()

    def _accounts(self, grant):
        """Return who signed in, for which mailbox, and who was signed in before."""
        before = self._grant_sudo()
        return {
            "address": self.address,
            "account": grant.identity.address,
            "account_name": grant.identity.name,
            "before": before.account_address if before.account_subject else "",
        }

    def _choose_account(self, grant, choice):
        """Do what the user answered when another account had signed in than expected.

        :param str choice: ``send_as`` (this mailbox with that account's rights) or
            ``use_address`` (that account's own address)
        """
        address = email_normalize(grant.identity.address)
        if choice == "use_address" and address and address != self.address:
            if self.search_count([("app_id", "=", self.app_id.id), ("address", "=", address)]):
                details = {"account": address, "address": self.address}
                raise SignInRejectedError("sign_in_address_taken", details=details)
            self.address = address
        self._keep_grant(grant)

    def _probe(self):
        """Return what keeps this mailbox from sending right now, or ``None``.

        Makes live calls: fetches a token per resource and tries it.
        """
        try:
            for resource in self._resources():
                token = self._access_token(resource, ignore_pause=True)
                self.app_id.sudo()._get_provider().check(token, resource=resource)
            for server in self.sudo().server_ids.filtered("active"):
                server._verify_oauth2_connection()
        except MailOAuth2Error as error:
            return error
        return None

    def _access_token(self, resource, *, refused=None, ignore_pause=False):
        """Return a valid access token; see ``mail.oauth2.token._access_token``."""
        self.ensure_one()
        return self._grant_sudo()._access_token(
            resource, refused=refused, ignore_pause=ignore_pause
        )

    def _token_source(self, resource):
        """Return the ``get_token(force)`` of one mail session."""
        handed_out = None

        def get_token(force):
            nonlocal handed_out
            handed_out = self._access_token(resource, refused=handed_out if force else None)
            return handed_out

        return get_token

    def _disconnect(self):
        """End the grant: revoke it where the provider can, wipe it here, write it down.

        :return: whether the provider confirmed that the grant is revoked
        """
        self.ensure_one()
        self._check_may_connect()
        revoked = self._revoke()
        self._grant_sudo()._wipe()
        self.sudo().authorization_ids.unlink()
        self.message_post(body=_("Connection removed by %(user)s.", user=self.env.user.name))
        return revoked

    def _revoke(self):
        try:
            cache = self._grant_sudo()._stored_cache()
            return bool(cache) and self.app_id.sudo()._get_provider().revoke(cache)
        except MailOAuth2Error:
            # What cannot be revoked is wiped all the same: removing always works.
            return False

    def _return_url(self):
        """Return the path of the screen that a sign-in leads back to."""
        company = self.env["res.company"].search(
            [("email_server_id.oauth2_mailbox_id", "=", self.id)], limit=1
        )
        if company:
            return f"/odoo/email-server/{company.id}"
        if self.user_id == self.env.user and not self.env.user.has_group("base.group_system"):
            return f"/odoo/my-preferences/{self.env.uid}"
        return f"/odoo/connected-mailboxes/{self.id}"

    @api.ondelete(at_uninstall=False)
    def _unlink_except_used(self):
        used = self.filtered("server_ids")
        if used:
            raise UserError(
                _(
                    "%(mailboxes)s: a mail server still sends through this mailbox.",
                    mailboxes=", ".join(used.mapped("address")),
                )
            )
