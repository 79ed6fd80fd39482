"""Truth: the fields as people gave them, and the station that they describe."""

import asyncio

import pytest

from skyscan_lab.protocol.graph import GraphRotor
from skyscan_lab.protocol.rotors import RotorFields
from skyscan_lab.protocol.rpc import Checked, RpcFailure, Wrong
from skyscan_lab.station import Limits, Site, Station
from skyscan_server.bus.base import GRAPHS
from skyscan_server.domain import holding
from skyscan_server.domain.errors import Conflict, Invalid, NotFound, Unavailable
from skyscan_server.domain.graphs import graph_rotor, rotor_out
from tests.server.domain.parts import AT_HOME, graph, request

FIELDS = [
    RotorFields(name="as the application's own calls have it"),
    RotorFields(name="simulated", driver="simulated", min_elevation=0.0, park_az=180.0),
    RotorFields(name="dish", driver="winegard", device="/dev/ttyUSB7", park_el=65.0),
    RotorFields(
        name="everything",
        rotor_type="el",
        host="192.168.1.20",
        port=4534,
        park_az=350.0,
        park_el=20.0,
        limits=Limits(azimuth_deg=(0, 360), elevation_deg=(10, 80)),
        receiver={"driver": "rtl_tcp", "frequency_hz": 1.42e9},
    ),
]


@pytest.mark.parametrize("fields", FIELDS, ids=lambda fields: fields.name)
async def test_a_rotor_is_as_it_was_described(hub, fields):
    node = await hub.nodes.connect("lab", graph())
    row = await hub.rotors.add(fields)
    out = rotor_out(row)
    for name in RotorFields.model_fields.keys() - {"node", "receiver", "device"}:
        assert getattr(out, name) == getattr(fields, name), name
    assert out.node == "lab"
    assert out.device == (fields.device if fields.driver == "winegard" else None)
    if fields.receiver is not None:
        assert out.receiver == fields.receiver
    again, version = await hub.nodes.graph("lab", node.node_id)
    assert version == 2
    assert again.rotor(row.key) == GraphRotor.model_validate(row.graph)
    assert again.rotor(row.key).min_elevation_deg == fields.min_elevation


def test_a_receiver_goes_with_its_driver():
    for fields in FIELDS[:3]:
        receiver = graph_rotor(fields, "key", Site()).station.receiver
        expected = "simulated" if fields.driver == "simulated" else "rotor"
        assert receiver.driver == expected


async def test_a_rotor_goes_to_the_only_node_the_built_in_one_or_the_one_that_is_named(hub):
    with pytest.raises(Unavailable, match="no node has registered yet"):
        await hub.rotors.add(RotorFields(name="a"))
    await hub.nodes.connect("far", graph())
    assert (await hub.rotors.add(RotorFields(name="a"))).node == "far"
    await hub.nodes.connect("near", graph())
    with pytest.raises(Invalid, match="there are several: 'far', 'near'"):
        await hub.rotors.add(RotorFields(name="b"))
    await hub.nodes.connect("lab", graph())
    assert (await hub.rotors.add(RotorFields(name="b"))).node == "lab"
    assert (await hub.rotors.add(RotorFields(name="c", node="near"))).node == "near"
    with pytest.raises(Invalid, match="'far', 'near', 'lab'"):
        await hub.rotors.add(RotorFields(name="d", node="nowhere"))
    names = [row.name for row in await hub.rotors.everyone(limit=2, offset=1)]
    assert names == ["b", "c"]


async def test_nodes_name_themselves_and_two_of_one_name_are_told_apart(hub):
    await hub.nodes.connect("far", graph(), "Roof")
    assert (await hub.rotors.add(RotorFields(name="a", node="Roof"))).node == "Roof"
    await hub.nodes.connect("near", graph(), "Roof")
    with pytest.raises(Invalid, match=r"'far' \(Roof\), 'near' \(Roof\)"):
        await hub.rotors.add(RotorFields(name="b", node="Roof"))
    row = await hub.rotors.add(RotorFields(name="b", node="near"))
    assert (row.node, row.installation) == ("Roof", "near")
    # Nobody is in the way of another's installation by calling himself so.
    await hub.nodes.connect("evil", graph(), "near")
    row = await hub.rotors.change(row.id, RotorFields(name="c", node="near"))
    assert row.installation == "near"
    await hub.nodes.connect("near", graph(), "Cellar")
    assert [node.name for node in await hub.nodes.everyone()] == ["Roof", "Cellar", "near"]


async def test_a_new_rotor_stands_where_its_node_stands(hub):
    site = Site(name="Roof", latitude_deg=47.37, longitude_deg=8.54)
    seed = graph("roof")
    station = Station(site=site)
    (rotor,) = seed.rotors
    await hub.nodes.connect(
        "lab", seed.model_copy(update={"rotors": (rotor.model_copy(update={"station": station}),)})
    )
    row = await hub.rotors.add(RotorFields(name="new", driver="simulated"))
    assert GraphRotor.model_validate(row.graph).station.site == site


async def test_of_many_who_take_a_name_at_once_one_gets_it(hub):
    fields = []
    for node in ("roof", "barn", "lab"):  # at different nodes, which do not wait for each other
        await hub.nodes.connect(node, graph())
        fields += [RotorFields(name="Roof", driver="simulated", node=node)] * 3
    adds = [hub.rotors.add(one) for one in fields]
    rows = await asyncio.gather(*adds, return_exceptions=True)
    assert [type(row) for row in rows].count(Conflict) == len(rows) - 1
    assert len(await hub.rotors.everyone()) == 1


