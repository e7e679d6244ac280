"""Ports on loopback."""

import socket

from scripts.free_port import free_port


def test_wanted_port_is_kept_where_it_is_free():
    port = free_port()
    assert free_port(port) == port


def test_taken_port_is_replaced():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert free_port(port) not in (0, port)
