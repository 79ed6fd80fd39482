"""rtl_tcp before any source of I/Q samples.

Samples flow at the rate that was asked for, as time passes, in transfers as a dongle's. A client
that does not keep up loses samples, as with the original: at most a few transfers wait for it.
Gain acts, and so do the two automatic gains, which hold the level whatever comes in.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from skyscan_lab.devices.emulators.base import LoopbackServer
from skyscan_lab.devices.rtl_tcp_stream import (
    COMMAND,
    GREETING,
    MAGIC,
    SAMPLE_RATES_HZ,
    SET_AGC,
    SET_GAIN,
    SET_GAIN_MODE,
    SET_SAMPLE_RATE,
)

_R820T = 5  # type of tuner
_GAINS = 29
_DEFAULT_RATE_HZ = 2_048_000
_TRANSFER_S = 0.02
_WAITING_TRANSFERS = 8
_AGC_LEVEL = 0.25  # rms of full scale that an automatic gain keeps
_MIDDLE = 127.5


class IqHardware(Protocol):
    """A tuner that can be asked at any time for the samples of just now."""

    def iq(self, samples: int, sample_rate_hz: float) -> NDArray[np.uint8]:
        """Interleaved I and Q, offset binary, shape ``(2 · samples,)``."""


class RtlTcpEmulator(LoopbackServer):
    """A server of I/Q samples on 127.0.0.1.

    Parameters
    ----------
    tuner : IqHardware
        Where the samples come from.
    port : int
        0 for any free one.
    gain_db : float
        Gain at which the tuner's samples are; a client that sets another scales them.
    """

    def __init__(self, tuner: IqHardware, port: int = 0, *, gain_db: float = 30.0) -> None:
        super().__init__(port)
        self._tuner = tuner
        self._gain_db = gain_db
        self.settings: dict[int, int] = {}
        """Value of each command that a client has sent, by its code."""
        self.lost_samples = 0
        """Samples that a client did not take in time."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Send samples to one client, and take its commands, until it leaves."""
        self.settings.clear()
        writer.write(GREETING.pack(MAGIC, _R820T, _GAINS))
        async with asyncio.TaskGroup() as tasks:
            sending = tasks.create_task(self._send(writer))
            with contextlib.suppress(asyncio.IncompleteReadError, OSError):
                while True:
                    self._obey(await reader.readexactly(COMMAND.size))
            sending.cancel()

    def _obey(self, command: bytes) -> None:
        code, value = COMMAND.unpack(command)
        self.received.append(command.hex())
        if code == SET_SAMPLE_RATE and not any(
            low <= value <= high for low, high in SAMPLE_RATES_HZ
        ):
            return  # refused by the dongle; the client is not told
        self.settings[code] = value

    async def _send(self, writer: asyncio.StreamWriter) -> None:
        waiting: deque[bytes] = deque(maxlen=_WAITING_TRANSFERS)
        due = time.monotonic()
        while True:
            await asyncio.sleep(due + _TRANSFER_S - time.monotonic())
            now = time.monotonic()
            rate_hz = self.settings.get(SET_SAMPLE_RATE, _DEFAULT_RATE_HZ)
            samples = int((now - due) * rate_hz)
            due += samples / rate_hz
            if len(waiting) == _WAITING_TRANSFERS:
                self.lost_samples += len(waiting[0]) // 2
            waiting.append(self._gained(self._tuner.iq(samples, rate_hz)).tobytes())
            # The transport sends what it has before it is given more, so that the bound holds.
            while waiting and not writer.transport.get_write_buffer_size():
                writer.write(waiting.popleft())

    def _gained(self, codes: NDArray[np.uint8]) -> NDArray[np.uint8]:
        automatic = self.settings.get(SET_AGC, 0) or not self.settings.get(SET_GAIN_MODE, 0)
        if not automatic:
            gain_db = self.settings.get(SET_GAIN, 0) / 10.0 - self._gain_db
            if gain_db == 0.0:
                return codes
            factor = 10.0 ** (gain_db / 20.0)
        amplitudes = codes.astype(np.float32) - np.float32(_MIDDLE)
        if automatic:
            factor = _AGC_LEVEL * _MIDDLE / max(float(amplitudes.std()), 0.5)
        scaled = np.clip(np.rint(amplitudes * factor + _MIDDLE), 0, 255)
        return np.asarray(scaled, dtype=np.uint8)
