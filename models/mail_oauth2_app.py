import re
from datetime import timedelta
from urllib.parse import urlsplit

from odoo import api, fields, models
from odoo.exceptions import AccessError, ValidationError
from odoo.http import request

from ..exceptions import ConfigurationError
from ..providers import provider_for
from ..providers.base import AppRegistration
from ..providers.clouds import preset
from . import secret_cipher

#: where the provider sends the browser back to, below ``web.base.url``
REDIRECT_PATH = "/mail_server_oauth2/callback"

#: Entra shows a secret's *ID* (a GUID) beside its *value*, which is never a GUID.
GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)

#: hosts an app registration talks to; the cloud fills them in, everybody may change them
HOST_FIELDS = (
    "authority_url",
    "token_url",
    "api_url",
    "mail_scope_url",
    "smtp_host",
    "smtp_port",
)

#: where an app registration's secret is sent, and in whose name
DESTINATION_FIELDS = {"provider", "tenant", "client_id", *HOST_FIELDS}

#: days before the end of a client secret from which on a mailbox wants attention
SECRET_EXPIRY_WARNING = 30


class MailOAuth2App(models.Model):
    """An app registration (OAuth client) at Microsoft or Google."""

    _name = "mail.oauth2.app"
    _description = "Mail App Registration"
    _order = "sequence, name, id"
    _check_company_auto = True

    # ------------------------------------------------------------
    # FIELDS
    # ------------------------------------------------------------

    name = fields.Char(required=True)
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        "res.company",
        ondelete="cascade",  # it would become everybody's
        help="Only this company may use the app registration. Empty: all companies.",
    )
    provider = fields.Selection(
        [("microsoft", "Microsoft"), ("google", "Google")], required=True, default="microsoft"
    )
    cloud = fields.Selection(
        [
            ("worldwide", "Worldwide"),
            ("us_gov_high", "US Government High"),
            ("us_dod", "US Department of Defense"),
            ("china", "China (21Vianet)"),
            ("custom", "Custom"),
        ],
        required=True,
        default="worldwide",
        help="Where the tenant lives. An app registration never works across clouds.",
    )
    tenant = fields.Char(
        help="Directory (tenant) ID or a domain of the tenant, as shown on the app "
        "registration's overview; 'organizations' for an app registered for several tenants, "
        "'consumers' for personal accounts, 'common' for both.",
    )
    client_id = fields.Char(string="Client ID", required=True, help="Application (client) ID.")
    client_secret = fields.Char(
        compute="_compute_client_secret",
        inverse="_inverse_client_secret",
        groups="base.group_system",
        help="The secret's value. It is stored encrypted and never shown again.",
    )
    client_secret_encrypted = fields.Char(groups=fields.NO_ACCESS, copy=False, prefetch=False)
    has_client_secret = fields.Boolean(compute="_compute_has_client_secret")
    client_secret_expires_on = fields.Date(
        string="Secret Expires On",
        help="Copy the date from the provider: you will be warned before it comes.",
    )
    redirect_uri = fields.Char(
        string="Redirect URI",
        compute="_compute_redirect_uri",
        help="Register exactly this address with the provider, as type Web.",
    )
    redirect_uri_warning = fields.Char(compute="_compute_redirect_uri")

    authority_url = fields.Char(string="Sign-in Host", required=True)
    token_url = fields.Char(string="Token Host")
    api_url = fields.Char(string="API Host")
    mail_scope_url = fields.Char(string="SMTP Permission Host")
    smtp_host = fields.Char(string="SMTP Host")
    smtp_port = fields.Integer(string="SMTP Port")
    mailbox_ids = fields.One2many("mail.oauth2.mailbox", "app_id", string="Mailboxes")

    # ------------------------------------------------------------
    # COMPUTE METHODS
    # ------------------------------------------------------------

    def _compute_client_secret(self):
        self.client_secret = False

    @api.depends("client_secret_encrypted")
    def _compute_has_client_secret(self):
        for app in self:
            app.has_client_secret = bool(app.sudo().client_secret_encrypted)

    @api.depends("company_id")
    def _compute_redirect_uri(self):
        for app in self:
            uri = app._get_redirect_uri()
            app.redirect_uri = uri
            app.redirect_uri_warning = app._redirect_uri_problem(uri)

    def _inverse_client_secret(self):
        for app in self:
            secret = (app.client_secret or "").strip()
            app._check_secret_value(secret)
            if secret:
                app.sudo().client_secret_encrypted = secret_cipher.encrypt(
                    secret, purpose=app._secret_purpose()
                )

    # ------------------------------------------------------------
    # ONCHANGE METHODS
    # ------------------------------------------------------------

    @api.onchange("provider")
    def _onchange_provider(self):
        if self.provider == "google":
            self.tenant = False
            if self.cloud != "custom":
                self.cloud = "worldwide"
        self.update(preset(self.provider, self.cloud))

    @api.onchange("cloud")
    def _onchange_cloud(self):
        """Fill in the hosts of the cloud; custom ones start from those at hand."""
        if self.cloud != "custom":
            self.update(preset(self.provider, self.cloud))

    # ------------------------------------------------------------
    # CONSTRAINT METHODS
    # ------------------------------------------------------------

    @api.constrains("smtp_port")
    def _check_port(self):
        for app in self:
            self.env["ir.mail_server"]._check_port_number(app.smtp_port)

    @api.constrains("provider", "tenant", "cloud", "client_id", *HOST_FIELDS)
    def _check_registration(self):
        for app in self:
            try:
                provider_for(app.provider, app._registration(secret="")).validate()
            except ConfigurationError as error:
                raise ValidationError(self.env["mail.oauth2.error"]._text(error)) from error

    @api.constrains("company_id")
    def _check_mailboxes_company(self):
        self.sudo().with_context(active_test=False).mailbox_ids._check_app_company()

    def _check_secret_value(self, secret):
        if self.provider == "microsoft" and GUID.fullmatch(secret):
            raise ValidationError(
                self.env._(
                    "This is the ID of the client secret, not the secret itself. In the Entra "
                    "admin center, open Certificates & secrets and copy the column Value. It is "
                    "shown only right after the secret was created: make a new secret if it is "
                    "hidden."
                )
            )

    # ------------------------------------------------------------
    # CRUD METHODS
    # ------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        apps = super().create(
            [{**self._default_hosts(vals), **self._clean_values(vals)} for vals in vals_list]
        )
        apps.invalidate_recordset(["client_secret"])
        return apps

    def write(self, vals):
        vals = self._clean_values(vals)
        if DESTINATION_FIELDS & set(vals):
            self._check_may_redirect()
        result = super().write(vals)
        # What was pasted would otherwise come back with the answer to the form that saved it.
        self.invalidate_recordset(["client_secret"])
        if {"client_secret", "cloud", *DESTINATION_FIELDS} & set(vals):
            # Before the commit another process would still ask with the old values.
            grants = self.mailbox_ids._grant_sudo()
            self.env.cr.postcommit.add(grants._forget_configuration_error)
        return result

    def _check_may_redirect(self):
        """Secret and grants go to another place now: that concerns whoever's mailboxes they are.

        :raises AccessError: mailboxes of companies that are not the user's
        """
        if self.env.su:
            return
        mailboxes = self.sudo().with_context(active_test=False).mailbox_ids
        companies = mailboxes.company_id | mailboxes.user_id.company_id
        if companies - self.env.user.company_ids:
            raise AccessError(
                self.env._(
                    "Other companies have mailboxes on this app registration. Only somebody who "
                    "may work in all of these companies can change its provider, tenant, client "
                    "ID or hosts."
                )
            )

    @api.model
    def _default_hosts(self, vals):
        """Return the hosts of the cloud that a new registration is for."""
        defaults = self.default_get(["provider", "cloud"])
        return preset(
            vals.get("provider", defaults["provider"]), vals.get("cloud", defaults["cloud"])
        )

    @api.model
    def _clean_values(self, vals):
        """Strip what pasting brings along; a trailing slash is not part of a host."""
        cleaned = dict(vals)
        for name, value in vals.items():
            if isinstance(value, str) and name in ("tenant", "client_id", *HOST_FIELDS):
                cleaned[name] = value.strip()
                if name.endswith("_url"):
                    cleaned[name] = cleaned[name].rstrip("/")
        if not (vals.get("client_secret") or "").strip():
            cleaned.pop("client_secret", None)
        return cleaned

    # ------------------------------------------------------------
    # BUSINESS METHODS
    # ------------------------------------------------------------

    def _get_redirect_uri(self):
        return f"{self.get_base_url().rstrip('/')}{REDIRECT_PATH}"

    def _redirect_uri_problem(self, uri):
        """Say why the provider will not accept the redirect URI, or the browser not find it."""
        parts = urlsplit(uri)
        if parts.scheme != "https" and parts.hostname != "localhost":
            return self.env._(
                "Microsoft and Google only send people back to https addresses. Set the system "
                "parameter web.base.url to the https address of this Odoo."
            )
        if request and request.httprequest.host != parts.netloc:
            return self.env._(
                "You opened Odoo as %(browser)s, but the system parameter web.base.url says "
                "%(configured)s. Signing in only works at the address in web.base.url.",
                browser=request.httprequest.host,
                configured=parts.netloc,
            )
        return False

    def _secret_expires_soon(self):
        """Tell whether the client secret ends within :data:`SECRET_EXPIRY_WARNING` days."""
        self.ensure_one()
        limit = fields.Date.context_today(self) + timedelta(days=SECRET_EXPIRY_WARNING)
        return bool(self.client_secret_expires_on and self.client_secret_expires_on <= limit)

    def _secret_purpose(self):
        return f"{self._name}/{self.id}/client_secret"

    def _registration(self, secret=None):
        """Return the plain value the provider layer works with.

        :param secret: given to avoid reading the stored one
        :raises StorageKeyError: the stored secret cannot be decrypted
        """
        self.ensure_one()
        if secret is None:
            encrypted = self.sudo().client_secret_encrypted
            purpose = self._secret_purpose()
            secret = secret_cipher.decrypt(encrypted, purpose=purpose) if encrypted else ""
        return AppRegistration(
            client_id=self.client_id or "",
            client_secret=secret,
            tenant=self.tenant or "",
            authority_url=self.authority_url or "",
            token_url=self.token_url or "",
            api_url=self.api_url or "",
            mail_scope_url=self.mail_scope_url or "",
        )

    def _get_provider(self):
        """Return the provider object that signs in, refreshes and revokes for this app."""
        self.ensure_one()
        return provider_for(self.provider, self._registration())
