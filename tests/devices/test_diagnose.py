"""A diagnosis says what is there, what is missing, and what to do about it."""

import asyncio

import pytest

from skyscan_lab.devices import diagnose
from skyscan_lab.devices.emulators.base import LoopbackServer
from skyscan_lab.devices.emulators.rigctld import GqrxEmulator
from skyscan_lab.devices.emulators.rotctld import RotctldEmulator
from skyscan_lab.devices.emulators.rssi_dialect import RssiDialectEmulator
from skyscan_lab.station import Station


class Greeter(LoopbackServer):
    """Says one thing to whoever connects."""

    def __init__(self, greeting):
        super().__init__()
        self._greeting = greeting

    async def serve(self, reader, writer):
        writer.write(self._greeting)
        await reader.read()


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(diagnose, "PATIENCE_S", 0.6)


async def test_rotctld_that_answers(linear_rotor):
    async with RotctldEmulator(linear_rotor) as server:
        finding = await diagnose.check_rotctld(server.host, server.port)
    assert finding.ok
    assert finding.what == f"rotctld 127.0.0.1:{server.port}"
    assert finding.detail == (
        "Emulated rotator, at az 10.00°, el 30.00°, turns az -180…450°, el 0…90°"
    )
    assert finding.fix == ""
    assert not any("P" in line for line in server.received)  # nothing was moved


async def test_rotctld_that_is_not_there(linear_rotor):
    async with RotctldEmulator(linear_rotor) as server:
        pass
    finding = await diagnose.check_rotctld(server.host, server.port)
    assert not finding.ok
    assert f"-T 127.0.0.1 -t {server.port}" in finding.fix


async def test_rotctld_that_somebody_else_holds(linear_rotor):
    async with RssiDialectEmulator(linear_rotor) as server:
        _, writer = await asyncio.open_connection(server.host, server.port)
        await asyncio.sleep(0.02)
        finding = await diagnose.check_rotctld(server.host, server.port)
        writer.close()
    assert not finding.ok
    assert "another client" in finding.fix


async def test_rotor_that_should_measure_and_cannot(linear_rotor):
    async with RotctldEmulator(linear_rotor) as server:
        finding = await diagnose.check_rotctld(server.host, server.port, with_rssi=True)
    assert not finding.ok
    assert "does not support RSSI" in finding.detail
    assert "rtl_tcp" in finding.fix


async def test_gqrx(counting_receiver):
    counting_receiver.next = -90.0
    async with GqrxEmulator(counting_receiver) as server:
        found = await diagnose.check_rigctld(server.host, server.port)
        server.playing = False
        stopped = await diagnose.check_rigctld(server.host, server.port)
    gone = await diagnose.check_rigctld(server.host, server.port)
    assert found.ok
    assert found.detail == "Gqrx 2.17.5, -89 dBFS"
    assert "DSP" in stopped.fix
    assert "7356" in gone.fix


async def test_rtl_tcp():
    async with Greeter(b"RTL0" + (5).to_bytes(4, "big") + (29).to_bytes(4, "big")) as server:
        found = await diagnose.check_rtl_tcp(server.host, server.port)
    assert (found.ok, found.detail) == (True, "tuner type 5")
    async with Greeter(b"SSH-2.0-OpenSSH_9.2\r\n") as server:
        other = await diagnose.check_rtl_tcp(server.host, server.port)
    assert "another program" in other.fix
    async with Greeter(b"RTL0") as server:
        silent = await diagnose.check_rtl_tcp(server.host, server.port)
    assert "one client" in silent.fix
    gone = await diagnose.check_rtl_tcp(server.host, server.port)
    assert "rtl_tcp -a 127.0.0.1" in gone.fix


def test_serial_port_that_is_not_there(tmp_path):
    finding = diagnose.check_serial_port(str(tmp_path / "ttyUSB0"))
    assert not finding.ok
    assert "plug in" in finding.fix


def test_serial_port_that_may_be_used(tmp_path):
    port = tmp_path / "ttyUSB0"
    port.touch()
    assert diagnose.check_serial_port(str(port)).ok


async def test_station_is_looked_at_device_by_device(linear_rotor, counting_receiver):
    async with RssiDialectEmulator(linear_rotor, counting_receiver) as server:
        station = Station.model_validate(
            {
                "rotor": {"driver": "rotctld", "host": server.host, "port": server.port},
                "receiver": {"driver": "rotor"},
            }
        )
        findings = await diagnose.check_station(station)
    assert [(finding.what, finding.ok) for finding in findings] == [
        (f"rotctld 127.0.0.1:{server.port}", True),
        ("receiver", True),
    ]
    assert [finding.detail for finding in await diagnose.check_station(Station())] == [
        "simulated",
        "simulated",
    ]


@pytest.mark.parametrize(
    ("rotor", "receiver", "words"),
    [
        pytest.param(
            {"driver": "rotctld"}, {"driver": "rigctld", "level": "ALC"}, "STRENGTH", id="level"
        ),
        pytest.param(
            {"driver": "rotctld"},
            {"driver": "rtl_tcp", "frequency_hz": 1e9, "sample_rate_hz": 5e5},
            "sample_rate_hz",
            id="sample rate",
        ),
        pytest.param(
            {"driver": "winegard", "limits": {"elevation_deg": [0, 10]}},
            {"driver": "rotor"},
            "nothing in common",
            id="dish",
        ),
    ],
)
async def test_settings_that_no_device_has_are_named(rotor, receiver, words):
    station = Station.model_validate({"rotor": rotor, "receiver": receiver})
    (finding,) = await diagnose.check_station(station)
    assert not finding.ok
    assert words in finding.detail
    assert "station file" in finding.fix


async def test_limits_that_the_rotor_does_not_have_are_named(linear_rotor):
    async with RotctldEmulator(linear_rotor) as server:
        rotor = {
            "driver": "rotctld",
            "port": server.port,
            "limits": {"azimuth_deg": [500, 600]},
        }
        station = Station.model_validate({"rotor": rotor, "receiver": {"driver": "rigctld"}})
        finding = (await diagnose.check_station(station))[0]
    assert "nothing in common" in finding.detail
    assert "rotor.limits" in finding.fix
