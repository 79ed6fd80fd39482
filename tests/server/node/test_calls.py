"""Truth: what `rpc` promises of each call, and the encoders of a simulated rotor."""

import asyncio
from contextlib import suppress
from itertools import pairwise

import pytest

from skyscan_lab.grid import ScanGrid
from skyscan_lab.protocol.node_link import Rpc, RpcCancel
from skyscan_lab.protocol.rpc import (
    RESULTS,
    Check,
    GetPosition,
    Jog,
    Move,
    Park,
    Probe,
    RpcFailure,
    Stop,
)
from skyscan_lab.station import SimulatedRotor
from skyscan_server.node import RotorSection
from skyscan_server.node.rpc import MAX_CALLS
from tests.server.node.hub import Refused, running

LONG = ScanGrid(az=(0, 90), el=(20, 60), step=1)
SLOW = RotorSection(
    key="simulated", name="Slow", rotor=SimulatedRotor(azimuth_speed_deg_s=0.02)
)  # 20 degrees in a second of ours


@pytest.fixture
async def node(hub, make_node):
    async with running(make_node(SLOW, timing={"jog_renewal_s": 0.3})) as node:
        await hub.until(lambda: hub.sockets)
        yield node


async def refusal(hub, call, **kwargs):
    with pytest.raises(Refused) as refused:
        await hub.call(call, **kwargs)
    return refused.value


def move(azimuth, epoch=1, rotor="simulated"):
    return Move(rotor=rotor, azimuth_deg=azimuth, elevation_deg=20, epoch=epoch)


async def test_every_call_answers_as_promised(hub, node):
    for call in (
        Probe(rotor="simulated"),
        GetPosition(rotor="simulated"),
        move(1),
        Park(rotor="simulated", epoch=1),
        Jog(rotor="simulated", azimuth=1, epoch=1),
        Stop(rotor="simulated"),
        Check(rotor="simulated", described=node.config.graph.rotors[0]),
    ):
        RESULTS[call.method].model_validate(await hub.call(call))


async def test_a_probe_says_whether_a_grid_fits(hub, node):
    grid = ScanGrid(az=(0, 10), el=(-20, 20), step=5)
    probed = await hub.call(Probe(rotor="simulated", grid=grid))
    assert probed["units"] == "dBm"
    assert "elevation -20°" in probed["unreachable_points"]


async def test_a_move_answers_when_it_is_there(hub, node):
    reached = await hub.call(move(3))
    assert reached["azimuth_deg"] == pytest.approx(3, abs=0.2)
    assert reached["elevation_deg"] == pytest.approx(20, abs=0.2)


async def test_what_is_refused_raises_no_fence(hub, node):
    await hub.call(move(1, epoch=5))
    for call in (
        move(999, epoch=7),
        Jog(rotor="simulated", azimuth=0, epoch=7),  # turns nothing
    ):
        with suppress(Refused):
            await hub.call(call)
    await hub.call(move(2, epoch=5))
    assert node._scans._fence.epochs == {"simulated": 5}


async def test_failures_are_told_apart(hub, node):
    assert (await refusal(hub, move(3, rotor="x"))).failure is RpcFailure.UNKNOWN_ROTOR
    assert (await refusal(hub, move(999))).failure is RpcFailure.OUT_OF_LIMITS
    await hub.call(move(1, epoch=5))
    assert (await refusal(hub, move(1, epoch=4))).failure is RpcFailure.STALE_EPOCH
    assert (await refusal(hub, Park(rotor="simulated", epoch=4))).failure is RpcFailure.STALE_EPOCH
    stale = await refusal(hub, Jog(rotor="simulated", azimuth=1, epoch=4))
    assert stale.failure is RpcFailure.STALE_EPOCH
    assert str(stale) == (
        "simulated: somebody else has taken control of it: claim 4 has ended, claim 5 holds"
    )


async def test_stale_epochs_are_remembered_by_the_next_run(hub, make_node, tmp_path):
    async with running(make_node()):
        await hub.until(lambda: hub.sockets)
        await hub.call(move(1, epoch=5))
    async with running(make_node()):
        await hub.until(lambda: len(hub.hellos) == 2)
        assert (await refusal(hub, move(1, epoch=4))).failure is RpcFailure.STALE_EPOCH


