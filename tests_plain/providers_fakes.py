"""Two small authorities with a memory, for :mod:`providers_server`.

They know just enough OAuth to refuse what is wrong: a code works once and with its PKCE
verifier, a refresh token is known or not. Everything they ever handed out is remembered, so
that tests can look for it in places where it must not be.
"""

import base64
import hashlib
import itertools
import json
from urllib.parse import parse_qsl, urlsplit

import jwt
from mail_server_oauth2.providers import AppRegistration, provider_for
from providers_server import Answer

REDIRECT_URI = "http://localhost:8069/mail_server_oauth2/callback"
CLIENT_SECRET = "s3cret-of-the-app"
STATE = "st4te-of-the-sign-in"
#: "Now" of every test of a flow, seconds since the epoch.
NOW = 1_800_000_000


class FakeAuthority:
    """Tokens, codes and metadata of one identity provider.

    :ivar scripted: answers for the next calls of the token endpoint, used up one by one, or
        functions of the request that make one; ``None`` hangs up
    :ivar claims: changes to the id_token; a value of ``None`` takes the claim away
    :ivar changes: the same for the token answer
    """

    provider_code = ""
    resources = ()

    def __init__(self):
        self.url = ""
        self.scripted, self.claims, self.changes = [], {}, {}
        self.codes, self.refresh_tokens, self.secrets = {}, set(), [CLIENT_SECRET, STATE]
        self.last_query = {}
        self._numbers = itertools.count(1)

    def app(self, **changes):
        """Return the app registration that belongs to this authority."""
        raise NotImplementedError

    def provider(self, **changes):
        """Return a provider whose clock stands still."""
        return provider_for(self.provider_code, self.app(**changes), now=lambda: NOW)

    def authorize(self, url):
        """Sign in and consent as a browser would; return the query of the callback."""
        self.last_query = query = dict(parse_qsl(urlsplit(url).query))
        code = self._secret("code")
        self.codes[code] = query
        return {"code": code, "state": query["state"]}

    def sign_in(self, provider=None, **options):
        """Go through a whole sign-in; return the grant."""
        provider = provider or self.provider()
        started = provider.begin_sign_in(
            resources=self.resources, redirect_uri=REDIRECT_URI, state=STATE, **options
        )
        pending = json.loads(json.dumps(started.pending))  # as the database keeps it
        self.secrets += _leaves(pending)
        params = self.authorize(started.url)
        return provider.finish_sign_in(pending, params, resources=self.resources)

    def token(self, request):
        """Answer the token endpoint."""
        if self.scripted:
            return self._next(request)
        form = request.form
        if form["grant_type"] == "authorization_code":
            query = self.codes.pop(form["code"], None)
            if not query or not _pkce_fits(query, form):
                return Answer(self.refusal(), status=400)
            return Answer(self._answer(form, query["nonce"]))
        if form["refresh_token"] not in self.refresh_tokens:
            return Answer(self.refusal(), status=400)
        return Answer(self._answer(form))

    def refusal(self):
        """Return the answer for a code or refresh token that is good for nothing."""
        return {"error": "invalid_grant", "error_description": "Bad Request"}

    def id_token(self, nonce):
        """Return the claims of a good id_token."""
        raise NotImplementedError

    def token_answer(self, form, nonce):
        """Return a good token answer without its id_token."""
        raise NotImplementedError

    def _answer(self, form, nonce=""):
        answer = self.token_answer(form, nonce)
        if nonce:
            claims = _changed(self.id_token(nonce), self.claims)
            answer["id_token"] = jwt.encode(claims, "k" * 32)
            self.secrets.append(answer["id_token"])
        return _changed(answer, self.changes)

    def _next(self, request):
        answer = self.scripted.pop(0)
        return answer(request) if callable(answer) else answer

    def _secret(self, kind):
        value = f"{kind}-{next(self._numbers)}-of-{self.provider_code}"
        self.secrets.append(value)
        return value

    def _refresh_token(self):
        value = self._secret("refresh")
        self.refresh_tokens.add(value)
        return value


