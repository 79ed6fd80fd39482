"""Truth: what must hold of every record on disk and of everything announced, whatever people,
devices, the disk and the power supply do, in whatever order."""

import asyncio
import time
from datetime import timedelta
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from skyscan_lab.errors import DeviceTimeout, JournalWriteError, RotorStalled
from skyscan_lab.protocol.lifecycle import TRANSITIONS, PauseReason, ScanStatus
from skyscan_lab.protocol.records import MissingRecord, PointRecord, StatusRecord
from skyscan_lab.scanning import ScanEngine, open_journal
from skyscan_lab.scanning.recovery import parse_journal

REASONS = st.sampled_from(list(PauseReason))
STEPS = {(start, end) for (start, _), end in TRANSITIONS.items()}


def machine(parts) -> type[RuleBasedStateMachine]:
    class ScanMachine(RuleBasedStateMachine):
        """One scan of twelve points, with everything that can come in between."""

        def __init__(self) -> None:
            super().__init__()
            self.loop = asyncio.Runner()
            self.bench = self.loop.run(self._bench())
            self.announced = []
            self.loop.run(self._start())

        async def _bench(self):
            return parts.make_bench()

        async def _start(self, *, resumed: bool = False) -> None:
            self.journal = await open_journal("disk", parts.plan, file=self.bench.file)
            self.engine = ScanEngine(
                self.journal, self.bench.rotor, self.bench.receiver, policy=parts.policy
            )
            if resumed:
                self.engine.resume(*PauseReason)
            self.bench.rotor.gate.clear()
            self.run = asyncio.create_task(self.engine.run())
            self.watch = asyncio.create_task(self._watch())
            await self._quiet()

        async def _watch(self) -> None:
            after = self.announced[-1].number if self.announced else 0
            async for entry in self.journal.follow(after):
                self.announced.append(entry)

        async def _stop(self) -> None:
            for task in (self.run, self.watch):
                task.cancel()
            await asyncio.wait({self.run, self.watch})
            if not self.run.cancelled():
                assert isinstance(self.run.exception(), JournalWriteError | None)
            await self.journal.close()

        async def _quiet(self) -> None:
            """Let the engine do all it can until somebody has to do something."""
            deadline = time.monotonic() + 5.0
            while not (self.run.done() or self._waiting() or self._held()):
                assert time.monotonic() < deadline, "the engine hangs"
                await asyncio.sleep(0.0002)
            await asyncio.sleep(0)

        def _waiting(self) -> bool:
            return self.bench.rotor.moving and not self.bench.rotor.gate.is_set()

        def _held(self) -> bool:
            told = self.engine.troubled.is_set() or (
                self.engine.reasons == self.journal.state.reasons != frozenset()
            )
            return self.engine.status is ScanStatus.PAUSED and told

        def _alive(self) -> bool:
            return not self.run.done()

        @rule(count=st.integers(1, 5))
        def let_points_pass(self, count: int) -> None:
            async def go() -> None:
                rotor = self.bench.rotor
                rotor.at_move = {len(rotor.targets) + count - rotor.moving: rotor.gate.clear}
                rotor.gate.set()
                await self._quiet()

            self.loop.run(go())

        @rule(reason=REASONS)
        def pause(self, reason: PauseReason) -> None:
            self._tell(lambda: self.engine.pause(reason))

        @rule(reasons=st.lists(REASONS, max_size=3))
        def resume(self, reasons: list[PauseReason]) -> None:
            self._tell(lambda: self.engine.resume(*reasons))

        @rule(luck=st.integers(0, 9))
        def cancel(self, luck: int) -> None:
            if luck == 0:  # else few scans would get anywhere
                self._tell(self.engine.cancel)

        def _tell(self, wish) -> None:
            async def tell() -> None:
                wish()
                await self._quiet()

            self.loop.run(tell())

        @rule()
        def jam_the_rotor(self) -> None:
            self.bench.rotor.failures.append(RotorStalled("rotor", "jammed"))

        @rule(times=st.integers(1, 4))
        def disturb_the_receiver(self, times: int) -> None:
            self.bench.receiver.failures.extend([DeviceTimeout("receiver", "no answer")] * times)

        @rule(room=st.sampled_from([0, 1, 50, float("inf")]))
        def change_room_on_disk(self, room: float) -> None:
            self.bench.room = room

        @rule(torn=st.binary(max_size=20), resumed=st.booleans())
        def crash(self, torn: bytes, resumed: bool) -> None:
            async def crash() -> None:
                await self._stop()
                self.bench.rotor.moving = False
                self.bench.room = float("inf")
                self.bench.disk += torn.replace(b"\n", b"")
                await self._start(resumed=resumed)

            self.loop.run(crash())

        @precondition(lambda self: self.run.done())
        @rule()
        def run_again(self) -> None:
            async def again() -> None:
                await self._stop()
                self.bench.room = float("inf")
                await self._start()

            self.loop.run(again())

        @invariant()
        def the_disk_holds_a_scan(self) -> None:
            entries = parse_journal(bytes(self.bench.disk), Path("disk")).entries
            records = [entry.record for entry in entries]
            done = [
                record.sequence
                for record in records
                if isinstance(record, PointRecord | MissingRecord)
            ]
            assert done == list(range(len(done)))
            status = ScanStatus.PENDING
            for record in records:
                if isinstance(record, StatusRecord):
                    assert (status, record.status) in STEPS or (
                        status is record.status is ScanStatus.PAUSED
                    )
                    assert bool(record.reasons) == (record.status is ScanStatus.PAUSED)
                    status = record.status
                else:
                    assert status is ScanStatus.RUNNING
            if status is ScanStatus.COMPLETED:
                assert len(done) == parts.plan.total

        @invariant()
        def announced_is_what_is_on_disk(self) -> None:
            entries = parse_journal(bytes(self.bench.disk), Path("disk")).entries
            assert tuple(self.announced) == entries[: len(self.announced)]

        def teardown(self) -> None:
            async def finish() -> None:
                self.bench.room = float("inf")
                self.bench.rotor.failures.clear()
                self.bench.rotor.at_move.clear()
                self.bench.receiver.failures.clear()
                self.bench.rotor.gate.set()
                if not self._alive():
                    await self._stop()
                    await self._start()
                    self.bench.rotor.gate.set()
                deadline = time.monotonic() + 5.0
                while not self.run.done():
                    self.engine.resume(*PauseReason)
                    assert time.monotonic() < deadline, "the scan does not end"
                    await asyncio.sleep(0.0005)
                assert (await self.run).final
                await self.watch
                await self.journal.close()

            self.loop.run(finish())
            self.the_disk_holds_a_scan()
            self.announced_is_what_is_on_disk()
            entries = parse_journal(bytes(self.bench.disk), Path("disk")).entries
            assert tuple(self.announced) == entries
            self.loop.close()

    return ScanMachine


def test_nothing_is_lost_repeated_or_out_of_order(parts) -> None:
    run_state_machine_as_test(
        machine(parts),
        settings=settings(
            max_examples=30,
            stateful_step_count=25,
            deadline=timedelta(seconds=20),
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
