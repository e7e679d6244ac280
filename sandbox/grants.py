"""Consents, authorization codes, grants and tokens of both providers."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

from .clock import Clock
from .directory import Account, Client

CODE_SECONDS = 600


@dataclass
class Grant:
    """What an account gave to a client in one sign-in.

    ``dead`` is empty, or what makes refreshing fail: an AADSTS number or a Google error.
    ``public`` tells that it came from a flow without client authentication.
    """

    account: Account
    client: Client
    scopes: tuple[str, ...]
    created_at: float
    public: bool = False
    dead: str = ""


@dataclass
class AuthorizationCode:
    """A code on its way through the browser. ``request`` is the provider's own record."""

    value: str
    account: Account
    client: Client
    scopes: tuple[str, ...]
    redirect_uri: str
    expires_at: float
    code_challenge: str = ""
    code_challenge_method: str = "plain"
    nonce: str = ""
    offline: bool = True
    grant: Grant | None = None


@dataclass
class RefreshToken:
    """One refresh token. ``used`` tells that it was exchanged for a successor."""

    value: str
    grant: Grant
    renewed_at: float
    used: bool = False


@dataclass
class AccessToken:
    """One access token. ``account`` is ``None`` where the app acts for itself."""

    value: str
    provider: str
    resource: str
    client: Client
    scopes: tuple[str, ...]
    expires_at: float
    account: Account | None = None
    grant: Grant | None = None
    audience: str = ""


@dataclass
class GrantStore:
    """Everything handed out. Tokens are found by their value."""

    clock: Clock
    codes: dict[str, AuthorizationCode] = field(default_factory=dict)
    refresh_tokens: dict[str, RefreshToken] = field(default_factory=dict)
    access_tokens: dict[str, AccessToken] = field(default_factory=dict)
    grants: list[Grant] = field(default_factory=list)
    consents: dict[tuple[str, str], set[str]] = field(default_factory=dict)

    def consented(self, who: str, client: Client) -> set[str]:
        """Return the scopes ``who`` (account id, or tenant for all of it) agreed to."""
        return self.consents.setdefault((who, client.client_id), set())

    def add_code(self, code: AuthorizationCode) -> AuthorizationCode:
        """Keep a code until it is redeemed; it lives ten minutes."""
        self.codes[code.value] = code
        return code

    def add_grant(self, account: Account, client: Client, scopes, public=False) -> Grant:
        """Record a finished sign-in."""
        grant = Grant(account, client, tuple(scopes), self.clock.now(), public)
        self.grants.append(grant)
        return grant

    def issue_refresh_token(self, grant: Grant, prefix: str) -> RefreshToken:
        """Return a new refresh token of ``grant``; those before it stay what they are."""
        token = RefreshToken(prefix + secrets.token_urlsafe(90), grant, self.clock.now())
        self.refresh_tokens[token.value] = token
        return token

    def add_access_token(self, token: AccessToken) -> AccessToken:
        """Keep an access token for the services that check it."""
        self.access_tokens[token.value] = token
        return token

    def live_grants(self, account: Account, client: Client | None = None) -> list[Grant]:
        """Return the grants of an account that still work, for one client or for all."""
        return [
            grant
            for grant in self.grants
            if grant.account is account and not grant.dead and client in (None, grant.client)
        ]

    def revoke(self, grant: Grant, reason: str) -> None:
        """End a grant: its refresh tokens answer with ``reason`` from now on."""
        grant.dead = grant.dead or reason

    def forget_consents(self, account: Account) -> None:
        """Forget what an account agreed to, for every client."""
        for who, client_id in list(self.consents):
            if who == account.id:
                del self.consents[who, client_id]
