"""Which connection of a node counts, how it begins, and how it ends.

Truth: the order of the database's epochs, and the messages of `node_link` as its docstring has
them.
"""

import asyncio
import gc
import re
from pathlib import Path

import aiohttp
import pytest
from structlog.testing import capture_logs

from skyscan_lab.protocol.graph import GraphRotor, HardwareGraph
from skyscan_lab.protocol.node_link import (
    Ack,
    AskTasks,
    Claim,
    Granted,
    GraphUpdate,
    Hello,
    KnownJournal,
    Snapshot,
    Superseded,
    Tasks,
    TaskUpdate,
    Welcome,
)
from skyscan_lab.protocol.rpc import Done, PositionNow
from skyscan_server.auth.scopes import Scope
from skyscan_server.domain.nodes import Connected
from skyscan_server.gateway.connection_registry import ConnectionRegistry
from skyscan_server.gateway.departures import Departures
from skyscan_server.gateway.node_connection import NodeConnection
from skyscan_server.node.config import load_node
from tests.server.gateway.hub import NOON, ROOF, point, records_json, running

ROOT = Path(__file__).parents[3]


async def test_hello_is_answered_with_number_graph_and_tasks(hub):
    async with hub.connect() as node:
        await node.hello()
    assert [type(message) for message in node.heard] == [Welcome, Tasks]
    assert node.welcome.graph == ROOF
    assert node.welcome.connection_epoch == 1
    assert node.tasks.tasks == ()
    rotors = await hub.rotors.everyone()
    assert [(rotor.key, rotor.installation) for rotor in rotors] == [("roof", "roof")]


async def test_what_read_the_request_is_not_kept_for_a_node_that_stays(hub):
    async with hub.node() as node:
        assert await node.stopped(hub) == Done()
        gc.collect()
        kept = [one for one in gc.get_objects() if type(one).__name__ == "HttpRequestParser"]
        assert kept == []


async def test_graph_of_the_hub_wins_over_that_of_the_node(hub):
    async with hub.node():
        pass
    other = HardwareGraph(rotors=(GraphRotor(key="cellar", name="Cellar"),))
    async with hub.node(graph=other) as node:
        assert node.welcome.graph == ROOF
        assert node.welcome.connection_epoch == 2


async def test_newer_connection_takes_the_place_of_the_older(hub):
    async with hub.node() as old, hub.node() as new:
        assert isinstance(await old.hear(), Superseded)
        assert (await old.closed())[0] == 4409
        assert hub.registry.find(new.welcome.node_id).epoch == new.welcome.connection_epoch
        row = await hub.scan(new)  # a call goes to the newer one
        await new.say(Claim(session_id=row.id))
        assert (await new.hear(Granted)).granted


async def test_what_the_older_one_says_is_not_heard(hub):
    """Its frames are on the way already when the newer one comes."""
    async with hub.node() as old, hub.connect() as new:
        row = await hub.scan(old)
        connection = hub.registry.find(old.welcome.node_id)
        rotor = (await hub.rotors.everyone())[0]
        await old.say(Snapshot(rotor="roof", azimuth_deg=0, elevation_deg=0, time=NOON))
        before = await asyncio.wait_for(hub.positions.next(rotor.id, None), 5)
        # Held up here, it would be closed before it can say anything.
        hub.registry.errands._open = False
        await new.hello()
        hub.registry.errands._open = True
        assert connection.retired
        for late in (
            Claim(session_id=row.id),
            Snapshot(rotor="roof", azimuth_deg=1, elevation_deg=2, time=NOON),
            {"kind": "records", "session_id": row.id, "first": 1, "records": []},
            {"kind": "trouble", "session_id": row.id, "words": "too late"},
        ):
            await old.say(late)
        await asyncio.sleep(0.1)
        assert hub.positions.latest(rotor.id) is before
        await new.say(Snapshot(rotor="roof", azimuth_deg=3, elevation_deg=4, time=NOON))
        assert (await asyncio.wait_for(hub.positions.next(rotor.id, before), 5)).azimuth_deg == 3
        assert hub.troubles.of(row.id) is None
        assert not (await hub.sessions.get(row.id)).claimed
        with pytest.raises(ConnectionError):
            await connection.send(Granted(session_id=1, granted=True))


