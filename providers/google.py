"""Google with google-auth-oauthlib: delegated permission for Gmail over SMTP.

https://developers.google.com/identity/protocols/oauth2/web-server
"""

from __future__ import annotations

import json
import secrets
from dataclasses import replace
from typing import NamedTuple

import google.auth.exceptions
import google.auth.transport
import google.oauth2.credentials
import oauthlib.oauth2
from google_auth_oauthlib.flow import Flow

from ..exceptions import (
    ConfigurationError,
    ConsentNeededError,
    SignInNeededError,
    SignInRejectedError,
    UnreachableError,
)
from . import google_errors, hosts, http_session, id_token
from .base import AccessToken, Grant, Identity, Provider, SignIn, TokenContents
from .oauth_errors import answer_of, check_callback, check_token_answer, text_of
from .redaction import silence_debug

#: Every key this provider raises with.
KEYS = (
    google_errors.KEYS
    | http_session.KEYS
    | hosts.KEYS
    | id_token.KEYS
    | {"google_no_refresh_token", "google_wrong_client"}
)

# These write tokens, codes and secrets at DEBUG.
silence_debug("requests_oauthlib.oauth2_session", "google.auth.transport.requests")

#: The only permission that XOAUTH2 accepts; the slash at the end is part of it.
#: https://developers.google.com/workspace/gmail/imap/xoauth2-protocol
MAIL_SCOPE = "https://mail.google.com/"
# The names that Google's answers use; "email" would come back as the long form.
_IDENTITY_SCOPES = ("openid", "https://www.googleapis.com/auth/userinfo.email")
_SCOPES = {"smtp": MAIL_SCOPE}

#: Google writes its issuer with and without the scheme, whatever host the request went to.
#: https://developers.google.com/identity/openid-connect/openid-connect#validatinganidtoken
ISSUERS = ("https://accounts.google.com", "accounts.google.com")

_AUTHORIZE_PATH = "/o/oauth2/v2/auth"
_TOKEN_PATH = "/token"
_REVOKE_PATH = "/revoke"
_TOKENINFO_PATH = "/tokeninfo"


