"""The state every test begins with: the demo's app registrations, and no mail server."""

#: the company of the demo
COMPANY = 1
#: where the providers send people back to
REDIRECT_PATH = "/mail_server_oauth2/callback"
#: mailboxes that the demo sends from
MAILBOX = {"microsoft": "erp@contoso.example", "google": "erp@northwind.example"}
#: values of an app registration that tests spoil
_APP_FIELDS = (
    "active", "name", "tenant", "client_id", "authority_url", "token_url", "api_url", "smtp_host",
    "smtp_port", "client_secret_expires_on",
)  # fmt: skip


class FreshState:
    """Remembers the demo as it was set up, and brings it back.

    :ivar apps: ids of the app registrations by provider
    """

    def __init__(self, odoo, sandbox):
        self._odoo = odoo
        self._sandbox = sandbox
        self.apps = {
            provider: odoo.search("mail.oauth2.app", ("provider", "=", provider))[0]
            for provider in MAILBOX
        }
        self._values = {
            provider: odoo.read("mail.oauth2.app", app, *_APP_FIELDS)
            for provider, app in self.apps.items()
        }

    def restore(self):
        """Remove what the last test left behind."""
        odoo = self._odoo
        self._sandbox.reset(f"{odoo.url}{REDIRECT_PATH}")
        odoo.write("res.company", [COMPANY], email_server_id=False, email=MAILBOX["microsoft"])
        self._end_mails()
        for model in ("mail.oauth2.setup", "ir.mail_server", "mail.oauth2.mailbox"):
            odoo.delete_all(model)
        odoo.delete_all("mail.oauth2.app", ("id", "not in", list(self.apps.values())))
        for provider, app in self.apps.items():
            values = {name: self._values[provider][name] for name in _APP_FIELDS}
            secret = self._sandbox[provider]["client_secret"]
            odoo.write("mail.oauth2.app", [app], client_secret=secret, **values)

    def _end_mails(self):
        """Delete all mails, also those whose document is gone: an administrator may not."""
        self.run("env['mail.mail'].sudo().search([]).unlink()")

    def run(self, code):
        """Run code in Odoo: for what no user may do."""
        odoo = self._odoo
        (model,) = odoo.search("ir.model", ("model", "=", "mail.mail"))
        action = odoo.create(
            "ir.actions.server", name="A test", model_id=model, state="code", code=code
        )
        odoo.call("ir.actions.server", "run", [action])
        odoo.call("ir.actions.server", "unlink", [action])

    def give_server(self, kind, address=None):
        """Let the company send through a server of a type, as saving its form does."""
        provider = provider_of(kind)
        self._odoo.write(
            "res.company",
            [COMPANY],
            email_server_type=kind,
            email_server_app_id=self.apps[provider],
            email_server_address=address or MAILBOX[provider],
        )

    def connect(self, kind):
        """Give the company a server whose mailbox is connected already."""
        self.give_server(kind)
        action = self._odoo.call("res.company", "action_email_server_authenticate", [COMPANY])
        account = MAILBOX[provider_of(kind)]
        self._odoo.open(self._sandbox.sign_in(action["url"], account))

    def spoil_app(self, **values):
        """Change fields of Microsoft's app registration."""
        self._odoo.write("mail.oauth2.app", [self.apps["microsoft"]], **values)

    def spoil_server(self, **values):
        """Change fields of the company's mail server."""
        (server,) = self._odoo.search("ir.mail_server")
        self._odoo.write("ir.mail_server", [server], **values)


def provider_of(kind):
    """Return the provider that signs people in for a type of mail server."""
    return "google" if "google" in kind else "microsoft"