@pytest.mark.parametrize("first", [1, 2])
def test_the_epoch_counts_and_not_who_gets_here_first(first):
    registry = ConnectionRegistry()
    by_epoch = {
        epoch: NodeConnection(None, "roof", Connected(7, epoch, ROOF, 1), lambda _: None)
        for epoch in (1, 2)
    }
    second = 3 - first
    assert registry.add(by_epoch[first])
    assert registry.add(by_epoch[second]) is (second == 2)
    by_epoch[2].begin()
    assert registry.find(7) is by_epoch[2]
    assert by_epoch[1].retired
    assert not by_epoch[2].retired
    registry.remove(by_epoch[1])
    assert registry.find(7) is by_epoch[2]


async def test_of_many_at_once_the_newest_stays(hub):
    async def connect():
        async with hub.connect() as node:
            await node.say(Hello(graph=ROOF))
            try:
                welcome = await node.hear(Welcome, Superseded)
            except ConnectionError:
                return None
            if isinstance(welcome, Superseded):
                return None
            epoch = welcome.connection_epoch
            if epoch < 12:
                await node.hear(Superseded)
                return epoch
            await node.hear(Tasks)
            await hub.until(lambda: _calm(hub))
            return ("newest", hub.registry.find(welcome.node_id).epoch, len(hub.registry))

    epochs = await asyncio.gather(*(connect() for _ in range(12)))
    assert ("newest", 12, 1) in epochs


async def _calm(hub):
    return len(hub.registry) == 1 and not hub.registry.errands._under_way


async def test_node_that_has_come_back_to_another_hub_is_superseded_here(hub_of):
    hub = await hub_of()
    hub.socket._standings._look_s = 0.05
    async with hub.node() as node:
        hub.bus.publish("graphs")  # so that the short look takes effect
        await hub.nodes.connect("roof", ROOF)  # as another hub of the same database does
        await node.hear(Superseded)
        assert (await node.closed())[0] == 4409
    assert len(hub.registry) == 0


async def test_end_of_a_connection_is_noted(hub):
    async with hub.node() as node:
        assert await hub.nodes.online(node.welcome.node_id)
    await hub.until(lambda: _offline(hub, node.welcome.node_id))
    assert len(hub.registry) == 0


async def _offline(hub, node_id):
    return not await hub.nodes.online(node_id)


async def test_older_connection_does_not_take_the_newer_offline(hub):
    async with hub.node() as old, hub.node() as new:
        await old.closed()
        await hub.until(lambda: _noted(hub))
        assert await hub.nodes.online(new.welcome.node_id)


async def _noted(hub):
    return not hub.socket._departures._ended


async def test_node_that_leaves_while_it_connects_is_not_held_for_connected(hub):
    async with hub.database.write() as _held:  # nobody else can write now
        async with hub.connect() as node:
            await node.say(Hello(graph=ROOF))
            await asyncio.sleep(0.1)
            node.socket._response.connection.transport.abort()
        await asyncio.sleep(0.1)
    await hub.until(lambda: _known_and_offline(hub))


async def test_node_that_is_closed_while_it_connects_is_not_held_for_connected(hub_of):
    hub = await hub_of(recheck_s=0.05)
    token = hub.token()
    bearer = f"Bearer {token.token}"
    async with hub.database.write() as _held, hub.connect(token=bearer) as node:
        await node.say(Hello(graph=ROOF))
        await hub.until(lambda: _asked(hub))
        hub.revocations._known |= {token.token_id}  # its store is busy
        assert (await node.closed())[0] == 4401
    await hub.until(lambda: _known_and_offline(hub))


async def _asked(hub):
    return hub.socket._arrivals._waiting


