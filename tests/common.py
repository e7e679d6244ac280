import json
import os
from contextlib import contextmanager
from datetime import timedelta
from unittest.mock import patch
from urllib.parse import parse_qsl, urlsplit

import requests

from odoo.tests import TransactionCase
from odoo.tools import SQL

from ..models.token_memory import memory

#: address people open Odoo at in these tests; nobody listens there
BASE_URL = "http://localhost:8069"


class Sandbox:
    """The stand-in for Microsoft and Google that runs beside the tests (docs/sandbox.md)."""

    def __init__(self, described):
        self.described = described
        self._http = requests.Session()
        self._http.verify = described["ca_bundle"]

    @classmethod
    def running(cls):
        """Return the sandbox that the test runner started.

        :raises KeyError: it started none; these tests need it
        """
        with open(os.environ["MAIL_SERVER_OAUTH2_SANDBOX"], encoding="utf-8") as file:
            return cls(json.load(file))

    def __getitem__(self, provider):
        return self.described[provider]

    def get(self, path, **query):
        return self._api("GET", path, params=query)

    def text(self, path):
        """Return what is no JSON, such as the source of a mail."""
        answer = self._http.get(f"{self.described['web']}/api/{path}", timeout=20)
        answer.raise_for_status()
        return answer.text

    def post(self, path, **body):
        return self._api("POST", path, json=body)

    def reset(self, redirect_uri):
        """Forget mail, grants and faults; know this redirect URI for both providers."""
        self.post("reset")
        for provider in ("microsoft", "google"):
            self.post(
                "clients", client_id=self[provider]["client_id"], redirect_uris=[redirect_uri]
            )

    def fault(self, place, kind, **options):
        """Let the next request at ``place`` go wrong; see docs/sandbox.md for the words."""
        return self.post("faults", place=place, kind=kind, **options)

    def clear_faults(self):
        """Let nothing go wrong any more."""
        self._api("DELETE", "faults")

    def delivered(self, **wanted):
        """Return the delivered mails, one row per recipient, that have these values."""
        rows = self.get("messages")
        return [row for row in rows if wanted.items() <= row.items()]

    def token_calls(self, **wanted):
        """Return the calls of the token endpoints that have these values."""
        rows = self.get("tokens")
        return [row for row in rows if wanted.items() <= row.items()]

    def sign_in(self, url, account, decision="accept"):
        """Do what a person does in the browser; return the callback's parameters as a dict."""
        http = requests.Session()
        http.verify = self.described["ca_bundle"]
        http.get(url, timeout=20).raise_for_status()
        # The page of permissions comes only where they were not granted before. Google lets
        # people untick single ones; here they tick all.
        scopes = dict(parse_qsl(urlsplit(url).query))["scope"].split()
        choice = {"account": account}
        for data in (choice, {**choice, "decision": decision, "scope": scopes}):
            answer = http.post(url, data=data, allow_redirects=False, timeout=20)
            if answer.status_code in (302, 303):
                break
        if answer.status_code not in (302, 303):
            raise AssertionError(f"The provider shows a page and sends nobody back: {answer.text}")
        return dict(parse_qsl(urlsplit(answer.headers["Location"]).query))

    def _api(self, method, path, **arguments):
        url = f"{self.described['web']}/api/{path}"
        answer = self._http.request(method, url, timeout=20, **arguments)
        answer.raise_for_status()
        return answer.json() if answer.content else None


class SandboxCase(TransactionCase):
    """A company, app registrations and the sandbox. Own cursors share the test's transaction."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.sandbox = Sandbox.running()
        parameters = cls.env["ir.config_parameter"]
        parameters.set_param("web.base.url", BASE_URL)
        parameters.set_param("mail.default.from_filter", False)
        cls.company = cls.env["res.company"].create({"name": "Contoso"})
        cls.env.user.write({"company_ids": [(4, cls.company.id)], "company_id": cls.company.id})
        cls.env = cls.env(context=dict(cls.env.context, allowed_company_ids=cls.company.ids))
        cls.company = cls.company.with_env(cls.env)
        cls.microsoft_app = cls.create_app("microsoft")
        cls.google_app = cls.create_app("google")
        cls.env.flush_all()
        if not cls._registry_patched:
            cls.registry_enter_test_mode_cls()

    def setUp(self):
        super().setUp()
        memory.clear()
        self.sandbox.reset(f"{BASE_URL}/mail_server_oauth2/callback")

    @classmethod
    def create_app(cls, provider, **values):
        described = cls.sandbox[provider]
        return cls.env["mail.oauth2.app"].create(
            {
                "name": f"{provider} of the sandbox",
                "provider": provider,
                "cloud": "custom",
                "tenant": described.get("tenant", False),
                "client_id": described["client_id"],
                "client_secret": described["client_secret"],
                "authority_url": described["authority_url"],
                "token_url": described.get("token_url", False),
                "api_url": described.get("graph_url") or described.get("api_url"),
                "smtp_host": described["smtp_host"],
                "smtp_port": described["smtp_port"],
                **values,
            }
        )

    def create_server(self, kind, address, **values):
        """Make the company's server of a type, not connected yet."""
        app = self.google_app if "google" in kind else self.microsoft_app
        self.company.write(
            {
                "email_server_type": kind,
                "email_server_app_id": app.id,
                "email_server_address": address,
                **values,
            }
        )
        self.env.flush_all()
        return self.company.email_server_id

    def connect(self, mailbox, account=None):
        """Sign in at the sandbox for a mailbox, as a person would in the browser."""
        params = self.begin(mailbox, account or mailbox.address)
        path = self.finish(mailbox, params)
        self.env.invalidate_all()
        return path

    def begin(self, mailbox, account, decision="accept"):
        url = mailbox._begin_sign_in()
        self.env.flush_all()
        return self.sandbox.sign_in(url, account, decision)

    def finish(self, mailbox, params):
        sign_in = self.env["mail.oauth2.authorization"]._consume(params.get("state"))
        self.assertEqual(sign_in["mailbox_id"], mailbox.id)
        return mailbox._finish_sign_in(sign_in["pending"], params)

    def connected_server(self, kind, address, **values):
        server = self.create_server(kind, address, **values)
        self.connect(server.oauth2_mailbox_id)
        return server

    def queue_mail(self, **values):
        return self.env["mail.mail"].create(
            {
                "subject": "Invoice 2026/0042",
                "body_html": "<p>Please find your invoice.</p>",
                "email_from": f'"Erin Rhodes" <{self.company.email_server_id.smtp_user}>',
                "email_to": "customer@example.com",
                "record_company_id": self.company.id,
                **values,
            }
        )

    def let_time_pass(self, **delta):
        """Let everything that waits for a time be due now, and whatever was tried be long ago.

        :param delta: how long, as for :class:`datetime.timedelta`; 1 hour by default
        """
        self.env.flush_all()
        shift = timedelta(**(delta or {"hours": 1}))
        for column in (
            "mail_mail.scheduled_date",
            "mail_mail.oauth2_waiting_since",
            "mail_oauth2_pause.until",
            "mail_oauth2_attempt.started_at",
        ):
            table, name = column.split(".")
            names = map(SQL.identifier, (table, name, name))
            self.env.cr.execute(SQL("UPDATE %s SET %s = %s - %s", *names, shift))
        self.env.invalidate_all()

    @contextmanager
    def sending(self):
        """Let mail leave although a test runs."""
        servers = self.env.registry["ir.mail_server"]
        self.env.flush_all()
        with patch.object(servers, "_disable_send", lambda *_args: False):
            yield
        self.env.invalidate_all()
