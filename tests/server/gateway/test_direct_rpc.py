"""Calls at nodes: answered, late, given up, refused, in parts.

Truth: the messages of `node_link`, as a node that is driven by the test sees and sends them.
"""

import asyncio

import pytest

from skyscan_lab.protocol.node_link import Chunk, Failed, Result, Rpc, RpcCancel
from skyscan_lab.protocol.rpc import (
    Done,
    GetPosition,
    Move,
    PositionNow,
    Probe,
    Probed,
    RpcFailure,
    Stop,
)
from skyscan_server.domain.calls import CallFailed
from skyscan_server.gateway.replies import MOST_CHUNKS
from tests.server.gateway.hub import NOON, PROBED, WHERE

ASK = GetPosition(rotor="roof")


def calling(hub, node, call=ASK, timeout_s=5.0):
    return asyncio.create_task(hub.rpc.call(node.welcome.node_id, call, timeout_s=timeout_s))


async def failure_of(task):
    with pytest.raises(CallFailed) as failed:
        await task
    return failed.value.failure


@pytest.mark.parametrize(
    ("call", "value", "answer"),
    [
        (ASK, WHERE, PositionNow(azimuth_deg=10, elevation_deg=20, time=NOON)),
        (Probe(rotor="roof"), PROBED, Probed(**PROBED)),
        (Stop(rotor="roof"), {}, Done()),
    ],
)
async def test_answer_is_of_the_type_of_its_method(hub, call, value, answer):
    async with hub.node() as node:
        task = calling(hub, node, call, timeout_s=2.5)
        rpc = await node.answer(value)
        assert (rpc.call, rpc.timeout_s) == (call, 2.5)
        assert await task == answer
        assert hub.registry.find(node.welcome.node_id).replies == {}


async def test_answers_find_their_calls_in_any_order(hub):
    async with hub.node() as node:
        tasks = [
            calling(hub, node, Move(rotor="roof", azimuth_deg=n, elevation_deg=30, epoch=1))
            for n in range(5)
        ]
        rpcs = [await node.hear(Rpc) for _ in tasks]
        assert len({rpc.request_id for rpc in rpcs}) == 5
        for rpc in reversed(rpcs):
            value = WHERE | {"azimuth_deg": rpc.call.azimuth_deg}
            await node.say(Result(request_id=rpc.request_id, value=value))
        answers = await asyncio.gather(*tasks)
        assert [answer.azimuth_deg for answer in answers] == [0, 1, 2, 3, 4]


async def test_unknown_and_offline_are_told_apart(hub):
    async with hub.node() as node:
        pass
    await hub.until(lambda: _gone(hub))
    assert await failure_of(calling(hub, node)) is RpcFailure.OFFLINE
    task = hub.rpc.call(4711, ASK, timeout_s=5)
    assert await failure_of(task) is RpcFailure.UNKNOWN_NODE


async def _gone(hub):
    return not len(hub.registry)


async def test_node_that_is_not_welcomed_yet_is_not_called(hub):
    async with hub.node() as node:
        pass
    await hub.until(lambda: _gone(hub))
    async with hub.connect() as again:
        await again.say({"kind": "hello"})
        # Its welcome waits for the one writer.
        async with hub.database.write() as _held:
            assert await failure_of(calling(hub, node)) is RpcFailure.OFFLINE


async def test_late_answer_is_slow_and_is_cancelled_at_the_node(hub):
    async with hub.node() as node:
        task = calling(hub, node, timeout_s=0.05)
        rpc = await node.hear(Rpc)
        assert await failure_of(task) is RpcFailure.SLOW
        assert (await node.hear(RpcCancel)).request_id == rpc.request_id
        # An answer that nobody waits for harms nobody.
        await node.say(Result(request_id=rpc.request_id, value=WHERE))
        await node.say(Chunk(request_id=rpc.request_id, value={}))
        assert await node.stopped(hub) == Done()


async def test_whoever_goes_away_has_the_call_cancelled(hub):
    async with hub.node() as node:
        task = calling(hub, node)
        rpc = await node.hear(Rpc)
        task.cancel()
        assert (await node.hear(RpcCancel)).request_id == rpc.request_id
        assert task.cancelled()


@pytest.mark.parametrize("failure", list(RpcFailure))
async def test_failure_of_the_node_is_handed_on(hub, failure):
    async with hub.node() as node:
        task = calling(hub, node)
        rpc = await node.hear(Rpc)
        words = "elevation 95.0° is outside [0°, 90°]"
        await node.say(Failed(request_id=rpc.request_id, failure=failure, words=words))
        with pytest.raises(CallFailed, match="95") as failed:
            await task
        assert failed.value.failure is failure
        assert await node.stopped(hub) == Done()
        assert not [message for message in node.heard if isinstance(message, RpcCancel)]


@pytest.mark.parametrize("value", [{}, {"azimuth_deg": "north"}, WHERE | {"more": 1}])
async def test_answer_that_is_none_is_a_refusal(hub, value):
    async with hub.node() as node:
        task = calling(hub, node)
        await node.answer(value)
        assert await failure_of(task) is RpcFailure.REFUSED


async def test_connection_that_is_lost_fails_every_call_at_once(hub):
    async with hub.node() as node:
        tasks = [calling(hub, node, timeout_s=60) for _ in range(3)]
        await node.hear(Rpc)
        node.socket._response.connection.transport.abort()
        async with asyncio.timeout(5):
            assert {await failure_of(task) for task in tasks} == {RpcFailure.OFFLINE}


