"""Truth: the tables of the specification as they are transcribed for the contract test, and
DESIGN's order of checks."""

import asyncio
import tomllib
from pathlib import Path

import pytest

from skyscan_lab.errors import GridError
from skyscan_lab.protocol.lifecycle import ScanStatus
from skyscan_lab.protocol.records import StatusRecord
from skyscan_lab.protocol.rotors import RotorFields
from skyscan_lab.protocol.rpc import RpcFailure
from skyscan_lab.recording import Recording
from skyscan_server.domain.errors import Conflict, NotFound, Refused, Unavailable
from skyscan_server.domain.sessions import read_recording
from skyscan_server.store import control, records
from skyscan_server.store.sessions import Page
from tests.server.domain.parts import PROBED, grid, request, running, status, stream

SPECIFICATION = tomllib.loads(
    (Path(__file__).parents[1] / "contract" / "sky_scan_api.toml").read_text(encoding="utf-8")
)
ERRORS = SPECIFICATION["errors"]
VERBS = {"pause": "hold", "resume": "run", "cancel": "cancel"}
# Status, and what the node says to get there.
HISTORIES = {
    "pending": [],
    "running": stream("p", end=None),
    "paused": [*stream("p", end=None), status("paused", "user")],
    "completed": stream("p"),
    "cancelled": stream("p", end="cancelled"),
}


async def holder(hub, rotor):
    async with hub.database.read() as connection:
        return await control.get(connection, rotor.id)


async def is_as_before(hub, rotor, before):
    """Whether nothing of a session was left behind."""
    return await hub.sessions.page(Page()) == [] and await holder(hub, rotor) == before


async def test_a_session_begins_as_it_was_asked_for(hub):
    rotor = await hub.rotor()
    row = await hub.sessions.start(request(rotor.id, rssi_iterations=7, notes="first light"))
    assert (row.status, row.total, row.done, row.number) == ("pending", grid().size, 0, 0)
    assert (row.started_at, row.finished_at, row.notes) == (None, None, "first light")
    assert row.request["rssi_iterations"] == 7
    assert (row.rotor_id, row.desired, row.claimed) == (rotor.id, "run", False)
    (task,) = await hub.tasks.of_node(rotor.node_id)
    assert (task.plan.grid, task.plan.reads, task.plan.units) == (grid(), 7, "dBm")
    assert (task.rotor, task.plan.rotor, task.plan.session) == ("roof", "a dish", row.name)
    held = await holder(hub, rotor)
    assert (held.holder, held.epoch) == (f"scan {row.id}", row.epoch)


async def test_checks_come_in_order(hub):
    """422, 404, 409, and only then is the node asked: 503 and 400."""
    rotor = await hub.rotor()
    with pytest.raises(GridError, match="step_deg = 0"):
        await hub.sessions.start(request(4711, step_deg=0.0))
    with pytest.raises(NotFound, match=ERRORS["start"]["404"]):
        await hub.sessions.start(request(4711))
    first = await hub.sessions.start(request(rotor.id))
    hub.node.calls.clear()
    hub.node.fail("probe", RpcFailure.UNREACHABLE)
    with pytest.raises(Conflict, match=f"Roof.* is held by scan {first.id}"):
        await hub.sessions.start(request(rotor.id))
    assert hub.node.calls == []
    await hub.sessions.cancel(first.id)
    with pytest.raises(Unavailable):
        await hub.sessions.start(request(rotor.id))


async def test_a_rotor_that_cannot_be_probed_leaves_nothing_behind(hub):
    rotor = await hub.rotor()
    before = await holder(hub, rotor)
    for failure, words in {
        RpcFailure.UNREACHABLE: ERRORS["start"]["503"],
        RpcFailure.REFUSED: ERRORS["start"]["503"],
        RpcFailure.OFFLINE: "the words of the node",
        RpcFailure.SLOW: "the words of the node",
    }.items():
        hub.node.fail("probe", failure)
        with pytest.raises(Unavailable) as caught:
            await hub.sessions.start(request(rotor.id))
        assert str(caught.value) == words
        assert await is_as_before(hub, rotor, before)


async def test_a_rotor_without_rssi_is_refused(hub):
    rotor = await hub.rotor()
    before = await holder(hub, rotor)
    hub.node.answers["probe"] = PROBED.model_copy(update={"units": None})
    with pytest.raises(Refused) as caught:
        await hub.sessions.start(request(rotor.id))
    assert str(caught.value) == ERRORS["start"]["400"]
    assert await is_as_before(hub, rotor, before)


async def test_points_out_of_reach_are_refused_unless_they_may_be_left_out(hub):
    rotor = await hub.rotor()
    words = "az 4 el 22 is below the horizon"
    hub.node.answers["probe"] = PROBED.model_copy(update={"unreachable_points": words})
    with pytest.raises(Refused, match=words):
        await hub.sessions.start(request(rotor.id))
    row = await hub.sessions.start(request(rotor.id, clip=True))
    assert row.plan["clip"] is True
    assert hub.node.asked("probe")[-1].grid == grid()


