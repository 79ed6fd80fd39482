"""A line-oriented TCP connection that never takes one answer for another.

rotctld, rigctld and their relatives answer in order and number nothing, so an answer can only
be known by its place. Therefore one request is under way at a time, and whenever one ends in
any way but a whole, well-formed answer (a timeout, nonsense, a cancelled task) the connection
is dropped: an answer that comes late then finds nobody to mislead.

A lost connection is opened again with growing pauses within a bounded window, and the request
is sent again. That is safe for requests that can be repeated without harm, and these protocols
have no other: positions, absolute targets, stops and readings.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable
from typing import TypeVar

from skyscan_lab.devices.turns import Turns, limit_s
from skyscan_lab.errors import DeviceProtocolError, DeviceTimeout, DeviceUnreachable

T = TypeVar("T")
Ends = Callable[[list[str]], bool]
"""Tells whether the lines so far are a whole answer."""

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]

MOST_LINES = 1000
CLOSING_S = 1.0


def why_unreachable(error: OSError) -> str:
    """Words for a connection that the system could not make.

    Examples
    --------
    >>> why_unreachable(ConnectionRefusedError())
    'no connection: nothing listens on that port'
    """
    match error:
        case ConnectionRefusedError():
            reason = "nothing listens on that port"
        case socket.gaierror():
            reason = f"the host is not known ({error.strerror})"
        case _:
            reason = str(error)
    return f"no connection: {reason}"


class LineConnection:
    """One connection to a server that answers lines with lines.

    Parameters
    ----------
    device : str
        What errors call the peer: ``"rotctld 127.0.0.1:4533"``.
    host : str
        Name or address.
    port : int
        TCP port.
    timeout_s : float
        For a connection, and for an answer, in real seconds.
    reconnect_s : float
        How long a lost connection is tried again, in real seconds, before it is given up.
    """

    def __init__(
        self,
        device: str,
        host: str,
        port: int,
        *,
        timeout_s: float = 5.0,
        reconnect_s: float = 30.0,
    ) -> None:
        self.device = device
        self.generation = 0  # counts connections: whoever set a state on the peer can see it go
        self._host = host
        self._port = port
        self._timeout_s = timeout_s
        self._streams: Streams | None = None
        self._wanted = False
        self._has_answered = False
        self._turns = Turns(reconnect_s)

    async def open(self) -> None:
        """Connect, in a single attempt: a peer that was never there is a mistake to tell at once.

        Raises
        ------
        DeviceUnreachable
            With the reason the system gave.
        """
        async with self._turns.turn():
            self._wanted = True
            self._has_answered = False
            try:
                await self._connect()
            except DeviceUnreachable:
                self._wanted = False
                raise

    async def close(self) -> None:
        """Disconnect; requests are refused from now on."""
        self._wanted = False
        streams, self._streams = self._streams, None
        if streams is not None:
            _, writer = streams
            writer.close()
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(CLOSING_S):
                    await writer.wait_closed()
            writer.transport.abort()

    async def request(
        self,
        line: str,
        ends: Ends,
        parse: Callable[[list[str]], T],
        *,
        extra_s: float = 0.0,
        hangs_up: bool = False,
    ) -> T:
        """Send a line and return what its answer means.

        Parameters
        ----------
        line : str
            The request, without its line end. It may be sent again after a lost connection.
        ends : callable
            Tells whether the lines so far are a whole answer.
        parse : callable
            Turns the lines into the result. A ValueError from it means nonsense.
        extra_s : float
            Real seconds that this request may take beyond the usual timeout.
        hangs_up : bool
            The peer closes the connection after this request, perhaps without a line.

        Raises
        ------
        DeviceUnreachable
            Without a connection for the whole window.
        DeviceTimeout
            Connected, but no whole answer in time.
        DeviceProtocolError
            An answer that is not one.
        """

        async def attempt() -> T:
            streams = self._streams or await self._connect()
            within_s = limit_s(self._timeout_s) + extra_s
            lines = await self._exchange(streams, line, ends, within_s, hangs_up)
            self._has_answered = True
            try:
                return parse(lines)
            except ValueError as error:
                self._drop()
                raise DeviceProtocolError(
                    self.device, f"answered {line!r} with {lines!r}: {error}"
                ) from error

        # What hung up before it ever answered is another program, not a lost peer.
        return await self._turns.take(attempt, lambda: self._wanted and self._has_answered)

    async def _connect(self) -> Streams:
        if not self._wanted:
            raise DeviceUnreachable(self.device, "is not connected")
        within_s = limit_s(self._timeout_s)
        try:
            async with asyncio.timeout(within_s):
                streams = await asyncio.open_connection(self._host, self._port)
        except TimeoutError as error:
            raise DeviceUnreachable(self.device, f"no connection within {within_s:g} s") from error
        except OSError as error:
            raise DeviceUnreachable(self.device, why_unreachable(error)) from error
        if not self._wanted:  # closed while it was being opened
            streams[1].transport.abort()
            raise DeviceUnreachable(self.device, "is not connected")
        self._streams = streams
        self.generation += 1
        return streams

    async def _exchange(
        self, streams: Streams, line: str, ends: Ends, timeout_s: float, hangs_up: bool
    ) -> list[str]:
        reader, writer = streams
        lines: list[str] = []
        keep = False
        try:
            async with asyncio.timeout(timeout_s):
                writer.write(line.encode("ascii") + b"\n")
                await writer.drain()
                while not ends(lines):
                    raw = await reader.readline()
                    if not raw.endswith(b"\n"):
                        if hangs_up and not raw:
                            break
                        raise DeviceUnreachable(self.device, f"closed the connection at {line!r}")
                    lines.append(raw.decode("utf-8", "replace").strip())
                    if len(lines) > MOST_LINES:
                        raise DeviceProtocolError(self.device, f"answers {line!r} without an end")
            keep = not hangs_up
        except TimeoutError as error:
            got = f"only {lines!r}" if lines else "nothing"
            raise DeviceTimeout(
                self.device, f"answered {line!r} with {got} within {timeout_s:g} s"
            ) from error
        except OSError as error:
            raise DeviceUnreachable(self.device, f"connection lost: {error}") from error
        except ValueError as error:
            # The stream's own limit on the length of a line.
            raise DeviceProtocolError(
                self.device, f"answers {line!r} without a line end"
            ) from error
        finally:
            if not keep:
                self._drop()
        return lines

    def _drop(self) -> None:
        streams, self._streams = self._streams, None
        if streams is not None:
            streams[1].transport.abort()