async def test_a_name_is_free_again_once_its_rotor_is_gone(hub):
    await hub.nodes.connect("lab", graph())
    first = await hub.rotors.add(RotorFields(name="Roof"))
    second = await hub.rotors.add(RotorFields(name="Barn"))
    with pytest.raises(Conflict, match="'Roof' exists already"):
        await hub.rotors.change(second.id, RotorFields(name="Roof"))
    await hub.rotors.delete(first.id)
    changed = await hub.rotors.change(second.id, RotorFields(name="Roof", port=4999))
    assert (changed.id, changed.key, changed.name) == (second.id, second.key, "Roof")
    with pytest.raises(NotFound, match="Rotor not found"):
        await hub.rotors.get(first.id)
    with pytest.raises(NotFound):
        await hub.rotors.delete(first.id)
    with pytest.raises(Invalid, match="where the rotor stands"):
        await hub.rotors.change(second.id, RotorFields(name="Roof", node="elsewhere"))


async def test_each_change_wakes_who_listens_and_counts_the_graph_up(hub):
    node = await hub.nodes.connect("lab", graph())
    versions = [1]
    with hub.bus.listen(GRAPHS) as wake:
        row = await hub.rotors.add(RotorFields(name="Roof"))
        for change in (
            lambda: hub.rotors.change(row.id, RotorFields(name="Barn")),
            lambda: hub.rotors.delete(row.id),
            None,
        ):
            await asyncio.wait_for(wake.wait(60), timeout=5)
            versions.append((await hub.nodes.graph("lab", node.node_id))[1])
            if change is not None:
                await change()
    assert versions == [1, 2, 3, 4]


async def test_a_rotor_that_is_held_is_neither_changed_nor_deleted(hub):
    rotor = await hub.rotor()
    async with hub.database.write() as connection:
        await holding.claim(connection, rotor, "jog", for_s=60)
    for attempt in (
        hub.rotors.change(rotor.id, RotorFields(name="New", driver="simulated")),
        hub.rotors.delete(rotor.id),
    ):
        with pytest.raises(Conflict, match="held by jog"):
            await attempt


async def test_a_claim_that_has_run_out_holds_nobody_up(hub):
    rotor = await hub.rotor()
    async with hub.database.write() as connection:
        await holding.claim(connection, rotor, "jog", for_s=-1)
        await holding.require_free(connection, rotor)
        assert await holding.claim(connection, rotor, "move", for_s=60) == 2
        with pytest.raises(Conflict, match="held by move"):
            await holding.require_free(connection, rotor)


@pytest.mark.parametrize("what", ["delete", "change"])
async def test_a_rotor_is_left_alone_while_somebody_is_taking_it(hub, what):
    rotor = await hub.rotor()
    new = RotorFields(name="New", driver="simulated")
    async with hub.database.write() as connection:
        await holding.claim(connection, rotor, "scan 7")
        attempt = asyncio.create_task(
            hub.rotors.delete(rotor.id) if what == "delete" else hub.rotors.change(rotor.id, new)
        )
        await asyncio.sleep(0.1)
        assert not attempt.done(), "it has to wait for how that ends"
    with pytest.raises(Conflict, match="held by scan 7"):
        await attempt
    assert await hub.rotors.get(rotor.id) == rotor


async def test_delete_and_start_race_and_one_of_them_wins(hub):
    for turns in range(0, 24, 2):
        rotor = await hub.rotor()
        start = asyncio.ensure_future(hub.sessions.start(request(rotor.id)))
        for _ in range(turns):
            await asyncio.sleep(0)
        answers = await asyncio.gather(start, hub.rotors.delete(rotor.id), return_exceptions=True)
        started, deleted = (not isinstance(answer, Exception) for answer in answers)
        assert started != deleted
        still_there = rotor.id in [row.id for row in await hub.rotors.everyone()]
        assert still_there == started


async def test_what_its_node_does_not_allow_is_refused_at_once_while_it_can_be_asked(hub):
    rotor = await hub.rotor()
    evil = RotorFields(name="Evil", host="10.0.0.1")
    wrong = Wrong(field="host", value="10.0.0.1", allowed="one of this list")
    hub.node.answers["check"] = Checked(wrong=wrong)
    for refused in (hub.rotors.add(evil), hub.rotors.change(rotor.id, evil)):
        with pytest.raises(Invalid, match=r"host = '10\.0\.0\.1': must be one of this list"):
            await refused
    assert await hub.rotors.everyone() == [rotor]
    added, changed = hub.node.asked("check")
    assert changed.rotor == rotor.key != added.rotor
    assert changed.described.station.rotor.host == "10.0.0.1"
    hub.node.fail("check", RpcFailure.OFFLINE)  # then it says so when the rotor is used
    assert (await hub.rotors.add(evil)).name == "Evil"


async def test_where_a_rotor_points_and_whether_it_answers(hub):
    rotor = await hub.rotor()
    row, position = await hub.rotors.position(rotor.id)
    assert (row, position) == (rotor, AT_HOME)
    assert (await hub.rotors.test(rotor.id)).model == "a dish"
    hub.node.fail("probe", RpcFailure.UNREACHABLE)
    hub.node.fail("position", RpcFailure.UNREACHABLE)
    assert await hub.rotors.test(rotor.id) is None
    with pytest.raises(Unavailable):
        await hub.rotors.position(rotor.id)
    with pytest.raises(NotFound):
        await hub.rotors.test(4711)
