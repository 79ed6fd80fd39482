"""Processes that make the load: each with a pipe, and an end to every wait."""

from __future__ import annotations

import gc
import multiprocessing
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from multiprocessing.connection import Connection as Pipe
from typing import Any, Self

# A new interpreter: a fork would bring along what the parent has open.
_CONTEXT = multiprocessing.get_context("spawn")


class LoadProcess:
    """A process that makes load.

    Parameters
    ----------
    work : callable
        What it does; it is given the other end of the pipe, and ends when None comes out of it.
    """

    def __init__(self, work: Callable[[Pipe], None]) -> None:
        self._pipe, theirs = _CONTEXT.Pipe()
        self._process = _CONTEXT.Process(target=_run, args=(work, theirs), daemon=True)
        self._process.start()
        theirs.close()

    def tell(self, message: object) -> Self:
        """Send it something."""
        self._pipe.send(message)
        return self

    def hear(self, within_s: float) -> Any:
        """Wait for what it has to say.

        Raises
        ------
        SystemExit
            Where it says nothing in time, or has ended.
        """
        try:
            if self._pipe.poll(within_s):
                return self._pipe.recv()
        except EOFError:
            raise SystemExit("a process that makes load has failed") from None
        raise SystemExit(f"a process that makes load has said nothing for {within_s:g} s")

    def end(self) -> None:
        """End it."""
        if self._process.is_alive():
            try:
                self._pipe.send(None)
                self._process.join(5)
            except OSError:
                pass
        self._process.kill()
        self._process.join()


def _run(work: Callable[[Pipe], None], pipe: Pipe) -> None:
    # Looking for garbage among all that is imported would hold up twenty nodes at once.
    gc.collect()
    gc.freeze()
    work(pipe)


@contextmanager
def load_processes(*works: Callable[[Pipe], None]) -> Iterator[list[LoadProcess]]:
    """Start processes, and end them with the block."""
    with ExitStack() as stack:
        processes = []
        for work in works:
            processes.append(LoadProcess(work))
            stack.callback(processes[-1].end)
        yield processes
