"""What the user of a running scan can press: Ctrl-C, and while it is paused, keys."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import Callable, Collection, Iterator
from types import TracebackType
from typing import Protocol, Self

from skyscan_lab.protocol.lifecycle import PauseReason, ScanStatus

_HELP = "Enter goes on, q leaves it for later, Ctrl-C cancels"


class Controlled(Protocol):
    """A scan that can be held, let go on, and ended; here or elsewhere."""

    @property
    def status(self) -> ScanStatus:
        """Status now."""

    @property
    def reasons(self) -> Collection[PauseReason]:
        """Why it is held, or will be at the next point."""

    def pause(self) -> None:
        """Hold it at the next point."""

    def resume(self) -> None:
        """Let it go on."""

    def cancel(self) -> None:
        """End it."""


@contextlib.contextmanager
def undisturbed(say: Callable[[str], None]) -> Iterator[None]:
    """Within it Ctrl-C is answered and waits: what was measured is being put away.

    Whoever pauses a scan in its last second means the scan, and would otherwise go away
    without a session.
    """
    answer = "the scan has ended; writing its session"
    previous = signal.signal(signal.SIGINT, lambda *_: say(answer))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)


class ScanKeys:
    """Signals and keys of a scan, for as long as it runs.

    Parameters
    ----------
    scan : Controlled
        The scan.
    note : callable
        Shows a line of text.
    elsewhere : bool
        Whether it goes on without this program, which a third Ctrl-C then leaves, if the
        second has come to nothing.

    Attributes
    ----------
    listening : bool
        Whether standard input is a terminal, from which a paused scan can be resumed.
    patience : asyncio.Timeout
        Of the wait for the scan; made to run out when the scan is to be left as it is.
    """

    def __init__(
        self, scan: Controlled, note: Callable[[str], None], *, elsewhere: bool = False
    ) -> None:
        self.listening = sys.stdin is not None and sys.stdin.isatty()
        self.patience = asyncio.timeout(None)
        self._scan = scan
        self._note = note
        self._elsewhere = elsewhere
        self._cancelling = False
        self._decided = asyncio.Event()
        self._undo = contextlib.ExitStack()

    def __enter__(self) -> Self:
        loop = asyncio.get_running_loop()
        for number, handler in ((signal.SIGINT, self._interrupt), (signal.SIGTERM, self._leave)):
            loop.add_signal_handler(number, handler)
            self._undo.callback(loop.remove_signal_handler, number)
        if self.listening:
            loop.add_reader(sys.stdin, self._line)
            self._undo.callback(loop.remove_reader, sys.stdin)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._undo.close()

    def explain(self, reason: str, *, waits: bool = True) -> None:
        """Say why the scan is paused, and where it waits for the user, what can be done."""
        self._note(f"paused: {reason}")
        if waits:
            self._note(_HELP if self.listening else "Ctrl-C again cancels, what is measured stays")

    async def decision(self) -> None:
        """Return once the user lets a paused scan go on, or cancels it."""
        self._decided.clear()
        await self._decided.wait()

    def _interrupt(self) -> None:
        if self._cancelling and self._elsewhere:
            self._leave()
        elif self._held:
            self._note("cancelling")
            self._cancelling = True
            self._scan.cancel()
            self._decided.set()
        else:
            self._note("pausing at the next point")
            self._scan.pause()

    def _line(self) -> None:
        line = sys.stdin.readline()
        if not line:  # the terminal is gone; signals still work
            asyncio.get_running_loop().remove_reader(sys.stdin)
            return
        if not self._held:
            return
        match line.strip().lower():
            case "" | "r":
                self._note("going on")
                self._cancelling = False
                self._scan.resume()
                self._decided.set()
            case "q":
                self._leave()
            case "c":
                self._interrupt()
            case other:
                self._note(f"{other!r} means nothing here: {_HELP}")

    @property
    def _held(self) -> bool:
        return self._scan.status is ScanStatus.PAUSED or bool(self._scan.reasons)

    def _leave(self) -> None:
        with contextlib.suppress(RuntimeError):  # already left, or not yet waiting
            self.patience.reschedule(asyncio.get_running_loop().time())
