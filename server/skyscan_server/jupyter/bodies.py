"""A request's body on its way to the hub: one piece at a time, so that the browser waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator


class Body:
    """Pieces that one task puts in and another takes out.

    Parameters
    ----------
    patience_s : float
        Longest time that either waits for the other.
    """

    def __init__(self, patience_s: float) -> None:
        self._patience_s = patience_s
        self._piece = b""
        self._ended = False
        self._changed = asyncio.Condition()

    async def put(self, piece: bytes) -> None:
        """Put in the next piece, once the one before is out; after the end it is thrown away.

        Raises
        ------
        TimeoutError
            Where nobody takes the one before.
        """
        async with asyncio.timeout(self._patience_s), self._changed:
            await self._changed.wait_for(lambda: self._ended or not self._piece)
            if not self._ended:
                self._piece = piece
                self._changed.notify_all()

    async def end(self) -> None:
        """Say that it is whole, or that nobody wants more of it."""
        async with self._changed:
            self._ended = True
            self._changed.notify_all()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Take out the pieces.

        Raises
        ------
        TimeoutError
            Where the next one does not come.
        """
        while True:
            async with asyncio.timeout(self._patience_s), self._changed:
                await self._changed.wait_for(lambda: self._ended or bool(self._piece))
                piece, self._piece = self._piece, b""
                self._changed.notify_all()
            if not piece:
                return
            yield piece
