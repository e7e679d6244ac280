"""Clients of the sandbox for the tests: the libraries themselves, over real sockets."""

from __future__ import annotations

import base64
import contextlib
import secrets
import smtplib
import ssl
from email.message import EmailMessage
from urllib.parse import urlencode

import msal
from google_auth_oauthlib.flow import Flow
from oauthlib.oauth2 import WebApplicationClient
from sandbox_process import REDIRECT_URI, SandboxProcess, callback_params

SMTP_SEND = "https://outlook.office.com/SMTP.Send"
GMAIL = "https://mail.google.com/"
GOOGLE_SCOPES = [GMAIL, "https://www.googleapis.com/auth/userinfo.email", "openid"]
ERP = "erp@contoso.example"
GOOGLE_ERP = "erp@northwind.example"


def mail(sender: str, to: str = "customer@example.com", **headers) -> bytes:
    """Return a small message."""
    message = EmailMessage()
    message["From"], message["To"] = sender, to
    message["Subject"] = headers.pop("Subject", "Invoice 1")
    message["Date"] = "Sat, 21 Nov 2026 10:00:00 +0000"
    message["Message-ID"] = f"<{secrets.token_hex(8)}@odoo.example>"
    for name, value in headers.items():
        del message[name.replace("_", "-")]
        message[name.replace("_", "-")] = value
    message.set_content("Please find our invoice.\n")
    return message.as_bytes(policy=message.policy.clone(linesep="\r\n"))


# ---------------------------------------------------------------------- Microsoft


def authorize_url(sandbox: SandboxProcess, tenant: str = "", **changes) -> str:
    """Return an authorization request to Entra; ``None`` leaves a parameter out."""
    params = {
        "client_id": sandbox.microsoft["client_id"],
        "response_type": "code",
        "redirect_uri": REDIRECT_URI,
        "scope": f"openid profile offline_access {SMTP_SEND} Mail.Send User.Read",
        "state": "the-state",
        "prompt": "select_account",
        **changes,
    }
    query = urlencode({name: value for name, value in params.items() if value is not None})
    segment = tenant or sandbox.microsoft["tenant"]
    return f"{sandbox.web}/{segment}/oauth2/v2.0/authorize?{query}"


def microsoft_token(sandbox: SandboxProcess, tenant: str = "", **form):
    """Post to Entra's token endpoint; ``None`` leaves a field out."""
    fields = {
        "client_id": sandbox.microsoft["client_id"],
        "client_secret": sandbox.microsoft["client_secret"],
        **form,
    }
    segment = tenant or sandbox.microsoft["tenant"]
    return sandbox.session.post(
        f"{sandbox.https}/{segment}/oauth2/v2.0/token",
        data={name: value for name, value in fields.items() if value is not None},
        timeout=10,
    )


def microsoft_code(sandbox: SandboxProcess, account: str = ERP, **changes) -> str:
    """Sign in at Entra and return the code."""
    url = authorize_url(sandbox, **changes)
    return callback_params(sandbox.sign_in(url, account))["code"]


def microsoft_grant(sandbox: SandboxProcess, account: str = ERP, token_for: str = "", **changes):
    """Sign in at Entra; return the JSON of the token endpoint.

    :param token_for: permissions of the access token; those for SMTP by default
    """
    code = microsoft_code(sandbox, account, **changes)
    wanted = f"openid profile offline_access {token_for or SMTP_SEND}"
    return microsoft_token(
        sandbox,
        grant_type="authorization_code",
        code=code,
        redirect_uri=REDIRECT_URI,
        scope=wanted,
        client_info="1",
    ).json()


def graph_token(sandbox: SandboxProcess, account: str = ERP, permissions: str = "Mail.Send"):
    """Sign in at Entra and return an access token for Graph."""
    scope = f"openid profile offline_access {permissions}"
    return microsoft_grant(sandbox, account, permissions, scope=scope)["access_token"]