async def test_a_rotor_of_a_host_that_is_not_in_the_file_is_not_dialled(hub, node):
    graph = node.config.graph
    evil = graph.rotors[0].model_dump() | {
        "key": "evil",
        "name": "Evil",
        "station": {
            "rotor": {"driver": "rotctld", "host": "127.0.0.2"},
            "receiver": {"driver": "rotor"},
        },
    }
    evil = type(graph.rotors[0]).model_validate(evil)
    await hub.use_graph(graph.model_copy(update={"rotors": (*graph.rotors, evil)}))
    refused = await refusal(hub, Probe(rotor="evil"))
    assert refused.failure is RpcFailure.REFUSED
    assert "host = '127.0.0.2': must be one that its node may connect to: 127.0.0.1" in str(refused)
    checked = await hub.call(Check(rotor="evil", described=evil))
    assert (checked["wrong"]["field"], checked["wrong"]["value"]) == ("host", "127.0.0.2")
    checked = await hub.call(Check(rotor="new", described=graph.rotors[0]))
    assert checked == {"wrong": None}


async def test_what_nothing_listens_on_is_unreachable(hub, node, unused_tcp_port):
    graph = node.config.graph
    rotor = {"driver": "rotctld", "port": unused_tcp_port}
    gone = graph.rotors[0].model_dump() | {
        "key": "gone",
        "name": "Gone",
        "station": {"rotor": rotor, "receiver": {"driver": "rotor"}},
    }
    gone = type(graph.rotors[0]).model_validate(gone)
    await hub.use_graph(graph.model_copy(update={"rotors": (gone,)}))
    refused = await refusal(hub, Probe(rotor="gone"))
    assert refused.failure is RpcFailure.UNREACHABLE
    assert "nothing listens on that port" in str(refused)
    assert (await refusal(hub, move(1))).failure is RpcFailure.UNKNOWN_ROTOR


async def test_a_move_that_takes_too_long_is_stopped_and_told(hub, node):
    assert (await refusal(hub, move(300), timeout_s=0.3)).failure is RpcFailure.SLOW
    where = await hub.call(GetPosition(rotor="simulated"))
    assert where["azimuth_deg"] < 100
    await asyncio.sleep(0.1)
    assert (await hub.call(GetPosition(rotor="simulated")))["azimuth_deg"] == pytest.approx(
        where["azimuth_deg"]
    )


async def test_a_move_that_nobody_waits_for_is_stopped(hub, node):
    await hub.send(Rpc(request_id=99, timeout_s=30, call=move(300)))
    mount = node._mounts.get("simulated")
    await hub.until(lambda: mount.moving)
    await hub.send(RpcCancel(request_id=99))
    await hub.until(lambda: not mount.moving)
    assert (await hub.call(GetPosition(rotor="simulated")))["azimuth_deg"] < 100


async def test_a_move_goes_on_when_the_link_is_cut(hub, node):
    await hub.send(Rpc(request_id=99, timeout_s=30, call=move(20)))
    mount = node._mounts.get("simulated")
    await hub.until(lambda: mount.moving)
    hub.cut()
    await hub.until(lambda: not mount.moving)
    assert (await mount.position()).azimuth_deg == pytest.approx(20, abs=0.2)


async def test_another_move_takes_the_place_of_the_first(hub, node):
    first = asyncio.ensure_future(refusal(hub, move(300)))
    mount = node._mounts.get("simulated")
    await hub.until(lambda: mount.moving)
    await hub.call(move(1))
    assert (await first).failure is RpcFailure.CANCELLED


async def test_a_jog_ends_with_the_link(hub, make_node):
    async with running(make_node(SLOW, timing={"jog_renewal_s": 60.0})) as node:
        await hub.until(lambda: hub.sockets)
        await hub.call(Jog(rotor="simulated", azimuth=1, epoch=1))
        mount = node._mounts.get("simulated")
        await hub.until(lambda: mount.moving)
        hub.cut()
        await hub.until(lambda: not mount.moving)
        assert (await mount.position()).azimuth_deg < 100


async def test_too_many_calls_are_refused_but_not_a_stop(hub, node):
    # Each of them waits for the one rotor, which is connected while nobody answers.
    mount = node._mounts.get("simulated")
    await mount.probe(None)  # opened already, or about to be
    async with mount._changing:
        await mount._disconnect()
        waiting = [
            asyncio.ensure_future(hub.call(GetPosition(rotor="simulated")))
            for _ in range(MAX_CALLS)
        ]
        await asyncio.sleep(0.1)
        assert (await refusal(hub, Probe(rotor="simulated"))).failure is RpcFailure.BUSY
        stop = asyncio.ensure_future(hub.call(Stop(rotor="simulated")))
        await asyncio.sleep(0.05)
        assert not stop.done()
    await stop
    await asyncio.gather(*waiting)


