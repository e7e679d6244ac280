"""The one door for HTTP, against real sockets."""

import contextlib
import datetime
import gzip
import logging
import socket
import ssl
import threading
import traceback

import pytest
import requests
import trustme
import urllib3
from mail_server_oauth2.exceptions import ConfigurationError, UnreachableError
from mail_server_oauth2.providers import http_session
from mail_server_oauth2.providers.http_session import guard, open_session, read_json_object
from providers_server import AUTHORITY, Answer

pytest_plugins = ("providers_fixtures",)

QUERY = "?authtoken=hunter2hunter2"
FORM = {"client_secret": "hunter3"}
HEADERS = {"Authorization": "Bearer hunter4"}


def fails(url, **session):
    """Return the error of one POST full of secrets."""
    with open_session(**session) as http, pytest.raises(UnreachableError) as caught:
        http.post(url + QUERY, data=FORM, headers=HEADERS)
    return caught.value


@contextlib.contextmanager
def listening(talk):
    """Serve one plain TCP connection after the other with ``talk(socket)``."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept():
            with contextlib.suppress(OSError):
                while True:
                    client, _address = server.accept()
                    with client, contextlib.suppress(OSError):
                        talk(client)

        thread = threading.Thread(target=accept)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


def test_a_good_answer_comes_back_whole(serve):
    server = serve(lambda request: Answer({"form": request.form}))
    with open_session() as http:
        response = http.post(f"{server.url}/token", data={"a": "b"})
    assert read_json_object(response) == {"form": {"a": "b"}}
    assert server.requests[0].headers["User-Agent"] == http_session.USER_AGENT


def test_a_session_keeps_its_connection(serve):
    server = serve(lambda request: Answer({}))
    with open_session() as http:
        for _count in range(3):
            http.get(server.url)
    assert server.connections == 1


def test_cookies_of_one_mailbox_never_reach_the_next_request(serve):
    server = serve(lambda request: Answer({}, headers={"Set-Cookie": "session=erp; Path=/"}))
    with open_session() as http:
        http.get(server.url)
        http.get(server.url)
    assert "Cookie" not in server.requests[1].headers


def test_an_error_status_is_an_answer_like_any_other(serve):
    server = serve(lambda request: Answer({"error": "x"}, status=503))
    with open_session() as http:
        assert http.get(server.url).status_code == 503


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_never_followed(serve, status):
    other = serve(lambda request: Answer({}))
    server = serve(lambda request: Answer(status=status, headers={"Location": other.url}))
    error = fails(server.url)
    assert error.key == "redirect_refused"
    assert not other.requests


def test_plain_http_is_refused_before_a_byte_leaves():
    with listening(lambda client: pytest.fail("somebody connected")) as port:
        with open_session() as http, pytest.raises(ConfigurationError) as caught:
            http.post(f"http://localhost:{port}/token", data={"client_secret": "hunter2"})
        assert caught.value.key == "host_invalid"


def test_netrc_never_replaces_our_authorization(serve, tmp_path, monkeypatch):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine localhost login thief password thief\n")
    monkeypatch.setenv("NETRC", str(netrc))
    server = serve(lambda request: Answer({}))
    with open_session() as http:
        http.get(server.url, headers={"Authorization": "Bearer ours"})
        http.get(server.url)
    assert server.requests[0].headers["Authorization"] == "Bearer ours"
    assert "Authorization" not in server.requests[1].headers


def test_a_name_that_does_not_exist(trusted):
    error = fails("https://does-not-exist.invalid/token")
    assert error.key == "dns_failed"
    assert error.details == {"host": "does-not-exist.invalid", "port": 443}


def test_a_closed_port(trusted):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    error = fails(f"https://localhost:{port}/token")
    assert error.key == "connection_refused"
    assert error.details == {"host": "localhost", "port": port}


def test_a_host_that_does_not_take_the_connection(trusted):
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        address = server.getsockname()
        for _count in range(4):  # fill the backlog, so that the next SYN is dropped
            client = stack.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(address)
        error = fails(f"https://127.0.0.1:{address[1]}/", connect_timeout=0.1)
    assert error.key == "connect_timeout"


def test_a_host_that_never_answers(serve):
    done = threading.Event()
    server = serve(lambda request: done.wait(5) and None)
    error = fails(f"{server.url}/token", read_timeout=0.1)
    done.set()
    assert error.key == "read_timeout"


def test_a_host_that_stops_in_the_middle_of_the_body(serve):
    server = serve(lambda request: Answer(b"half", headers={"Content-Length": "999"}))
    error = fails(f"{server.url}/token", read_timeout=0.1)
    assert error.key == "read_timeout"


@contextlib.contextmanager
def trickling(first, then, *, tunnel=False):
    """Serve TLS connections that answer ``first`` at once and ``then`` piece by piece, too long.

    :param tunnel: be a proxy to such a host
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    AUTHORITY.issue_cert("localhost").configure_cert(context)
    pace = threading.Event()

    def talk(client):
        if tunnel:
            client.recv(65536)
            client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        with context.wrap_socket(client, server_side=True) as stream:
            stream.recv(65536)
            stream.sendall(first)
            for _piece in range(200):
                stream.sendall(then)
                pace.wait(0.01)

    with listening(talk) as port:
        yield f"https://localhost:{port}"
        pace.set()


