"""Truth: what a scan's journal is bound to hold, and the promises of `node_link`."""

import asyncio
from datetime import UTC, datetime

import pytest

from skyscan_lab.grid import ScanGrid
from skyscan_lab.protocol.node_link import Ack, Claim, Desired, Granted, Records, Trouble
from skyscan_lab.protocol.records import StatusRecord
from skyscan_lab.scanning import open_journal
from skyscan_lab.simulation.faults import RotorFaults
from skyscan_server.node import RotorSection
from tests.server.node.hub import GRID, running

LONG = ScanGrid(az=(0, 90), el=(20, 60), step=1)


def rotor_of(node):
    return node._mounts.get("simulated").devices.rotor


async def test_a_whole_scan_arrives_numbered_without_a_gap(hub, make_node, tmp_path):
    hub.begin()
    async with running(make_node()):
        await hub.until(lambda: hub.tasks[1].final)
        assert hub.sequences() == list(range(GRID.size))
        assert hub.statuses() == ["running", "completed"]
        assert hub.resent == hub.gaps == 0
        # The hub has it all, so the node forgets it.
        await hub.until(lambda: not any((tmp_path / "node" / "journals").iterdir()))


async def test_nothing_moves_before_the_claim_is_granted(hub, make_node, tmp_path):
    hub.grants = False
    hub.begin()
    async with running(make_node()) as node:
        await hub.until(lambda: hub.last(Claim) is not None)
        await asyncio.sleep(0.2)
        mount = node._mounts.get("simulated")
        assert not mount.moving
        assert (await mount.position()) == (0.0, 0.0)  # where a simulated rotor begins
        assert hub.records[1] == []
        hub.tasks[1] = hub.tasks[1].model_copy(update={"claimed": True})
        await hub.send(Granted(session_id=1, granted=True, epoch=1))
        await hub.until(lambda: hub.status() == "completed")


async def test_what_is_not_granted_is_forgotten(hub, make_node, tmp_path):
    hub.grants = False
    hub.begin()
    async with running(make_node()):
        await hub.until(lambda: hub.last(Claim) is not None)
        await hub.send(Granted(session_id=1, granted=False))
        folder = tmp_path / "node" / "journals"
        await hub.until(lambda: folder.exists() and not any(folder.iterdir()))


async def test_a_cut_link_stops_no_scan_and_is_caught_up_with(hub, make_node):
    grid = ScanGrid(az=(0, 19), el=(20, 29), step=1)
    hub.begin(grid=grid)
    async with running(make_node()) as node:
        await hub.until(lambda: len(hub.records[1]) > 20)
        await hub.stop()
        had = len(hub.records[1])
        job = next(iter(node._scans))
        async with asyncio.timeout(20):
            while not job.journal.state.status.final:  # noqa: ASYNC110 -- it has no event
                await asyncio.sleep(0.01)
        assert len(hub.records[1]) == had
        await hub.start()
        await hub.until(lambda: hub.status() == "completed")
        assert hub.sequences() == list(range(grid.size))
        assert hub.hellos[-1].journals[0].number == len(hub.records[1])


async def test_many_cuts_lose_and_repeat_nothing(hub, make_node):
    grid = ScanGrid(az=(0, 24), el=(20, 30), step=1)
    hub.begin(grid=grid)
    async with running(make_node()):
        while hub.status() != "completed":
            had = len(hub.records[1])
            await hub.until(lambda had=had: len(hub.records[1]) > had + 30 or hub.tasks[1].final)
            hub.cut()
            await hub.until(lambda: hub.sockets or hub.tasks[1].final)
        assert hub.sequences() == list(range(grid.size))
        assert hub.connections > 5


async def test_pause_and_resume(hub, make_node):
    hub.begin(grid=LONG)
    async with running(make_node()):
        await hub.until(lambda: len(hub.records[1]) > 5)
        await hub.want("hold")
        await hub.until(lambda: hub.status() == "paused user")
        await hub.want("run")
        await hub.until(lambda: hub.status() == "running")
        await hub.want("cancel")
        await hub.until(lambda: hub.status() == "cancelled")
    assert hub.statuses() == ["running", "paused user", "running", "cancelled"]


