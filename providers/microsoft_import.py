"""Take over a refresh token that another program got for the same app registration.

Entra binds a refresh token to user and client id, not to a redirect URI, so it can be moved.
The answer brings a new one and leaves the old one valid: whoever has it can go back.
https://learn.microsoft.com/entra/identity-platform/refresh-tokens
"""

from __future__ import annotations

import msal

from ..exceptions import UnreachableError
from .base import Grant, Identity
from .id_token import decode_claims
from .microsoft_cache import pack_grant, refresh_tokens
from .microsoft_http import MicrosoftHttp, malformed_as
from .oauth_errors import text_of


class ImportHttp(MicrosoftHttp):
    """``http_client`` that keeps the id_token of a refresh: it tells whose token it is.

    :ivar id_token: the one of the last answer, ``""`` if it had none
    """

    id_token = ""

    def _checked(self, response, secrets=()):
        content = super()._checked(response, secrets)
        self.id_token = text_of(content, "id_token")
        return content


class RefreshTokenImport:
    """The part of :class:`.microsoft.MicrosoftProvider` that imports a refresh token."""

    def import_refresh_token(self, refresh_token, *, resource) -> Grant:
        """See :meth:`Provider.import_refresh_token`.

        The id_token tells who signed in. Without one, or where it names nobody because
        ``profile`` was never consented to, ``client_info`` does, which knows no address.
        https://learn.microsoft.com/entra/identity-platform/id-token-claims-reference
        """
        cache = msal.SerializableTokenCache()
        http = ImportHttp(self.session, now=self.now)
        application = self._application(cache, http=http)
        with malformed_as(UnreachableError):
            answer = application.acquire_token_by_refresh_token(
                refresh_token, self._scopes(resource)
            )
            account = _account(application)
        token = self._token(answer)
        self._check_granted(token, resource)
        identity = self._identity_in(http.id_token) or account
        return pack_grant(cache, {resource: token}, identity=identity)

    def _identity_in(self, token) -> Identity | None:
        if not token or not text_of(decode_claims(token), "oid"):
            return None
        return self._identify({"id_token": token}, nonce=None)


def _account(application) -> Identity:
    """Return whose token it is by ``client_info``.

    :raises ValueError: the answer lacked it, or the refresh token
    """
    (account,) = application.get_accounts()
    subject, _, tenant = account["home_account_id"].rpartition(".")
    if not subject or not refresh_tokens(application.token_cache):
        raise ValueError("an answer without account or refresh token")
    return Identity(subject=f"{tenant}.{subject}", tenant=tenant)
