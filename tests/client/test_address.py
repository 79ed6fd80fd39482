"""Truth: addresses written out by hand."""

import pytest

from skyscan_lab.client.address import Address
from skyscan_lab.errors import InvalidInput


@pytest.mark.parametrize(
    ("base", "route", "socket"),
    [
        ("http://127.0.0.1:5001", "http://127.0.0.1:5001/a", "ws://127.0.0.1:5001/a"),
        ("http://127.0.0.1:5001/", "http://127.0.0.1:5001/a", "ws://127.0.0.1:5001/a"),
        ("https://hub.example", "https://hub.example/a", "wss://hub.example/a"),
        ("http://[::1]:5001", "http://[::1]:5001/a", "ws://[::1]:5001/a"),
        ("HTTP://Hub.Example", "http://Hub.Example/a", "ws://Hub.Example/a"),
        (
            "http://localhost:8888/user/ada/skyscan/",
            "http://localhost:8888/user/ada/skyscan/a",
            "ws://localhost:8888/user/ada/skyscan/a",
        ),
    ],
)
def test_routes_and_sockets(base, route, socket):
    address = Address(base)
    assert address.route("/a") == route
    assert address.socket("/a") == socket


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "127.0.0.1:5001",
        "localhost",
        "ws://127.0.0.1:5001",
        "file:///etc/passwd",
        "http://",
        "http://:5001",
        "http://host:port",
        "http://host:70000",
        "http://[::1",
        None,
        5001,
    ],
)
def test_what_is_no_address_is_refused_in_words(wrong):
    with pytest.raises(InvalidInput, match=r"url = .*: must be 'http://HOST:PORT' or https"):
        Address(wrong)


@pytest.mark.parametrize(
    "secret",
    ["http://ada:hunter2@hub:5001/x", "http://hub:5001/x?token=hunter2", "http://hub/#hunter2"],
)
def test_secrets_in_an_address_are_refused_and_not_repeated(secret):
    with pytest.raises(InvalidInput, match="without user, query and fragment") as caught:
        Address(secret)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("http://127.0.0.1:5001", "http://localhost:5001/", True),
        ("http://127.0.0.1:5001", "http://[::1]:5001", True),
        ("http://127.0.0.1:5001", "http://127.0.0.1:5002", False),
        ("http://127.0.0.1:5001", "https://127.0.0.1:5001", False),
        ("http://127.0.0.1:5001", "http://127.0.0.1:5001/skyscan", False),
        ("http://127.0.0.1:5001", "http://192.168.1.5:5001", False),
        ("http://hub", "http://hub:80", True),
        ("https://hub", "https://hub:443", True),
        ("http://hub.example", "http://HUB.example", True),
        ("http://127.0.0.1.example:5001", "http://127.0.0.1:5001", False),
    ],
)
def test_the_same_server(one, other, same):
    assert Address(one).same_server(Address(other)) is same
    assert Address(other).same_server(Address(one)) is same
