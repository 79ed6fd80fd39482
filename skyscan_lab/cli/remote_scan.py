"""A scan at a server, as the keys and the display of this program have it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from datetime import UTC, datetime
from types import TracebackType
from typing import Literal, Self

from skyscan_lab.client.skyscan import SkyScanClient
from skyscan_lab.errors import SkyscanError
from skyscan_lab.protocol.lifecycle import PauseReason, ScanStatus
from skyscan_lab.protocol.skyscan import NumberedProgress, ScanDetail
from skyscan_lab.scanning import Progress

Order = Literal["pause", "resume", "cancel"]


class RemoteScan:
    """A scan at a server; within it, orders are sent beside what is shown.

    One order is on its way at a time. A newer one takes its place, so that a scan can be
    cancelled while the server does not answer to a pause.

    Parameters
    ----------
    client : SkyScanClient
        Way to the server.
    session : ScanDetail
        Where the session stands.
    progress : Progress
        To be kept up to date, by the clock on the wall here.
    note : callable
        Shows a line of text.
    """

    def __init__(
        self,
        client: SkyScanClient,
        session: ScanDetail,
        progress: Progress,
        note: Callable[[str], None],
    ) -> None:
        self._client = client
        self._progress = progress
        self._status = session.status
        self._id = session.id
        self._after = session.number
        self._reasons = frozenset(session.reasons)
        self._note = note
        self._order: Order | None = None
        self._sending: set[asyncio.Task[None]] = set()
        self._away = False
        if session.completed_points:
            self._progress.reach(session.completed_points, datetime.now(UTC))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for task in self._sending:
            task.cancel()
        if self._sending:
            await asyncio.wait(self._sending)

    @property
    def status(self) -> ScanStatus:
        """Status, as last told."""
        return self._status

    @property
    def reasons(self) -> frozenset[PauseReason]:
        """Why it is held, or will be."""
        return self._reasons | ({PauseReason.USER} if self._order == "pause" else set())

    def pause(self) -> None:
        """Ask for it to be held at the next point."""
        self._send("pause")

    def resume(self) -> None:
        """Ask for it to go on."""
        self._send("resume")

    def cancel(self) -> None:
        """Ask for it to end."""
        self._send("cancel")

    async def updates(self) -> AsyncGenerator[NumberedProgress, None]:
        """What becomes of it, until it has ended; raises as `SkyScanClient.watch`."""
        watching = self._client.watch(self._id, self._after, on_trouble=self._lost)
        async with aclosing(watching) as updates:
            async for update in updates:
                self._away = False
                self._see(update)
                yield update

    def _see(self, update: NumberedProgress) -> None:
        now = datetime.now(UTC)
        if update.completed > self._progress.done:
            self._progress.reach(update.completed, now, missing=update.point is None)
        if update.status is not self._status:
            self._progress.count_from(now if update.status is ScanStatus.RUNNING else None)
            self._order = None
        self._status = update.status
        self._reasons = frozenset(update.reasons)

    def _lost(self, words: str) -> None:
        if not self._away:
            self._note(f"no connection to the server ({words}): the scan goes on, trying again")
        self._away = True

    def _send(self, order: Order) -> None:
        for task in self._sending:
            task.cancel()
        self._order = order
        task = asyncio.create_task(self._deliver(order), name=f"{order} session {self._id}")
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def _deliver(self, order: Order) -> None:
        deliver = {
            "pause": self._client.pause,
            "resume": self._client.resume,
            "cancel": self._client.cancel,
        }[order]
        try:
            await deliver(self._id)
        except SkyscanError as error:
            self._note(f"{order}: {error}")
            if self._order == order:
                self._order = None
