"""Tell the nodes that are connected here what has changed of their tasks.

One look at the store serves all of them: at every wake, and once a second besides. So an idle
node costs nothing, and a wake that was lost costs a second.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

import structlog

from skyscan_server.bus.base import TASKS, Bus
from skyscan_server.domain.tasks import Tasks
from skyscan_server.store.errors import StoreError
from skyscan_server.store.sessions import OpenSession

log = structlog.get_logger(__name__)


class Inbox(Protocol):
    """What gathers, for a node, the sessions that have changed since it was last told."""

    def put(self, session_id: int) -> None:
        """Note that a session has changed."""


class _Delivery(AbstractContextManager[None]):
    """Where an inbox is filled; there is one for each node that is connected, so it is small."""

    __slots__ = ("_inbox", "_inboxes", "_node_id")

    def __init__(self, inboxes: dict[int, tuple[Inbox, ...]], node_id: int, inbox: Inbox) -> None:
        self._inboxes = inboxes
        self._node_id = node_id
        self._inbox = inbox

    def __enter__(self) -> None:
        self._inboxes[self._node_id] = (*self._inboxes.get(self._node_id, ()), self._inbox)

    def __exit__(self, *raised: object) -> None:
        others = tuple(one for one in self._inboxes[self._node_id] if one is not self._inbox)
        if others:
            self._inboxes[self._node_id] = others
        else:
            del self._inboxes[self._node_id]


class Dispatch:
    """Watches the open sessions for the nodes that are connected here.

    Parameters
    ----------
    tasks : Tasks
        The work of the nodes.
    bus : Bus
        Says when to look.
    look_s : float
        Time after which to look though nobody said so.
    """

    def __init__(self, tasks: Tasks, bus: Bus, *, look_s: float = 1.0) -> None:
        self._tasks = tasks
        self._bus = bus
        self._look_s = look_s
        self._inboxes: dict[int, tuple[Inbox, ...]] = {}
        self._known: dict[int, OpenSession] = {}

    def deliver(self, node_id: int, inbox: Inbox) -> AbstractContextManager[None]:
        """Fill the inbox of a node for as long as the block runs."""
        return _Delivery(self._inboxes, node_id, inbox)

    async def run(self) -> None:
        """Look, and tell, until cancelled."""
        trouble = None
        with self._bus.listen(TASKS) as wake:
            while True:
                try:
                    self._tell(await self._tasks.everything_open())
                    trouble = None
                except StoreError as error:
                    if trouble is None:
                        log.warning("tasks cannot be read", reason=str(error))
                    trouble = error
                await wake.wait(self._look_s)

    def _tell(self, now: list[OpenSession]) -> None:
        found = {session.id: session for session in now}
        changed = {number: row for number, row in found.items() if self._known.get(number) != row}
        ended = {number: row for number, row in self._known.items() if number not in found}
        for number, row in {**changed, **ended}.items():
            for inbox in self._inboxes.get(row.node_id, ()):
                inbox.put(number)
        self._known = found