async def test_a_cancel_that_was_uttered_offline_is_delivered(hub, make_node):
    hub.begin(grid=LONG)
    async with running(make_node()):
        await hub.until(lambda: len(hub.records[1]) > 5)
        await hub.stop()
        hub.tasks[1] = hub.tasks[1].model_copy(
            update={"desired": Desired.CANCEL, "seen": len(hub.records[1])}
        )
        await hub.start()
        await hub.until(lambda: hub.status() == "cancelled")
        assert hub.sequences() == list(range(len(hub.sequences())))


async def test_an_old_wish_that_comes_again_clears_no_newer_fault(hub, make_node):
    hub.begin(grid=LONG)
    async with running(make_node()) as node:
        await hub.until(lambda: len(hub.records[1]) > 5)
        await hub.tell(seen=len(hub.records[1]))  # "run", as known by now
        rotor_of(node).inject(RotorFaults(stalled=True))
        await hub.until(lambda: hub.status() == "paused fault")
        rotor_of(node).inject(RotorFaults())
        hub.cut()  # everything is told again on the next connection
        await hub.until(lambda: len(hub.hellos) == 2)
        await asyncio.sleep(0.2)
        assert hub.status() == "paused fault"
        await hub.want("run")  # uttered by somebody who has seen the fault
        await hub.until(lambda: hub.status() == "running")


async def test_a_scan_goes_on_after_the_node_was_restarted_without_the_hub(hub, make_node):
    grid = ScanGrid(az=(0, 19), el=(20, 29), step=1)
    hub.begin(grid=grid)
    async with running(make_node()):
        await hub.until(lambda: len(hub.records[1]) > 20)
    await hub.stop()
    async with running(make_node()) as node:
        async with asyncio.timeout(20):
            while not (jobs := list(node._scans or ())) or not (  # noqa: ASYNC110
                jobs[0].journal and jobs[0].journal.state.status.final
            ):
                await asyncio.sleep(0.01)
        await hub.start()
        await hub.until(lambda: hub.status() == "completed")
    assert hub.sequences() == list(range(grid.size))
    times = [record.time for record in hub.records[1]]
    assert times == sorted(times)  # also at a station whose time runs ahead of ours


async def test_an_acknowledgement_may_go_back(hub, make_node):
    grid = ScanGrid(az=(0, 19), el=(20, 29), step=1)
    hub.begin(grid=grid)
    async with running(make_node()):
        await hub.until(lambda: len(hub.records[1]) > 40)
        kept = list(hub.records[1])
        del hub.records[1][10:]  # restored from a copy, in the middle of everything
        await hub.send(Ack(session_id=1, number=10))
        await hub.until(lambda: hub.status() == "completed")
        assert hub.sequences() == list(range(grid.size))
        assert hub.records[1][: len(kept)] == kept


async def test_without_an_acknowledgement_records_come_again(hub, make_node):
    hub.begin()
    hub.acks = False
    async with running(make_node(timing={"ack_s": 0.1})):
        await hub.until(lambda: hub.status() == "completed")
        had = hub.resent
        await hub.until(lambda: hub.resent > had)
        hub.acks = True
        await hub.until(lambda: hub.tasks[1].final)


async def test_no_more_is_on_its_way_than_the_window_allows(hub, make_node):
    hub.begin(grid=ScanGrid(az=(0, 40), el=(20, 40), step=1))
    hub.acks = False
    async with running(make_node()) as node:
        job = None
        async with asyncio.timeout(20):
            while job is None or job.journal is None or job.journal.state.number < 100:
                await asyncio.sleep(0.01)
                job = next(iter(node._scans or ()), None)
        assert sum(isinstance(message, Records) for message in hub.heard) == 4


async def test_a_plan_that_the_rotor_cannot_reach_ends_in_words(hub, make_node):
    rotor = RotorSection(key="simulated", name="Low", min_elevation_deg=30)
    hub.begin()
    async with running(make_node(rotor)):
        await hub.until(lambda: hub.status() == "cancelled")
    assert "elevation 20°…22°" in hub.records[1][0].words


async def test_units_that_the_receiver_has_not_end_in_words(hub, make_node):
    hub.begin(units="dBFS")
    async with running(make_node()):
        await hub.until(lambda: hub.status() == "cancelled")
    assert "must be those of the plan (dBFS)" in hub.records[1][0].words