class GoogleProvider(Provider):
    """Sign-in and tokens of one OAuth client of a Google Cloud project."""

    code = "google"

    def validate(self):
        hosts.check_client_id(self.app.client_id)
        hosts.check_host_url(self.app.authority_url, "authority_url")
        hosts.check_host_url(self.app.token_url, "token_url")

    def begin_sign_in(
        self, *, resources, redirect_uri, state, login_hint="", force_consent=False
    ) -> SignIn:
        """See :meth:`Provider.begin_sign_in`.

        Google hands out a refresh token at the first consent only. Where
        :meth:`finish_sign_in` misses it, ``force_consent`` brings the consent screen back.
        """
        flow = self._flow(redirect_uri, [*map(_SCOPES.__getitem__, resources), *_IDENTITY_SCOPES])
        nonce = secrets.token_urlsafe(24)
        hint = {"login_hint": login_hint} if login_hint else {}
        url, _state = flow.authorization_url(
            state=state,
            nonce=nonce,
            prompt="select_account consent" if force_consent else "select_account",
            **hint,
        )
        pending = {
            "state": state,
            "nonce": nonce,
            "code_verifier": flow.code_verifier,
            "redirect_uri": redirect_uri,
        }
        return SignIn(url=url, pending=pending)

    def finish_sign_in(self, pending, params, *, resources) -> Grant:
        check_callback(params, state=pending["state"], meaning=google_errors.error_from_callback)
        content = self._redeem(pending, params["code"])
        identity = self._identify(content, pending["nonce"])
        token = self._token(content)
        _check_granted(token, resources)
        refresh_token = text_of(content, "refresh_token")
        if not refresh_token:
            raise ConsentNeededError("google_no_refresh_token")
        return _grant(refresh_token, token, resources, identity=identity)

    def refresh(self, cache, *, resource) -> Grant:
        known = _refresh_token(cache)
        if not known:
            raise SignInNeededError("grant_missing")
        self.validate()
        credentials = google.oauth2.credentials.Credentials(
            None,
            refresh_token=known,
            token_uri=self._url(_TOKEN_PATH),
            client_id=self.app.client_id,
            client_secret=self.app.client_secret,
        )
        post = _TokenRequest(self.session, now=self.now, secrets=self._secrets(known))
        try:
            credentials.refresh(post)
        except google.auth.exceptions.GoogleAuthError:  # its text may quote the answer
            raise UnreachableError("answer_incomplete") from None
        current = credentials.refresh_token
        return _grant(current, self._token(post.content), [resource], renewed=current != known)

    def import_refresh_token(self, refresh_token, *, resource) -> Grant:
        """See :meth:`Provider.import_refresh_token`; tokeninfo tells whose it is.

        An id_token only comes where ``openid`` was asked for, tokeninfo's answer always, from
        the same host. It also says for which client id the token is and what it may do.
        """
        grant = self.refresh(_cache_of(refresh_token), resource=resource)
        identity = self.check(grant.tokens[resource], resource=resource)
        return replace(grant, identity=identity)

    def check(self, token, *, resource) -> Identity | None:
        """Ask Google what the token is worth; see :meth:`Provider.check`.

        :raises SignInNeededError: ``google_invalid_token``, ``scope_missing``
        :raises ConfigurationError: ``google_wrong_client``
        """
        answer = self._post(_TOKENINFO_PATH, {"access_token": token.value})
        if not answer.is_good:
            raise google_errors.error_from_answer(answer)
        content = answer.content
        if text_of(content, "aud") != self.app.client_id:
            raise ConfigurationError("google_wrong_client")
        if _SCOPES[resource] not in text_of(content, "scope").split():
            raise SignInNeededError("scope_missing", details={"scopes": _SCOPES[resource]})
        return Identity(subject=text_of(content, "sub"), address=_address(content))

    def inspect(self, token, *, resource) -> TokenContents:
        """See :meth:`Provider.inspect`; nobody but Google can read its tokens."""
        owner = self.check(token, resource=resource)
        return TokenContents(token.scopes, account=owner.address)

    @property
    def public_url(self):
        return self._url(_TOKENINFO_PATH)

    def revoke(self, cache) -> bool:
        """End the grant at Google, for every holder of it.

        :return: ``True`` if it is dead now, also when it was before
        :raises MailOAuth2Error: Google could not be asked
        """
        token = _refresh_token(cache)
        if not token:
            return False
        answer = self._post(_REVOKE_PATH, {"token": token})
        if answer.status == 200 or answer.error == "invalid_token":
            return True
        raise google_errors.error_from_answer(answer)

    # --- requests --------------------------------------------------------------------------

    def _url(self, path):
        return f"{self.app.token_url}{path}"

    def _secrets(self, *more):
        return (self.app.client_secret, *more)

    def _post(self, path, data):
        """Send a form. In the body, because URLs end up in logs."""
        self.validate()
        response = self.session.post(self._url(path), data=data)
        return answer_of(response, secrets=self._secrets(*data.values()), now=self.now)

    def _flow(self, redirect_uri, scopes, **fields):
        self.validate()
        config = {
            "client_id": self.app.client_id,
            "client_secret": self.app.client_secret or None,
            "auth_uri": f"{self.app.authority_url}{_AUTHORIZE_PATH}",
            "token_uri": self._url(_TOKEN_PATH),
        }
        flow = Flow.from_client_config(
            {"web": config}, scopes=scopes, redirect_uri=redirect_uri, **fields
        )
        http_session.guard(flow.oauth2session, self.session)
        return flow

    def _redeem(self, pending, code) -> dict:
        # Without scopes here, or oauthlib raises a Warning where the granted ones differ;
        # _check_granted looks at them.
        flow = self._flow(pending["redirect_uri"], None, code_verifier=pending["code_verifier"])
        reader = _AnswerReader(
            now=self.now, secrets=self._secrets(code, pending["code_verifier"]), signing_in=True
        )
        flow.oauth2session.register_compliance_hook("access_token_response", reader)
        try:
            flow.fetch_token(code=code, include_client_id=True)
        except oauthlib.oauth2.OAuth2Error:  # its text may quote the answer
            raise SignInRejectedError("answer_incomplete") from None
        return reader.content

    # --- what came back --------------------------------------------------------------------

    def _token(self, content) -> AccessToken:
        return AccessToken(
            content["access_token"],
            expires_at=int(self.now()) + int(content["expires_in"]),
            scopes=tuple(text_of(content, "scope").split()),
        )

    def _identify(self, content, nonce) -> Identity:
        """Check the id_token and say who signed in."""
        claims = id_token.decode_claims(content.get("id_token"))
        id_token.check_claims(claims, audience=self.app.client_id, nonce=nonce, now=self.now())
        id_token.check_issuer(claims, ISSUERS)
        if not text_of(claims, "sub"):
            raise SignInRejectedError("id_token_malformed")
        return Identity(
            subject=claims["sub"],
            address=_address(claims),
            name=text_of(claims, "name"),
            tenant=text_of(claims, "hd"),
        )


