"""One answer is never taken for another: against servers that are late, garbled, torn or gone."""

import asyncio
import contextlib

import pytest

from skyscan_lab.devices.connection import LineConnection
from skyscan_lab.devices.emulators.base import LoopbackServer
from skyscan_lab.errors import DeviceProtocolError, DeviceTimeout, DeviceUnreachable


class Scripted(LoopbackServer):
    """Answers each line as a test says: pieces of bytes, and seconds to wait before them."""

    def __init__(self, answer):
        super().__init__()
        self.connections = 0
        self._answer = answer

    async def serve(self, reader, writer):
        self.connections += 1
        while line := await reader.readline():
            text = line.decode().strip()
            self.received.append(text)
            for piece in self._answer(text):
                if piece is None:
                    return
                if isinstance(piece, float):
                    await asyncio.sleep(piece)
                else:
                    writer.write(piece)
                    await writer.drain()


def echo(text):
    return [f"{text}\n".encode()]


@contextlib.asynccontextmanager
async def connected(answer, **settings):
    settings = {"timeout_s": 0.3, "reconnect_s": 0.5} | settings
    async with Scripted(answer) as server:
        connection = LineConnection("device", server.host, server.port, **settings)
        await connection.open()
        try:
            yield server, connection
        finally:
            await connection.close()


async def ask(connection, line, parse=lambda lines: lines[0]):
    return await connection.request(line, bool, parse)


async def test_late_answer_is_not_the_answer_to_the_next_request():
    def late(text):
        return [0.4, b"late\n"] if text == "first" else echo(text)

    async with connected(late) as (_, connection):
        with pytest.raises(
            DeviceTimeout, match=r"device: answered 'first' with nothing within 0.3 s"
        ):
            await ask(connection, "first")
        await asyncio.sleep(0.3)  # by now the late answer has been sent
        assert await ask(connection, "second") == "second"


async def test_answer_after_a_cancelled_request_is_not_taken():
    def slow(text):
        return [0.1, b"slow\n"] if text == "first" else echo(text)

    async with connected(slow) as (_, connection):
        request = asyncio.create_task(ask(connection, "first"))
        await asyncio.sleep(0.03)
        request.cancel()
        with pytest.raises(asyncio.CancelledError):
            await request
        await asyncio.sleep(0.15)
        assert await ask(connection, "second") == "second"


async def test_half_an_answer_is_not_an_answer():
    def torn(text):
        return [b"12.3"] if text == "first" else echo(text)

    async with connected(torn) as (_, connection):
        with pytest.raises(DeviceTimeout):
            await ask(connection, "first")
        assert await ask(connection, "second") == "second"


async def test_answer_in_single_bytes_is_put_together():
    pieces = [part for byte in b"123.45\r\n" for part in (bytes([byte]), 0.002)]
    async with connected(lambda _: pieces) as (_, connection):
        assert await ask(connection, "p") == "123.45"


async def test_requests_of_many_tasks_do_not_interleave():
    async with connected(lambda text: [0.002, *echo(text)]) as (server, connection):
        lines = [f"request {number}" for number in range(20)]
        assert await asyncio.gather(*(ask(connection, line) for line in lines)) == lines
        assert list(server.received) == lines
        assert server.connections == 1


async def test_nonsense_is_an_error_and_the_next_request_starts_afresh():
    def nonsense(text):
        return [b"twelve\n12\n"] if text == "first" else echo("13")

    async with connected(nonsense) as (server, connection):
        with pytest.raises(DeviceProtocolError, match=r"answered 'first' with \['twelve'\]"):
            await ask(connection, "first", lambda lines: float(lines[0]))
        # The second line of the nonsense is left behind with its connection.
        assert await ask(connection, "second", lambda lines: float(lines[0])) == 13.0
        assert server.connections == 2


@pytest.mark.parametrize("flood", [b"x" * 200_000, b"x\n" * 2000], ids=["a line", "lines"])
async def test_answer_without_end_is_an_error(flood):
    async with connected(lambda _: [flood]) as (_, connection):
        with pytest.raises(DeviceProtocolError, match="without"):
            await connection.request("p", lambda _: False, len)


async def test_lost_connection_is_opened_again_and_the_request_repeated():
    async with connected(echo) as (server, connection):
        assert await ask(connection, "a") == "a"
        await server.drop_clients()
        assert await ask(connection, "b") == "b"
        assert connection.generation == 2


async def test_hanging_up_is_the_answer_where_it_is_expected():
    async with connected(lambda text: [None] if text == "S" else echo(text)) as (
        server,
        connection,
    ):
        assert await connection.request("S", bool, len, hangs_up=True) == 0
        assert await ask(connection, "p") == "p"
        assert list(server.received) == ["S", "p"]


async def test_server_that_hangs_up_on_everything_is_given_up_without_a_busy_loop():
    def once(text):
        return echo(text) if text == "hello" else [None]

    async with connected(once) as (server, connection):
        await ask(connection, "hello")
        with pytest.raises(DeviceUnreachable, match="closed the connection"):
            await ask(connection, "p")
        assert 2 <= server.connections <= 6


async def test_dead_server_is_given_up():
    async with connected(echo) as (server, connection):
        await server.__aexit__(None, None, None)
        with pytest.raises(DeviceUnreachable):
            await ask(connection, "p")


async def test_server_that_was_never_there_is_told_at_once():
    async with Scripted(echo) as server:
        pass
    connection = LineConnection("device", server.host, server.port, reconnect_s=60.0)
    with pytest.raises(DeviceUnreachable, match="no connection"):
        await connection.open()
    with pytest.raises(DeviceUnreachable, match="is not connected"):
        await ask(connection, "p")


async def test_closing_ends_the_attempts_to_reconnect():
    async with connected(echo, reconnect_s=60.0) as (server, connection):
        await server.__aexit__(None, None, None)
        request = asyncio.create_task(ask(connection, "p"))
        await asyncio.sleep(0.1)
        await connection.close()
        with pytest.raises(DeviceUnreachable):
            await request


async def test_program_that_hangs_up_without_ever_answering_is_told_at_once():
    async with connected(lambda _: [None], reconnect_s=3600.0) as (server, connection):
        with pytest.raises(DeviceUnreachable, match="closed the connection at 'a'"):
            await ask(connection, "a")
        assert server.connections == 1


async def test_port_on_which_nothing_listens_is_told_in_words():
    async with Scripted(echo) as server:
        pass
    with pytest.raises(DeviceUnreachable, match="nothing listens on that port"):
        await LineConnection("device", server.host, server.port).open()