async def test_connections_that_end_while_others_are_noted_are_noted_next():
    groups, may_go_on = [], asyncio.Event()

    class Rules:
        async def disconnect_all(self, ended):
            groups.append(tuple(ended))
            await may_go_on.wait()

    departures = Departures(Rules())
    running = asyncio.create_task(departures.run())
    departures.note(1, 1)
    await asyncio.sleep(0.01)
    departures.note(2, 7)
    may_go_on.set()
    await asyncio.sleep(0.01)
    departures.note(3, 1)
    running.cancel()  # the last ones then
    await asyncio.wait([running])
    assert groups == [((1, 1),), ((2, 7),), ((3, 1),)]


async def _known_and_offline(hub):
    rows = await hub.nodes.everyone()
    return rows and not rows[0].connected and not len(hub.registry)


@pytest.mark.parametrize(
    ("first", "words"),
    [
        ({"kind": "claim", "session_id": 1}, "'hello'"),
        (
            {"kind": "hello", "version": 2, "graph": {"antennas": []}},
            "version = 2: must be 1: install the same version",
        ),
        ({"kind": "hello", "graph": {"rotors": 7}}, "rotors"),
        ({"kind": "hello", "software": "a\x00b"}, "NUL"),
        ({"kind": "goodbye"}, "kind"),
    ],
)
async def test_beginning_with_something_else_is_refused_in_words(hub, first, words):
    async with hub.connect() as node:
        await node.say(first)
        code, said = await node.closed()
    assert code == 4422
    assert words in said
    assert await hub.nodes.everyone() == []


async def test_silence_at_the_beginning_is_not_waited_for(hub_of):
    hub = await hub_of(hello_s=0.05)
    async with hub.connect() as node:
        assert await node.closed() == (4408, "no hello within 0.05 s")


async def test_second_hello_is_refused(hub):
    async with hub.node() as node:
        await node.say(Hello(graph=ROOF))
        assert (await node.closed())[0] == 4409


@pytest.mark.parametrize(
    ("header", "status"),
    [
        ({}, 401),
        ({"Authorization": "Bearer nonsense"}, 401),
        (Scope.ADMIN, 403),
    ],
)
async def test_who_is_no_node_does_not_get_in(hub, header, status):
    headers = hub.bearer(scope=header) if isinstance(header, Scope) else header
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await hub.client.ws_connect("/v1/ws/node", headers=headers)
    assert refused.value.status == status


async def test_connection_ends_with_its_token(hub_of):
    hub = await hub_of(recheck_s=0.05)
    token = hub.token()
    async with hub.connect(token=f"Bearer {token.token}") as node, hub.node("cellar") as other:
        await node.hello()
        await hub.revocations.revoke(token.token_id, token.expires)
        assert (await node.closed())[0] == 4401
        assert await other.stopped(hub) == Done()


async def test_heartbeat_cuts_off_a_node_that_does_not_answer_it(hub_of):
    hub = await hub_of(heartbeat_s=0.1)
    headers = hub.bearer()
    async with hub.client.ws_connect("/v1/ws/node", headers=headers, autoping=False) as socket:
        await socket.send_str(Hello(graph=ROOF).model_dump_json())
        await hub.until(lambda: _one(hub))
        await hub.until(lambda: _none(hub))


async def _one(hub):
    return len(hub.registry) == 1


async def _none(hub):
    return len(hub.registry) == 0


async def test_changed_graph_is_told_once_and_completely(hub):
    async with hub.node() as node:
        await hub.add_rotor(node)
        told = await node.hear(GraphUpdate)
        assert told.graph_version == node.welcome.graph_version + 1
        assert [rotor.name for rotor in told.graph.rotors] == ["Roof", "Mast"]
        # A position of the new rotor is understood from now on.
        key = told.graph.rotors[1].key
        await node.say(Snapshot(rotor=key, azimuth_deg=5, elevation_deg=6, time=NOON))
        rotor = (await hub.rotors.everyone())[1]
        position = await asyncio.wait_for(hub.positions.next(rotor.id, None), 5)
        assert position == PositionNow(azimuth_deg=5, elevation_deg=6, time=NOON)


