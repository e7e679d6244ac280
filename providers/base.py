"""What every provider offers, and the values that pass between it and the layers above.

A provider turns an app registration into sign-ins and tokens. It stores nothing and reads no
clock but the one it is given; it imports its OAuth library on first use, so that neither
Odoo's start nor the opening of a form pays for it.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass, field

from ..exceptions import ConfigurationError


@dataclass(frozen=True)
class AppRegistration:
    """One app registration (OAuth client) with the hosts it talks to.

    Hosts are URLs without a trailing slash. ``tenant`` is empty for Google.
    """

    client_id: str
    client_secret: str = field(default="", repr=False)
    tenant: str = ""
    #: Microsoft: authority host. Google: host of the page where people sign in.
    authority_url: str = ""
    #: Google: host of token, revoke and tokeninfo. Unused by Microsoft (found by discovery).
    token_url: str = ""
    #: Microsoft Graph, or Google's userinfo host.
    api_url: str = ""
    #: Prefix of the permissions for SMTP, e.g. ``https://outlook.office.com``.
    mail_scope_url: str = ""


@dataclass(frozen=True)
class Identity:
    """Who signed in. ``subject`` never changes for an account (``tid.oid`` or ``sub``)."""

    subject: str
    address: str = ""
    name: str = ""
    tenant: str = ""


@dataclass(frozen=True)
class AccessToken:
    """A bearer token. ``expires_at`` is in seconds since the epoch (UTC)."""

    value: str = field(repr=False)
    expires_at: int = 0
    scopes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Grant:
    """What a sign-in or a refresh brings home.

    ``cache`` is the provider's own serialised token cache, opaque to everybody else, and a
    secret. ``identity`` is only known after a sign-in. ``tokens`` maps a resource
    (``smtp``, ``graph``) to its access token. ``renewed`` tells whether the provider
    handed out a new refresh token.
    """

    cache: str = field(repr=False)
    tokens: dict[str, AccessToken] = field(default_factory=dict, repr=False)
    identity: Identity | None = None
    scopes: tuple[str, ...] = ()
    renewed: bool = True

    def to_dict(self) -> dict:
        """Return a JSON-able form, a secret; :meth:`from_dict` is the way back."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict) -> Grant:
        """Return the grant that :meth:`to_dict` made ``values`` from."""
        tokens = {name: _token(value) for name, value in values["tokens"].items()}
        identity = Identity(**values["identity"]) if values["identity"] else None
        scopes = tuple(values["scopes"])
        return cls(**{**values, "tokens": tokens, "identity": identity, "scopes": scopes})


def _token(values: dict) -> AccessToken:
    return AccessToken(**{**values, "scopes": tuple(values["scopes"])})


@dataclass(frozen=True)
class TokenContents:
    """What an access token is for, as information for people; never a proof of anything.

    :param account: address of whose token it is, empty where nobody tells
    :param audience: the service it is made out to, empty where the token cannot be read
    :param is_expected: whether that is the service of the resource it was asked for
    """

    permissions: tuple[str, ...]
    account: str = ""
    audience: str = ""
    is_expected: bool = True


@dataclass(frozen=True)
class SignIn:
    """A sign-in to begin: where to send the browser, and what to keep until it returns.

    ``pending`` is JSON-able and a secret (it holds the PKCE verifier and the nonce).
    """

    url: str
    pending: dict = field(repr=False)


@dataclass(frozen=True)
class DeviceSignIn:
    """A sign-in to finish on another device: what people see, and what to keep meanwhile.

    :param user_code: what a person enters on the page at ``verification_uri``
    :param message: the provider's own words for it, may be empty
    :param interval: seconds to wait before each poll
    :param expires_at: seconds since the epoch (UTC)
    :param pending: JSON-able and a secret: whoever has it gets the grant
    """

    user_code: str
    verification_uri: str
    message: str
    interval: int
    expires_at: int
    pending: dict = field(repr=False)


