"""Whatever a rotctld server answers, the outcome is a value or a DeviceError."""

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skyscan_lab.devices import hamlib
from skyscan_lab.devices.base import RotorLimits
from skyscan_lab.devices.connection import LineConnection
from skyscan_lab.devices.emulators.base import LoopbackServer
from skyscan_lab.devices.rotctld_dialects import HamlibDialect, RssiDialect, detect
from skyscan_lab.errors import DeviceError, DeviceProtocolError, DeviceRefused, NoSignalSource

# Lines that servers do send, and anything else; cut and put together at will.
LINES = st.one_of(
    st.sampled_from(
        [
            "get_pos:",
            "Azimuth: 12.5",
            "Elevation: 45.0",
            "Azimuth: nan",
            "Azimuth: ",
            "RPRT 0",
            "RPRT -1",
            "RPRT",
            "RPRT x",
            "CAPS:rssi,lna",
            "12.5",
            "10",
            "-inf",
            "1e999",
            "",
            "dump_state:",
            "Minimum Azimuth: 0",
            "Maximum Elevation: x",
        ]
    ),
    st.text(max_size=20).filter(lambda text: not set(text) & set("\n\r")),
)
SHORT_S = 0.02  # most of them are half an answer, whose end is waited for


class Answering(LoopbackServer):
    answer = b""

    async def serve(self, reader, writer):
        while line := await reader.readline():
            self.received.append(line.decode().strip())
            writer.write(self.answer)
            await writer.drain()


@contextlib.asynccontextmanager
async def connected(answer, timeout_s=2.0):
    async with Answering() as server:
        server.answer = answer
        connection = LineConnection(
            "rotctld", server.host, server.port, timeout_s=timeout_s, reconnect_s=0.0
        )
        await connection.open()
        try:
            yield server, connection
        finally:
            await connection.close()


@settings(max_examples=60)
@given(lines=st.lists(LINES, max_size=6))
async def test_any_lines_are_a_value_or_a_device_error(lines):
    answer = "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogatepass")
    async with connected(answer, SHORT_S) as (_, connection):
        requests = (
            HamlibDialect(connection, RotorLimits()).position,
            RssiDialect(connection, frozenset()).position,
            lambda: RssiDialect(connection, frozenset({"rssi", "lna"})).read_rssi(1),
            lambda: detect(connection),
        )
        for request in requests:
            with contextlib.suppress(DeviceError):
                await request()


@settings(max_examples=100)
@given(
    azimuth=st.floats(-720.0, 720.0), elevation=st.floats(-90.0, 180.0), digits=st.integers(0, 15)
)
async def test_positions_are_read_as_they_were_printed(azimuth, elevation, digits):
    printed = f"{azimuth:.{digits}f}", f"{elevation:.{digits}f}"
    expected = float(printed[0]), float(printed[1])
    labelled = "get_pos:\nAzimuth: {}\nElevation: {}\nRPRT 0\n".format(*printed)
    async with connected(labelled.encode()) as (_, connection):
        assert await HamlibDialect(connection, RotorLimits()).position() == expected
    async with connected("{}\n{}\n".format(*printed).encode()) as (_, connection):
        assert await RssiDialect(connection, frozenset()).position() == expected


@pytest.mark.parametrize("code", sorted(hamlib.MEANINGS))
async def test_each_code_is_told_with_its_meaning(code):
    async with connected(f"set_pos: 1 2\nRPRT -{code}\n".encode()) as (_, connection):
        with pytest.raises(DeviceRefused) as refused:
            await HamlibDialect(connection, RotorLimits()).move(1.0, 2.0)
    assert refused.value.code == -code
    assert hamlib.MEANINGS[code] in str(refused.value)


async def test_answer_to_another_question_is_nonsense():
    async with connected(b"get_info:\nInfo: x\nRPRT 0\n") as (_, connection):
        with pytest.raises(DeviceProtocolError, match="an answer to get_pos starts with its name"):
            await HamlibDialect(connection, RotorLimits()).position()


@pytest.mark.parametrize("reading", ["0\n500\n500\n", "5\nnan\n500\n", "5\n500\n1e999\n"])
async def test_readings_that_are_none_are_nonsense(reading):
    async with connected(reading.encode()) as (_, connection):
        with pytest.raises(DeviceProtocolError):
            await RssiDialect(connection, frozenset({"rssi"})).read_rssi(5)


async def test_limits_of_older_and_newer_hamlib_are_understood():
    labels = "min_az={}\nmax_az={}\nmin_el={}\nmax_el={}\n"
    words = (
        "Minimum Azimuth: {}\nMaximum Azimuth: {}\nMinimum Elevation: {}\nMaximum Elevation: {}\n"
    )
    for lines in (labels, words):
        body = lines.format(-180.0, 450.0, 0.0, 90.0)
        async with connected(f"dump_state:\n{body}RPRT 0\n".encode()) as (_, connection):
            dialect = await detect(connection)
            assert dialect.limits == RotorLimits((-180.0, 450.0), (0.0, 90.0))


async def test_server_without_capabilities_is_a_rotor_all_the_same():
    async with connected(b"RPRT -1\n") as (server, connection):
        dialect = await detect(connection)
        assert isinstance(dialect, RssiDialect)
        assert dialect.capabilities == frozenset()
        assert list(server.received) == [r"+\dump_state", "D"]


async def test_no_reading_is_available_is_no_signal_source():
    async with connected(b"RPRT -6\n") as (_, connection):
        with pytest.raises(NoSignalSource):
            await RssiDialect(connection, frozenset({"rssi"})).read_rssi(5)
