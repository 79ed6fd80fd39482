"""Levels from rigctld and gqrx: which of the two answers, fresh readings, refusals."""

import pytest

from skyscan_lab.devices.clock import SystemClock
from skyscan_lab.devices.emulators.rigctld import GqrxEmulator, RigctldEmulator
from skyscan_lab.devices.rigctld import RigctldReceiver
from skyscan_lab.errors import (
    DeviceProtocolError,
    DeviceRefused,
    DeviceUnreachable,
    InvalidInput,
    NoSignalSource,
)


class PatientClock(SystemClock):
    """Notes how long it was to wait, and does not."""

    def __init__(self):
        self.waited = []

    async def sleep(self, station_seconds):
        self.waited.append(station_seconds)


def driver(server, **settings):
    settings = {"clock": PatientClock(), "timeout_s": 1.0, "reconnect_s": 0.5} | settings
    return RigctldReceiver(server.host, server.port, **settings)


async def test_rigctld_reads_decibels_over_s9(counting_receiver):
    counting_receiver.next = -40.0
    async with RigctldEmulator(counting_receiver) as server, driver(server) as receiver:
        assert receiver.model == "Nothing much (emulated)"
        assert receiver.units == "dB"
        measured = await receiver.read(2)
    # The first reading, -40, was the question at the start whether it has a meter.
    assert measured.last == -38.0
    assert measured.mean == pytest.approx(-38.471, abs=1e-3)  # of the powers, and not -38.5


async def test_gqrx_reads_dbfs(counting_receiver):
    counting_receiver.next = -90.0
    async with GqrxEmulator(counting_receiver) as server, driver(server) as receiver:
        assert receiver.model.startswith("Gqrx")
        assert receiver.units == "dBFS"
        assert (await receiver.read(3)).last == -87.0


async def test_gqrx_that_cannot_name_itself_still_reads_dbfs(counting_receiver):
    class OldGqrx(GqrxEmulator):
        def answer(self, words):
            return "RPRT 1\n" if words == ["_"] else super().answer(words)

    async with OldGqrx(counting_receiver) as server, driver(server) as receiver:
        assert receiver.units == "dBFS"


async def test_raw_strength_is_counts(counting_receiver):
    async with (
        RigctldEmulator(counting_receiver) as server,
        driver(server, level="RAWSTR") as receiver,
    ):
        assert receiver.units == "counts"
        assert (await receiver.read(2)).mean == 501.5


async def test_each_reading_is_fresh(counting_receiver):
    clock = PatientClock()
    async with GqrxEmulator(counting_receiver) as server, driver(server, clock=clock) as receiver:
        await receiver.read(3)
    # Also before the first: the level of a moment ago was measured before the move ended.
    assert clock.waited == [0.3, 0.3, 0.3]


@pytest.mark.parametrize("emulator", [RigctldEmulator, GqrxEmulator])
async def test_frequency_is_tuned_to(counting_receiver, emulator):
    async with emulator(counting_receiver) as server, driver(server, frequency_hz=1420.4e6):
        assert server.frequency_hz == 1_420_400_000


async def test_gqrx_that_does_not_play_has_no_signal(counting_receiver):
    async with GqrxEmulator(counting_receiver) as server, driver(server) as receiver:
        server.playing = False  # it goes on to answer with its last level
        with pytest.raises(NoSignalSource, match="start its DSP"):
            await receiver.read(1)


async def test_gqrx_has_no_raw_strength(counting_receiver):
    async with GqrxEmulator(counting_receiver) as server:
        with pytest.raises(NoSignalSource, match=r"has no RAWSTR.*RPRT 1, no reason given"):
            await driver(server, level="RAWSTR").__aenter__()


async def test_dead_radio_behind_the_server_is_a_refusal(counting_receiver):
    def dead(_):
        raise DeviceUnreachable("radio", "no power")

    async with RigctldEmulator(counting_receiver) as server, driver(server) as receiver:
        counting_receiver.read_now = dead
        with pytest.raises(DeviceRefused, match="RPRT -6"):
            await receiver.read(1)


async def test_level_that_is_no_number_is_an_error(counting_receiver):
    async with GqrxEmulator(counting_receiver) as server, driver(server) as receiver:
        counting_receiver.next = float("nan")
        with pytest.raises(DeviceProtocolError, match="a level is finite"):
            await receiver.read(1)


def test_other_levels_are_refused():
    with pytest.raises(InvalidInput, match="level = 'SWR': must be one of STRENGTH, RAWSTR"):
        RigctldReceiver(level="SWR")


@pytest.mark.system
@pytest.mark.program("rigctld")
async def test_hamlib_reads_and_tunes(peer):
    async with peer("rigctld", "-m", "1", "-T", "127.0.0.1") as server:
        receiver = RigctldReceiver("127.0.0.1", server.port, frequency_hz=14.1e6, fresh_s=0.01)
        async with receiver:
            assert receiver.model == "Nothing much (dummy)"
            measured = await receiver.read(3)
            assert measured.reads == 3
            assert -80.0 < measured.mean < 80.0
            assert measured.last == round(measured.last)
