"""Microsoft Entra ID with msal: delegated permissions for Exchange SMTP and Microsoft Graph.

Asked for are the least permissions that send mail: ``SMTP.Send`` or ``Mail.Send``, beside
``openid profile offline_access``; more only where somebody chose what needs more. https://learn.microsoft.com/entra/identity-platform/scopes-oidc
"""

from __future__ import annotations

import contextlib
import warnings
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import msal

from ..exceptions import (
    SignInNeededError,
    SignInRejectedError,
    TransientError,
    UnreachableError,
)
from . import hosts, http_session, id_token, microsoft_errors
from .base import AccessToken, Grant, Identity, Provider, SignIn
from .microsoft_cache import open_cache, pack_grant, refresh_tokens
from .microsoft_device import DeviceCodeFlow
from .microsoft_http import MicrosoftHttp, malformed_as
from .microsoft_import import RefreshTokenImport
from .microsoft_token import TokenReading
from .oauth_errors import check_callback, text_of
from .redaction import silence_debug

#: Every key this provider raises with.
KEYS = (
    microsoft_errors.KEYS
    | http_session.KEYS
    | hosts.KEYS
    | id_token.KEYS
    | {"authority_moved", "token_wrong_audience"}
)

# These write authorization codes, PKCE verifiers and whole answers at DEBUG.
silence_debug("msal.application", "msal.token_cache", "msal.oauth2cli.oauth2")

# msal recommends response_mode=form_post. That is a POST from another site, which browsers
# send without our SameSite=Lax session cookie, so the sign-in could not be told from a forged
# one. PKCE protects the code on its way.
warnings.filterwarnings("ignore", message="response_mode='form_post'", module="msal")

# As msal builds it from the authority.
_METADATA_PATH = "/v2.0/.well-known/openid-configuration"

# msal adds these to every request of its own.
_SIGN_IN_SCOPES = ("openid", "profile", "offline_access")


