"""The proxy of the benchmarks: what it delays, counts and refuses."""

import socket
import threading
import time

import pytest

from bench.tcp_proxy import proxy_process


@pytest.fixture
def echo():
    """Port of a server that greets, and says back each thing it hears."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve(connection):
        with connection:
            connection.sendall(b"hello")
            while heard := connection.recv(65536):
                connection.sendall(heard)

    def accept():
        while True:
            try:
                connection, _address = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    yield listener.getsockname()[1]
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()


def exchange(connection, *said):
    """Say things one by one; return what came back."""
    heard = [connection.recv(65536)]
    for each in said:
        connection.sendall(each)
        heard.append(connection.recv(65536))
    return heard


def test_bytes_pass_and_round_trips_are_counted(echo):
    with proxy_process(echo) as proxy:
        with socket.create_connection(("127.0.0.1", proxy.port), 5) as connection:
            assert exchange(connection, b"a", b"b") == [b"hello", b"a", b"b"]
        # one for the handshake, and one for each turn
        assert proxy.report() == {"connections": 1, "round_trips": 3}


def test_each_round_trip_takes_its_time(echo):
    with proxy_process(echo, 0.05) as proxy:
        began = time.monotonic()
        with socket.create_connection(("127.0.0.1", proxy.port), 5) as connection:
            exchange(connection, b"a", b"b")
        # handshake, greeting (half a trip back), two turns
        assert 0.17 < time.monotonic() - began < 1


def test_blocks_do_not_wait_for_one_another(echo):
    block = b"x" * 1_000_000
    with (
        proxy_process(echo, 0.05) as proxy,
        socket.create_connection(("127.0.0.1", proxy.port), 5) as connection,
    ):
        connection.recv(100)
        began = time.monotonic()
        threading.Thread(target=connection.sendall, args=(block,)).start()
        left = len(block)
        while left:
            left -= len(connection.recv(65536))
        assert time.monotonic() - began < 0.4  # sixteen blocks, one after the other: 0.8


def test_connections_are_cut_and_refused_until_told_otherwise(echo):
    with proxy_process(echo) as proxy:
        with socket.create_connection(("127.0.0.1", proxy.port), 5) as connection:
            exchange(connection, b"a")
            proxy.refuse()
            with pytest.raises(ConnectionError):
                if not connection.recv(100):
                    raise ConnectionResetError
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", proxy.port), 5)
        proxy.accept()
        with socket.create_connection(("127.0.0.1", proxy.port), 5) as connection:
            assert exchange(connection, b"b") == [b"hello", b"b"]


def test_end_of_one_side_reaches_the_other(echo):
    with (
        proxy_process(echo) as proxy,
        socket.create_connection(("127.0.0.1", proxy.port), 5) as connection,
    ):
        exchange(connection, b"a")
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(100) == b""
