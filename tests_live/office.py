"""A company that sends mail: mailboxes connected to the sandbox, and their queue."""

from __future__ import annotations

import itertools
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, replace

from odoo.addons.mail_server_oauth2.models.token_memory import memory
from odoo.addons.mail_server_oauth2.providers import SERVER_TYPES

from browser import BASE_URL
from odoo_library import Database
from scripts import demo_company

GRAPH = "oauth2_microsoft_graph"
MICROSOFT_SMTP = "oauth2_microsoft_smtp"
GMAIL = "oauth2_google_smtp"

#: domain of new accounts at each provider
_DOMAINS = {"microsoft": "contoso.example", "google": "northwind.example"}
#: seconds: less than the addon still hands out, and what providers give
_OVER, _USUAL = 60, 3599

_numbers = itertools.count(1)


def register_apps(database, sandbox):
    """Let a database know the sandbox: its app registrations, and the address of Odoo."""
    with database.environment() as env:
        demo_company.set_up(env, sandbox.described, BASE_URL)


@dataclass(frozen=True)
class Office:
    """Makes mailboxes and mails in one database, and looks at what became of them."""

    database: Database
    sandbox: object

    # ------------------------------------------------------------
    # MAILBOXES
    # ------------------------------------------------------------

    def connected_mailbox(self, kind=GRAPH, *, expired=False, read_write=False):
        """Return a new mailbox of a new account, connected, with a server that sends through it.

        :param kind: type of the server
        :param expired: its access token is at its end
        :param read_write: with the permission to read and write mail
        """
        mailbox = self.new_mailbox(kind)
        with mailbox.record() as record:
            record.read_write = read_write
        self.sign_in(mailbox, expired=expired)
        return mailbox

    def new_mailbox(self, kind=GRAPH):
        """Return a new mailbox of a new account that nobody has signed in to."""
        provider = SERVER_TYPES[kind].provider
        address = f"box{next(_numbers)}@{_DOMAINS[provider]}"
        self.sandbox.post("accounts", provider=provider, address=address)
        with self.database.environment() as env:
            app = env["mail.oauth2.app"].search([("provider", "=", provider)], limit=1)
            mailbox = env["mail.oauth2.mailbox"].create({"app_id": app.id, "address": address})
        return self._with_server(mailbox.id, address, kind)

    def same_mailbox(self, mailbox):
        """Return a mailbox of another office whose database this one's is a copy of."""
        return replace(mailbox, office=self)

    def with_another_server(self, mailbox, kind):
        """Return the same mailbox with a further server, of another type."""
        return self._with_server(mailbox.id, mailbox.address, kind)

    def _with_server(self, mailbox_id, address, kind):
        with self.database.environment() as env:
            server = env["ir.mail_server"].create(
                {
                    "name": address,
                    "smtp_authentication": kind,
                    "oauth2_mailbox_id": mailbox_id,
                    "oauth2_per_minute": 0,  # long queues are what is tried here
                }
            )
        return Mailbox(self, mailbox_id, server.id, address, SERVER_TYPES[kind].resource)

    def sign_in(self, mailbox, *, expired=False):
        """Sign in for a mailbox with its own account, as a person does in the browser.

        :param expired: let the access token be at its end
        """
        with mailbox.record() as record:
            url = record._begin_sign_in()
        self.sandbox.post("settings", access_token_seconds=_OVER if expired else _USUAL)
        while "://" in url:  # Google may have to be asked a second time
            params = self.sandbox.sign_in(url, mailbox.address)
            url = self.come_back(mailbox, params)
        self.sandbox.post("settings", access_token_seconds=_USUAL)
        memory.clear()

    def come_back(self, mailbox, params):
        """Do what the callback does; return where the browser goes next.

        :param params: query that the provider sent the browser back with
        """
        with mailbox.record() as record:
            sign_in = record.env["mail.oauth2.authorization"]._consume(params["state"])
            return record._finish_sign_in(sign_in["pending"], params)

    # ------------------------------------------------------------
    # MAILS
    # ------------------------------------------------------------

    def queue(self, mailbox, count=1):
        """Return the ids of new mails, each to a recipient of its own."""
        recipients = [f"customer{next(_numbers)}@example.com" for _mail in range(count)]
        with self.database.environment() as env:
            mails = env["mail.mail"].create(
                [
                    {
                        "subject": f"Invoice for {recipient}",
                        "body_html": "<p>Please find your invoice.</p>",
                        "email_from": mailbox.address,
                        "email_to": recipient,
                        "mail_server_id": mailbox.server_id,
                        "auto_delete": False,
                    }
                    for recipient in recipients
                ]
            )
            return mails.ids

    def send(self, mail_ids):
        """Send these mails of the queue, as the scheduled job does."""
        with self.database.environment() as env:
            env["mail.mail"].process_email_queue(mail_ids)

    def states(self, mail_ids):
        """Return how many of these mails are in which state."""
        query = "SELECT state, count(*) FROM mail_mail WHERE id = ANY(%s) GROUP BY state"
        return dict(self.database.rows(query, list(mail_ids)))

    def copies(self, mail_ids):
        """Return how many copies the recipient of each of these mails got, as a Counter."""
        query = "SELECT email_to FROM mail_mail WHERE id = ANY(%s)"
        recipients = {row[0] for row in self.database.rows(query, list(mail_ids))}
        got = Counter(row["recipient"] for row in self.sandbox.delivered())
        return Counter({recipient: got[recipient] for recipient in recipients})


@dataclass(frozen=True)
class Mailbox:
    """Ids of a mailbox and of the server that sends through it.

    :param resource: what a token of this mailbox is for, ``smtp`` or ``graph``
    """

    office: Office
    id: int
    server_id: int
    address: str
    resource: str

    @contextmanager
    def record(self):
        """Yield the mailbox's record in a transaction of its own."""
        with self.office.database.environment() as env:
            yield env["mail.oauth2.mailbox"].browse(self.id)

    def token(self, refused=None):
        """Return an access token as a mail session gets it."""
        with self.record() as record:
            return record._access_token(self.resource, refused=refused)

    def token_calls(self, **wanted):
        """Return what the sandbox's token endpoints saw of this mailbox since its sign-in."""
        return self.office.sandbox.token_calls(
            account=self.address, grant_type="refresh_token", **wanted
        )

    def state(self):
        """Return the state people see."""
        with self.record() as record:
            return record.state