async def test_newer_connection_fails_the_calls_of_the_older(hub):
    async with hub.node() as old:
        task = calling(hub, old, timeout_s=60)
        await old.hear(Rpc)
        async with hub.node() as new:
            assert await failure_of(task) is RpcFailure.OFFLINE
            task = calling(hub, new)
            await new.answer(WHERE)
            assert isinstance(await task, PositionNow)


async def test_calls_beyond_the_bound_are_refused(hub_of):
    hub = await hub_of(most_calls=3)
    async with hub.node() as node:
        tasks = [calling(hub, node) for _ in range(3)]
        for _ in tasks:
            await node.hear(Rpc)
        assert await failure_of(calling(hub, node)) is RpcFailure.BUSY
        tasks.pop().cancel()
        await node.hear(RpcCancel)
        fourth = calling(hub, node)
        rpc = await node.hear(Rpc)
        await node.say(Result(request_id=rpc.request_id, value=WHERE))
        assert isinstance(await fourth, PositionNow)
        for task in tasks:
            task.cancel()


async def test_parts_come_in_order_and_the_result_after_them(hub):
    async with hub.node() as node:
        async with hub.rpc.stream(node.welcome.node_id, ASK, timeout_s=5) as reply:
            rpc = await node.hear(Rpc)
            for part in range(5):
                await node.say(Chunk(request_id=rpc.request_id, value={"part": part}))
            await node.say(Result(request_id=rpc.request_id, value=WHERE))
            parts = [chunk["part"] async for chunk in reply]
            assert parts == [0, 1, 2, 3, 4]
            assert isinstance(await reply.result(), PositionNow)
        assert await node.stopped(hub) == Done()
        assert not [message for message in node.heard if isinstance(message, RpcCancel)]


async def test_failure_comes_after_the_parts_before_it(hub):
    async with hub.node() as node:
        task = asyncio.create_task(_read(hub, node, parts := []))
        rpc = await node.hear(Rpc)
        await node.say(Chunk(request_id=rpc.request_id, value={"part": 0}))
        await node.say(
            Failed(request_id=rpc.request_id, failure=RpcFailure.UNREACHABLE, words="unplugged")
        )
        assert await failure_of(task) is RpcFailure.UNREACHABLE
        assert parts == [{"part": 0}]


async def _read(hub, node, parts=None, timeout_s=5.0):
    async with hub.rpc.stream(node.welcome.node_id, ASK, timeout_s=timeout_s) as reply:
        async for chunk in reply:
            parts.append(chunk)


async def test_parts_left_unread_end_the_call_and_hold_up_nobody(hub):
    async with hub.node() as node:
        may_read = asyncio.Event()
        parts = []

        async def read():
            async with hub.rpc.stream(node.welcome.node_id, ASK, timeout_s=5) as reply:
                await may_read.wait()
                async for chunk in reply:
                    parts.append(chunk["part"])  # noqa: PERF401 - those before the failure, too

        task = asyncio.create_task(read())
        rpc = await node.hear(Rpc)
        for part in range(MOST_CHUNKS + 1):
            await node.say(Chunk(request_id=rpc.request_id, value={"part": part}))
        assert await node.stopped(hub) == Done()
        may_read.set()
        assert await failure_of(task) is RpcFailure.BUSY
        assert parts == list(range(MOST_CHUNKS))
        assert (await node.hear(RpcCancel)).request_id == rpc.request_id


async def test_stream_that_is_left_early_is_cancelled(hub):
    async with hub.node() as node:
        async with hub.rpc.stream(node.welcome.node_id, ASK, timeout_s=5) as reply:
            rpc = await node.hear(Rpc)
            await node.say(Chunk(request_id=rpc.request_id, value={"part": 0}))
            async for _ in reply:
                break
        assert (await node.hear(RpcCancel)).request_id == rpc.request_id


async def test_time_of_a_stream_runs_out_while_it_is_read(hub):
    async with hub.node() as node:
        assert await failure_of(_read(hub, node, timeout_s=0.05)) is RpcFailure.SLOW
        await node.hear(RpcCancel)


async def test_timeout_of_whoever_reads_is_theirs(hub):
    async with hub.node() as node:

        async def read():
            async with hub.rpc.stream(node.welcome.node_id, ASK, timeout_s=60):
                async with asyncio.timeout(0.01):
                    await asyncio.sleep(5)

        with pytest.raises(TimeoutError):
            await read()
        await node.hear(RpcCancel)


async def test_node_that_reads_nothing_is_slow(hub):
    """Its socket takes no more, so not even the request gets out."""
    async with hub.node() as node:
        transport = node.socket._response.connection.transport
        transport.pause_reading()
        big = Probe(rotor="r" * 1_000_000)
        patient = [calling(hub, node, big, timeout_s=60) for _ in range(10)]
        hasty = [calling(hub, node, big, timeout_s=0.2) for _ in range(10)]
        assert {await failure_of(task) for task in hasty} == {RpcFailure.SLOW}
        # Those that have more time are not given up with the others.
        assert not any(task.done() for task in patient)
        transport.abort()
        assert {await failure_of(task) for task in patient} == {RpcFailure.OFFLINE}