@pytest.mark.parametrize(
    ("first", "then"),
    [
        (b"", b"H"),
        (b"HTTP/1.1 200 OK\r\nX-Slow: ", b"x"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b"x"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    ],
)
def test_a_host_whose_answer_has_no_end(trusted, first, then):
    with trickling(first, then) as url:
        error = fails(url, read_timeout=5, answer_timeout=0.2)
    assert error.key == "read_timeout"


def test_an_answer_through_a_proxy_has_an_end_too(trusted, monkeypatch):
    with trickling(b"", b"H", tunnel=True) as url:
        monkeypatch.setenv("HTTPS_PROXY", url.replace("https", "http"))
        monkeypatch.setenv("NO_PROXY", "")
        error = fails("https://localhost:1", read_timeout=5, answer_timeout=0.2)
    assert error.key == "read_timeout"


def test_every_answer_has_its_own_time(serve):
    server, moments = serve(lambda request: Answer({})), [0.0]
    with open_session(answer_timeout=1, monotonic=lambda: moments[-1]) as http:
        assert http.get(server.url).ok
        moments.append(100.0)
        assert http.get(server.url).ok
    assert server.connections == 1


def test_a_host_that_hangs_up_instead_of_answering(serve):
    server = serve(lambda request: None)
    assert fails(f"{server.url}/token").key == "connection_dropped"


def test_a_host_that_hangs_up_in_the_middle_of_the_body(serve):
    headers = {"Content-Length": "999", "Connection": "close"}
    server = serve(lambda request: Answer(b"half", headers=headers))
    assert fails(f"{server.url}/token").key == "connection_dropped"


def test_a_host_that_speaks_no_tls(trusted):
    with listening(lambda client: client.sendall(b"220 smtp ready\r\n")) as port:
        assert fails(f"https://localhost:{port}/").key == "tls_protocol"


def test_a_host_that_hangs_up_during_the_handshake(trusted):
    with listening(lambda client: client.recv(10)) as port:
        assert fails(f"https://localhost:{port}/").key == "connection_dropped"


def test_a_certificate_of_an_unknown_authority(serve, tmp_path, monkeypatch):
    server = serve(lambda request: Answer({}))
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "other.pem"))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "other.pem"))
    assert fails(server.url).key == "tls_untrusted"
    assert not server.requests


def test_the_usual_authorities_are_trusted_without_a_bundle_of_the_environment(
    serve, tmp_path, monkeypatch
):
    server = serve(lambda request: Answer({}))
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    assert fails(server.url).key == "tls_untrusted"
    usual = tmp_path / "usual.pem"
    AUTHORITY.cert_pem.write_to_path(usual)
    monkeypatch.setattr(requests.certs, "where", lambda: str(usual))
    monkeypatch.setattr(requests.adapters, "DEFAULT_CA_BUNDLE_PATH", str(usual))
    with open_session() as http:
        assert http.get(server.url).ok


def test_a_certificate_of_yesterday(serve):
    yesterday = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)
    server = serve(lambda request: Answer({}), not_after=yesterday)
    assert fails(server.url).key == "tls_expired"


def test_a_certificate_of_tomorrow(serve):
    tomorrow = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=1)
    server = serve(lambda request: Answer({}), not_before=tomorrow)
    assert fails(server.url).key == "tls_not_yet_valid"


