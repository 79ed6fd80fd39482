"""Truth: sockets that listen."""

import socket
from contextlib import closing

import pytest

from skyscan_server.main.free_ports import free_port


@pytest.fixture
def taken():
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        yield server.getsockname()[1]


def test_a_free_port_is_taken_as_it_is(unused_tcp_port):
    assert free_port("127.0.0.1", unused_tcp_port) == unused_tcp_port
    assert free_port("127.0.0.1", 0) == 0


def test_a_taken_one_moves_on_to_one_where_one_can_listen(taken):
    port = free_port("127.0.0.1", taken)
    assert port > taken
    socket.create_server(("127.0.0.1", port)).close()


def test_one_that_was_given_away_is_not_given_twice(unused_tcp_port):
    assert free_port("127.0.0.1", unused_tcp_port, besides={unused_tcp_port}) > unused_tcp_port


def test_what_is_left_of_a_connection_takes_no_port():
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        port = server.getsockname()[1]
        with closing(socket.create_connection(("127.0.0.1", port))) as client:
            accepted, _ = server.accept()
            accepted.close()  # the side that closes first has to wait
            client.recv(1)
    assert free_port("127.0.0.1", port) == port


def test_beyond_the_last_port_it_is_any():
    with closing(socket.create_server(("127.0.0.1", 65535))):
        assert free_port("127.0.0.1", 65535) == 0
