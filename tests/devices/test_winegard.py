"""The Winegard drivers against an emulated console that dies of `q` at its root."""

import asyncio
import contextlib
import random
import sys

import pytest
import serial

from skyscan_lab.devices import diagnose
from skyscan_lab.devices.base import Position, RotorLimits
from skyscan_lab.devices.emulators.pseudo_terminal import PseudoTerminal
from skyscan_lab.devices.emulators.winegard import WinegardEmulator
from skyscan_lab.devices.settle import Settling
from skyscan_lab.devices.winegard import WinegardReceiver, WinegardRotor
from skyscan_lab.errors import (
    DeviceError,
    DeviceProtocolError,
    DeviceTimeout,
    DeviceUnreachable,
    InvalidInput,
    OutOfLimits,
    RotorStalled,
)


def rotor_on(path, **settings):
    defaults = {
        "settling": Settling(settle_s=0.02, stall_s=1.0),
        "timeout_s": 0.3,
        "reconnect_s": 0.1,
    }
    return WinegardRotor(path, **{**defaults, **settings})


async def test_scans_a_few_points(make_dish):
    async with make_dish() as emulator:
        async with rotor_on(emulator.path) as rotor, WinegardReceiver(rotor) as receiver:
            for azimuth, elevation in ((170.0, 40.0), (172.0, 40.0), (172.0, 42.0)):
                reached = await rotor.move(azimuth, elevation)
                assert reached.azimuth_deg == pytest.approx(azimuth, abs=0.2)
                assert reached.elevation_deg == pytest.approx(elevation, abs=0.2)
                measurement = await receiver.read(4)
                assert measurement.reads == 4
                assert measurement.mean > 400  # the LNB has power
                assert measurement.mean == round(measurement.mean)
        assert receiver.units == "counts"
        assert emulator.alive
        assert emulator._menu == "TRK"
    assert emulator.written.count("lnbdc odu") == 1


@pytest.mark.parametrize("menu", ["", "mot", "dvb", "nvs"])
async def test_the_console_is_left_at_its_root_wherever_it_was(make_dish, menu):
    async with make_dish() as emulator:
        await emulator._obey(menu)
        async with rotor_on(emulator.path) as rotor:
            await rotor.position()
        assert emulator.alive
        assert emulator._menu == "TRK"
        # The very first thing sent is harmless everywhere.
        assert emulator.written[0] == ""


async def test_a_session_that_stayed_at_the_root_sends_no_q(make_dish):
    async with make_dish() as emulator:
        await (console := rotor_on(emulator.path).console).open()
        await console.close()
        assert "q" not in emulator.written


@pytest.mark.parametrize("seed", range(4))
async def test_nothing_that_happens_on_the_line_makes_it_send_q_at_the_root(make_dish, seed):
    """Restarts, lost prompts, noise, cancelled commands, in any order."""
    chance = random.Random(seed)  # noqa: S311  (a repeatable draw, no secret)
    async with make_dish() as emulator:
        rotor = rotor_on(emulator.path, timeout_s=0.05)
        receiver = WinegardReceiver(rotor)
        await rotor.console.open()
        acts = [
            rotor.position,
            lambda: receiver.read(2),
            rotor.console.close,
            rotor.console.open,
            lambda: asyncio.wait_for(receiver.read(4), 0.005),
            emulator.power_cycle,
            lambda: emulator.say(b"\r\nMOT>"),
            lambda: emulator.distortions.append(lambda answer: answer[:-3]),
            lambda: emulator.distortions.append(lambda _: b""),
            lambda: emulator.distortions.append(lambda answer: b"\xff" + answer.swapcase()),
            lambda: emulator.distortions.append(lambda answer: answer.replace(b"TRK", b"TR\xcb")),
        ]
        for _ in range(30):
            with contextlib.suppress(DeviceError, TimeoutError):
                outcome = chance.choice(acts)()
                if outcome is not None:
                    await outcome
            assert emulator.alive
        emulator.distortions.clear()
        await asyncio.sleep(0.1)  # the last cancelled reading
        await rotor.console.open()
        assert (await receiver.read(2)).mean > 400
        await rotor.console.close()
        assert emulator._menu == "TRK"