async def test_a_stop_holds_a_scan_and_old_wishes_do_not_release_it(hub, make_node):
    hub.begin(grid=LONG)
    async with running(make_node()) as node:
        await hub.until(lambda: len(hub.records[1]) > 5)
        await hub.call(Stop(rotor="simulated"))
        await hub.until(lambda: hub.status().startswith("paused"))
        assert "user" in hub.status()
        where = await hub.call(GetPosition(rotor="simulated"))
        hub.cut()  # "run" is told again, by a hub that has not changed its mind
        await hub.until(lambda: len(hub.hellos) == 2)
        await asyncio.sleep(0.1)
        assert hub.status().startswith("paused")
        now = await hub.call(GetPosition(rotor="simulated"))
        assert now["azimuth_deg"] == pytest.approx(where["azimuth_deg"])
    async with running(make_node()):  # nor does a restart
        await hub.until(lambda: len(hub.hellos) == 3)
        await asyncio.sleep(0.1)
        assert hub.status().startswith("paused")
        await hub.want("run")
        await hub.until(lambda: hub.status() == "running")
        had = len(hub.records[1])
        await hub.until(lambda: len(hub.records[1]) > had + 3)
    assert node is not None


async def test_a_stop_in_the_middle_of_a_move_says_so_on_record(hub, make_node):
    hub.begin(grid=ScanGrid(az=(300, 310), el=(20, 22), step=1))
    async with running(make_node(SLOW)) as node:
        await hub.until(lambda: hub.status() == "running")
        mount = node._mounts.get("simulated")
        await hub.until(lambda: mount.moving)
        await hub.call(Stop(rotor="simulated"))
        await hub.until(lambda: hub.status() == "paused fault user")
        assert hub.records[1][-1].words == (
            "simulated rotor: stopped by hand; resume the scan to go on"
        )
        assert (await mount.position()).azimuth_deg < 250


async def test_stopping_by_hand_needs_no_hub(hub, make_node):
    hub.begin(grid=LONG)
    async with running(make_node()) as node:
        await hub.until(lambda: len(hub.records[1]) > 5)
        await hub.stop()
        await node.stop_by_hand()
        mount = node._mounts.get("simulated")
        await hub.until(lambda: next(iter(node._scans)).journal.state.status == "paused")
        where = await mount.position()
        await asyncio.sleep(0.1)
        assert await mount.position() == pytest.approx(where, abs=0.5)
        await hub.start()
        await hub.until(lambda: hub.status().startswith("paused"))


async def test_a_scan_whose_claim_is_over_is_held_and_its_reading_not_kept(hub, make_node):
    hub.begin(grid=LONG, reads=400)  # 8 ms a point
    async with running(make_node()):
        await hub.until(lambda: len(hub.records[1]) > 5)
        await hub.call(move(5, epoch=2))  # somebody else holds the rotor by now
        await hub.until(lambda: hub.status() == "paused fault")
        assert "somebody else" in hub.records[1][-1].words
        where = await hub.call(GetPosition(rotor="simulated"))
        assert where["azimuth_deg"] == pytest.approx(5, abs=0.2)  # and it was not stopped
        assert not [r for r in hub.records[1] if r.kind == "missing"]
        points = [r for r in hub.records[1] if r.kind == "point"]
        visits = list(LONG.visits())
        for point in points:
            assert point.azimuth_deg == pytest.approx(visits[point.sequence].azimuth_deg, abs=0.3)
        await hub.tell(epoch=3, seen=len(hub.records[1]))
        await hub.until(lambda: hub.status() == "running")


async def test_snapshots_come_on_change_and_not_too_often(hub, make_node):
    async with running(make_node(SLOW, timing={"snapshot_s": 0.2})):
        await hub.until(lambda: hub.sockets)
        await hub.call(move(20), timeout_s=20)
        await hub.until(lambda: hub.snapshots)
        await hub.until(lambda: hub.snapshots[-1][1].azimuth_deg == pytest.approx(20, abs=0.2))
        times = [time for time, _ in hub.snapshots]
        assert len(times) >= 3  # it was seen on its way
        gaps = [b - a for a, b in pairwise(times)]
        assert sum(gap < 0.15 for gap in gaps) <= 1  # messages may queue up for a moment
        await asyncio.sleep(0.3)
        count = len(hub.snapshots)
        await asyncio.sleep(0.6)
        assert len(hub.snapshots) == count  # it stands still
