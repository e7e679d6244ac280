"""The fixtures ``trusted_sandbox`` and ``connected``: sessions that send through the sandbox."""

import pytest
from mail_server_oauth2.transport.graph import GraphSession
from mail_server_oauth2.transport.smtp import SmtpSession
from transport_sandbox import GOOGLE_MAILBOX, MS_MAILBOX, resource, sign_in, starttls


@pytest.fixture
def trusted_sandbox(sandbox, monkeypatch):
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.setenv(name, sandbox.ca_file)
    return sandbox


@pytest.fixture
def connected(trusted_sandbox):
    """Return ``connected(kind, **session) -> session`` of a mailbox that was signed in."""
    opened = []

    def connect(kind, account="", **session):
        provider = "google" if kind.startswith("google") else "microsoft"
        place = trusted_sandbox.description[provider]
        account = account or (GOOGLE_MAILBOX if provider == "google" else MS_MAILBOX)
        session.setdefault("mailbox", account)
        tokens = sign_in(
            trusted_sandbox, provider, place, resource(kind, account, session), account
        )
        if kind == "graph":
            made = GraphSession(
                api_url=place["graph_url"], account=account, get_token=tokens, **session
            )
        else:
            made = SmtpSession(
                connect=lambda: starttls(place), provider=provider, get_token=tokens, **session
            )
        made.tokens = tokens
        opened.append(made)
        return made

    yield connect
    for session in opened:
        session.quit()