async def test_newest_position_of_each_rotor_is_kept(hub):
    graph = HardwareGraph(rotors=(GraphRotor(key="a", name="A"), GraphRotor(key="b", name="B")))
    async with hub.node(graph=graph) as node:
        for azimuth in range(50):
            for key in ("a", "b", "unknown"):
                await node.say(Snapshot(rotor=key, azimuth_deg=azimuth, elevation_deg=1, time=NOON))
        for rotor in await hub.rotors.everyone():
            latest = None
            while latest is None or latest.azimuth_deg < 49:
                latest = await asyncio.wait_for(hub.positions.next(rotor.id, latest), 5)


async def test_new_session_and_each_wish_is_told(hub):
    async with hub.node() as node:
        row = await hub.scan(node)
        first = await node.hear(TaskUpdate)
        assert (first.task.session_id, first.task.rotor) == (row.id, "roof")
        assert (first.task.desired, first.task.claimed) == ("run", False)
        await node.say(Claim(session_id=row.id))
        assert await node.hear(Granted) == Granted(
            session_id=row.id, granted=True, epoch=first.task.epoch
        )
        await hub.sessions.cancel(row.id)
        while (await node.hear(TaskUpdate)).task.desired != "cancel":
            pass


async def test_session_that_was_cancelled_before_is_not_granted(hub):
    async with hub.node() as node:
        row = await hub.scan(node)
        await hub.sessions.cancel(row.id)
        await node.say(Claim(session_id=row.id))
        assert not (await node.hear(Granted)).granted


async def test_node_that_comes_back_is_told_all_that_is_open(hub):
    async with hub.node() as node:
        row = await hub.scan(node)
    journals = (
        KnownJournal(session_id=row.id, session=row.name, number=0),
        KnownJournal(session_id=4711, session="of another hub", number=3),
    )
    async with hub.connect() as node:
        await node.hello(journals=journals)
        assert [task.session_id for task in node.tasks.tasks] == [row.id]


async def test_tasks_are_told_as_often_as_asked(hub):
    async with hub.node() as node:
        row = await hub.scan(node)
        journals = (KnownJournal(session_id=row.id, session=row.name, number=0),)
        await node.say(AskTasks(journals=journals))
        told = await node.hear(Tasks)
        assert [task.session_id for task in told.tasks] == [row.id]
        await hub.sessions.cancel(row.id)
        await node.say(AskTasks(journals=journals))
        assert [task.final for task in (await node.hear(Tasks)).tasks] == [True]
        await node.say(AskTasks())
        assert (await node.hear(Tasks)).tasks == ()


async def test_more_journals_than_a_database_takes_values(hub):
    async with hub.node() as node:
        row = await hub.scan(node)
        await hub.sessions.cancel(row.id)
    others = (KnownJournal(session_id=n, session="of another hub", number=1) for n in range(40_000))
    own = KnownJournal(session_id=row.id, session=row.name, number=0)
    async with hub.connect() as node:
        await node.hello(journals=(*others, own))
        assert [task.session_id for task in node.tasks.tasks] == [row.id]


async def test_journals_with_numbers_that_no_database_holds_are_refused(hub):
    journal = {"session_id": 2**63, "session": "s", "number": 1}
    async with hub.connect() as node:
        await node.say({"kind": "hello", "journals": [journal]})
        assert (await node.closed())[0] == 4422
    async with hub.node() as node:
        await node.say({"kind": "ask_tasks", "journals": [journal]})
        code, words = await node.closed()
        assert code == 4422
        assert "session_id" in words


async def test_the_node_of_the_documentation_is_taken(hub, tmp_path):
    page = (ROOT / "docs" / "how-to" / "network.md").read_text(encoding="utf-8")
    (example,) = [
        text for text in re.findall(r"```toml\n(.*?)```", page, re.DOTALL) if "[node]" in text
    ]
    path = tmp_path / "node.toml"
    path.write_text(example)
    seed = load_node(path).graph
    async with hub.connect() as node:
        await node.hello(seed)
        assert node.welcome.graph == seed
        limits = seed.rotors[0].station.rotor.limits
        assert limits.elevation_deg == (10.0, 90.0)