def confidential_client(sandbox: SandboxProcess, tenant: str = ""):
    """Return msal's client for the seeded app registration."""
    return msal.ConfidentialClientApplication(
        sandbox.microsoft["client_id"],
        client_credential=sandbox.microsoft["client_secret"],
        authority=f"{sandbox.https}/{tenant or sandbox.microsoft['tenant']}",
        instance_discovery=False,
        http_client=sandbox.browser(),
    )


def graph(sandbox: SandboxProcess, method: str, path: str, token: str, **more):
    """Call Graph."""
    headers = {"Authorization": f"Bearer {token}", **more.pop("headers", {})}
    url = f"{sandbox.https}/v1.0{path}"
    return sandbox.session.request(method, url, headers=headers, timeout=15, **more)


def send_mime(sandbox: SandboxProcess, token: str, raw: bytes, path: str = "/me/sendMail"):
    """Post MIME to Graph's sendMail."""
    headers = {"Content-Type": "text/plain"}
    return graph(sandbox, "POST", path, token, data=base64.b64encode(raw), headers=headers)


# ---------------------------------------------------------------------- Google


def google_flow(sandbox: SandboxProcess, scopes=GOOGLE_SCOPES, **more) -> Flow:
    """Return google-auth-oauthlib's flow for the seeded client."""
    google = sandbox.google
    config = {
        "client_id": google["client_id"],
        "client_secret": google["client_secret"],
        "auth_uri": f"{google['authority_url']}/o/oauth2/v2/auth",
        "token_uri": f"{google['token_url']}/token",
        "redirect_uris": [REDIRECT_URI],
    }
    flow = Flow.from_client_config({"web": config}, scopes, redirect_uri=REDIRECT_URI, **more)
    flow.oauth2session.trust_env = False
    flow.oauth2session.verify = sandbox.ca_file
    return flow


def google_grant(
    sandbox: SandboxProcess, account: str = GOOGLE_ERP, scopes=GOOGLE_SCOPES, **params
):
    """Sign in at Google; return the token response."""
    flow = google_flow(sandbox, scopes)
    url, _ = flow.authorization_url(**{"prompt": "select_account", **params})
    code = callback_params(sandbox.sign_in(url, account))["code"]
    return flow.fetch_token(code=code, timeout=10)


def google_token(sandbox: SandboxProcess, **form):
    """Post to Google's token endpoint; ``None`` leaves a field out."""
    google = sandbox.google
    fields = {
        "client_id": google["client_id"],
        "client_secret": google["client_secret"],
        **form,
    }
    return sandbox.session.post(
        f"{google['token_url']}/token",
        data={name: value for name, value in fields.items() if value is not None},
        timeout=10,
    )


def pkce() -> tuple[str, str]:
    """Return a verifier and its S256 challenge."""
    client = WebApplicationClient("any")
    verifier = client.create_code_verifier(64)
    return verifier, client.create_code_challenge(verifier, "S256")


# ---------------------------------------------------------------------- SMTP


@contextlib.contextmanager
def smtp(sandbox: SandboxProcess, provider: str = "microsoft", *, tls: bool = True, port: str = ""):
    """Open an SMTP session, after STARTTLS and EHLO unless ``tls`` is off."""
    where = getattr(sandbox, provider)
    context = ssl.create_default_context(cafile=sandbox.ca_file)
    if port == "smtps_port":
        session = smtplib.SMTP_SSL("localhost", where[port], timeout=10, context=context)
    else:
        session = smtplib.SMTP("localhost", where["smtp_port"], timeout=10)
    try:
        session.ehlo()
        if tls and port != "smtps_port":
            session.starttls(context=context)
            session.ehlo()
        yield session
    finally:
        session.close()


def xoauth2(user: str, token: str) -> str:
    """Return the XOAUTH2 response, before base64."""
    return f"user={user}\x01auth=Bearer {token}\x01\x01"


def log_in(session: smtplib.SMTP, user: str, token: str, *, two_steps: bool = False):
    """Authenticate by XOAUTH2, in one step or two."""
    response = xoauth2(user, token)

    def answer(challenge=None):
        if two_steps:
            return None if challenge is None else response if not challenge else ""
        return response if challenge is None else ""

    return session.auth("XOAUTH2", answer, initial_response_ok=True)