async def test_a_caller_that_gives_up_leaves_nothing_behind(hub):
    rotor = await hub.rotor()
    before = await holder(hub, rotor)
    asked = asyncio.Event()

    async def never(_call):
        asked.set()
        await asyncio.Event().wait()

    hub.node.answers["probe"] = never
    start = asyncio.create_task(hub.sessions.start(request(rotor.id)))
    await asked.wait()
    start.cancel()
    await asyncio.wait({start})
    assert await is_as_before(hub, rotor, before)


@pytest.mark.parametrize("what", ["deleted", "changed", "taken"])
async def test_what_happens_to_a_rotor_while_it_is_probed_counts(hub, what):
    rotor = await hub.rotor()

    async def meanwhile(_call):
        hub.node.answers["probe"] = PROBED
        if what == "deleted":
            await hub.rotors.delete(rotor.id)
        elif what == "changed":
            await hub.rotors.change(rotor.id, RotorFields(name="Other", driver="simulated"))
        else:
            await hub.sessions.start(request(rotor.id))
        return PROBED

    hub.node.answers["probe"] = meanwhile
    with pytest.raises(NotFound if what == "deleted" else Conflict):
        await hub.sessions.start(request(rotor.id))
    assert len(await hub.sessions.page(Page())) == (what == "taken")
    assert ((await holder(hub, rotor)).holder is None) == (what != "taken")


async def test_of_many_who_start_at_once_on_a_rotor_one_does(hub):
    rotor = await hub.rotor()
    starts = [hub.sessions.start(request(rotor.id)) for _ in range(8)]
    rows = await asyncio.gather(*starts, return_exceptions=True)
    (started,) = [row for row in rows if not isinstance(row, Conflict)]
    assert [row.id for row in await hub.sessions.page(Page())] == [started.id]


@pytest.mark.parametrize("verb", VERBS)
async def test_what_may_be_asked_of_a_session_is_as_specified(storing, verb):
    for name in HISTORIES:
        await ask_of_one_that_is(storing, verb, name)


async def ask_of_one_that_is(storing, verb, name):
    session_id = await storing.claimed(await storing.rotor())
    await storing.ingest.store(session_id, 1, HISTORIES[name])
    before = await storing.sessions.get(session_id)
    assert before.status == name
    words = ERRORS[verb]["400"].replace("<current_status>", name)
    allowed = name in words.partition("must be")[2]
    if allowed:
        await getattr(storing.sessions, verb)(session_id)
        after = await storing.sessions.get(session_id)
        assert (after.desired, after.seen) == (VERBS[verb], len(HISTORIES[name]))
        assert (after.status, after.number) == (name, before.number), "its node has yet to say so"
    else:
        with pytest.raises(Refused) as caught:
            await getattr(storing.sessions, verb)(session_id)
        assert str(caught.value) == words
        assert await storing.sessions.get(session_id) == before


async def test_of_a_session_that_is_not_there_everything_is_not_found(hub):
    for verb in (*VERBS, "get", "points", "recording", "with_rotor"):
        with pytest.raises(NotFound) as caught:
            await getattr(hub.sessions, verb)(4711)
        assert str(caught.value) == ERRORS["get"]["404"], verb
    with pytest.raises(NotFound):
        await hub.sessions.set_notes(4711, "mine")


async def test_what_is_asked_for_again_is_as_new_as_the_records_are(storing):
    """A fault after the first resume is none that its sender can have meant to take away."""
    session_id = await storing.claimed(await storing.rotor())
    await storing.ingest.store(session_id, 1, HISTORIES["paused"])
    await storing.sessions.resume(session_id)
    first = (await storing.sessions.get(session_id)).seen
    fault = [status("running"), status("paused", "fault")]
    assert await storing.ingest.store(session_id, first + 1, fault) == first + 2
    assert (await storing.sessions.get(session_id)).seen == first
    await storing.sessions.resume(session_id)
    assert (await storing.sessions.get(session_id)).seen == first + 2


@pytest.mark.parametrize("verb", ["pause", "resume"])
async def test_a_session_that_is_being_cancelled_stays_so(storing, verb):
    name = {"pause": "running", "resume": "paused"}[verb]
    session_id = await storing.claimed(await storing.rotor())
    await storing.ingest.store(session_id, 1, HISTORIES[name])
    await storing.sessions.cancel(session_id)
    await storing.sessions.cancel(session_id)  # it was asked for again, which is no error
    with pytest.raises(Refused) as caught:
        await getattr(storing.sessions, verb)(session_id)
    # One of the five statuses, and the one that it will have in a moment.
    words = ERRORS[verb]["400"].replace("<current_status>", "cancelled")
    assert str(caught.value) == words
    assert (await storing.sessions.get(session_id)).desired == "cancel"