async def test_a_rotor_that_is_not_there_is_waited_for_and_told(hub, make_node):
    hub.begin(rotor="other")
    async with running(make_node()) as node:
        await hub.until(lambda: hub.last(Trouble) is not None)
        assert hub.last(Trouble).words == "other: this node has no such rotor"
        assert hub.records[1] == []
        graph = node.config.graph
        added = graph.rotors[0].model_copy(update={"key": "other", "name": "Other"})
        await hub.use_graph(graph.model_copy(update={"rotors": (*graph.rotors, added)}))
        await hub.until(lambda: hub.status() == "completed")
        assert hub.last(Trouble).words is None


async def test_a_session_that_waits_for_its_station_can_be_cancelled(hub, make_node):
    hub.begin(rotor="other")
    async with running(make_node()):
        await hub.until(lambda: hub.last(Trouble) is not None)
        await hub.want("cancel")
        await hub.until(lambda: hub.status() == "cancelled")


async def test_a_running_scan_whose_station_is_gone_after_a_restart_is_held(
    hub, make_node, tmp_path
):
    hub.begin(grid=LONG)
    async with running(make_node()) as node:
        await hub.until(lambda: len(hub.records[1]) > 5)
        graph = node.config.graph
    hub.graph = graph.model_copy(update={"rotors": ()})
    (tmp_path / "node" / "graph.json").write_text('{"graph": {"rotors": []}, "version": 2}')
    async with running(make_node()):
        await hub.until(lambda: hub.status() == "paused fault")
        assert hub.records[1][-1].words == "simulated: this node has no such rotor"
        await hub.use_graph(graph)
        await asyncio.sleep(0.1)
        assert hub.status() == "paused fault"  # a person is to say so
        await hub.want("run")
        await hub.until(lambda: hub.status() == "running")
        await hub.want("cancel")
        await hub.until(lambda: hub.status() == "cancelled")


async def test_what_the_hub_does_not_know_is_kept_for_people_and_taken_back(
    hub, make_node, tmp_path
):
    hub.begin(grid=LONG)
    async with running(make_node()):
        await hub.until(lambda: len(hub.records[1]) > 5)
        task = hub.tasks.pop(1)
        hub.cut()
        aside = tmp_path / "node" / "journals" / "unclaimed" / "session-1.journal"
        await hub.until(aside.exists)
        hub.tasks[1] = task
        hub.cut()
        await hub.until(lambda: len(hub.hellos) == 3)
        had = len(hub.records[1])
        await hub.until(lambda: len(hub.records[1]) > had + 5)
        assert hub.sequences() == list(range(len(hub.sequences())))


async def test_another_hub_with_a_session_of_the_same_number(hub, make_node, tmp_path):
    hub.begin(grid=LONG)
    async with running(make_node()):
        await hub.until(lambda: len(hub.records[1]) > 5)
        hub.records.clear()
        hub.begin(session="of another hub", epoch=2)
        hub.cut()
        await hub.until(lambda: hub.status() == "completed")
        assert (tmp_path / "node" / "journals" / "unclaimed" / "session-1.journal").exists()


async def test_a_damaged_journal_harms_no_other_scan_and_is_told(hub, make_node, tmp_path):
    hub.begin(1, grid=LONG)
    async with running(make_node()):
        await hub.until(lambda: len(hub.records[1]) > 5)
    path = tmp_path / "node" / "journals" / "session-1.journal"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    hub.begin(2, epoch=2)
    async with running(make_node()):
        await hub.until(lambda: hub.status(2) == "completed")
        await hub.until(lambda: hub.last(Trouble) is not None)
        trouble = hub.last(Trouble)
        assert trouble.lost
        assert trouble.session_id == 1
        assert "damaged, yet more follows it" in trouble.words
        # What was damaged is there for people; told again after a restart.
        assert path.with_name("session-1.journal.corrupt").read_bytes() == data
    async with running(make_node()):
        await hub.until(lambda: len([m for m in hub.heard if isinstance(m, Trouble)]) > 1)
        await hub.tell(1, final=True)
        task_file = path.with_name("session-1.task.json")
        await hub.until(lambda: not task_file.exists())


async def test_a_journal_that_ends_before_the_hubs_records_cannot_go_on(hub, make_node, tmp_path):
    hub.begin(grid=LONG)
    async with running(make_node()):
        await hub.until(lambda: len(hub.records[1]) > 5)
    path = tmp_path / "node" / "journals" / "session-1.journal"
    copy = b"".join(path.read_bytes().splitlines(keepends=True)[:3])
    path.write_bytes(copy)
    async with running(make_node(timing={"word_s": 60.0})):
        had = len(hub.records[1])
        await hub.until(lambda: hub.last(Trouble) is not None)
        assert hub.last(Trouble).lost
        assert f"the hub has {had}" in hub.last(Trouble).words
        assert len(hub.records[1]) == had
        assert path.read_bytes() == copy, "it had waited for the hub to say so"