def test_a_certificate_of_another_host(serve):
    server = serve(lambda request: Answer({}), identity="other.example")
    error = fails(server.url)
    assert error.key == "tls_wrong_host"
    assert not server.requests


def test_a_ca_bundle_that_is_not_there(trusted, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere/ca.pem")
    assert fails("https://localhost:1/").key == "tls_ca_bundle_missing"


def test_a_proxy_of_the_environment_is_used_and_its_refusal_told(trusted, monkeypatch):
    seen = []

    def refuse(client):
        seen.append(client.recv(4096))
        client.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")

    with listening(refuse) as port:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{port}")
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        error = fails("https://login.example/token")
    assert error.key == "proxy_failed"
    assert seen[0].startswith(b"CONNECT login.example:443")


@pytest.mark.parametrize("address", ["http://", "socks5://127.0.0.1:1"])
def test_a_proxy_that_cannot_be_used(trusted, monkeypatch, address):
    monkeypatch.setenv("HTTPS_PROXY", address)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    assert fails("https://login.example/token").key == "proxy_failed"


def test_an_answer_above_the_cap_is_dropped(serve):
    server = serve(lambda request: Answer(b"x" * 5000))
    assert fails(server.url, max_response=4999).key == "response_too_large"
    with open_session(max_response=5000) as http:
        assert len(http.get(server.url).content) == 5000


def test_the_cap_counts_what_a_compressed_answer_swells_to(serve):
    bomb = gzip.compress(b"\0" * 10_000_000)
    server = serve(lambda request: Answer(bomb, headers={"Content-Encoding": "gzip"}))
    assert len(bomb) < 20_000
    assert fails(server.url, max_response=100_000).key == "response_too_large"


def test_an_answer_that_only_claims_to_be_compressed(serve):
    server = serve(lambda request: Answer(b"plain", headers={"Content-Encoding": "gzip"}))
    assert fails(server.url).key == "answer_unreadable"


@pytest.mark.parametrize("content", ["<html>proxy log-in</html>", '{"half', "[1]", '"text"', b""])
def test_an_answer_that_is_no_json_object(serve, content):
    server = serve(lambda request: Answer(content))
    with open_session() as http, pytest.raises(UnreachableError) as caught:
        read_json_object(http.get(server.url))
    assert caught.value.key == "not_json"
    assert caught.value.details["host"] == "localhost"


def test_the_door_also_closes_a_session_that_a_library_made(serve):
    server = serve(lambda request: Answer(b"x" * 5000))
    with open_session(max_response=10) as door, requests.Session() as library:
        guard(library, door)
        with pytest.raises(UnreachableError):
            library.get(server.url)
        with pytest.raises(ConfigurationError):
            library.get(server.url.replace("https", "http"))


def test_no_query_header_or_body_gets_into_errors_or_logs(serve, caplog):
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.INFO, "urllib3")  # writes whole URLs, and belongs to everybody
    servers = [serve(lambda request: None), serve(lambda request: Answer({}), identity="other")]
    urls = [server.url for server in servers] + ["https://does-not-exist.invalid"]
    for error in map(fails, urls):
        told = f"{error} {error!r} {error.details} {''.join(traceback.format_exception(error))}"
        assert "hunter" not in told + caplog.text


def _subclasses(kind):
    for child in kind.__subclasses__():
        yield child
        yield from _subclasses(child)


LOWER_LAYERS = {"builtins", "http", "requests", "socket", "ssl", "urllib3"}
LOWER_ERRORS = sorted(
    {
        kind
        for base in (requests.RequestException, urllib3.exceptions.HTTPError, OSError)
        for kind in _subclasses(base)
        if not issubclass(kind, Warning) and kind.__module__.split(".")[0] in LOWER_LAYERS
    },
    key=lambda kind: (kind.__module__, kind.__qualname__),
)


@pytest.mark.parametrize("kind", LOWER_ERRORS, ids=lambda kind: kind.__qualname__)
def test_every_error_of_the_layers_below_becomes_ours(kind, monkeypatch):
    error = kind.__new__(kind)  # their constructors want all sorts of things

    def send(*args, **kwargs):
        raise error

    monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", send)
    with open_session() as http, pytest.raises(UnreachableError) as caught:
        http.get("https://localhost")
    assert caught.value.key in http_session.KEYS