class _AnswerReader:
    """Keeps the content of a good answer of the token endpoint, raises on any other.

    google-auth and oauthlib look at the body alone; here the status and Retry-After count too.
    """

    def __init__(self, *, now, secrets, signing_in=False):
        self._now = now
        self._secrets = secrets
        self._signing_in = signing_in
        self.content = {}

    def __call__(self, response):
        answer = answer_of(response, secrets=self._secrets, now=self._now)
        if not answer.is_good:
            raise google_errors.error_from_answer(answer, signing_in=self._signing_in)
        check_token_answer(answer.content, host=answer.host)
        self.content = answer.content
        return response


class _Response(NamedTuple):
    """What google-auth reads of a response."""

    status: int
    headers: dict
    data: bytes


class _TokenRequest(google.auth.transport.Request):
    """Lets google-auth refresh through our session, once and without pauses of its own.

    google-auth's own class closes the session it was given when it goes away.
    """

    def __init__(self, session, *, now, secrets):
        self._session = session
        self._reader = _AnswerReader(now=now, secrets=secrets)

    @property
    def content(self) -> dict:
        """The JSON object of the answer."""
        return self._reader.content

    def __call__(self, url, method="GET", body=None, headers=None, timeout=None, **kwargs):
        response = self._session.request(method, url, data=body, headers=headers, timeout=timeout)
        self._reader(response)
        return _Response(response.status_code, dict(response.headers), response.content)


def _check_granted(token, resources):
    """Refuse a grant whose owner did not tick the mail permission on the consent screen."""
    missing = [_SCOPES[name] for name in resources if _SCOPES[name] not in token.scopes]
    if missing:
        raise SignInRejectedError("scope_missing", details={"scopes": " ".join(missing)})


def _address(claims):
    """Return the address if Google vouches for it; tokeninfo says so in a string."""
    verified = claims.get("email_verified") in (True, "true")
    return text_of(claims, "email") if verified else ""


def _grant(refresh_token, token, resources, **fields) -> Grant:
    tokens = dict.fromkeys(resources, token)
    return Grant(_cache_of(refresh_token), tokens=tokens, scopes=token.scopes, **fields)


def _cache_of(refresh_token) -> str:
    return json.dumps({"refresh_token": refresh_token})


def _refresh_token(cache) -> str:
    try:
        content = json.loads(cache)
    except (TypeError, ValueError):
        return ""
    return text_of(content, "refresh_token") if isinstance(content, dict) else ""
