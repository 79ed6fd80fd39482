"""A rotor that turns for as long as somebody here wants it to, and not for longer.

The site stops a jog that is not renewed in time, so whatever ends here, or on the way there,
ends the motion.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pydantic import TypeAdapter

from skyscan_lab.client.errors import ApiError, ServerUnreachable
from skyscan_lab.client.link import Link, Repeat
from skyscan_lab.client.trouble import TRY_LATER
from skyscan_lab.errors import SkyscanError
from skyscan_lab.protocol.rotors import JogRequest, MotionReply
from skyscan_lab.protocol.rpc import JOG_RENEWAL_S

_MOTION = TypeAdapter(MotionReply)
# One renewal may get lost, and another still be in time.
_EVERY_S = JOG_RENEWAL_S / 2
_ANSWER_S = JOG_RENEWAL_S / 4
_AGAIN_S = JOG_RENEWAL_S / 10


@asynccontextmanager
async def jogging(link: Link, rotor: int, request: JogRequest) -> AsyncIterator[None]:
    """Jog within a block.

    Parameters
    ----------
    link : Link
        Way to the server.
    rotor : int
        Which rotor.
    request : JogRequest
        Which way it turns.

    Raises
    ------
    SkyscanError
        Where it cannot begin, ends before the block does, or cannot be stopped.
    """
    jog = _Jog(link, rotor, request)
    await jog.begin()
    # Made to run out when the jog has ended by itself, so that the block ends, too.
    scope = asyncio.timeout(None)
    keeping = asyncio.create_task(jog.keep(scope), name=f"jog of rotor {rotor}")
    try:
        async with scope:
            yield
    except TimeoutError:
        if not scope.expired():
            raise
    finally:
        keeping.cancel()
        await asyncio.wait({keeping})
        if jog.ended is None:  # else somebody else may move it by now
            await jog.stop()
    if jog.ended is not None:
        raise jog.ended


class _Jog:
    """One jog; `ended` says why it is over, where we did not end it."""

    def __init__(self, link: Link, rotor: int, request: JogRequest) -> None:
        self.ended: SkyscanError | None = None
        self._link = link
        self._path = f"/api/rotors/{rotor}"
        self._request = request

    async def begin(self) -> None:
        reply = await self._link.ask(
            "POST",
            f"{self._path}/jog",
            _MOTION,
            body=self._request,
            repeat=Repeat.UNSENT,
            remedy=f"if it turns, it is stopped {JOG_RENEWAL_S:g} s later",
        )
        self._request = self._request.model_copy(update={"epoch": reply.epoch})

    async def keep(self, scope: asyncio.Timeout) -> None:
        """Renew it until it ends."""
        renewed, pause_s = time.monotonic(), _EVERY_S
        while self.ended is None:
            await asyncio.sleep(pause_s)
            began = time.monotonic()
            try:
                await self._renew()
            except SkyscanError as error:
                pause_s = _AGAIN_S
                if not _passing(error) or time.monotonic() > renewed + JOG_RENEWAL_S:
                    self.ended = error
            else:
                renewed, pause_s = began, _EVERY_S
        scope.reschedule(asyncio.get_running_loop().time())

    async def stop(self) -> None:
        # Not for long: it is stopped by itself soon, and is then free for others.
        await self._link.ask(
            "POST",
            f"{self._path}/stop",
            _MOTION,
            repeat=Repeat.UNANSWERED,
            timeout_s=JOG_RENEWAL_S,
            patience_s=JOG_RENEWAL_S,
        )

    async def _renew(self) -> None:
        await self._link.ask(
            "POST",
            f"{self._path}/jog",
            _MOTION,
            body=self._request,
            repeat=Repeat.UNSENT,
            timeout_s=_ANSWER_S,
            patience_s=0.0,
        )


def _passing(error: SkyscanError) -> bool:
    """Whether the next try may go better."""
    return isinstance(error, ServerUnreachable) or (
        isinstance(error, ApiError) and error.status in TRY_LATER
    )
