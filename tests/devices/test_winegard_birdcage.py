"""The Winegard drivers against an independent peer, the simulated G2 of winegard-birdcage."""

import contextlib
from collections.abc import AsyncIterator

import pytest
from birdcage.demo import DemoDevice

from skyscan_lab.devices.emulators.pseudo_terminal import PseudoTerminal
from skyscan_lab.devices.settle import Settling
from skyscan_lab.devices.winegard import WinegardReceiver, WinegardRotor
from skyscan_lab.errors import OutOfLimits


@contextlib.asynccontextmanager
async def birdcage_dish() -> AsyncIterator[tuple[PseudoTerminal, DemoDevice]]:
    """birdcage's dish answers commands; a terminal adds what a serial line does: the echo."""
    dish = DemoDevice()
    dish.connect()
    dish.get_position()  # starts its motion clock

    async def answer(line: str) -> bytes:
        # A bare carriage return repeats the prompt; the simulated dish knows lines only.
        text = dish.send_raw(line) if line else f"{dish._menu.name.replace('ROOT', 'TRK')}>"
        return f"{line}\r\n{text}".replace("\n", "\r\n").encode("ascii")

    async with PseudoTerminal(answer) as terminal:
        yield terminal, dish


async def test_moves_each_axis_and_reports_where_it_is() -> None:
    async with birdcage_dish() as (terminal, dish):
        async with WinegardRotor(terminal.path, settling=Settling(settle_s=0.05)) as rotor:
            reached = await rotor.move(183.0, 44.0)
        assert reached.azimuth_deg == pytest.approx(183.0, abs=0.2)
        assert reached.elevation_deg == pytest.approx(44.0, abs=0.2)
        assert (dish._target_az, dish._target_el) == (183.0, 44.0)
        assert dish._menu.name == "ROOT"  # left as it was found
        assert "a 0 183.00" in terminal.written
        assert "a 1 44.00" in terminal.written


async def test_reads_counts_with_the_lnb_powered_once() -> None:
    async with (
        birdcage_dish() as (terminal, dish),
        WinegardRotor(terminal.path, settling=Settling(settle_s=0.05)) as rotor,
        WinegardReceiver(rotor) as receiver,
    ):
        dish._az = dish._target_az = 200.0
        dish._el = dish._target_el = 38.0
        on_source = await receiver.read(5)
        dish._az = dish._target_az = 230.0
        off_source = await receiver.read(5)
        assert terminal.written.count("lnbdc odu") == 1
    assert on_source.reads == 5
    assert 2400 <= on_source.mean <= 2560  # floor 500, peak 2000, drift ±50
    assert 440 <= off_source.mean <= 560
    assert on_source.domain == "native units, uncorrected"


async def test_limits_are_ours_to_enforce() -> None:
    async with birdcage_dish() as (terminal, dish), WinegardRotor(terminal.path) as rotor:
        before = len(terminal.written)
        with pytest.raises(OutOfLimits, match=r"elevation 17\.9"):
            await rotor.move(180.0, 17.9)
        with pytest.raises(OutOfLimits, match=r"azimuth 360\.0"):
            await rotor.move(360.0, 45.0)
        assert len(terminal.written) == before
        dish.send_raw("a 1 5")  # the dish itself would go
        assert dish._target_el == 5.0