class MicrosoftProvider(DeviceCodeFlow, RefreshTokenImport, TokenReading, Provider):
    """Sign-in and tokens of one app registration in Entra ID.

    With an empty client secret the app registration is a public client.
    """

    code = "microsoft"

    def validate(self):
        hosts.check_client_id(self.app.client_id)
        hosts.check_tenant(self.app.tenant)
        hosts.check_host_url(self.app.authority_url, "authority_url")
        hosts.check_host_url(self.app.mail_scope_url, "mail_scope_url")
        if self.app.api_url:  # not needed for SMTP; Graph gets tokens sent there
            hosts.check_host_url(self.app.api_url, "api_url")

    def begin_sign_in(
        self, *, resources, redirect_uri, state, login_hint="", force_consent=False
    ) -> SignIn:
        """See :meth:`Provider.begin_sign_in`; ``force_consent`` changes nothing here.

        Microsoft hands out a refresh token at every sign-in and asks for consent by itself.
        """
        flow = self._application(http=self._http()).initiate_auth_code_flow(
            [scope for resource in resources for scope in self._scopes(resource)],
            redirect_uri=redirect_uri,
            state=state,
            prompt="select_account",
            login_hint=login_hint or None,
        )
        url = flow.pop("auth_uri")
        # msal sends a hash of the nonce it keeps; what is sent is what must come back.
        (nonce,) = parse_qs(urlsplit(url).query)["nonce"]
        return SignIn(url=url, pending={"flow": flow, "nonce": nonce})

    def finish_sign_in(self, pending, params, *, resources) -> Grant:
        """See :meth:`Provider.finish_sign_in`.

        The code is redeemed for the first resource; the others come by refresh. One of them
        that cannot be had for a passing reason is left out: the grant is good without it.
        """
        flow = pending["flow"]
        check_callback(params, state=flow["state"], meaning=microsoft_errors.error_from_callback)
        first, *others = resources
        cache = msal.SerializableTokenCache()
        answer = self._redeem(cache, flow, params, first)
        identity = self._identify(answer, pending["nonce"])
        tokens = {first: self._token(answer)}
        self._check_granted(tokens[first], first)
        for resource in others:
            with contextlib.suppress(TransientError):
                tokens[resource] = self._refreshed(cache, resource, signing_in=True)
        return pack_grant(cache, tokens, identity=identity)

    def refresh(self, cache, *, resource) -> Grant:
        token_cache, is_public = open_cache(cache)
        before = refresh_tokens(token_cache)
        token = self._refreshed(token_cache, resource, is_public=is_public)
        renewed = refresh_tokens(token_cache) != before
        return pack_grant(token_cache, {resource: token}, renewed=renewed, is_public=is_public)

    def check(self, token, *, resource) -> Identity | None:
        """Return ``None``: with the least permissions there is nothing to ask.

        ``GET /me`` would need ``User.Read`` on top. A refresh proves as much and costs one
        request, too.
        """
        return None

    @property
    def public_url(self):
        return f"{self._authority()}{_METADATA_PATH}"

    def admin_consent_url(self, *, resources, redirect_uri, state) -> str:
        """See :meth:`Provider.admin_consent_url`; personal accounts have no administrator.

        https://learn.microsoft.com/entra/identity-platform/v2-admin-consent
        """
        self.validate()
        # "common" is refused there: only work accounts have an administrator.
        tenant = {"common": "organizations"}.get(self._tenant(), self._tenant())
        if tenant == "consumers":
            return ""
        scopes = [scope for resource in resources for scope in self._scopes(resource)]
        query = {
            "client_id": self.app.client_id,
            "scope": " ".join([*_SIGN_IN_SCOPES, *dict.fromkeys(scopes)]),
            "redirect_uri": redirect_uri,
            "state": state,
        }
        url = f"{self.app.authority_url}/{tenant}/v2.0/adminconsent"
        return f"{url}?{urlencode(query, quote_via=quote)}"

    # --- what is asked for -----------------------------------------------------------------

    def _scopes(self, resource) -> list[str]:
        # A permission without a host in front belongs to the Graph of the cloud.
        return {
            "graph": ["Mail.Send"],
            # Sending from somebody else's mailbox; exists for work accounts only.
            "graph_shared": ["Mail.Send", "Mail.Send.Shared"],
            "graph_read_write": ["Mail.Send", "Mail.ReadWrite"],
            "graph_shared_read_write": ["Mail.Send", "Mail.Send.Shared", "Mail.ReadWrite.Shared"],
            # The same permission serves shared mailboxes: Exchange checks the rights.
            "smtp": [f"{self.app.mail_scope_url}/SMTP.Send"],
        }[resource]

    def _check_granted(self, token, resource):
        """Refuse a token without the permission: mail would only fail later, in the dark."""
        missing = self._missing(token, resource)
        if missing:
            raise SignInRejectedError("scope_missing", details={"scopes": " ".join(missing)})

    def _missing(self, token, resource) -> list[str]:
        """Return the permissions that a resource needs and a token lacks."""
        granted = {_permission(scope) for scope in token.scopes}
        return [name for name in self._scopes(resource) if _permission(name) not in granted]

    # --- msal ------------------------------------------------------------------------------

    def _tenant(self):
        return hosts.check_tenant(self.app.tenant)

    def _authority(self):
        return f"{self.app.authority_url}/{self._tenant()}"

    def _http(self, *, signing_in=False):
        return MicrosoftHttp(self.session, signing_in=signing_in, now=self.now)

    def _application(self, cache=None, *, http, is_public=False):
        """Return msal's application.

        :param is_public: leave the secret out although the app registration has one
        """
        self.validate()
        kind, secret = msal.PublicClientApplication, {}
        if self.app.client_secret and not is_public:
            kind = msal.ConfidentialClientApplication
            secret = {"client_credential": self.app.client_secret}
        with malformed_as(UnreachableError):
            return kind(
                self.app.client_id,
                authority=self._authority(),
                # Otherwise msal asks login.microsoftonline.com about hosts it does not know;
                # ours were chosen by an administrator.
                instance_discovery=False,
                azure_region=False,  # else read from the environment
                http_client=http,
                token_cache=cache,
                **secret,
            )

    def _redeem(self, cache, flow, params, resource):
        application = self._application(cache, http=self._http(signing_in=True))
        try:
            with malformed_as(SignInRejectedError):
                return application.acquire_token_by_auth_code_flow(
                    dict(flow), dict(params), scopes=self._scopes(resource)
                )
        except RuntimeError:  # the only one msal raises here; its text quotes both nonces
            raise SignInRejectedError("id_token_nonce") from None

    def _refreshed(self, cache, resource, *, signing_in=False, is_public=False) -> AccessToken:
        http = self._http(signing_in=signing_in)
        application = self._application(cache, http=http, is_public=is_public)
        accounts = application.get_accounts()
        if not accounts:
            raise SignInNeededError("grant_missing")
        with malformed_as(UnreachableError):
            answer = application.acquire_token_silent_with_error(
                self._scopes(resource), accounts[0], force_refresh=True
            )
        if not answer:  # no refresh token for this client id
            raise SignInNeededError("grant_missing")
        return self._token(answer)

    # --- what came back --------------------------------------------------------------------

    def _token(self, answer) -> AccessToken:
        return AccessToken(
            answer["access_token"],
            expires_at=int(self.now()) + int(answer["expires_in"]),
            scopes=tuple((answer.get("scope") or "").split()),
        )

    def _identify(self, answer, nonce) -> Identity:
        """Check the id_token and say who signed in.

        :param nonce: ``None`` for the device code flow, which has none
        """
        claims = id_token.decode_claims(answer.get("id_token"))
        # Entra writes client ids in lower case, whatever was pasted into the form.
        audience = self.app.client_id.lower()
        id_token.check_claims(claims, audience=audience, nonce=nonce, now=self.now())
        metadata = self._http().metadata(self.public_url)
        id_token.check_microsoft_issuer(claims, issuer=metadata["issuer"], tenant=self._tenant())
        return _identity(claims)


def _identity(claims):
    oid, username = text_of(claims, "oid"), text_of(claims, "preferred_username")
    if not oid:
        raise SignInRejectedError("id_token_malformed")
    return Identity(
        subject=f"{claims['tid']}.{oid}",
        address=username if "@" in username else "",  # may be a telephone number
        name=text_of(claims, "name"),
        tenant=claims["tid"],
    )


def _permission(scope):
    """Return the name of a permission: answers carry it with or without the resource."""
    return scope.rpartition("/")[2].lower()
