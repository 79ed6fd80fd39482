"""Truth: the hub with its simulated station, as ``skyscan serve`` starts it."""

import asyncio

import numpy as np
import pytest
from astropy import units as u
from astropy.time import Time
from sgp4.api import WGS72, Satrec
from sgp4.exporter import export_tle

from skyscan_lab.client import Conflict, NotFound, Refused, Unauthorized
from skyscan_lab.client.runtime import read_runtime
from skyscan_lab.client.skyscan import SkyScanClient
from skyscan_lab.earth import bundled_earth_orientation
from skyscan_lab.grid import ScanGrid
from skyscan_lab.protocol.lifecycle import ScanStatus
from tests.server.processes import HubProcess

pytestmark = pytest.mark.system

FORGED = "forged"
SMALL = ScanGrid(az=(150, 160), el=(30, 36), step=2.0, order="serpentine")  # 24 points
LARGE = ScanGrid(az=(100, 260), el=(20, 60), step=2.0)  # 1701 points


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    process = HubProcess(tmp_path_factory.mktemp("hub"))
    try:
        process.wait_until_ready()
        yield process
    finally:
        assert process.end() == 0, process.output[-4000:]


@pytest.fixture
async def client(hub, monkeypatch):
    """As in a notebook on the same machine: no address, no token."""
    monkeypatch.setenv("SKYSCAN_HOME", str(hub.data))
    async with SkyScanClient() as opened:
        yield opened


async def reaches(client, session_id, *statuses):
    async for update in client.watch(session_id):
        if update.status in statuses:
            break
    return await client.detail(session_id)


async def test_a_scan_from_start_to_dataset(client):
    updates = [
        update async for update in client.scan(SMALL, 1, reads=3, title="Roof", notes="windy")
    ]
    assert [update.number for update in updates] == list(range(len(updates)))
    assert [u.completed for u in updates if u.point] == list(range(1, 25))
    assert (updates[0].status, updates[-1].status) == (ScanStatus.PENDING, ScanStatus.COMPLETED)
    assert updates[-1].progress_pct == 100.0
    session_id = updates[-1].session_id

    (session,) = await client.sessions(limit=1)
    assert (session.id, session.notes) == (session_id, "windy")
    points = await client.data(session_id)
    assert points == [update.point for update in updates if update.point]
    detail = await client.detail(session_id)
    assert (detail.number, detail.missing_points) == (updates[-1].number, 0)

    ds = await client.session(session_id)
    assert ds.attrs["title"] == "Roof"
    assert ds.attrs["scan_status"] == "completed"
    np.testing.assert_array_equal(ds["azimuth"], SMALL.azimuths)
    np.testing.assert_array_equal(ds["elevation"], SMALL.elevations)
    order = np.argsort(ds["sequence"].to_numpy().ravel())
    exact = ds["rssi"].to_numpy().ravel()[order]
    assert [round(value) for value in exact] == [point.rssi_average for point in points]
    assert not np.array_equal(exact, np.round(exact)), "exact, and not the integers of the API"


async def test_pausing_resuming_and_cancelling(client):
    session = await client.start(LARGE, 1, reads=2)
    await reaches(client, session.id, ScanStatus.RUNNING)
    with pytest.raises(Conflict):
        await client.start(SMALL, 1)
    with pytest.raises(Refused, match="Cannot resume scan in 'running' state"):
        await client.resume(session.id)
    assert (await client.pause(session.id)).status == "pausing"
    held = await reaches(client, session.id, ScanStatus.PAUSED)
    assert held.reasons == ("user",)
    assert (await client.resume(session.id)).status == "resuming"
    await reaches(client, session.id, ScanStatus.RUNNING)
    assert (await client.cancel(session.id)).status == "cancelling"
    ended = await reaches(client, session.id, ScanStatus.CANCELLED)
    seen = [update async for update in client.watch(session.id)]
    assert [update.number for update in seen] == list(range(ended.number + 1))
    statuses = [update.status for update in seen if update.point is None]
    assert statuses == ["pending", "running", "paused", "running", "cancelled"]
    ds = await client.session(session.id)
    assert int((ds["sequence"] >= 0).sum()) == ended.completed_points < 1701