async def test_what_no_node_has_taken_is_cancelled_here_and_now(hub):
    rotor = await hub.rotor()
    row = await hub.sessions.start(request(rotor.id))
    await hub.sessions.cancel(row.id)
    ended = await hub.sessions.get(row.id)
    assert (ended.status, ended.number, ended.desired) == ("cancelled", 1, "cancel")
    assert ended.finished_at is not None
    assert (await holder(hub, rotor)).holder is None
    async with hub.database.read() as connection:
        ((number, body),) = await records.bodies(connection, row.id)
    record = StatusRecord.model_validate_json(body)
    assert (number, record.status) == (1, ScanStatus.CANCELLED)
    assert not (await hub.tasks.claim(rotor.node_id, row.id)).granted


@pytest.mark.parametrize("first", ["cancel", "claim"])
async def test_cancel_and_claim_race_and_one_of_them_wins(hub, first):
    rotor = await hub.rotor()
    outcomes = set()
    for turns in range(16):
        row = await hub.sessions.start(request(rotor.id))
        both = {
            "cancel": lambda row=row: hub.sessions.cancel(row.id),
            "claim": lambda row=row: hub.tasks.claim(rotor.node_id, row.id),
        }
        running_first = asyncio.ensure_future(both.pop(first)())
        for _ in range(turns):
            await asyncio.sleep(0)
        ((_, second),) = both.items()
        answers = await asyncio.gather(running_first, second())
        (granted,) = [answer for answer in answers if answer is not None]
        after = await hub.sessions.get(row.id)
        outcomes.add(granted.granted)
        if granted.granted:
            assert (after.status, after.desired, after.claimed) == ("pending", "cancel", True)
            assert (await holder(hub, rotor)).holder == f"scan {row.id}"
            with running(hub.ingest.run()):  # its node ends it
                await hub.ingest.store(row.id, 1, [status("cancelled")])
            hub.ingest = type(hub.ingest)(hub.database, hub.bus)
        else:
            assert (after.status, after.claimed) == ("cancelled", False)
        assert (await holder(hub, rotor)).holder is None
    assert outcomes >= {first == "claim"}


async def test_notes_are_changed_and_taken_away(hub):
    rotor = await hub.rotor()
    row = await hub.sessions.start(request(rotor.id, notes="old"))
    assert (await hub.sessions.set_notes(row.id, "new")).notes == "new"
    assert (await hub.sessions.set_notes(row.id, None)).notes is None
    assert await hub.sessions.get(row.id) == row.__class__(
        **{name: getattr(row, name) for name in row.__dataclass_fields__} | {"notes": None}
    )


async def test_a_recording_is_what_the_node_recorded(storing):
    rotor = await storing.rotor()
    session_id = await storing.claimed(rotor)
    whole = stream("prmhp")
    await storing.ingest.store(session_id, 1, whole)
    (task,) = await storing.tasks.of_sessions(rotor.node_id, {session_id})
    recording = read_recording(await storing.sessions.recording(session_id))
    assert recording == Recording(task.plan, tuple(enumerate(whole, 1)))
    points = await storing.sessions.points(session_id)
    assert points == [r.model_dump_json() for r in whole if r.kind in ("point", "missing")]


async def test_the_most_recent_session_comes_first_and_pages_are_parts(hub):
    rotors = [await hub.rotor() for _ in range(2)]
    ids = []
    for n in range(6):
        row = await hub.sessions.start(request(rotors[n % 2].id))
        ids.insert(0, row.id)
        await hub.sessions.cancel(row.id)
    assert [row.id for row in await hub.sessions.page(Page())] == ids
    assert [row.id for row in await hub.sessions.page(Page(limit=2, offset=1))] == ids[1:3]
    ours = Page(rotor_id=rotors[1].id, status="cancelled")
    assert [row.id for row in await hub.sessions.page(ours)] == ids[::2]
    assert await hub.sessions.count(ours) == 3
    assert await hub.sessions.count(Page(status="running")) == 0


async def test_a_session_outlives_its_rotor(hub):
    rotor = await hub.rotor()
    row = await hub.sessions.start(request(rotor.id))
    with pytest.raises(Conflict, match=f"scan {row.id}"):
        await hub.rotors.delete(rotor.id)
    await hub.sessions.cancel(row.id)
    await hub.rotors.delete(rotor.id)
    session, of_rotor = await hub.sessions.with_rotor(row.id)
    assert (session.id, of_rotor.id, of_rotor.deleted) == (row.id, rotor.id, True)
    with pytest.raises(NotFound, match=ERRORS["start"]["404"]):
        await hub.sessions.start(request(rotor.id))
