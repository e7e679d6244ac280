"""Servers of Odoo's own Outlook and Gmail modules, for tests."""

import requests

from .common import BASE_URL, SandboxCase

ERIN = "erp@contoso.example"
NORTHWIND = "erp@northwind.example"
#: columns of core's modules, and the ones a take-over changes
WATCHED = (
    "smtp_authentication",
    "smtp_host",
    "smtp_port",
    "smtp_encryption",
    "smtp_user",
    "from_filter",
    "active",
    "company_id",
    "owner_user_id",
    "oauth2_mailbox_id",
    "microsoft_outlook_refresh_token",
    "microsoft_outlook_access_token",
    "microsoft_outlook_access_token_expiration",
    "google_gmail_refresh_token",
    "google_gmail_access_token",
    "google_gmail_access_token_expiration",
)


class TakeOverCase(SandboxCase):
    """Servers of core's modules that somebody really signed in for, at the sandbox."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        parameters = cls.env["ir.config_parameter"]
        microsoft, google = cls.sandbox["microsoft"], cls.sandbox["google"]
        for name, value in {
            "microsoft_outlook_client_id": microsoft["client_id"],
            "microsoft_outlook_client_secret": microsoft["client_secret"],
            "microsoft_outlook.endpoint": (
                f"{microsoft['authority_url']}/{microsoft['tenant']}/oauth2/v2.0/"
            ),
            "google_gmail_client_id": google["client_id"],
            "google_gmail_client_secret": google["client_secret"],
        }.items():
            parameters.set_param(name, value)

    def setUp(self):
        super().setUp()
        for provider, path in (("microsoft", "microsoft_outlook"), ("google", "google_gmail")):
            uris = [f"{BASE_URL}/{path}/confirm", f"{BASE_URL}/mail_server_oauth2/callback"]
            client_id = self.sandbox[provider]["client_id"]
            self.sandbox.post("clients", client_id=client_id, redirect_uris=uris)

    # --- servers of core's modules -----------------------------------------------------

    def outlook_server(self, address=ERIN, account=None, **values):
        """Return a server of core's Outlook module, signed in for by core's own code."""
        server = self.core_server("outlook", "smtp.outlook.com", address, **values)
        params = self.sandbox.sign_in(server.microsoft_outlook_uri, account or address)
        refresh_token, access_token, expiration = server._fetch_outlook_refresh_token(
            params["code"]
        )
        server.write(
            {
                "microsoft_outlook_refresh_token": refresh_token,
                "microsoft_outlook_access_token": access_token,
                "microsoft_outlook_access_token_expiration": expiration,
            }
        )
        self.env.flush_all()
        return server

    def gmail_server(self, address=NORTHWIND, account=None, **values):
        """Return a server of core's Gmail module; core knows Google's own hosts only."""
        server = self.core_server("gmail", "smtp.gmail.com", address, **values)
        described = self.sandbox["google"]
        url = server.google_gmail_uri.replace(
            "https://accounts.google.com", described["authority_url"]
        )
        params = self.sandbox.sign_in(url, account or address)
        answer = requests.post(
            f"{described['token_url']}/token",
            data={
                "client_id": described["client_id"],
                "client_secret": described["client_secret"],
                "code": params["code"],
                "grant_type": "authorization_code",
                "redirect_uri": f"{BASE_URL}/google_gmail/confirm",
            },
            verify=self.sandbox.described["ca_bundle"],
            timeout=20,
        ).json()
        server.write(
            {
                "google_gmail_refresh_token": answer["refresh_token"],
                "google_gmail_access_token": answer["access_token"],
                "google_gmail_access_token_expiration": 1,
            }
        )
        self.env.flush_all()
        return server

    def core_server(self, kind, host, address, **values):
        server = self.env["ir.mail_server"].create(
            {
                "name": f"{kind} of {address}",
                "smtp_authentication": kind,
                "smtp_host": host,
                "smtp_port": 587,
                "smtp_encryption": "starttls",
                "smtp_user": address,
                "from_filter": address,
                **values,
            }
        )
        self.env.flush_all()
        return server

    # --- what a person does ------------------------------------------------------------

    def wizard(self, *servers, **values):
        """Open the dialogue for these servers only."""
        ids = [server.id for server in servers]
        wizards = self.env["mail.oauth2.take.over.wizard"].with_context(take_over_server_ids=ids)
        wizard = wizards.create(values)
        self.env.flush_all()
        return wizard

    def line(self, wizard, server):
        return wizard.line_ids.filtered(lambda line: line.server_id == server)

    def take_over(self, wizard):
        wizard.action_take_over()
        self.env.invalidate_all()

    def taken_over(self, server, **line_values):
        """Take one server over; return its line of the dialogue."""
        wizard = self.wizard(server)
        if line_values:
            wizard.line_ids.write(line_values)
        self.take_over(wizard)
        return wizard.line_ids

    def state_of(self, server):
        (values,) = server.sudo().read(WATCHED, load=None)
        return values

    def send_through(self, server):
        mail = self.queue_mail(
            email_from=server.smtp_user, mail_server_id=server.id, auto_delete=False
        )
        with self.sending():
            mail.send()
        return mail
