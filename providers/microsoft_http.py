"""The HTTP client that msal gets: our session, our errors, metadata kept in the process."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import msal.exceptions

from ..exceptions import ConfigurationError, UnreachableError
from . import id_token, microsoft_errors
from .oauth_errors import answer_of, check_token_answer, text_of

#: Seconds for which an authority's metadata are used: what its Cache-Control header allows.
METADATA_LIFETIME = 24 * 3600

#: Fields of a token request that must not come back in an error text.
_SECRET_FIELDS = (
    "client_secret",
    "client_assertion",
    "refresh_token",
    "code",
    "code_verifier",
    "device_code",
)
#: What is read of an authority's metadata.
_METADATA = ("authorization_endpoint", "issuer", "token_endpoint")


@dataclass(frozen=True)
class HttpAnswer:
    """What msal reads of a response. Only good ones get that far."""

    text: str = field(repr=False)
    status_code: int = 200
    #: msal only looks for Retry-After, which was read here already
    headers: dict = field(default_factory=dict)


class MetadataCache:
    """OpenID metadata by URL, for all providers of the process.

    Without it each refresh would cost a second request. Only good answers are kept, so that a
    corrected tenant works at once. https://openid.net/specs/openid-connect-discovery-1_0.html
    """

    def __init__(self, *, lifetime=METADATA_LIFETIME):
        self.lifetime = lifetime
        self._entries = {}
        self._lock = threading.Lock()

    def get(self, url, now) -> dict | None:
        """Return the metadata kept for ``url``, if they are still fresh at ``now``."""
        with self._lock:
            stored_at, content = self._entries.get(url, (0, None))
        return content if stored_at <= now < stored_at + self.lifetime else None

    def put(self, url, content, now):
        """Keep the metadata of ``url``."""
        with self._lock:
            self._entries[url] = (now, content)

    def clear(self):
        """Forget everything."""
        with self._lock:
            self._entries.clear()


shared_metadata = MetadataCache()


class MicrosoftHttp:
    """``http_client`` of msal applications.

    Every refusal leaves as an exception of ours, so that msal never sees one: only here are
    status and Retry-After known, and msal would log what came and keep it to answer the next
    request of the same application with it.

    :param signing_in: refusals answer somebody who is signing in, not a refresh
    """

    def __init__(self, session, *, signing_in=False, now=time.time, metadata=shared_metadata):
        self._session = session
        self._signing_in = signing_in
        self._now = now
        self._metadata = metadata

    def metadata(self, url, **kwargs) -> dict:
        """Return an authority's metadata, from the process where they are fresh.

        :param url: its openid-configuration
        """
        content = self._metadata.get(url, self._now())
        if content is None:
            content = self._checked(self._session.get(url, **kwargs))
            _check_metadata(url, content)
            self._metadata.put(url, content, self._now())
        return content

    def get(self, url, **kwargs):
        """Fetch metadata: all that msal gets."""
        return HttpAnswer(json.dumps(self.metadata(url, **kwargs)))

    def post(self, url, *, data=None, **kwargs):
        """Send a token request."""
        data = data or {}
        secrets = [data[name] for name in _SECRET_FIELDS if data.get(name)]
        content = self._checked(self._session.post(url, data=data, **kwargs), secrets)
        check_token_answer(content, host=urlsplit(url).hostname)
        if data.get("grant_type") == "refresh_token":
            # msal would decode it, and stumble over a bad one, without a use for it.
            content.pop("id_token", None)
        else:
            id_token.decode_claims(content.get("id_token"))
        return HttpAnswer(json.dumps(content))

    def close(self):
        """Nothing: the session belongs to whoever opened it."""

    def _checked(self, response, secrets=()) -> dict:
        answer = answer_of(response, secrets=secrets, now=self._now)
        if answer.is_good:
            return answer.content
        raise self._refusal(answer)

    def _refusal(self, answer):
        return microsoft_errors.error_from_answer(answer, signing_in=self._signing_in)


@contextlib.contextmanager
def malformed_as(kind):
    """Turn msal's errors, and the ways in which it stumbles over an answer, into ``kind``.

    Without the cause: its text would quote the answer.
    """
    try:
        yield
    except (LookupError, TypeError, ValueError, msal.exceptions.MsalError):
        raise kind("answer_incomplete") from None


def _check_metadata(url, content):
    """Check that the metadata keep sign-in and secrets at the authority's own host.

    A tenant of a national cloud is also known to the worldwide host, which then names
    endpoints elsewhere; the app registration has to name that cloud itself.
    """
    authority = urlsplit(url)
    if not all(isinstance(content.get(name), str) for name in _METADATA):
        details = {"host": authority.hostname, "status": 200}
        raise UnreachableError("answer_incomplete", details=details)
    endpoints = [content["token_endpoint"]]
    if text_of(content, "device_authorization_endpoint"):  # its answer leads people to a page
        endpoints.append(content["device_authorization_endpoint"])
    moved = [parts for parts in map(urlsplit, endpoints) if parts[:2] != authority[:2]]
    # The browser visits it without any secret: scheme and port are the authority's business.
    page = urlsplit(content["authorization_endpoint"])
    if page.hostname != authority.hostname or page.scheme not in ("http", "https"):
        moved.append(page)
    if moved:
        details = {"host": authority.netloc, "other_host": moved[0].netloc}
        raise ConfigurationError("authority_moved", details=details)
