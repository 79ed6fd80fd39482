"""Power from an RTL-SDR dongle behind rtl_tcp.

The server greets with 12 bytes and then sends I/Q samples without end; it takes commands of
five bytes and answers none of them. Every gain control is switched off, since one that follows
the signal would flatten the map it is meant to measure.

A reading begins with the first sample that was taken after it was asked for, wherever on the way
older ones may still be (`skyscan_lab.devices.stream_clock`).
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from types import TracebackType
from typing import Self

from skyscan_lab.devices.base import Measurement, ReadingKey
from skyscan_lab.devices.connection import why_unreachable
from skyscan_lab.devices.iq_power import CodeHistogram
from skyscan_lab.devices.patience import Patience
from skyscan_lab.devices.rtl_tcp_stream import (
    COMMAND,
    GREETING,
    MAGIC,
    SAMPLE_RATES_HZ,
    SET_AGC,
    SET_CORRECTION,
    SET_FREQUENCY,
    SET_GAIN,
    SET_GAIN_MODE,
    SET_SAMPLE_RATE,
    TRANSFER_SAMPLES,
    RtlTcpStream,
)
from skyscan_lab.errors import (
    DeviceProtocolError,
    DeviceTimeout,
    DeviceUnreachable,
    InvalidInput,
)
from skyscan_lab.power import DECIBEL, Units

_LATENCY_S = 0.01  # from the antenna to the network, for the least delayed samples
_RUN_IN_S = 0.25
_SATURATED = 1e-3  # of the samples at a rail: beyond this the reading is too low

_log = logging.getLogger(__name__)


class RtlTcpReceiver:
    """Total power in the band of an RTL-SDR dongle, in dBFS.

    0 dBFS is a complex sinusoid that just touches the rails. A reading is the power over the
    whole sample rate during `integration_s`, without the constant part that the tuner adds
    (`skyscan_lab.devices.iq_power`).

    Parameters
    ----------
    host : str
        Name or address of the server.
    port : int
        TCP port.
    frequency_hz : float
        Frequency to tune to.
    sample_rate_hz : float
        Samples a second, which is also the bandwidth: 225 001–300 000 or 900 001–3 200 000.
    gain_db : float
        Gain of the tuner; it takes the nearest that it has.
    integration_s : float
        Duration of one reading, in real seconds.
    correction_ppm : int
        Error of the dongle's crystal.
    timeout_s : float
        For a connection, and for samples to arrive, in real seconds.
    reconnect_s : float
        How long a lost connection is tried again, in real seconds, before it is given up.

    Raises
    ------
    InvalidInput
        For settings that the dongle does not have.
    """

    units: Units = "dBFS"

    def __init__(
        self,
        host: str,
        port: int = 1234,
        *,
        frequency_hz: float,
        sample_rate_hz: float = 2.048e6,
        gain_db: float = 30.0,
        integration_s: float = 0.02,
        correction_ppm: int = 0,
        timeout_s: float = 5.0,
        reconnect_s: float = 30.0,
    ) -> None:
        if not any(low <= sample_rate_hz <= high for low, high in SAMPLE_RATES_HZ):
            ranges = " or ".join(f"{low}…{high}" for low, high in SAMPLE_RATES_HZ)
            raise InvalidInput("sample_rate_hz", sample_rate_hz, ranges)
        if not 0 < frequency_hz < 2**32:
            raise InvalidInput("frequency_hz", frequency_hz, "greater than 0, below 4.29e9")
        if not 0 <= gain_db <= 60:
            raise InvalidInput("gain_db", gain_db, "0…60")
        samples = integration_s * sample_rate_hz
        if not 2 <= samples < math.inf:
            raise InvalidInput("integration_s", integration_s, "at least two samples long")
        self.name = f"rtl_tcp {host}:{port}"
        self._address = (host, port)
        self._rate_hz = round(sample_rate_hz)
        self._samples = round(samples)
        self._settings = (
            (SET_SAMPLE_RATE, self._rate_hz),
            (SET_FREQUENCY, round(frequency_hz)),
            (SET_CORRECTION, correction_ppm),
            (SET_AGC, 0),
            (SET_GAIN_MODE, 1),
            (SET_GAIN, round(10 * gain_db)),
        )
        self._timeout_s = timeout_s
        self._reconnect_s = reconnect_s
        self._stream: RtlTcpStream | None = None
        self._transport: asyncio.Transport | None = None
        self._latency_s = _LATENCY_S
        self._entered = False
        self._turn = asyncio.Lock()
        self.saturated_readings = 0
        """Readings so far with samples at the rails: lower than the truth."""

    async def __aenter__(self) -> Self:
        """Connect, in a single attempt, and set the dongle up."""
        await self._connect()
        self._entered = True
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Disconnect."""
        self._entered = False
        self._drop()

    async def read(
        self,
        reads: int,
        key: ReadingKey | None = None,  # noqa: ARG002  (only the simulated receiver needs it)
    ) -> Measurement:
        """Measure the power of samples taken from now on.

        Readings follow each other without a gap and share no sample, so they are independent;
        the looks of each are bandwidth × integration time, taking the spectrum to be flat.

        Raises
        ------
        DeviceUnreachable
            When the server cannot be reached again within `reconnect_s`.
        DeviceTimeout
            When the samples stop, or the network is too slow for the sample rate.
        DeviceProtocolError
            When all samples are equal: nothing is being received.
        """
        if reads < 1:
            raise InvalidInput("reads", reads, "at least 1")
        async with self._turn:
            runs = await self._collect(reads)
        values = [self._level(run) for run in runs]
        return Measurement.of(values, response=DECIBEL, looks=float(self._samples))

    async def _collect(self, reads: int) -> list[CodeHistogram]:
        patience = Patience(self._reconnect_s)
        while True:
            try:
                return await self._collect_from(await self._connected(), reads)
            except DeviceUnreachable:
                self._drop()
                if not (self._entered and await patience.pause()):
                    raise

    async def _connected(self) -> RtlTcpStream:
        if not self._entered:
            raise DeviceUnreachable(self.name, "is not connected")
        if self._stream is None or self._stream.lost is not None:
            return await self._connect()
        return self._stream

    async def _collect_from(self, stream: RtlTcpStream, reads: int) -> list[CodeHistogram]:
        if stream.clock.falling_behind:
            self._drop()  # and with it all that waits on the way
            raise DeviceTimeout(
                self.name,
                f"the network does not carry {self._rate_hz / 1e6:g} MS/s, samples arrive later "
                "and later: lower sample_rate_hz, or run rtl_tcp nearer to this computer",
            )
        first = stream.clock.index_at(time.monotonic() + self._latency_s)
        duration_s = (first - stream.count + reads * self._samples) / self._rate_hz
        try:
            async with asyncio.timeout(duration_s + self._timeout_s):
                return await stream.collect(first, self._samples, reads)
        except TimeoutError:
            self._drop()  # a stream that stood still does not tell the age of its samples
            raise DeviceTimeout(
                self.name, f"no samples for {self._timeout_s:g} s: is the dongle still plugged in?"
            ) from None

    def _level(self, run: CodeHistogram) -> float:
        power = run.power()
        if power == 0.0:
            raise DeviceProtocolError(
                self.name,
                f"all {run.samples} samples are equal: raise gain_db, or check the dongle",
            )
        if run.saturated > _SATURATED:
            if not self.saturated_readings:
                _log.warning(
                    "%s: %.1f %% of the samples are at a rail, so strong signals read too low: "
                    "lower gain_db",
                    self.name,
                    100 * run.saturated,
                )
            self.saturated_readings += 1
        return float(DECIBEL.to_reading(power))

    async def _connect(self) -> RtlTcpStream:
        loop = asyncio.get_running_loop()
        began = time.monotonic()
        try:
            async with asyncio.timeout(self._timeout_s):
                transport, stream = await loop.create_connection(
                    lambda: RtlTcpStream(self.name, self._rate_hz), *self._address
                )
        except TimeoutError as error:
            raise DeviceUnreachable(
                self.name, f"no connection within {self._timeout_s:g} s"
            ) from error
        except OSError as error:
            raise DeviceUnreachable(self.name, why_unreachable(error)) from error
        # The clock of a stream cannot see its least delay; to connect took a way out and back.
        self._latency_s = _LATENCY_S + time.monotonic() - began
        self._transport, self._stream = transport, stream
        try:
            await self._begin(transport, stream)
        except BaseException:
            self._drop()
            raise
        return stream

    async def _begin(self, transport: asyncio.Transport, stream: RtlTcpStream) -> None:
        try:
            async with asyncio.timeout(self._timeout_s):
                greeting = await stream.greeting
        except TimeoutError:
            raise DeviceTimeout(
                self.name,
                f"no greeting within {self._timeout_s:g} s: rtl_tcp serves one client at a time",
            ) from None
        magic, tuner, gains = GREETING.unpack(greeting)
        if magic != MAGIC:
            raise DeviceProtocolError(self.name, f"greeted with {greeting!r}: not rtl_tcp")
        _log.debug("%s: tuner type %d with %d gains", self.name, tuner, gains)
        for code, value in self._settings:
            transport.write(COMMAND.pack(code, value & 0xFFFFFFFF))
        # The clock has to have seen a whole transfer, so that it has met the least delay, and
        # the tuner to have settled.
        await self._run_in(stream)

    async def _run_in(self, stream: RtlTcpStream) -> None:
        samples = max(round(_RUN_IN_S * self._rate_hz), TRANSFER_SAMPLES + 1)
        try:
            async with asyncio.timeout(samples / self._rate_hz + self._timeout_s):
                await stream.collect(stream.count, samples, reads=1)
        except TimeoutError:
            raise DeviceTimeout(
                self.name, f"greeted, but sent too few samples within {self._timeout_s:g} s"
            ) from None

    def _drop(self) -> None:
        if self._transport is not None:
            self._transport.abort()
        self._transport = self._stream = None
