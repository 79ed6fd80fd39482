"""rtl_tcp against signals of known power, on a real socket: level, freshness, loss, refusals."""

import asyncio
import contextlib
import struct
from collections.abc import AsyncIterator

import numpy as np
import pytest
from numpy.typing import NDArray

from skyscan_lab.devices import stream_clock
from skyscan_lab.devices.emulators.base import LoopbackServer
from skyscan_lab.devices.emulators.rtl_tcp import RtlTcpEmulator
from skyscan_lab.devices.rtl_tcp import RtlTcpReceiver
from skyscan_lab.errors import (
    DeviceProtocolError,
    DeviceTimeout,
    DeviceUnreachable,
    InvalidInput,
)

RATE_HZ = 960_000  # the lowest but the narrow band: what the test computer has to carry


class Signal:
    """White noise of a settable level, dBFS, with a tuner's DC spike of −14 dBFS."""

    def __init__(self, level_dbfs: float = -20.0) -> None:
        self.level_dbfs = level_dbfs
        self.constant: int | None = None
        self.silent = False
        rng = np.random.default_rng(7)
        self._noise = rng.standard_normal(2 * 65_536).astype(np.float32)

    def iq(
        self,
        samples: int,
        sample_rate_hz: float,  # noqa: ARG002  (white noise is the same at every rate)
    ) -> NDArray[np.uint8]:
        if self.silent:
            return np.empty(0, dtype=np.uint8)
        if self.constant is not None:
            return np.full(2 * samples, self.constant, dtype=np.uint8)
        scale = 127.5 * np.sqrt(10 ** (self.level_dbfs / 10) / 2)
        noise = np.resize(self._noise, 2 * samples) * scale
        return np.clip(np.rint(noise + 127.5 + 0.2 * 127.5), 0, 255).astype(np.uint8)


def receiver_for(server: LoopbackServer, **settings: float) -> RtlTcpReceiver:
    return RtlTcpReceiver(
        server.host,
        server.port,
        **{
            "frequency_hz": 1420.4e6,
            "sample_rate_hz": RATE_HZ,
            "timeout_s": 1.0,
            "reconnect_s": 2.0,
            **settings,
        },
    )


@contextlib.asynccontextmanager
async def station(signal: Signal, **settings: float) -> AsyncIterator[RtlTcpReceiver]:
    async with RtlTcpEmulator(signal) as server, receiver_for(server, **settings) as receiver:
        yield receiver


async def test_reads_the_power_without_the_dc_spike() -> None:
    async with station(Signal(-20.0)) as receiver:
        measurement = await receiver.read(5)
    assert measurement.reads == 5
    assert measurement.domain == "linear power"
    assert receiver.units == "dBFS"
    # 5 readings of 19 200 looks: 0.014 dB; the noise block repeats, so a little more.
    assert measurement.mean == pytest.approx(-20.0, abs=0.1)
    assert measurement.std == pytest.approx(0.03, abs=0.03)


class Relay(LoopbackServer):
    """A network between server and receiver that can hold the samples back."""

    def __init__(self, upstream: RtlTcpEmulator) -> None:
        super().__init__()
        self._upstream = upstream
        self.flowing = asyncio.Event()
        self.flowing.set()
        self.pause_s = 0.0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        source, sink = await asyncio.open_connection(
            self._upstream.host, self._upstream.port, limit=2**22
        )
        try:
            async with asyncio.TaskGroup() as tasks:
                down = tasks.create_task(self._pump(source, writer))
                await self._pump(reader, sink)
                down.cancel()
        finally:
            sink.transport.abort()

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while data := await source.read(65_536):
            await self.flowing.wait()
            await asyncio.sleep(self.pause_s)
            sink.write(data)


async def test_a_reading_holds_no_sample_from_before_it_was_asked_for() -> None:
    signal = Signal()
    async with station(signal, integration_s=0.03) as receiver:
        for before, after in ((-40.0, -15.0), (-15.0, -40.0)) * 3:
            signal.level_dbfs = before
            await asyncio.sleep(0.1)
            signal.level_dbfs = after
            assert (await receiver.read(1)).mean == pytest.approx(after, abs=0.5)


async def test_samples_that_were_held_up_on_the_way_are_not_taken_for_new_ones() -> None:
    signal = Signal(-15.0)
    async with (
        RtlTcpEmulator(signal) as server,
        Relay(server) as relay,
        receiver_for(relay, integration_s=0.03) as receiver,
    ):
        relay.flowing.clear()
        await asyncio.sleep(0.15)  # 0.15 s of the loud past wait on the way
        signal.level_dbfs = -40.0
        relay.flowing.set()
        assert (await receiver.read(1)).mean == pytest.approx(-40.0, abs=0.5)


async def test_a_network_that_is_too_slow_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_clock, "_WINDOW_S", 0.1)
    async with (
        RtlTcpEmulator(Signal()) as server,
        Relay(server) as relay,
        receiver_for(relay) as receiver,
    ):
        relay.pause_s = 0.05  # for each 64 KiB, which hold 0.034 s
        await asyncio.sleep(0.8)
        with pytest.raises(DeviceTimeout, match=r"does not carry 0\.96 MS/s"):
            await receiver.read(1)
        relay.pause_s = 0.0
        assert (await receiver.read(1)).mean == pytest.approx(-20.0, abs=0.1)