@pytest.mark.parametrize("silent", [True, False])
async def test_a_hub_that_does_not_say_where_it_stands_is_not_waited_for(
    hub, make_node, tmp_path, silent
):
    hub.begin(grid=LONG)
    async with running(make_node()):
        await hub.until(lambda: len(hub.records[1]) > 5)
    path = tmp_path / "node" / "journals" / "session-1.journal"
    had = path.stat().st_size
    if silent:
        hub.tells_tasks = False
    else:
        await hub.stop()
    async with running(make_node(timing={"word_s": 0.2 if silent else 60.0})):
        await hub.until(lambda: path.stat().st_size > had)


async def test_a_claim_that_is_over_holds_a_scan_and_does_not_end_it(hub, make_node, tmp_path):
    folder = tmp_path / "node"
    folder.mkdir(mode=0o700)
    (folder / "fence.json").write_text('{"simulated": 9}')
    hub.begin(epoch=2)
    async with running(make_node()):
        await hub.until(lambda: hub.status() == "paused fault")
        assert "claim 2 has ended, claim 9 holds" in hub.records[1][-1].words
        assert hub.hellos[-1].epochs == {"simulated": 9}
        assert hub.hellos[-1].name == "test"
        await hub.tell(epoch=10)
        await hub.want("run")
        await hub.until(lambda: hub.status() == "completed")


async def test_two_scans_on_two_rotors_go_on_at_the_same_time(hub, make_node):
    rotors = (
        RotorSection(key="east", name="East"),
        RotorSection(key="west", name="West", seed=2),
    )
    hub.begin(1, rotor="east")
    hub.begin(2, rotor="west")
    async with running(make_node(*rotors)):
        await hub.until(lambda: hub.status(1) == hub.status(2) == "completed")
    assert hub.sequences(1) == hub.sequences(2) == list(range(GRID.size))


async def test_status_records_carry_station_time(hub, make_node):
    hub.begin()
    async with running(make_node()):
        await hub.until(lambda: hub.status() == "completed")
    times = [record.time for record in hub.records[1] if isinstance(record, StatusRecord)]
    assert times == sorted(times)


@pytest.mark.parametrize("scale", ["1", "1000"])
async def test_nothing_ends_before_it_was_asked_for(hub, make_node, monkeypatch, scale):
    """Also at a station that has stood idle since it was opened."""
    monkeypatch.setenv("SKYSCAN_TIME_SCALE", scale)
    rotor = RotorSection(key="simulated", name="Low", min_elevation_deg=30)
    async with running(make_node(rotor)) as node:
        await hub.until(lambda: node._mounts is not None and hub.sockets)
        await node._mounts.get("simulated").reach()
        await asyncio.sleep(0.2)
        asked = datetime.now(UTC)
        hub.begin()
        await hub.tell()
        await hub.until(lambda: hub.status() == "cancelled")
        assert hub.records[1][0].time >= asked


async def test_a_journal_that_another_program_has_is_waited_for(hub, make_node, tmp_path):
    task = hub.begin()
    path = tmp_path / "node" / "journals" / "session-1.journal"
    other = await open_journal(path, task.plan)
    async with running(make_node()):
        await hub.until(lambda: hub.last(Trouble) is not None)
        assert "another process is writing this journal" in hub.last(Trouble).words
        assert not hub.last(Trouble).lost
        await other.close()
        await hub.until(lambda: hub.status() == "completed")


async def test_a_pause_counts_also_while_the_station_is_out_of_reach(hub, make_node, tmp_path):
    hub.begin(grid=LONG)
    async with running(make_node()) as node:
        await hub.until(lambda: len(hub.records[1]) > 5)
        graph = node.config.graph
    hub.graph = graph.model_copy(update={"rotors": ()})
    (tmp_path / "node" / "graph.json").write_text('{"graph": {"rotors": []}, "version": 2}')
    async with running(make_node(timing={"station_grace_s": 60.0})):
        await hub.until(lambda: hub.last(Trouble) is not None)
        await hub.want("hold")
        await hub.until(lambda: hub.status() == "paused user")
