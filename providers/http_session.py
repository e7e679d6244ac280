"""The one door for HTTP: sessions with time-outs, a size cap and errors of our own tree.

All of it sits in the transport adapter, so that it also holds in the sessions that OAuth
libraries make for themselves once the adapter is mounted there (:func:`guard`).
"""

from __future__ import annotations

import io
import ssl
import time
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import CertificateError
from urllib3.util.ssl_ import create_urllib3_context

from ..exceptions import ConfigurationError, UnreachableError
from .network_errors import KEYS as NETWORK_KEYS
from .network_errors import causes, network_error_key, network_error_text, root_cause

CONNECT_TIMEOUT = 5.0  # seconds
READ_TIMEOUT = 30.0  # seconds between two packets
ANSWER_TIMEOUT = 120.0  # seconds from the end of a request to the end of its answer
MAX_RESPONSE = 1024 * 1024  # bytes, after decompression
USER_AGENT = "Odoo-mail_server_oauth2"

#: Every key that a session of this module raises with.
KEYS = NETWORK_KEYS | {
    "answer_unreadable",
    "host_invalid",
    "not_json",
    "proxy_failed",
    "redirect_refused",
    "response_too_large",
    "tls_ca_bundle_missing",
}

_CHUNK = 8 * 1024  # bytes on the wire; bounds what one compressed chunk can swell to
_DEFAULT_PORT = 443

#: What requests and urllib3 know better than the socket below them; looked at outermost first.
LIBRARY_KEYS = (
    (requests.exceptions.ProxyError, "proxy_failed"),
    (requests.exceptions.InvalidProxyURL, "proxy_failed"),
    (requests.exceptions.InvalidSchema, "proxy_failed"),  # SOCKS without its library
    (requests.exceptions.ConnectTimeout, "connect_timeout"),
    (requests.exceptions.ReadTimeout, "read_timeout"),
    (urllib3.exceptions.ReadTimeoutError, "read_timeout"),
    (urllib3.exceptions.DecodeError, "answer_unreadable"),
)


def open_session(
    *,
    connect_timeout=CONNECT_TIMEOUT,
    read_timeout=READ_TIMEOUT,
    answer_timeout=ANSWER_TIMEOUT,
    max_response=MAX_RESPONSE,
    monotonic=time.monotonic,
) -> requests.Session:
    """Return a keep-alive session for https.

    Proxies and ``REQUESTS_CA_BUNDLE`` of the environment hold, ``~/.netrc`` does not. Cookies
    are forgotten at once, so that one session can serve several mailboxes. Redirects are
    errors. Every failure is an :class:`UnreachableError`, an address that is not https a
    :class:`ConfigurationError`.

    :param connect_timeout: seconds
    :param read_timeout: seconds without a byte from the host
    :param answer_timeout: seconds that a whole answer may take, however it trickles in
    :param max_response: bytes of a response body
    :param monotonic: clock in seconds that never goes back
    """
    session = requests.Session()
    session.headers["User-Agent"] = USER_AGENT
    session.headers["Accept-Encoding"] = "identity"
    adapter = GuardedAdapter(
        timeout=(connect_timeout, read_timeout),
        max_response=max_response,
        socket_class=_socket_class(answer_timeout, monotonic),
    )
    _mount(session, adapter)
    return session


def guard(session: requests.Session, door: requests.Session) -> requests.Session:
    """Let a session that a library made go through the door of ``door``."""
    session.headers.update(door.headers)
    session.trust_env, session.verify, session.proxies = door.trust_env, door.verify, door.proxies
    _mount(session, door.get_adapter("https://"))
    return session


def read_json_object(response: requests.Response) -> dict:
    """Return the JSON object of a response.

    :raises UnreachableError: ``not_json``, e.g. the page of a proxy or half an answer
    """
    try:
        answer = response.json()
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise UnreachableError("not_json", details=_address(response.url)) from None
    return answer


