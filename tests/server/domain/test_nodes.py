"""Truth: the graphs that nodes bring, and who asked first."""

import asyncio
import itertools

import pytest
from pydantic import ValidationError

from skyscan_lab.protocol.graph import GraphRotor, HardwareGraph
from skyscan_lab.protocol.rotors import RotorFields
from skyscan_server.domain.errors import NotFound
from skyscan_server.store import control
from tests.server.domain.parts import NOON, graph, request


async def test_the_first_graph_is_taken_and_from_then_on_the_hub_s_is_used(hub):
    seed = graph("roof", "barn")
    first = await hub.nodes.connect("lab", seed)
    assert (first.graph, first.graph_version) == (seed, 1)
    rotors = await hub.rotors.by_key(first.node_id)
    await hub.rotors.change(rotors["barn"].id, RotorFields(name="New", driver="simulated"))
    again = await hub.nodes.connect("lab", graph("other"))
    assert (again.node_id, again.graph_version) == (first.node_id, 2)
    assert [rotor.name for rotor in again.graph.rotors] == ["Roof", "New"]
    assert again.epoch == first.epoch + 1


@pytest.mark.parametrize("how", ["connect", "register"])
async def test_a_new_node_that_comes_many_times_at_once_is_one(hub, how):
    seed = graph("roof", "barn")
    came = await asyncio.gather(*(getattr(hub.nodes, how)("lab", seed) for _ in range(8)))
    assert {(c.node_id, c.graph_version) for c in came} == {(came[0].node_id, 1)}
    assert all(c.graph == seed for c in came)
    assert len(await hub.rotors.everyone()) == 2
    if how == "connect":
        assert sorted(c.epoch for c in came) == list(range(1, 9))


async def test_rotors_of_one_name_are_told_apart_however_many_and_however_long(hub):
    long = "x" * 200
    seed = HardwareGraph(
        rotors=[
            GraphRotor(key=f"{number}-{len(name)}", name=name)
            for number, name in itertools.product(range(3), ("Roof", long))
        ]
    )
    installations = ["a", "b", "installation-" + "c" * 80]
    came = await asyncio.gather(*(hub.nodes.connect(name, seed) for name in installations))
    names = [rotor.name for node in came for rotor in node.graph.rotors]
    assert len(set(names)) == len(names) == 18
    assert {"Roof", long} <= set(names)
    assert max(map(len, names)) == 200
    for name, node in zip(installations, came, strict=True):  # what was made can be read again
        again = await hub.nodes.connect(name, HardwareGraph())
        assert again.graph == node.graph


def test_a_key_comes_once_in_a_graph():
    with pytest.raises(ValidationError, match="each key must come once"):
        graph("roof", "barn", "roof")


async def test_whoever_is_connected_is_online_until_its_newest_connection_ends(hub):
    first = await hub.nodes.connect("lab", graph("roof"))
    newest = await hub.nodes.connect("lab", graph("roof"))
    await hub.nodes.disconnect(first.node_id, first.epoch)
    assert await hub.nodes.online(first.node_id)
    await hub.nodes.disconnect(newest.node_id, newest.epoch)
    assert not await hub.nodes.online(first.node_id)
    assert not await hub.nodes.online(4711)


async def test_claims_go_on_above_what_a_node_has_seen(hub):
    """As after the database was restored from a copy, which the node knows nothing of."""
    first = await hub.nodes.connect("lab", graph("roof", "barn"))
    rotors = await hub.rotors.by_key(first.node_id)
    row = await hub.sessions.start(request(rotors["roof"].id))
    await hub.tasks.claim(first.node_id, row.id)
    async with hub.database.write() as connection:
        await control.claim(connection, rotors["barn"].id, "move", now=NOON)
    seen = {"roof": 40, "barn": 50, "of another hub": 60}
    await hub.nodes.connect("lab", graph(), epochs=seen)
    (task,) = await hub.tasks.of_node(first.node_id)
    assert task.epoch == 41  # the scan holds its rotor on
    async with hub.database.read() as connection:
        roof, barn = [await control.get(connection, rotors[key].id) for key in ("roof", "barn")]
    assert (roof.epoch, roof.holder) == (41, f"scan {row.id}")
    assert (barn.epoch, barn.holder) == (51, None)
    for epochs in ({"roof": 41}, {"roof": 3}, {}):
        await hub.nodes.connect("lab", graph(), epochs=epochs)
        (task,) = await hub.tasks.of_node(first.node_id)
        assert task.epoch == 41
    await hub.sessions.cancel(row.id)


async def test_a_hub_that_starts_takes_everybody_for_offline(hub):
    ids = [(await hub.nodes.connect(name, graph())).node_id for name in ("a", "b")]
    await hub.nodes.forget_connections()
    assert [await hub.nodes.online(node_id) for node_id in ids] == [False, False]
    assert [node.installation for node in await hub.nodes.everyone()] == ["a", "b"]


async def test_an_installation_sees_its_own_node_only(hub):
    ours = await hub.nodes.connect("ours", graph("roof"))
    theirs = await hub.nodes.connect("theirs", graph("barn"))
    assert await hub.nodes.graph("ours", ours.node_id) == (graph("roof"), 1)
    await hub.nodes.require_own("ours", ours.node_id)
    for node_id in (theirs.node_id, 4711):
        for look in (hub.nodes.graph, hub.nodes.require_own, hub.nodes.see):
            with pytest.raises(NotFound, match="Node not found"):
                await look("ours", node_id)
