"""Names, ports and deadlines: the first steps of a diagnosis, on real sockets."""

import socket
import threading
import time

import pytest
from mail_server_oauth2 import exceptions as exc
from mail_server_oauth2.transport import check_network
from mail_server_oauth2.transport.deadline import within


@pytest.fixture
def listening():
    """Return the port of a socket that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.fixture
def closed_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        yield probe.getsockname()[1]  # bound, so that nobody else can listen there meanwhile


def test_name_is_resolved_to_each_address_once():
    assert check_network.resolve("127.0.0.1") == ["127.0.0.1"]
    assert "127.0.0.1" in check_network.resolve("localhost")


def test_name_that_nobody_has_is_an_error_with_the_name():
    with pytest.raises(exc.UnreachableError) as caught:
        check_network.resolve("no-such-host.invalid")
    assert caught.value.key == "dns_failed"
    assert caught.value.details["host"] == "no-such-host.invalid"


@pytest.mark.parametrize("host", ["a" * 64 + ".example", "a..b"])
def test_name_that_no_host_can_have_is_a_configuration_error(host):
    with pytest.raises(exc.ConfigurationError) as caught:
        check_network.resolve(host)
    assert caught.value.key == "host_invalid"


def test_open_port_is_reached(listening):
    assert check_network.reach("localhost", listening) == "127.0.0.1"


def test_closed_port_is_an_error_with_host_and_port(closed_port):
    with pytest.raises(exc.UnreachableError) as caught:
        check_network.reach("127.0.0.1", closed_port)
    assert caught.value.key == "connection_refused"
    assert caught.value.details == {"host": "127.0.0.1", "port": closed_port}


def test_port_that_swallows_connections_is_a_time_out():
    """A full backlog drops the handshake, as a firewall does."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = listener.getsockname()
        waiting = [_connect_without_waiting(address) for _number in range(4)]
        with pytest.raises(exc.UnreachableError) as caught:
            check_network.reach(*address, timeout=0.3)
        for connection in waiting:
            connection.close()
    assert caught.value.key == "connect_timeout"


def _connect_without_waiting(address):
    connection = socket.socket()
    connection.setblocking(False)
    connection.connect_ex(address)
    return connection


@pytest.mark.parametrize(
    "proxy, expected",
    [
        ("http://proxy.example:3128", ("proxy.example", 3128)),
        ("http://someone:secret@proxy.example:3128", ("proxy.example", 3128)),
        ("proxy.example:3128", ("proxy.example", 3128)),
        ("http://proxy.example", ("proxy.example", 80)),
        ("https://proxy.example", ("proxy.example", 443)),
    ],
)
def test_proxy_is_the_one_of_the_environment_without_its_password(monkeypatch, proxy, expected):
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    assert check_network.proxy_for("https://graph.example/v1.0") == expected


def test_no_proxy_where_the_environment_excludes_the_host(monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", "graph.example")
    assert check_network.proxy_for("https://graph.example/v1.0") is None


@pytest.mark.parametrize(
    "url, expected",
    [
        ("https://login.example", ("login.example", 443)),
        ("https://localhost:8443/tenant/v2.0", ("localhost", 8443)),
    ],
)
def test_host_and_port_of_a_url(url, expected):
    assert check_network.host_and_port(url) == expected


def test_deadline_gives_back_what_the_call_returns_and_raises():
    assert within(5, lambda: 42) == 42
    with pytest.raises(exc.RefusedError):
        within(5, _refuse)


def _refuse():
    raise exc.RefusedError


def test_deadline_gives_up_on_a_call_that_never_ends():
    ended = threading.Event()
    before = time.monotonic()
    with pytest.raises(exc.UnreachableError) as caught:
        within(0.1, lambda: ended.wait(20), host="mx.example", port=587)
    assert time.monotonic() - before < 5
    assert caught.value.key == "check_timeout"
    assert caught.value.details == {"host": "mx.example", "port": 587, "seconds": 0}
    ended.set()
