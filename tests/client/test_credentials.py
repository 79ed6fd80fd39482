"""Truth: the headers that arrived at a server of the test's own."""

import asyncio
import json
import os

import pytest

from skyscan_lab.client import Unauthorized
from skyscan_lab.client.private_file import write_private
from skyscan_lab.client.runtime import RUNTIME_FILE
from skyscan_lab.client.skyscan import SkyScanClient
from skyscan_lab.errors import FileError, InvalidInput
from tests.client.small_server import close_after

GIVEN = "given"


@pytest.fixture
def lab(tmp_path, monkeypatch, server):
    """Leave the file of a lab on this machine; by default of the test's server."""
    monkeypatch.setenv("SKYSCAN_HOME", str(tmp_path))

    def leave(token, url=None, pid=None):
        fields = {"url": url or server.url, "gateway_url": "http://gateway"}
        fields["pid"] = os.getpid() if pid is None else pid
        write_private(tmp_path / RUNTIME_FILE, json.dumps({**fields, "token": token}).encode())
        return tmp_path / RUNTIME_FILE

    return leave


async def shown(server, **given):
    async with SkyScanClient(server.url, **given) as client:
        await client.rotors()
    return server.tokens[-1]


async def test_without_any_token_none_is_shown(server):
    assert await shown(server) is None


async def test_the_one_given_comes_first_then_the_variable_then_the_lab(server, lab, monkeypatch):
    lab("of-the-lab")
    assert await shown(server) == "Bearer of-the-lab"
    monkeypatch.setenv("SKYSCAN_TOKEN", "of-the-variable")
    assert await shown(server) == "Bearer of-the-variable"
    assert await shown(server, token=GIVEN) == "Bearer given"


async def test_an_empty_variable_is_none(server, monkeypatch):
    monkeypatch.setenv("SKYSCAN_TOKEN", "")
    assert await shown(server) is None


async def test_the_labs_token_goes_to_the_lab_alone(server, lab):
    lab("secret", url="http://127.0.0.1:1")
    assert await shown(server) is None


async def test_of_a_lab_that_was_killed_neither_address_nor_token_is_used(server, lab):
    process = await asyncio.create_subprocess_exec("true")
    await process.wait()
    lab("secret", pid=process.pid)
    assert await shown(server) is None
    async with SkyScanClient() as client:
        assert client.url == "http://127.0.0.1:5001"


async def test_localhost_is_the_same_lab(server, lab):
    lab("of-the-lab")
    async with SkyScanClient(f"http://localhost:{server.port}") as client:
        await client.rotors()
    assert server.tokens[-1] == "Bearer of-the-lab"


async def test_without_an_address_it_is_that_of_the_lab(server, lab):
    lab("of-the-lab")
    async with SkyScanClient() as client:
        assert client.url == server.url
        await client.rotors()
    assert server.tokens[-1] == "Bearer of-the-lab"


async def test_without_address_and_lab_it_is_the_usual_one():
    async with SkyScanClient() as client:
        assert client.url == "http://127.0.0.1:5001"


async def test_the_socket_shows_it_too(server):
    server.admits = GIVEN
    server.add().run_to_the_end()
    async with SkyScanClient(server.url, token=GIVEN) as client:
        assert len([update async for update in client.watch(1)]) == 13


async def test_a_lab_with_a_new_token_is_asked_again(server, lab):
    server.admits = "first"
    lab("first")
    async with SkyScanClient(server.url) as client:
        await client.rotors()
        server.admits = "second"
        lab("second")
        await client.rotors()
    assert server.tokens == ["Bearer first", "Bearer first", "Bearer second"]


async def test_requests_that_were_refused_together_are_renewed_together(server, lab):
    server.admits = "first"
    lab("first")
    async with SkyScanClient(server.url) as client:
        await client.rotors()
        server.admits = "second"
        lab("second")
        assert len(await asyncio.gather(*(client.rotors() for _ in range(5)))) == 5


async def test_a_watch_goes_on_with_the_labs_new_token(server, lab):
    server.admits = "first"
    lab("first")
    server.add().run_to_the_end()

    async def renewed(socket, scan, after):
        server.admits = "second"
        lab("second")
        await close_after(3, 4401, "the token has expired")(socket, scan, after)

    server.sockets.append(renewed)
    async with SkyScanClient(server.url) as client:
        assert [update.number async for update in client.watch(1)] == list(range(13))


async def test_a_refused_token_is_not_shown_for_ever(server, lab):
    server.admits = "other"
    lab("of-the-lab")
    async with SkyScanClient(server.url) as client:
        with pytest.raises(Unauthorized, match="the token has expired: give a token"):
            await client.rotors()
        assert server.tokens == ["Bearer of-the-lab"]
        with pytest.raises(Unauthorized):
            await anext(client.watch(1))


async def test_a_file_that_others_may_read_is_refused_where_it_is_needed(server, lab, monkeypatch):
    lab("secret").chmod(0o644)
    with pytest.raises(FileError, match="chmod 600"):
        await shown(server)
    assert await shown(server, token=GIVEN) == "Bearer given"


@pytest.mark.parametrize("wrong", ["", "two words", "line\nbreak", "ключ", "a\tb"])
def test_what_is_no_token_is_refused_and_not_repeated(wrong):
    with pytest.raises(InvalidInput, match="token = '…': must be one word of ASCII") as caught:
        SkyScanClient("http://127.0.0.1:5001", token=wrong)
    assert not wrong or wrong not in str(caught.value)


async def test_a_wrong_variable_is_named(monkeypatch):
    monkeypatch.setenv("SKYSCAN_TOKEN", "two words")
    with pytest.raises(InvalidInput, match="SKYSCAN_TOKEN"):
        await SkyScanClient("http://127.0.0.1:5001").__aenter__()


def test_the_token_is_in_no_representation():
    client = SkyScanClient("http://127.0.0.1:5001", token=GIVEN)
    assert GIVEN not in repr(client)
