"""Parts for tests of the rules: a scripted wire to the nodes, a bus that loses, records."""

import asyncio
import itertools
import random
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from skyscan_lab.grid import ScanGrid
from skyscan_lab.protocol.graph import GraphRotor, HardwareGraph
from skyscan_lab.protocol.lifecycle import PauseReason, ScanStatus
from skyscan_lab.protocol.records import MissingRecord, PointRecord, ReferenceRecord, StatusRecord
from skyscan_lab.protocol.rpc import Checked, Done, PositionNow, Probed
from skyscan_lab.protocol.skyscan import ScanRequest
from skyscan_lab.station import Limits
from skyscan_server.bus.local import LocalBus
from skyscan_server.domain.calls import CallFailed

NOON = datetime(2026, 2, 14, 12, tzinfo=UTC)
AT_HOME = PositionNow(azimuth_deg=0.0, elevation_deg=0.0, time=NOON)
PROBED = Probed(
    model="a dish", rotor="a dish", receiver="its receiver", units="dBm", limits=Limits()
)
SMALL = {"az_start": 0.0, "az_end": 4.0, "el_start": 20.0, "el_end": 22.0, "step_deg": 2.0}


class ScriptedNode:
    """Stands for the wire and the node behind it; remembers what it was asked.

    ``answers`` has, by method, what comes back: an answer, a failure, or a coroutine function
    that is called with the call.
    """

    def __init__(self):
        self.calls = []
        self.answers = {
            "probe": PROBED,
            "position": AT_HOME,
            "move": AT_HOME,
            "park": AT_HOME,
            "jog": Done(),
            "stop": Done(),
            "check": Checked(),
        }

    async def call(self, node_id, call, *, timeout_s):  # noqa: ARG002 - as NodeCaller has it
        self.calls.append(call)
        answer = self.answers[call.method]
        if callable(answer):
            answer = await answer(call)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def asked(self, method):
        return [call for call in self.calls if call.method == method]

    def fail(self, method, failure, words="the words of the node"):
        self.answers[method] = CallFailed(failure, words)


class LossyBus(LocalBus):
    """Loses wakes, doubles them, and brings them late and in any order."""

    def __init__(self, seed=0):
        super().__init__()
        self._random = random.Random(seed)  # noqa: S311 - the same in every run

    def publish(self, subject):
        for _ in range(self._random.choice([0, 0, 1, 1, 2])):
            late = self._random.choice([0.0, 0.0, 0.001, 0.01])
            asyncio.get_running_loop().call_later(late, super().publish, subject)


class DeafBus(LocalBus):
    """Loses every wake."""

    def publish(self, subject):
        pass


@contextmanager
def running(*coroutines):
    """Run them beside a block; what goes wrong in one fails the test."""
    tasks = [asyncio.ensure_future(coroutine) for coroutine in coroutines]
    try:
        yield tasks
    finally:
        for task in tasks:
            if task.done():
                task.result()
            task.cancel()


async def until(holds):
    """Wait until something holds, however it comes to hold."""
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110 - what is waited for knows of no event
            await asyncio.sleep(0.005)


def graph(*keys):
    return HardwareGraph(rotors=[GraphRotor(key=key, name=key.title()) for key in keys])


def request(rotor_id, **fields):
    return ScanRequest(rotor_id=rotor_id, **SMALL | fields)


def grid():
    return ScanGrid(az=(0, 4), el=(20, 22), step=2)


def later(minutes):
    return NOON + timedelta(minutes=minutes)


def status(name, *reasons, words=None, minutes=0):
    return StatusRecord(
        status=ScanStatus(name),
        reasons=tuple(PauseReason(reason) for reason in reasons),
        words=words,
        time=later(minutes),
    )


def point(sequence, mean=-91.5, minutes=0):
    return PointRecord(
        sequence=sequence,
        azimuth_deg=2.0 * sequence - 2.0,
        elevation_deg=20.0,
        time=later(minutes),
        reads=10,
        mean=mean,
        std=0.5,
        last=-92.25,
        domain="linear power",
    )


def missing(sequence):
    return MissingRecord(
        sequence=sequence, reason="out_of_limits", words="below the horizon", time=NOON
    )


def reference(visit):
    return ReferenceRecord(
        visit=visit,
        azimuth_deg=1.0,
        elevation_deg=45.0,
        time=NOON,
        reads=0,
        mean=None,
        std=None,
        last=None,
        domain=None,
    )


def stream(kinds, end="completed"):
    """A whole session from the kinds of its records: p oint, m issing, r eference, h eld."""
    sequence, visit = itertools.count(), itertools.count()
    made = [status("running")]
    for kind in kinds:
        if kind == "p":
            made.append(point(next(sequence)))
        elif kind == "m":
            made.append(missing(next(sequence)))
        elif kind == "r":
            made.append(reference(next(visit)))
        else:
            made += [status("paused", "user", words="held"), status("running")]
    return [*made, *([] if end is None else [status(end, minutes=30)])]