def _mount(session, adapter):
    session.mount("https://", adapter)
    session.mount("http://", _RefusingAdapter())
    # requests asks ~/.netrc only where a session has no authentication of its own, and would
    # write what it finds there over our Authorization header.
    session.auth = _keep_headers


def _keep_headers(request):
    return request


def _address(url):
    parts = urlsplit(url)
    return {"host": parts.hostname or "", "port": parts.port or _DEFAULT_PORT}


class _RefusingAdapter(HTTPAdapter):
    """Refuses plain http before a byte leaves."""

    def send(self, request, *args, **kwargs):
        raise ConfigurationError("host_invalid", details={"field": "", **_address(request.url)})


class GuardedAdapter(HTTPAdapter):
    """Sends one request and brings back the whole response, or raises an error of ours.

    The answer is read here and not by the session, because only here every way of failing can
    be caught for every user of the adapter.
    """

    def __init__(self, *, timeout, max_response, socket_class):
        self.timeout = timeout
        self.max_response = max_response
        # Made as urllib3 makes its own, and shared by the connections of this adapter.
        self._tls = create_urllib3_context()
        self._tls.sslsocket_class = socket_class
        super().__init__()

    def init_poolmanager(self, *args, **kwargs):
        super().init_poolmanager(*args, ssl_context=self._tls, **kwargs)

    def proxy_manager_for(self, proxy, **kwargs):
        return super().proxy_manager_for(proxy, ssl_context=self._tls, **kwargs)

    def send(self, request, stream=False, timeout=None, **kwargs):
        address = _address(request.url)
        try:
            response = super().send(request, stream=True, timeout=timeout or self.timeout, **kwargs)
            response.raw = self._read(response, address)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as err:
            # Not ``from err``: the texts of requests hold the URL with its query.
            raise _unreachable(err, address) from root_cause(err)
        if response.is_redirect:
            raise UnreachableError("redirect_refused", details=address)
        return response

    def cert_verify(self, conn, url, verify, cert):
        try:
            super().cert_verify(conn, url, verify, cert)
        except OSError as err:  # REQUESTS_CA_BUNDLE names a file that is not there
            raise UnreachableError("tls_ca_bundle_missing", details=_address(url)) from err
        if verify is True and not conn.ca_certs:
            # requests 2.32 loads the usual authorities into a TLS context of its own only.
            conn.ca_certs = requests.certs.where()

    def _read(self, response, address):
        """Return the body as a file; its connection goes back to the pool."""
        body = bytearray()
        for chunk in response.raw.stream(_CHUNK, decode_content=True):
            body += chunk
            if len(body) > self.max_response:
                response.raw.close()
                raise UnreachableError("response_too_large", details=address)
        if response.raw.length_remaining:  # urllib3 1.26 takes half a body for a whole one
            raise UnreachableError("connection_dropped", details=address)
        return io.BytesIO(bytes(body))


def _socket_class(answer_timeout: float, monotonic) -> type[ssl.SSLSocket]:
    """Return a TLS socket on which an answer has an end.

    The time-out of a socket holds for one read, and a host that sends a byte now and then never
    meets it. Here an answer begins with the first read after a write.
    """

    class AnswerTimeoutSocket(ssl.SSLSocket):
        _deadline = None

        def send(self, data, flags=0):
            self._deadline = None
            return super().send(data, flags)

        def read(self, len=1024, buffer=None):  # noqa: A002 - the name in ssl
            now = monotonic()
            if self._deadline is None:
                self._deadline = now + answer_timeout
            if now > self._deadline:
                raise TimeoutError("The answer took too long")
            return super().read(len, buffer)

    return AnswerTimeoutSocket


def _unreachable(err, address):
    key = _library_key(err) or network_error_key(err)
    return UnreachableError(key, provider_text=network_error_text(err), details=address)


def _library_key(err):
    for kind, key in LIBRARY_KEYS:
        if isinstance(err, kind):
            return key
    # urllib3 compares host names itself and raises a ValueError of its own.
    if any(isinstance(cause, CertificateError) for cause in causes(err)):
        return "tls_wrong_host"
    return ""
