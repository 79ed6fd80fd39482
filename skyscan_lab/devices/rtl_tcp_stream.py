"""What rtl_tcp sends and takes: a greeting, commands without answers, samples without end.

The samples are never queued here: each is counted and let go as it arrives, or counted into the
reading in progress. So a slow scan holds no memory, and the server never has to drop samples for
want of a reader.
"""

from __future__ import annotations

import asyncio
import struct
import time

import numpy as np
from numpy.typing import NDArray

from skyscan_lab.devices.iq_power import CodeHistogram
from skyscan_lab.devices.stream_clock import StreamClock
from skyscan_lab.errors import DeviceUnreachable

# Command codes of rtl_tcp.
SET_FREQUENCY = 0x01
SET_SAMPLE_RATE = 0x02
SET_GAIN_MODE = 0x03  # 0: the tuner's own, 1: manual
SET_GAIN = 0x04  # tenths of a dB
SET_CORRECTION = 0x05  # parts per million
SET_AGC = 0x08  # of the RTL2832 behind the tuner

COMMAND = struct.Struct(">BI")
GREETING = struct.Struct(">4sII")  # magic, type of tuner, number of its gains
MAGIC = b"RTL0"

# What the RTL2832 can do; librtlsdr refuses other rates, and rtl_tcp does not say so.
SAMPLE_RATES_HZ = ((225_001, 300_000), (900_001, 3_200_000))
TRANSFER_SAMPLES = 131_072  # librtlsdr's USB transfer: how coarse the stream may arrive


class RtlTcpStream(asyncio.Protocol):
    """One connection: counts samples, and hands those that a reading wants to it."""

    def __init__(self, device: str, rate_hz: float) -> None:
        self._device = device
        self._head = b""
        self._odd = b""  # half a sample, at the end of what has arrived
        self._wanted: _Request | None = None
        self.greeting: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self.lost: DeviceUnreachable | None = None
        self.clock = StreamClock(rate_hz)
        self.count = 0

    def data_received(self, data: bytes) -> None:
        """Take the greeting, then count samples (called by asyncio)."""
        if not self.greeting.done():
            self._head += data
            if len(self._head) < GREETING.size:
                return
            data = self._head[GREETING.size :]
            self.greeting.set_result(self._head[: GREETING.size])
        data = self._odd + data
        whole = len(data) // 2
        self._odd = data[2 * whole :]
        iq = np.frombuffer(data, dtype=np.uint8, count=2 * whole).reshape(-1, 2)
        if self._wanted is not None:
            self._wanted.take(iq, self.count)
        self.count += whole
        self.clock.arrived(self.count, time.monotonic())

    def connection_lost(self, error: Exception | None) -> None:
        """Tell whoever waits (called by asyncio)."""
        reason = f"connection lost: {error}" if error else "the server closed the connection"
        self.lost = DeviceUnreachable(self._device, reason)
        if not self.greeting.done():
            self.greeting.set_exception(self.lost)
        if self._wanted is not None and not self._wanted.runs.done():
            self._wanted.runs.set_exception(self.lost)

    async def collect(self, first: int, samples: int, reads: int) -> list[CodeHistogram]:
        """Count `reads` runs of samples, the first of them starting at an index of the stream."""
        if self.lost is not None:
            raise self.lost
        self._wanted = _Request(first, samples, reads)
        try:
            return await self._wanted.runs
        finally:
            self._wanted = None


class _Request:
    """A wish for consecutive runs of samples, filled as they arrive."""

    def __init__(self, first: int, samples: int, reads: int) -> None:
        self._next = first
        self._samples = samples
        self._missing = samples
        self._reads = reads
        self._taken = [CodeHistogram()]
        self.runs: asyncio.Future[list[CodeHistogram]] = asyncio.get_running_loop().create_future()

    def take(self, iq: NDArray[np.uint8], index: int) -> None:
        """Take what is wanted of samples whose first has this index in the stream."""
        iq = iq[max(0, self._next - index) :]
        while iq.size and not self.runs.done():
            part = iq[: self._missing]
            self._taken[-1].add(part)
            self._next += len(part)
            self._missing -= len(part)
            iq = iq[len(part) :]
            if not self._missing:
                if len(self._taken) == self._reads:
                    self.runs.set_result(self._taken)
                else:
                    self._taken.append(CodeHistogram())
                    self._missing = self._samples