async def test_every_gain_control_is_off_and_the_tuner_set() -> None:
    signal = Signal(-30.0)
    async with RtlTcpEmulator(signal) as server:
        async with receiver_for(server, gain_db=36.4, correction_ppm=-3) as receiver:
            assert server.settings == {
                0x01: 1_420_400_000,
                0x02: RATE_HZ,
                0x03: 1,
                0x04: 364,
                0x05: 2**32 - 3,
                0x08: 0,
            }
            # The emulated automatic gain would read −12 dBFS whatever comes in.
            louder = await receiver.read(2)
        assert louder.mean == pytest.approx(-30.0 + 6.4, abs=0.2)


async def test_saturation_is_counted_and_told_once(caplog: pytest.LogCaptureFixture) -> None:
    async with station(Signal(0.0)) as receiver:
        await receiver.read(3)
        await receiver.read(2)
        assert receiver.saturated_readings == 5
    assert caplog.text.count("at a rail") == 1


async def test_a_dead_tuner_is_no_measurement() -> None:
    signal = Signal()
    async with station(signal) as receiver:
        signal.constant = 127
        await asyncio.sleep(0.1)
        with pytest.raises(DeviceProtocolError, match="all 19200 samples are equal"):
            await receiver.read(1)


async def test_a_dropped_connection_is_opened_again() -> None:
    async with RtlTcpEmulator(Signal(-20.0)) as server, receiver_for(server) as receiver:
        await server.drop_clients()
        await asyncio.sleep(0.05)
        assert (await receiver.read(2)).mean == pytest.approx(-20.0, abs=0.1)
        reading = asyncio.create_task(receiver.read(20))
        await asyncio.sleep(0.1)
        await server.drop_clients()  # in the middle of a reading
        assert (await reading).reads == 20


async def test_a_server_that_is_gone_is_unreachable() -> None:
    async with RtlTcpEmulator(Signal()) as server:
        receiver = receiver_for(server, reconnect_s=0.2)
        async with receiver:
            await server.__aexit__(None, None, None)
            with pytest.raises(DeviceUnreachable):
                await receiver.read(1)
        with pytest.raises(DeviceUnreachable, match="is not connected"):
            await receiver.read(1)
        with pytest.raises(DeviceUnreachable, match="no connection"):
            await receiver.__aenter__()


class ScriptedServer(LoopbackServer):
    """Sends some bytes, then nothing more."""

    def __init__(self, script: bytes, hang_up: bool = False) -> None:
        super().__init__()
        self._script = script
        self._hang_up = hang_up

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(self._script)
        if not self._hang_up:
            await reader.read()  # until the client leaves
            while await reader.read(100):
                pass


GREETING = struct.pack(">4sII", b"RTL0", 5, 29)


@pytest.mark.parametrize(
    ("script", "hang_up", "error", "words"),
    [
        (b"SSH-2.0-OpenSSH_9\r\n", False, DeviceProtocolError, "not rtl_tcp"),
        (b"RTL", False, DeviceTimeout, "one client at a time"),
        (b"", False, DeviceTimeout, "no greeting"),
        (b"RTL0", True, DeviceUnreachable, "closed the connection"),
        (GREETING, False, DeviceTimeout, "too few samples"),
        (GREETING + bytes(3001), True, DeviceUnreachable, "connection"),
    ],
)
async def test_what_is_not_a_working_server_is_named(
    script: bytes, hang_up: bool, error: type[Exception], words: str
) -> None:
    async with ScriptedServer(script, hang_up) as server:
        with pytest.raises(error, match=words):
            await receiver_for(server, timeout_s=0.2).__aenter__()


async def test_a_stream_that_stops_is_a_timeout_not_a_hang() -> None:
    signal = Signal()
    async with station(signal, timeout_s=0.3) as receiver:
        signal.silent = True
        with pytest.raises(DeviceTimeout, match=r"no samples for 0\.3 s"):
            await receiver.read(1)
        signal.silent = False
        assert (await receiver.read(1)).mean == pytest.approx(-20.0, abs=0.1)


async def test_a_slow_client_costs_the_emulator_bounded_memory() -> None:
    async with RtlTcpEmulator(Signal()) as server:
        _reader, writer = await asyncio.open_connection(server.host, server.port, limit=1024)
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        async with asyncio.timeout(20):
            while not server.lost_samples:  # noqa: ASYNC110  (a counter wakes nobody)
                await asyncio.sleep(0.05)
        writer.transport.abort()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("sample_rate_hz", 500_000.0),
        ("sample_rate_hz", float("nan")),
        ("frequency_hz", 0.0),
        ("frequency_hz", 5e9),
        ("gain_db", -1.0),
        ("integration_s", 0.0),
        ("integration_s", float("inf")),
    ],
)
def test_settings_that_the_dongle_does_not_have_are_refused(field: str, value: float) -> None:
    settings = {"frequency_hz": 1e9, field: value}
    with pytest.raises(InvalidInput, match=field):
        RtlTcpReceiver("127.0.0.1", **settings)


async def test_at_least_one_reading_is_asked_for() -> None:
    with pytest.raises(InvalidInput, match="reads = 0"):
        await RtlTcpReceiver("127.0.0.1", frequency_hz=1e9).read(0)


async def test_leaving_hangs_up_so_that_the_next_client_is_served() -> None:
    async with RtlTcpEmulator(Signal()) as server:
        async with receiver_for(server):
            assert server.clients == 1
        async with asyncio.timeout(5.0):
            while True:
                if not server.clients:
                    break
                await asyncio.sleep(0.01)