async def test_refusals_are_in_the_servers_words(client, hub):
    with pytest.raises(NotFound, match=r"^Rotor not found$"):
        await client.start(SMALL, 99)
    for call in (client.detail, client.data, client.session, client.pause):
        with pytest.raises(NotFound, match=r"^Scan session not found$"):
            await call(999)
    with pytest.raises(NotFound, match=r"^Scan session not found$"):
        await anext(client.watch(999))
    with pytest.raises(Refused, match="-30"):
        await client.start(ScanGrid(el=(-30, 0)), 1)
    with pytest.raises(Refused, match="-30"):
        await client.move(1, 10, -30)
    async with SkyScanClient(read_runtime(hub.data).url, token=FORGED) as stranger:
        with pytest.raises(Unauthorized):
            await stranger.rotors()
        with pytest.raises(Unauthorized):
            await anext(stranger.watch(1))


async def test_moved_pointed_and_parked(client):
    await client.move(1, 200, 40)
    where = await client.position(1)
    assert (where.azimuth, where.elevation) == pytest.approx((200, 40), abs=0.1)
    pointed = await client.point(1, "geostationary", "19.2E")
    where = await client.position(1)
    assert where.azimuth == pytest.approx(pointed.azimuth, abs=0.2)
    assert where.elevation == pytest.approx(pointed.elevation, abs=0.2)
    await client.park(1)
    where = await client.position(1)
    assert (where.azimuth, where.elevation) == pytest.approx((0, 0), abs=0.1)


async def test_a_satellite_is_pointed_at_once_its_elements_are_in_the_data_folder(client, hub):
    with pytest.raises(NotFound, match=rf"element sets .* {hub.data}/satellites\.tle"):
        await client.point(1, "satellite", "99001")
    (hub.data / "satellites.tle").write_text(standing_at(19.2))
    pointed = await client.point(1, "satellite", "99001")
    assert pointed.target == "STANDING"
    slot = await client.point(1, "geostationary", "19.2E")
    assert pointed.azimuth == pytest.approx(slot.azimuth, abs=0.2)
    assert pointed.elevation == pytest.approx(slot.elevation, abs=0.2)


def standing_at(longitude_deg):
    """Elements of a satellite that stands at a longitude today."""
    now = Time.now()
    with bundled_earth_orientation():
        overhead = now.sidereal_time("mean", longitude_deg * u.deg).rad
    orbit = Satrec()
    days = now.utc.jd - 2433281.5  # since 1949-12-31
    # The mean longitude alone says where it is, when the orbit is a circle over the equator.
    orbit.sgp4init(
        WGS72, "i", 99001, days, 0.0, 0.0, 0.0, 1e-5, 1e-5, 0.0, overhead,
        1.0027 * 2.0 * np.pi / 1440.0, 0.0,
    )  # fmt: skip
    return "\n".join(["STANDING", *export_tle(orbit)])


async def test_a_jog_turns_the_rotor_and_leaves_it_at_rest(client):
    before = (await client.position(1)).azimuth
    async with client.jog(1, azimuth=1):
        await asyncio.sleep(1.2)
    after = (await client.position(1)).azimuth
    assert after != before
    await asyncio.sleep(0.2)
    assert (await client.position(1)).azimuth == pytest.approx(after, abs=0.1)

    async def jog_until_somebody_stops_it():
        async with client.jog(1, azimuth=1):
            await client.stop(1)
            await asyncio.sleep(10)

    with pytest.raises(Conflict):
        await jog_until_somebody_stops_it()
    assert (await client.test(1)).connected


async def test_kill_9_and_restart_while_watching(tmp_path, monkeypatch):
    data = tmp_path / "hub"
    monkeypatch.setenv("SKYSCAN_HOME", str(data))
    grid = ScanGrid(az=(150, 200), el=(30, 44), step=2.0)  # 208 points, some 6 s
    process = HubProcess(data, time_scale=100)
    runtime = await asyncio.to_thread(process.wait_until_ready)
    ports = {"port": port_of(runtime.url), "gateway_port": port_of(runtime.gateway_url)}
    numbers, points, troubles = [], [], []
    try:
        async with SkyScanClient() as client:
            session = await client.start(grid, 1, reads=2)
            async for update in client.watch(session.id, on_trouble=troubles.append):
                numbers.append(update.number)
                points += [update.point] if update.point else []
                if update.completed == 60 and not troubles:
                    process.kill()
                    process = HubProcess(data, time_scale=100, **ports)
            assert update.status is ScanStatus.COMPLETED
            assert await client.data(session.id) == points
    finally:
        process.kill()
    assert troubles, "the server was not missed: kill it earlier"
    assert numbers == list(range(len(numbers)))
    assert len(points) == grid.size


def port_of(url):
    return int(url.rpartition(":")[2])
