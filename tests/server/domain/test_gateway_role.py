"""Truth: PostgreSQL itself, which lets the gateway's role do all that nodes need of the rules."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from skyscan_lab.protocol.assets import NewAsset
from skyscan_lab.protocol.node_link import KnownJournal
from skyscan_server.domain.assets import Assets
from skyscan_server.domain.credentials import StoredRevocations
from skyscan_server.domain.feeds import Feeds
from skyscan_server.store.asset_files import AssetFiles
from skyscan_server.store.database import open_database
from skyscan_server.store.roles import GATEWAY_ROLE, grant_gateway
from tests.server.domain.parts import graph, point, request, running, status, stream

pytestmark = pytest.mark.program("postgres")


@pytest.fixture
async def both(postgresql, postgresql_url, make_hub_over):
    """The hub as its owner has it, and as the gateway has it."""
    name = sa.make_url(postgresql_url).database
    async with open_database(postgresql_url) as database:
        await grant_gateway(database)
        async with open_database(postgresql.url(name, GATEWAY_ROLE), owner=False) as restricted:
            yield make_hub_over(database), make_hub_over(restricted)


async def test_a_node_lives_its_life_by_way_of_the_gateway(both):
    hub, gateway = both
    connected = await gateway.nodes.connect("roof", graph("dish"))
    again = await gateway.nodes.connect("roof", graph("dish"), "Roof", {"dish": 7})
    await gateway.nodes.register("roof", graph("dish"))
    await gateway.nodes.see("roof", connected.node_id)
    await gateway.nodes.disconnect(connected.node_id, connected.epoch)
    assert await gateway.nodes.online(connected.node_id)
    assert again.epoch in {
        standing.epoch for standing in (await gateway.nodes.standings()).values()
    }
    rotor = (await gateway.rotors.by_key(connected.node_id))["dish"]

    row = await hub.sessions.start(request(rotor.id))
    assert [s.id for s in await gateway.tasks.everything_open()] == [row.id]
    assert (await gateway.tasks.claim(rotor.node_id, row.id)).granted
    whole = stream("ppp")
    with running(gateway.ingest.run()):
        await gateway.ingest.store(row.id, 1, whole[:3])
        await gateway.ingest.store(row.id, 1, whole)
    ended = await hub.sessions.get(row.id)
    assert (ended.status, ended.done) == ("completed", 3)
    (task,) = await gateway.tasks.of_sessions(rotor.node_id, {row.id})
    assert task.final

    feeds = Feeds(gateway.database, gateway.bus)
    async with feeds.subscribe(row.id, 0) as subscription:
        assert len(await subscription.next()) == len(whole)


async def test_a_session_that_is_lost_is_held_and_ended_by_way_of_the_gateway(both):
    hub, gateway = both
    rotor = await hub.rotor()
    session_id = await hub.claimed(rotor)
    with running(gateway.ingest.run()):
        await gateway.ingest.store(session_id, 1, stream("p", end=None))
    await gateway.tasks.hold_lost(rotor.node_id, session_id, "its journal is gone")
    row = await hub.sessions.get(session_id)
    assert row.status == "paused"
    right = KnownJournal(session_id=session_id, session=row.name, number=2)
    assert await gateway.tasks.find_again(rotor.node_id, [right]) == [session_id]
    await hub.sessions.cancel(session_id)
    await gateway.tasks.hold_lost(rotor.node_id, session_id, "its journal is gone")
    assert (await hub.sessions.get(session_id)).status == "cancelled"
    assert await hub.claimed(rotor) > session_id


async def test_assets_and_tokens_too(both, tmp_path):
    _, gateway = both
    await gateway.nodes.connect("roof", graph("dish"))
    assets = Assets(gateway.database, AssetFiles(tmp_path), quota_bytes=1000)
    row = await assets.announce(
        "roof", NewAsset(label="log", media_type="text/plain", size=3, sha256="0" * 64)
    )
    assert await assets.get(row.id, "roof") == row
    assert await assets.tidy(timedelta(days=-1)) == 1
    assert not await StoredRevocations(gateway.database).any_revoked(["token"])


async def test_records_that_are_there_are_not_changed_even_by_mistake(both):
    hub, gateway = both
    session_id = await hub.claimed(await hub.rotor())
    with running(gateway.ingest.run()):
        first = [status("running"), point(0)]
        await gateway.ingest.store(session_id, 1, first)
        assert await gateway.ingest.store(session_id, 1, [first[0], point(0, mean=0.0)]) == 2
    assert await hub.sessions.points(session_id) == [first[1].model_dump_json()]
