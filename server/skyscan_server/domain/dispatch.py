"""Tell the nodes that are connected here what has changed of their tasks.

One look at the store serves all of them: at every wake, and once a second besides. So an idle
node costs nothing, and a wake that was lost costs a second.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
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
        self._inboxes: defaultdict[int, set[Inbox]] = defaultdict(set)
        self._known: dict[int, OpenSession] = {}

    @contextmanager
    def deliver(self, node_id: int, inbox: Inbox) -> Iterator[None]:
        """Fill the inbox of a node for as long as the block runs."""
        self._inboxes[node_id].add(inbox)
        try:
            yield
        finally:
            self._inboxes[node_id].discard(inbox)
            if not self._inboxes[node_id]:
                del self._inboxes[node_id]

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
