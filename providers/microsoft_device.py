"""Sign in with a code that is entered on another device: for servers without a public address.

A *public client* does it, which has no secret: the app registration needs *Allow public client
flows*, whether it has a secret or not. Its tokens are refreshed without a secret, too.
https://learn.microsoft.com/entra/identity-platform/v2-oauth2-device-code
"""

from __future__ import annotations

import contextlib
import json
from urllib.parse import urlsplit

import msal

from ..exceptions import SignInRejectedError, ThrottledError, TransientError, UnreachableError
from .base import DeviceSignIn, Grant
from .microsoft_cache import pack_grant
from .microsoft_http import HttpAnswer, MicrosoftHttp, malformed_as
from .oauth_errors import text_of

#: Seconds by which ``slow_down`` lengthens the pause between two polls, for good.
#: https://www.rfc-editor.org/rfc/rfc8628#section-3.5
SLOWER = 5

_NOT_YET = frozenset({"authorization_pending", "slow_down"})


class NotYet(Exception):
    """Nobody has entered the code and signed in yet.

    :ivar error: ``authorization_pending`` or ``slow_down``
    """

    def __init__(self, error):
        self.error = error
        super().__init__(error)


class DeviceHttp(MicrosoftHttp):
    """``http_client`` that also asks for codes, and knows the answer "not yet"."""

    def post(self, url, *, data=None, **kwargs):
        """Ask for a code, or for the tokens of one."""
        if "grant_type" in (data or {}):
            return super().post(url, data=data, **kwargs)
        return HttpAnswer(json.dumps(self._checked(self._session.post(url, data=data, **kwargs))))

    def _refusal(self, answer):
        return NotYet(answer.error) if answer.error in _NOT_YET else super()._refusal(answer)


class DeviceCodeFlow:
    """The part of :class:`.microsoft.MicrosoftProvider` that signs in on another device."""

    def begin_device_sign_in(self, *, resources) -> DeviceSignIn:
        """See :meth:`Provider.begin_device_sign_in`."""
        scopes = [scope for resource in resources for scope in self._scopes(resource)]
        application = self._device_application()
        with malformed_as(UnreachableError):
            flow = application.initiate_device_flow(scopes)
            _check_flow(flow)
        return DeviceSignIn(
            user_code=flow["user_code"],
            verification_uri=flow["verification_uri"],
            message=text_of(flow, "message"),
            interval=flow["interval"],
            expires_at=int(self.now()) + flow["expires_in"],
            pending={name: flow[name] for name in ("device_code", "interval")},
        )

    def poll_device_sign_in(self, pending, *, resources) -> Grant | None:
        """See :meth:`Provider.poll_device_sign_in`."""
        cache = msal.SerializableTokenCache()
        application = self._device_application(cache)
        try:
            with malformed_as(SignInRejectedError):
                answer = application.acquire_token_by_device_flow(dict(pending))
        except NotYet as answer:  # before msal would wait and ask again
            if answer.error == "slow_down":
                pause = pending["interval"] + SLOWER
                raise ThrottledError("throttled", retry_after=pause) from None
            return None
        identity = self._identify(answer, nonce=None)
        tokens = self._device_tokens(cache, self._token(answer), resources)
        return pack_grant(cache, tokens, identity=identity, is_public=True)

    def _device_application(self, cache=None):
        http = DeviceHttp(self.session, signing_in=True, now=self.now)
        return self._application(cache, http=http, is_public=True)

    def _device_tokens(self, cache, token, resources):
        """Return a token per resource.

        Nothing says which of several resources the first token is for: its permissions do.
        The others come by refresh; one that cannot be had for a passing reason is left out.
        """
        tokens = {name: token for name in resources if not self._missing(token, name)}
        if not tokens:
            self._check_granted(token, resources[0])
        for resource in resources:
            if resource not in tokens:
                with contextlib.suppress(TransientError):
                    tokens[resource] = self._refreshed(
                        cache, resource, signing_in=True, is_public=True
                    )
        return tokens


def _check_flow(flow):
    """Check what people are going to see and open.

    :raises ValueError: unusable
    """
    link = urlsplit(text_of(flow, "verification_uri"))
    is_complete = text_of(flow, "device_code") and text_of(flow, "user_code")
    if not is_complete or link.scheme not in ("http", "https") or not link.hostname:
        raise ValueError("an answer without code or link")
    if flow["interval"] < 1 or flow["expires_in"] < 1:
        raise ValueError("an answer with impossible times")