async def test_a_hello_that_is_refused_is_told_why_in_few_words_and_logged_in_full(hub):
    rotor = {"driver": "rotctld", "park": [0, 0], "limits": {"elevation_deg": [10, 90]}}
    rotor["host"] = "a-very-long-name-of-a-host." * 8
    station = {"rotor": rotor, "receiver": {"driver": "rotor"}}
    graph = {"rotors": [{"key": "roof", "name": "Roof", "station": station}]}
    with capture_logs() as logs:
        async with hub.connect() as node:
            await node.say({"kind": "hello", "graph": graph})
            code, words = await node.closed()
    assert code == 4422
    assert "must be within (-180.0, 450.0)" in words
    (refused,) = [event for event in logs if event["event"] == "node refused"]
    assert refused["installation"] == "roof"
    assert refused["words"].endswith("within (-180.0, 450.0) and (10.0, 90.0)")


async def test_sessions_of_other_nodes_are_nobody_elses(hub):
    async with hub.node() as roof, hub.node("cellar", HardwareGraph()) as cellar:
        row = await hub.scan(roof)
        await cellar.say(Claim(session_id=row.id))
        assert not (await cellar.hear(Granted)).granted
        await cellar.say({"kind": "trouble", "session_id": row.id, "words": "mine", "lost": True})
        await cellar.say(Claim(session_id=row.id))
        await cellar.hear(Granted)
        assert hub.troubles.of(row.id) is None
        assert not (await hub.sessions.get(row.id)).final
        assert cellar.tasks.tasks == ()


async def test_trouble_is_known_until_it_is_over(hub):
    async with hub.node() as node:
        row = await hub.scan(node)
        await node.say({"kind": "trouble", "session_id": row.id, "words": "the disk is full"})
        await hub.until(lambda: _trouble(hub, row.id, "the disk is full"))
        await node.say({"kind": "trouble", "session_id": row.id, "words": None})
        await hub.until(lambda: _trouble(hub, row.id, None))


async def _trouble(hub, session_id, words):
    return hub.troubles.of(session_id) == words


async def test_session_whose_journal_is_lost_goes_on_with_the_node_that_has_it(hub):
    """Another process with the same credentials has none, and must end nothing."""
    async with hub.node() as node:
        row = await hub.scan(node)
        await node.say(Claim(session_id=row.id))
        await node.hear(Granted)
        await node.say(records_json(row.id, 1, running(), point(0)))
        await node.hear(Ack)

    async def status():
        now = await hub.sessions.get(row.id)
        return now.status, now.reasons, now.words

    async with hub.node() as other:
        lost = {"kind": "trouble", "session_id": row.id, "words": "no journal", "lost": True}
        await other.say(lost)
        await hub.until(lambda: _is(status, ("paused", ["fault"], "no journal")))
        journal = KnownJournal(session_id=row.id, session=row.name, number=0, lost=True)
        await other.say(AskTasks(journals=(journal,)))
        await other.hear(Tasks)
        assert (await status())[0] == "paused"

    async with hub.connect() as node:
        journal = KnownJournal(session_id=row.id, session=row.name, number=2)
        await node.hello(journals=(journal,))
        assert await status() == ("running", [], None)
        assert hub.troubles.of(row.id) is None
        (task,) = node.tasks.tasks
        assert (task.number, task.final) == (2, False)
        await node.say(records_json(row.id, 3, point(1)))
        assert (await node.hear(Ack)).number == 3


async def _is(asking, wanted):
    return await asking() == wanted


async def test_hub_that_stops_says_so(hub_of):
    hub = await hub_of()
    async with hub.node() as node:
        stopping = asyncio.create_task(hub.stop())
        assert (await node.closed())[0] == 1001
        await stopping
    assert not await hub.nodes.online(node.welcome.node_id)