class Provider(ABC):
    """One identity provider, for one app registration.

    :param app: the app registration
    :param session: a ``requests.Session`` from :mod:`.http_session`; made when needed
    :param now: clock in seconds since the epoch
    """

    #: technical name, equal to the selection value of ``mail.oauth2.app.provider``
    code = ""

    def __init__(self, app: AppRegistration, *, session=None, now=time.time):
        self.app = app
        self.now = now
        self._session = session

    @property
    def session(self):
        """The ``requests.Session`` of this provider."""
        if self._session is None:
            from .http_session import open_session  # loads requests, hence late

            self._session = open_session()
        return self._session

    @abstractmethod
    def validate(self) -> None:
        """Check hosts and tenant without any network: nothing may redirect the secret.

        :raises ConfigurationError: ``host_invalid``, ``tenant_invalid``, ``client_id_missing``,
            ``client_id_invalid``
        """

    @abstractmethod
    def begin_sign_in(
        self, *, resources, redirect_uri, state, login_hint="", force_consent=False
    ) -> SignIn:
        """Prepare a redirect sign-in with PKCE S256 and a nonce.

        :param resources: iterable of resource names whose permissions are asked for
        :param force_consent: show the consent screen again, where the provider hands out a
            refresh token only with it (Google; after ``google_no_refresh_token``)
        :raises ConfigurationError, UnreachableError:
        """

    @abstractmethod
    def finish_sign_in(self, pending: dict, params: dict, *, resources) -> Grant:
        """Redeem the callback's parameters; check the id_token; fetch a token per resource.

        ``state`` was checked by the caller against its own record; it is checked here again.

        :param params: the query of the callback as the browser brought it
        :raises SignInRejectedError: cancelled, forged, expired or replayed
        :raises AdminConsentError, ConfigurationError, TransientError:
        """

    def begin_device_sign_in(self, *, resources) -> DeviceSignIn:
        """Get a code that a person enters on another device.

        Offered by the providers in :data:`.DEVICE_CODE_PROVIDERS`.

        :param resources: iterable of resource names whose permissions are asked for
        :raises ConfigurationError, TransientError:
        """
        raise ConfigurationError("device_code_not_offered")

    def poll_device_sign_in(self, pending: dict, *, resources) -> Grant | None:
        """Ask once whether the code was entered; ``None`` while nobody has.

        Checks the id_token as :meth:`finish_sign_in` does.

        :param pending: of :class:`DeviceSignIn`
        :raises SignInRejectedError: declined, expired, unknown code
        :raises TransientError: the sign-in goes on; its ``retry_after``, where there is one, is
            the pause before every further poll
        :raises AdminConsentError, ConfigurationError:
        """
        raise ConfigurationError("device_code_not_offered")

    def admin_consent_url(self, *, resources, redirect_uri, state) -> str:
        """Return the page on which an administrator approves the app for the whole tenant.

        ``""`` where the provider has no such page. It leads back to ``redirect_uri``.

        :raises ConfigurationError:
        """
        return ""

    @abstractmethod
    def refresh(self, cache: str, *, resource: str) -> Grant:
        """Fetch a new access token for one resource, always over the network.

        :raises SignInNeededError: the provider refuses the grant for good
        :raises ConfigurationError, TransientError: the grant stays good
        """

    @abstractmethod
    def import_refresh_token(self, refresh_token: str, *, resource: str) -> Grant:
        """Make a grant of a refresh token that another program got for this client id.

        It is redeemed once, live, so a grant that comes back works. Who signed in back then is
        found out as far as the answer allows: the checks are those of a sign-in, but for the
        nonce, which no refresh brings. :attr:`Identity.address`, and at Google
        :attr:`Identity.subject` too, are empty where the provider does not tell.

        :raises SignInNeededError: the provider refuses it for good, or for this client id
        :raises SignInRejectedError: the answer does not belong to this app registration, or
            lacks the permission to send
        :raises ConfigurationError, TransientError: it may be good; nothing was lost
        """

    @abstractmethod
    def check(self, token: AccessToken, *, resource: str) -> Identity | None:
        """Make one cheap call that proves the token works; ``None`` where nothing can be asked.

        :raises MailOAuth2Error:
        """

    @abstractmethod
    def inspect(self, token: AccessToken, *, resource: str) -> TokenContents:
        """Say what a token is for, and that it holds the permission to send.

        :raises SignInNeededError: ``scope_missing``
        :raises ConfigurationError: it belongs to another app registration or another service
        :raises TransientError: the provider had to be asked and does not answer
        """

    @property
    @abstractmethod
    def public_url(self) -> str:
        """An address at the host of the token endpoint that answers anybody."""

    def revoke(self, cache: str) -> bool:
        """End the grant at the provider. ``False`` where the provider offers no way to."""
        return False