class FakeEntra(FakeAuthority):
    """One tenant of Entra ID: rotates refresh tokens and keeps the old ones valid."""

    provider_code = "microsoft"
    resources = ("smtp", "graph")
    subject = "11111111-2222-3333-4444-555555555555.0erin"
    tenant = "11111111-2222-3333-4444-555555555555"
    #: tenant in the metadata's issuer; "{tenantid}" at shared authorities
    issuer_tenant = tenant

    def __init__(self):
        super().__init__()
        self.metadata_changes = {}

    def app(self, **changes):
        fields = {
            "client_id": "C11E27",
            "client_secret": CLIENT_SECRET,
            "tenant": self.tenant,
            "authority_url": self.url,
            "mail_scope_url": "https://outlook.office.com",
        }
        return AppRegistration(**fields | changes)

    def __call__(self, request):
        if request.path.endswith("/v2.0/.well-known/openid-configuration"):
            return Answer(_changed(self.metadata(), self.metadata_changes))
        if request.path.endswith("/oauth2/v2.0/token"):
            return self.token(request)
        return Answer(status=404)

    def metadata(self):
        """Return the openid-configuration."""
        return {
            "authorization_endpoint": f"{self.url}/{self.tenant}/oauth2/v2.0/authorize",
            "token_endpoint": f"{self.url}/{self.tenant}/oauth2/v2.0/token",
            "issuer": f"{self.url}/{self.issuer_tenant}/v2.0",
        }

    def refusal(self):
        text = "AADSTS700082: The refresh token has expired due to inactivity."
        return {"error": "invalid_grant", "error_codes": [700082], "error_description": text}

    def id_token(self, nonce):
        return {
            "aud": "c11e27",
            "iss": f"{self.url}/{self.tenant}/v2.0",
            "tid": self.tenant,
            "oid": "0erin",
            "sub": "pairwise",
            "preferred_username": "erp@contoso.example",
            "name": "Erin Rhodes",
            "nonce": nonce,
            "exp": NOW + 3600,
            "nbf": NOW - 300,
            "iat": NOW - 300,
        }

    def token_answer(self, form, nonce):
        client_info = json.dumps({"uid": "0erin", "utid": self.tenant}).encode()
        return {
            "token_type": "Bearer",
            "scope": form["scope"],
            "expires_in": 3599,
            "access_token": self._secret("access"),
            "refresh_token": self._refresh_token(),
            "client_info": base64.urlsafe_b64encode(client_info).decode().rstrip("="),
        }


class FakeGoogle(FakeAuthority):
    """Google: a refresh token with the first consent only, and never a new one on refresh."""

    provider_code = "google"
    resources = ("smtp",)
    subject = "108"
    scope = "openid https://mail.google.com/ https://www.googleapis.com/auth/userinfo.email"

    def __init__(self):
        super().__init__()
        self.info_changes, self.consented = {}, False

    def app(self, **changes):
        fields = {
            "client_id": "108-client.apps.example",
            "client_secret": CLIENT_SECRET,
            "authority_url": self.url,
            "token_url": self.url,
        }
        return AppRegistration(**fields | changes)

    def __call__(self, request):
        if request.path == "/token":
            return self.token(request)
        if self.scripted:
            return self._next(request)
        if request.path == "/revoke":
            return self._revoke(request.form["token"])
        if request.path == "/tokeninfo":
            return Answer(_changed(self._info(), self.info_changes))
        return Answer(status=404)

    def id_token(self, nonce):
        return {
            "aud": "108-client.apps.example",
            "iss": "https://accounts.google.com",
            "sub": self.subject,
            "email": "erp@northwind.example",
            "email_verified": True,
            "name": "Erin Rhodes",
            "hd": "northwind.example",
            "nonce": nonce,
            "exp": NOW + 3600,
            "iat": NOW,
        }

    def token_answer(self, form, nonce):
        answer = {
            "token_type": "Bearer",
            "scope": self.scope,
            "expires_in": 3599,
            "access_token": self._secret("access"),
        }
        if nonce and (not self.consented or "consent" in self.last_query["prompt"].split()):
            answer["refresh_token"] = self._refresh_token()
            self.consented = True
        return answer

    def _info(self):
        return {
            "aud": "108-client.apps.example",
            "sub": self.subject,
            "scope": self.scope,
            "email": "erp@northwind.example",
            "email_verified": "true",
            "exp": str(NOW + 3599),
        }

    def _revoke(self, token):
        if token not in self.refresh_tokens:
            return Answer({"error": "invalid_token"}, status=400)
        self.refresh_tokens.remove(token)
        return Answer({})


def _changed(values, changes):
    return {name: value for name, value in (values | changes).items() if value is not None}


def _pkce_fits(query, form):
    digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
    challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
    return query["code_challenge_method"] == "S256" and query["code_challenge"] == challenge


def _leaves(value):
    """Return the verifier and the nonces of a pending sign-in, wherever the provider put them."""
    if not isinstance(value, dict):
        return []
    found = [text for name, text in value.items() if name in ("code_verifier", "nonce")]
    return found + [leaf for inner in value.values() for leaf in _leaves(inner)]
