"""What a node says, and what the hub makes of it.

What takes the store some time is an errand beside the socket, so that a store that is full or
away keeps no answer to a call, and no position, from getting through. Batches of a session go
into the store in the order in which they came.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

import structlog

from skyscan_lab.protocol.node_link import (
    Ack,
    AskTasks,
    Claim,
    Hello,
    KnownJournal,
    NodeMessage,
    Records,
    Snapshot,
    Trouble,
)
from skyscan_lab.protocol.node_link import Tasks as TaskList
from skyscan_lab.protocol.rpc import PositionNow
from skyscan_server.bus.base import SESSIONS, TASKS, Bus
from skyscan_server.domain.errors import DomainError, NotFound, Unavailable
from skyscan_server.domain.positions import Positions
from skyscan_server.domain.rotors import Rotors
from skyscan_server.domain.tasks import Tasks
from skyscan_server.domain.troubles import Troubles
from skyscan_server.gateway.direct_rpc import DirectRpc
from skyscan_server.gateway.errands import Errands, Work
from skyscan_server.gateway.intake import Intake
from skyscan_server.gateway.node_connection import NodeConnection, NodeGone
from skyscan_server.store.errors import StoreError
from skyscan_server.web.problems import HttpRefusal, clipped
from skyscan_server.web.refusals import words_of
from skyscan_server.web.sockets import REFUSED
from skyscan_server.web.validation import MAX_INTEGER, in_words

MOST_ERRANDS = 256
"""Messages of one node that may wait for the store: four batches for each of 64 sessions."""

_RETRY_S = 1.0
_MOST_WORDS = 2000
_MOST_SNAPSHOTS = 256
_LOST = "the node has lost the journal of this session"

log = structlog.get_logger(__name__)


class Incoming:
    """Takes the messages of the nodes.

    Parameters
    ----------
    tasks, intake, rotors, positions, troubles : Tasks, Intake, Rotors, Positions, Troubles
        Where what they say belongs.
    rpc : DirectRpc
        Waits for answers.
    bus : Bus
        Woken when a session was held or let go here.
    errands : Errands
        Run what takes the store some time.
    """

    def __init__(
        self,
        *,
        tasks: Tasks,
        intake: Intake,
        rotors: Rotors,
        positions: Positions,
        troubles: Troubles,
        rpc: DirectRpc,
        bus: Bus,
        errands: Errands,
    ) -> None:
        self._tasks = tasks
        self._intake = intake
        self._rotors = rotors
        self._positions = positions
        self._troubles = troubles
        self._rpc = rpc
        self._bus = bus
        self._errands = errands

    def take(self, connection: NodeConnection, message: NodeMessage) -> None:
        """Take a message.

        Raises
        ------
        HttpRefusal
            For one that cannot be used; the connection is to be closed.
        """
        if isinstance(message, Records):
            self._take_records(connection, message)
        elif isinstance(message, Snapshot):
            self._take_snapshot(connection, message)
        elif isinstance(message, Claim):
            _check_number("claim.session_id", message.session_id)
            self._begin(connection, partial(self._grant, connection, message.session_id))
        elif isinstance(message, Trouble):
            _check_number("trouble.session_id", message.session_id)
            self._begin(connection, partial(self._note_trouble, connection, message))
        elif isinstance(message, AskTasks):
            for journal in message.journals:
                _check_number("journals.session_id", journal.session_id)
            self._begin(connection, partial(self._tell_tasks, connection, message.journals))
        elif isinstance(message, Hello):
            raise HttpRefusal(409, "the node has said hello before")
        else:
            self._rpc.take(connection, message)

    def _take_records(self, connection: NodeConnection, message: Records) -> None:
        _check_number("records.session_id", message.session_id)
        # What there is no room for must not be held by its errand either.
        kept = message if self._intake.reserve(message) else None
        left = None if kept is None else partial(self._intake.release, kept)
        work = partial(self._acknowledge, connection, message.session_id, kept)
        self._begin(connection, work, left)

    async def _acknowledge(
        self, connection: NodeConnection, session_id: int, records: Records | None
    ) -> None:
        if not connection.owns(session_id):
            await self._tasks.require_own(connection.node_id, session_id)
            connection.learn([session_id])
        if records is None:
            number = await self._intake.catch_up(session_id)
        else:
            number = await self._intake.store(records)
        await connection.send(Ack(session_id=session_id, number=number))

    async def _tell_tasks(
        self, connection: NodeConnection, journals: tuple[KnownJournal, ...]
    ) -> None:
        await self.find_again(connection, journals)
        tasks = await self._tasks.of_node(connection.node_id, journals)
        connection.learn(task.session_id for task in tasks)
        await connection.send(TaskList(tasks=tuple(tasks)))

    async def _grant(self, connection: NodeConnection, session_id: int) -> None:
        granted = await self._tasks.claim(connection.node_id, session_id)
        if granted.granted:
            connection.learn([session_id])
        await connection.send(granted)

    async def _note_trouble(self, connection: NodeConnection, message: Trouble) -> None:
        session_id = message.session_id
        words = message.words and clipped(message.words, _MOST_WORDS)
        try:
            await self._tasks.require_own(connection.node_id, session_id)
        except NotFound:
            return  # a journal of another hub
        self._troubles.put(session_id, words)
        if message.lost:
            await self._tasks.hold_lost(connection.node_id, session_id, words or _LOST)
            self._bus.publish(SESSIONS)
            self._bus.publish(TASKS)

    async def find_again(
        self, connection: NodeConnection, journals: tuple[KnownJournal, ...]
    ) -> None:
        """Let sessions go on whose journal was missed, and that a node has brought again."""
        found = await self._tasks.find_again(connection.node_id, journals)
        for session_id in found:
            log.info("journal found again", node_id=connection.node_id, session_id=session_id)
            self._troubles.put(session_id, None)
        if found:
            self._bus.publish(SESSIONS)

    def _take_snapshot(self, connection: NodeConnection, message: Snapshot) -> None:
        if connection.rotor_ids is not None:
            self._place(connection.rotor_ids, message)
            return
        looked_up = bool(connection.snapshots)
        if len(connection.snapshots) < _MOST_SNAPSHOTS:
            connection.snapshots[message.rotor] = message
        if not looked_up:
            self._begin(connection, partial(self._look_up_rotors, connection))

    async def _look_up_rotors(self, connection: NodeConnection) -> None:
        found = await self._rotors.by_key(connection.node_id)
        snapshots, connection.snapshots = connection.snapshots, {}
        connection.rotor_ids = {key: rotor.id for key, rotor in found.items()}
        for snapshot in snapshots.values():
            self._place(connection.rotor_ids, snapshot)

    def _place(self, rotor_ids: dict[str, int], snapshot: Snapshot) -> None:
        rotor_id = rotor_ids.get(snapshot.rotor)
        if rotor_id is not None:  # else the hub has taken it away, and the node not heard of it
            position = PositionNow(
                azimuth_deg=snapshot.azimuth_deg,
                elevation_deg=snapshot.elevation_deg,
                time=snapshot.time,
            )
            self._positions.put(rotor_id, position)

    def _begin(
        self, connection: NodeConnection, work: Work, left: Callable[[], None] | None = None
    ) -> None:
        """Begin an errand of a node, of which it may have only so many at a time."""
        if connection.errands >= MOST_ERRANDS:
            if left is not None:
                left()
            words = f"{MOST_ERRANDS} of its messages wait for the store: it must wait for answers"
            raise HttpRefusal(429, words)
        connection.errands += 1
        self._errands.start(partial(_errand, connection, work, left), connection.fail)


async def _errand(connection: NodeConnection, work: Work, left: Callable[[], None] | None) -> None:
    try:
        await _patiently(connection, work)
    finally:
        connection.errands -= 1
        if left is not None:
            left()


async def _patiently(connection: NodeConnection, work: Work) -> None:
    """Do something for a node, however long the store is full or away.

    What the node may not have asked for closes its connection.
    """
    while not connection.retired:
        try:
            await work()
        except NodeGone:
            break  # it says it again when it is back
        except Unavailable:
            break  # the hub stops
        except DomainError as error:
            status, words = words_of(error) or (500, str(error))
            log.warning("node refused", node_id=connection.node_id, status=status, words=words)
            connection.end(REFUSED + status, words)
            break
        except StoreError as error:
            log.warning("node has to wait", node_id=connection.node_id, reason=str(error))
            await asyncio.sleep(_RETRY_S)
        else:
            break


def _check_number(field: str, number: int) -> None:
    if not 0 <= number <= MAX_INTEGER:
        raise HttpRefusal(422, in_words(field, number, f"an integer within [0, {MAX_INTEGER}]"))
