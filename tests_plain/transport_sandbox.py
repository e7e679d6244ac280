"""Mailboxes at the sandbox, signed in for real, and the sessions that send from them."""

import email.policy
import smtplib
import ssl
from email.message import EmailMessage

from mail_server_oauth2.providers import SERVER_TYPES, AppRegistration, provider_for
from sandbox_process import REDIRECT_URI, callback_params

MS_MAILBOX, GOOGLE_MAILBOX = "erp@contoso.example", "erp@northwind.example"
SHARED, BERT = "invoices@contoso.example", "bert@contoso.example"
ANN, BOB, CAT = "ann@fabrikam.example", "bob@fabrikam.example", "cat@fabrikam.example"


class Tokens:
    """The models' part: one grant, refreshed when asked to."""

    def __init__(self, provider, resource, grant):
        self.provider, self.resource, self.grant = provider, resource, grant
        self.refreshed = 0

    def __call__(self, force):
        if force:
            self.refreshed += 1
            self.grant = self.provider.refresh(self.grant.cache, resource=self.resource)
        return self.grant.tokens[self.resource]


def app_registration(place, **hosts):
    names = ("client_id", "client_secret", "authority_url", "token_url", "mail_scope_url", "tenant")
    return AppRegistration(**{n: place[n] for n in names if n in place}, **hosts)


def resource(kind, account, session):
    shared = session["mailbox"] != account
    server_type = "oauth2_microsoft_graph" if kind == "graph" else f"oauth2_{kind}"
    read_write = session.get("read_write", False)
    return SERVER_TYPES[server_type].resource_for(shared=shared, read_write=read_write)


def sign_in(sandbox, code, place, resource, account):
    api_url = place.get("graph_url") or place.get("api_url")
    provider = provider_for(code, app_registration(place, api_url=api_url))
    start = provider.begin_sign_in(
        resources=[resource], redirect_uri=REDIRECT_URI, state="s", login_hint=account
    )
    callback = callback_params(sandbox.sign_in(start.url, account))
    grant = provider.finish_sign_in(start.pending, callback, resources=[resource])
    return Tokens(provider, resource, grant)


def starttls(place):
    """What Odoo core's ``_connect__`` does for ``starttls_strict``."""
    connection = smtplib.SMTP(place["smtp_host"], place["smtp_port"], timeout=10)
    connection.starttls(context=ssl.create_default_context())
    return connection


def mail(sender, attachment=b"", to=ANN, **headers):
    message = EmailMessage(policy=email.policy.SMTP)
    message["Message-Id"] = "<151-openerp-42-sale.order@odoo.contoso.example>"
    message["References"] = "<1@odoo.contoso.example> <2@odoo.contoso.example>"
    message["From"] = sender
    message["To"] = to
    message["Subject"] = "Rechnung für Mai"
    for name, value in headers.items():
        message[name] = value
    message.set_content("Grüße\n.\n")
    if attachment:
        message.add_attachment(attachment, maintype="application", subtype="pdf", filename="a.pdf")
    return message


def send(session, *recipients, **kwargs):
    message = mail(session.mailbox, **kwargs)
    return session.send_message(message, session.mailbox, list(recipients) or [ANN])


def received(sandbox):
    return [row["recipient"] for row in sandbox.messages()]
