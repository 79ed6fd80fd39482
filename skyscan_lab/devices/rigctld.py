"""Level from hamlib's rigctld, or from gqrx which imitates it.

Both answer ``l STRENGTH`` with one number and mean different things by it: rigctld decibels
over S9 of a radio's meter, gqrx decibels below full scale. Which one answers, its ``_`` tells.
gqrx refreshes its level on a timer of its own, so readings are paced: one that is asked for
sooner is the same reading again, and right after a move it still belongs to the place before.

References
----------
.. [1] ``rigctld(1)``, Hamlib 4.5.4.
.. [2] gqrx, ``resources/remote-control.txt``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from types import TracebackType
from typing import Self, TypeVar

from skyscan_lab.devices import hamlib
from skyscan_lab.devices.base import Measurement, ReadingKey
from skyscan_lab.devices.clock import Clock, SystemClock
from skyscan_lab.devices.connection import LineConnection
from skyscan_lab.errors import DeviceRefused, InvalidInput, NoSignalSource
from skyscan_lab.power import Units, response_of

T = TypeVar("T")

GQRX_FRESH_S = 0.3
RIG_FRESH_S = 0.1  # meters of radios are smoothed over about as long

_UNITS: dict[str, Units] = {"STRENGTH": "dB", "RAWSTR": "counts"}


class RigctldReceiver:
    """A radio or a software receiver that reports a level over hamlib's protocol.

    Parameters
    ----------
    host : str
        Name or address of the server.
    port : int
        4532 for rigctld, 7356 for gqrx.
    level : str
        ``STRENGTH``, or for rigctld ``RAWSTR``.
    frequency_hz : float, optional
        Tuned to when connecting; by default the receiver stays where it is.
    fresh_s : float, optional
        Station seconds from one independent reading to the next; by default as the server
        needs it.
    clock : Clock, optional
        Station time.
    timeout_s : float
        For a connection and for an answer, real seconds.
    reconnect_s : float
        For how long a lost connection is tried again, real seconds.

    Raises
    ------
    InvalidInput
        For a level that is not a signal strength.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 4532,
        *,
        level: str = "STRENGTH",
        frequency_hz: float | None = None,
        fresh_s: float | None = None,
        clock: Clock | None = None,
        timeout_s: float = 5.0,
        reconnect_s: float = 30.0,
    ) -> None:
        if level not in _UNITS:
            raise InvalidInput("level", level, f"one of {', '.join(_UNITS)}")
        self.name = f"rigctld {host}:{port}"
        self.model = ""
        """What the server calls itself, once connected."""
        self._level = level
        self._frequency_hz = frequency_hz
        self._fresh_s = fresh_s
        self._clock = clock or SystemClock()
        self._is_gqrx = False
        self._connection = LineConnection(
            self.name, host, port, timeout_s=timeout_s, reconnect_s=reconnect_s
        )

    async def __aenter__(self) -> Self:
        """Connect, find out which program answers, and tune it."""
        await self._connection.open()
        try:
            self.model = await self._model()
            self._is_gqrx = self.model.startswith("Gqrx")
            if self._frequency_hz is not None:
                await self._ask(f"F {self._frequency_hz:.0f}", _accepted)
            await self._latest()  # a radio without a meter says so now, and not at a scan's start
        except BaseException:
            await self._connection.close()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Disconnect; the receiver stays tuned."""
        await self._connection.close()

    @property
    def units(self) -> Units:
        """Units of its readings; gqrx is known only once connected."""
        return "dBFS" if self._is_gqrx else _UNITS[self._level]

    async def read(self, reads: int, key: ReadingKey | None = None) -> Measurement:  # noqa: ARG002 -- only simulated noise needs the key
        """Take independent readings and average them, decibels as powers.

        Raises
        ------
        InvalidInput
            For fewer than one reading.
        NoSignalSource
            When the receiver has no meter, or gqrx is not playing.
        """
        if reads < 1:
            raise InvalidInput("reads", reads, "at least 1")
        if self._is_gqrx:
            await self._check_playing()
        fresh_s = GQRX_FRESH_S if self._is_gqrx else RIG_FRESH_S
        readings = []
        for _ in range(reads):
            await self._clock.sleep(fresh_s if self._fresh_s is None else self._fresh_s)
            readings.append(await self._latest())
        return Measurement.of(readings, response_of(self.units))

    async def _model(self) -> str:
        try:
            return await self._ask("_", lambda line: line)
        except DeviceRefused as error:
            # Many radios have no identification, nor have old versions of gqrx: those are
            # told by their code, or their dBFS would pass for decibels over S9.
            return "Gqrx" if error.code == hamlib.ANY_GQRX else "unnamed"

    async def _check_playing(self) -> None:
        # Stopped, gqrx goes on to answer with the last level that it saw.
        try:
            playing = await self._ask("u DSP", int)
        except DeviceRefused:
            return  # older versions do not tell
        if not playing:
            raise NoSignalSource(self.name, "gqrx is not receiving: start its DSP")

    async def _ask(self, line: str, parse: Callable[[str], T]) -> T:
        """Every answer here is one line: a value, or a result code."""

        def answer(lines: list[str]) -> T:
            if hamlib.is_result(lines[0]) and (code := hamlib.result_code(lines[0])):
                raise hamlib.refusal(self.name, line, code)
            return parse(lines[0])

        return await self._connection.request(line, bool, answer)

    async def _latest(self) -> float:
        try:
            return await self._ask(f"l {self._level}", _level)
        except DeviceRefused as error:
            if error.code in (*hamlib.NOT_KNOWN, hamlib.ANY_GQRX):
                raise NoSignalSource(self.name, f"has no {self._level}: {error.reason}") from error
            raise


def _accepted(line: str) -> None:
    hamlib.result_code(line)


def _level(line: str) -> float:
    value = float(line)
    if not math.isfinite(value):
        raise ValueError("a level is finite")
    return value