@pytest.mark.parametrize(
    "distort",
    [
        pytest.param(lambda answer: answer[: len(answer) // 2], id="truncated"),
        pytest.param(lambda answer: answer[:-4], id="prompt lost"),
        pytest.param(lambda _: b"", id="nothing"),
        pytest.param(lambda answer: answer.replace(b"A", b"\xc1"), id="noise in the value"),
        pytest.param(lambda answer: b"\x00\xff~" + answer, id="noise before"),
    ],
)
async def test_one_bad_answer_is_asked_for_again(make_dish, distort):
    async with make_dish() as emulator, rotor_on(emulator.path) as rotor:
        expected = await rotor.position()
        emulator.distortions.append(distort)
        where = await rotor.position()
    assert where == pytest.approx(expected, abs=0.05)


async def test_an_answer_in_pieces_is_one_answer(make_dish):
    async with make_dish() as emulator, rotor_on(emulator.path) as rotor:

        def in_pieces(answer):
            asyncio.get_running_loop().call_later(0.05, emulator.say, answer[12:])
            return answer[:12]

        emulator.distortions.append(in_pieces)
        assert (await rotor.position()).elevation_deg == pytest.approx(45.0, abs=0.05)


async def test_garbage_that_stays_is_a_protocol_error(make_dish):
    async with make_dish() as emulator, rotor_on(emulator.path) as rotor:
        emulator.distortions = [lambda answer: answer.replace(b"Angle", b"Ungle")] * 4
        with pytest.raises(DeviceProtocolError, match=r"answered 'a' with .*Ungle\[0\]"):
            await rotor.position()


async def test_a_flood_without_a_prompt_ends(make_dish):
    async with make_dish() as emulator, rotor_on(emulator.path, timeout_s=2.0) as rotor:

        async def flood():
            while True:
                emulator.say(b"x" * 2000)
                await asyncio.sleep(0.001)

        emulator.distortions = [lambda _: b""] * 4
        noise = asyncio.create_task(flood())
        with pytest.raises(DeviceProtocolError, match="talks without a prompt"):
            await rotor.position()
        noise.cancel()


async def test_power_lost_and_back(make_dish):
    async with (
        make_dish() as emulator,
        rotor_on(emulator.path) as rotor,
        WinegardReceiver(rotor) as receiver,
    ):
        await receiver.read(1)
        emulator.cut_power()
        with pytest.raises(DeviceTimeout, match="is the dish powered"):
            await receiver.read(1)
        emulator.power_cycle()
        assert (await receiver.read(1)).mean > 400
        assert emulator.written.count("lnbdc odu") >= 2
        # A restart that nobody noticed: the console is at its root, not where it was left.
        emulator.power_cycle()
        await rotor.position()
        emulator.power_cycle()
        assert (await receiver.read(1)).mean > 400
        assert emulator.alive


async def test_a_dish_that_restarts_on_the_way_is_sent_on(make_dish):
    async with make_dish() as emulator, rotor_on(emulator.path) as rotor:
        move = asyncio.create_task(rotor.move(300.0, 30.0))
        await asyncio.sleep(0.05)
        emulator.power_cycle()
        reached = await move
    assert reached.azimuth_deg == pytest.approx(300.0, abs=0.2)


async def test_a_pulled_cable_is_unreachable_and_can_be_plugged_in_again(make_dish, tmp_path):
    adapter = tmp_path / "by-id"  # a name that stays, as under /dev/serial/by-id
    async with make_dish() as emulator:
        adapter.symlink_to(emulator.path)
        rotor = rotor_on(str(adapter))
        async with rotor:
            move = asyncio.create_task(rotor.move(300.0, 30.0))
            await asyncio.sleep(0.1)
            emulator.unplug()
            with pytest.raises(DeviceUnreachable, match="does not exist"):
                await move
            with pytest.raises(DeviceUnreachable, match="does not exist"):
                await rotor.position()
            async with make_dish() as other:
                adapter.unlink()
                adapter.symlink_to(other.path)
                assert (await rotor.position()).elevation_deg == pytest.approx(45.0, abs=0.05)


async def test_a_port_that_is_missing_used_or_no_port_says_so(make_dish, tmp_path):
    with pytest.raises(DeviceUnreachable, match="does not exist: is the adapter plugged in"):
        await rotor_on(str(tmp_path / "ttyUSB9")).__aenter__()
    no_port = tmp_path / "file"
    no_port.touch()
    with pytest.raises(DeviceUnreachable, match="cannot be opened"):
        await rotor_on(str(no_port)).__aenter__()
    async with make_dish() as emulator:
        with (
            serial.Serial(emulator.path, exclusive=True),
            pytest.raises(DeviceUnreachable, match="in use by another program"),
        ):
            await rotor_on(emulator.path).__aenter__()


async def test_without_pyserial_the_way_to_get_it_is_named(
    monkeypatch,
):
    monkeypatch.setitem(sys.modules, "serial", None)
    with pytest.raises(DeviceError, match=r'pip install "skyscan-lab\[devices\]"'):
        await rotor_on("/dev/ttyUSB0").__aenter__()


async def test_what_is_no_g2_is_refused_and_let_go():
    async def traveller(line):
        return f"{line}\r\nAZ = 180.00 EL = 45.00\r\nMOT>".encode()

    async with PseudoTerminal(traveller) as terminal:
        for _ in range(2):  # the second would find the port in use
            with pytest.raises(DeviceProtocolError, match="AZ = 180"):
                await rotor_on(terminal.path).__aenter__()


async def test_stop_holds_and_ends_the_move(make_dish):
    async with make_dish() as emulator, rotor_on(emulator.path) as rotor:
        move = asyncio.create_task(rotor.move(330.0, 20.0))
        await asyncio.sleep(0.15)
        await rotor.stop()
        with pytest.raises(RotorStalled, match="stopped on the way"):
            await move
        first = await rotor.position()
        await asyncio.sleep(0.1)
        second = await rotor.position()
    assert first == pytest.approx(second, abs=0.05)
    assert first.azimuth_deg < 325.0


async def test_stop_moves_nothing_also_outside_the_stations_limits(make_dish):
    limits = RotorLimits(azimuth_deg=(200.0, 250.0))  # it stands at 180°
    async with make_dish() as emulator, rotor_on(emulator.path, limits=limits) as rotor:
        await rotor.stop()
        assert await rotor.position() == (180.0, 45.0)


async def test_the_way_round_is_the_dishs_choice(make_dish):
    async with make_dish() as emulator, rotor_on(emulator.path) as rotor:
        await rotor.move(5.0, 45.0)
        assert await rotor.move(350.0, 45.0) == pytest.approx((350.0, 45.0), abs=0.2)


async def test_a_cancelled_command_does_not_answer_the_next(make_dish):
    async with (
        make_dish() as emulator,
        rotor_on(emulator.path) as rotor,
        WinegardReceiver(rotor) as receiver,
    ):
        for _ in range(5):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(receiver.read(5), 0.03)  # it takes 0.1 s
            assert (await rotor.position()).elevation_deg == pytest.approx(45.0, abs=0.05)


async def test_a_cancelled_reading_is_not_the_next_one(make_dish):
    async with (
        make_dish() as emulator,
        rotor_on(emulator.path) as rotor,
        WinegardReceiver(rotor) as receiver,
    ):
        assert (await receiver.read(5)).last == 504.0
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(receiver.read(5), 0.03)  # 505 to 509, in the same menu
        assert (await receiver.read(5)).last >= 514.0


@pytest.mark.parametrize(
    "target",
    [(180.0, 17.99), (180.0, 65.01), (-0.01, 45.0), (360.0, 45.0), (float("nan"), 45.0)],
)
async def test_targets_outside_are_refused_before_anything_is_sent(make_dish, target):
    async with make_dish() as emulator, rotor_on(emulator.path) as rotor:
        before = len(emulator.written)
        with pytest.raises(OutOfLimits):
            await rotor.move(*target)
        assert len(emulator.written) == before


def test_limits_of_the_station_narrow_and_never_widen():
    wide = RotorLimits(azimuth_deg=(90.0, 450.0), elevation_deg=(0.0, 50.0))
    rotor = WinegardRotor("/dev/ttyUSB0", limits=wide)
    assert rotor.limits == RotorLimits(azimuth_deg=(90.0, 359.99), elevation_deg=(18.0, 50.0))
    with pytest.raises(OutOfLimits, match="nothing in common"):
        WinegardRotor("/dev/ttyUSB0", limits=RotorLimits(elevation_deg=(0.0, 10.0)))


async def test_parks_within_its_limits(make_dish):
    async with make_dish() as emulator, rotor_on(emulator.path, park=Position(200.0, 0.0)) as rotor:
        await rotor.park()
        assert await rotor.position() == pytest.approx((200.0, 18.0), abs=0.2)


async def test_a_position_just_across_north_is_there():
    """Nothing says whether the firmware counts 0.02° beyond north as −0.02 or as 359.98."""

    async def beyond_north(line):
        body = "Angle[0] = 359.98\r\nAngle[1] = 45.00\r\n" if line == "a" else ""
        return f"{line}\r\n{body}MOT>".encode()

    async with PseudoTerminal(beyond_north) as terminal:
        rotor = rotor_on(terminal.path)
        await rotor.console.open()
        reached = await rotor.move(0.0, 45.0)
        assert reached == pytest.approx((-0.02, 45.0))
        await rotor.console.close()


async def test_the_receiver_needs_the_rotor_and_at_least_one_reading(make_dish):
    async with make_dish() as emulator:
        rotor = rotor_on(emulator.path)
        with pytest.raises(DeviceUnreachable, match="connect the rotor first"):
            await WinegardReceiver(rotor).__aenter__()
        async with rotor, WinegardReceiver(rotor) as receiver:
            with pytest.raises(InvalidInput, match="reads = 0"):
                await receiver.read(0)


def test_the_emulator_wants_a_receiver_that_counts(linear_rotor, counting_receiver):
    counting_receiver.units = "dBm"
    with pytest.raises(InvalidInput, match="counts"):
        WinegardEmulator(linear_rotor, counting_receiver)


async def test_the_doctor_sees_the_dish_and_names_the_fix(make_dish, monkeypatch):
    monkeypatch.setattr(diagnose, "PATIENCE_S", 0.2)
    async with make_dish() as emulator:
        here = await diagnose.check_winegard(emulator.path)
        assert here == diagnose.Finding(
            f"Winegard G2 {emulator.path}", True, "at az 180.00°, el 45.00°"
        )
        assert not any(line.startswith("a ") for line in emulator.written)  # nothing was moved
        emulator.cut_power()
        silent = await diagnose.check_winegard(emulator.path)
        assert not silent.ok
        assert "no prompt" in silent.detail
        assert "switch the dish on" in silent.fix
    gone = await diagnose.check_winegard("/dev/ttyUSB99")
    assert not gone.ok
    assert "plug in the adapter" in gone.fix
