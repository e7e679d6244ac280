"""What Odoo's own modules for Outlook and Gmail store, and where."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from ..providers.clouds import clouds_of, preset

#: tenants of Microsoft that stand for several: what one of them admits, any of them may
SHARED_TENANTS = ("common", "organizations")


@dataclass(frozen=True)
class CoreModule:
    """One of core's modules for outgoing servers with OAuth2.

    :param server_type: its value of ``ir.mail_server.smtp_authentication``
    :param title: what people call it
    :param provider: key of :data:`..providers.PROVIDERS`
    :param targets: our server types that can take over, the usual one first
    :param prefix: how its columns and system parameters begin
    """

    server_type: str
    title: str
    provider: str
    targets: tuple[str, ...]
    prefix: str

    @property
    def refresh_token_column(self):
        """Column of the server with the refresh token, in clear."""
        return f"{self.prefix}_refresh_token"

    @property
    def token_columns(self):
        """Columns of the server that are of no use to any other module."""
        names = ("refresh_token", "access_token", "access_token_expiration")
        return tuple(f"{self.prefix}_{name}" for name in names)


CORE_MODULES = {
    module.server_type: module
    for module in (
        CoreModule(
            "outlook",
            "Outlook",
            "microsoft",
            ("oauth2_microsoft_smtp", "oauth2_microsoft_graph"),
            "microsoft_outlook",
        ),
        CoreModule("gmail", "Gmail", "google", ("oauth2_google_smtp",), "google_gmail"),
    )
}

#: what core asked for permission to, as a key of ``Grant.tokens``
CORE_RESOURCE = "smtp"


class CoreRegistration:
    """The app registration of a core module, as its system parameters have it.

    Without a client id the tokens of its servers belong to an app registration of Odoo S.A.,
    which nobody else can use.
    """

    def __init__(self, env, module):
        self._apps = env["mail.oauth2.app"].sudo()
        self._module = module
        parameters = env["ir.config_parameter"].sudo()
        self.client_id = (parameters.get_param(f"{module.prefix}_client_id") or "").strip()
        self._secret = (parameters.get_param(f"{module.prefix}_client_secret") or "").strip()
        self.authority_url, self.tenant = "", ""
        if module.provider == "microsoft":
            endpoint = urlsplit(env["microsoft.outlook.mixin"]._get_microsoft_endpoint())
            self.authority_url = f"{endpoint.scheme}://{endpoint.netloc}".lower()
            self.tenant = endpoint.path.strip("/").partition("/")[0].lower()

    @property
    def is_complete(self):
        """Whether core could sign in with it."""
        return bool(self.client_id and self._secret)

    def fits(self, app):
        """Tell whether ``app`` is the same one, so that refresh tokens can be moved to it.

        Microsoft binds a refresh token to account and client id. Host and tenant have to admit
        the account, too; where core named a tenant, only that one surely does.
        """
        if not self.is_complete or app.client_id.lower() != self.client_id.lower():
            return False
        if self._module.provider != "microsoft":
            return True
        tenants = {self.tenant, (app.tenant or "").lower()}
        return app.authority_url.lower() == self.authority_url and (
            len(tenants) == 1 or bool(tenants & set(SHARED_TENANTS))
        )

    def find(self):
        """Return the app registration of ours that fits and serves all companies, if any."""
        domain = [("provider", "=", self._module.provider), ("company_id", "=", False)]
        return self._apps.search(domain).filtered(self.fits)[:1]

    def create(self):
        """Make an app registration with the same values.

        :raises UserError: they cannot be right
        """
        return self._apps.create(
            {
                "name": f"{self._module.title} ({self.client_id[:8]}…)",
                "provider": self._module.provider,
                "client_id": self.client_id,
                "client_secret": self._secret,
                "tenant": self.tenant,
                **self._hosts(),
            }
        )

    def _hosts(self):
        """Return the cloud whose host core signs in at, or that host by itself."""
        if not self.authority_url:
            return {"cloud": "worldwide"}
        for cloud in clouds_of(self._module.provider):
            if preset(self._module.provider, cloud)["authority_url"] == self.authority_url:
                return {"cloud": cloud}
        return {"cloud": "custom", "authority_url": self.authority_url}
