"""Arrival and its failures, on motions whose course is known at every moment."""

import math
import time

import pytest

from skyscan_lab.devices.base import Position, RotorLimits
from skyscan_lab.devices.clock import ScaledClock, SystemClock
from skyscan_lab.devices.settle import HESITATION_S, Settler, Settling
from skyscan_lab.errors import DeviceTimeout, InvalidInput, PositionMismatch, RotorStalled

SETTLING = Settling(tolerance_deg=0.2, settle_s=0.1, stall_s=0.6, timeout_s=2.0)


class Motion:
    """Azimuth as a function of the seconds since the first look; counts the looks."""

    def __init__(self, azimuth, elevation=lambda _: 45.0):
        self._course = azimuth, elevation
        self.start = None
        self.looks = []

    async def __call__(self):
        now = time.monotonic()
        self.start = self.start or now
        where = Position(*(axis(now - self.start) for axis in self._course))
        self.looks.append((now - self.start, where))
        return where


def linear(start, end, speed):
    def course(t):
        return start + math.copysign(min(speed * t, abs(end - start)), end - start)

    return course


def settler(**limits):
    return Settler("rotor", SystemClock(), SETTLING, RotorLimits(**limits) if limits else None)


async def test_arrives_when_it_has_stayed_for_the_settling_time():
    motion = Motion(linear(0.0, 5.0, 20.0))
    reached = await settler().arrive(motion, 5.0, 45.0)
    assert reached == Position(5.0, 45.0)
    inside = [seen for seen, where in motion.looks if abs(where.azimuth_deg - 5.0) <= 0.2]
    assert inside[-1] - inside[0] >= 0.1


async def test_passing_through_the_target_is_not_arriving():
    # Reaches the target at 0.125 s, goes 1° beyond, and is back for good at 0.375 s.
    motion = Motion(lambda t: 4.0 + 8.0 * t if t < 0.25 else max(6.0 - 8.0 * (t - 0.25), 5.0))
    await settler().arrive(motion, 5.0, 45.0)
    assert motion.looks[-1][0] >= 0.35 + 0.1


async def test_creeping_through_the_tolerance_is_not_arriving():
    motion = Motion(linear(4.6, 5.0, 0.3))  # a second and more within the tolerance
    reached = await settler().arrive(motion, 5.0, 45.0)
    assert reached.azimuth_deg == pytest.approx(5.0, abs=0.02)


async def test_without_a_settling_time_a_rotor_must_still_be_at_rest():
    rotor = Settler("rotor", SystemClock(), Settling(settle_s=0.0))
    reached = await rotor.arrive(Motion(linear(4.0, 5.0, 2.0)), 5.0, 45.0)
    assert reached.azimuth_deg == pytest.approx(5.0, abs=0.02)


async def test_not_having_started_is_not_arriving():
    motion = Motion(lambda t: 4.9 if t < 0.4 else 5.0)  # both within the tolerance
    assert (await settler().arrive(motion, 5.0, 45.0)).azimuth_deg == 5.0


async def test_rotor_that_cannot_do_so_small_a_step_has_arrived_after_all():
    motion = Motion(lambda _: 4.9)
    assert (await settler().arrive(motion, 5.0, 45.0)).azimuth_deg == 4.9
    assert motion.looks[-1][0] >= HESITATION_S


async def test_rotor_that_has_started_is_not_waited_for(monkeypatch):
    monkeypatch.setattr("skyscan_lab.devices.settle.HESITATION_S", 1000.0)
    rotor = settler()
    await rotor.arrive(Motion(linear(4.0, 5.0, 20.0)), 5.0, 45.0)
    await rotor.arrive(Motion(lambda _: 5.1), 5.1, 45.0)
    await rotor.arrive(Motion(lambda _: 5.1), 5.1, 45.0)


async def test_last_digit_that_flickers_is_no_motion():
    motion = Motion(lambda t: 5.0 + 0.01 * (math.sin(700.0 * t) > 0.0))
    assert (await settler().arrive(motion, 5.0, 45.0)).azimuth_deg == pytest.approx(5.0, abs=0.02)


async def test_last_digit_that_flickers_over_north_is_no_motion():
    motion = Motion(lambda t: 0.0 if math.sin(700.0 * t) > 0.0 else 359.99)
    assert (await settler().standstill(motion)).azimuth_deg in (0.0, 359.99)


async def test_looks_seldom_on_the_way_once_it_knows_the_speed():
    rotor = settler()
    await rotor.arrive(Motion(linear(0.0, 4.0, 20.0)), 4.0, 45.0)
    motion = Motion(linear(4.0, 24.0, 20.0))
    await rotor.arrive(motion, 24.0, 45.0)
    on_the_way = [seen for seen, _ in motion.looks if seen < 0.9]
    assert len(on_the_way) <= 10  # 45 at the shortest interval


async def test_settling_time_is_the_stations():
    rotor = Settler("rotor", ScaledClock(1000.0), Settling(settle_s=50.0))
    motion = Motion(linear(0.0, 5.0, 100.0))
    await rotor.arrive(motion, 5.0, 45.0)
    assert motion.looks[-1][0] >= 0.05


async def test_stall_is_told_with_the_place():
    with pytest.raises(RotorStalled, match=r"towards az 5.00°, el 45.00°.* stands at az 1.00°"):
        await settler().arrive(Motion(linear(0.0, 1.0, 20.0)), 5.0, 45.0)


async def test_stall_near_the_target_says_which_setting_is_too_fine():
    with pytest.raises(RotorStalled, match=r"0\.30° away.* raise tolerance_deg, which is 0\.2"):
        await settler().arrive(Motion(lambda _: 4.7), 5.0, 45.0)


async def test_stall_a_turn_away_says_so():
    with pytest.raises(RotorStalled, match="a turn away"):
        await settler().arrive(Motion(lambda _: 10.0), 370.0, 45.0)


async def test_moving_away_is_no_progress():
    with pytest.raises(RotorStalled):
        await settler().arrive(Motion(linear(0.0, -90.0, 20.0)), 5.0, 45.0)


async def test_slow_is_not_stalled():
    await settler().arrive(Motion(linear(0.0, 1.0, 1.0)), 1.0, 45.0)


async def test_hunting_around_the_target_ends_in_a_timeout():
    with pytest.raises(DeviceTimeout, match=r"not settled at az 5\.00°"):
        await settler().arrive(Motion(lambda t: 5.0 + 0.5 * math.cos(8.0 * math.pi * t)), 5.0, 45.0)


@pytest.mark.parametrize("lie", [math.nan, math.inf])
async def test_position_that_is_no_number_is_a_lie(lie):
    with pytest.raises(PositionMismatch, match="reports the position"):
        await settler().arrive(Motion(lambda t: lie if t > 0.05 else 0.0), 5.0, 45.0)


async def test_jump_is_a_lie():
    with pytest.raises(PositionMismatch, match=r"jump from az 0\.00°, el 45\.00° to az 90\.00°"):
        await settler().arrive(Motion(lambda t: 90.0 if t > 0.05 else 0.0), 90.0, 45.0)


async def test_turning_over_north_is_no_jump():
    motion = Motion(lambda t: (358.0 + min(40.0 * t, 12.0)) % 360.0)
    assert (await settler().arrive(motion, 10.0, 45.0)).azimuth_deg == pytest.approx(10.0)


async def test_speed_is_not_learned_from_crossing_north():
    rotor = settler()
    north = Motion(lambda t: (358.0 + min(20.0 * t, 12.0)) % 360.0)
    await rotor.arrive(north, 10.0, 45.0)
    motion = Motion(linear(10.0, 30.0, 20.0))
    await rotor.arrive(motion, 30.0, 45.0)
    assert len([seen for seen, _ in motion.looks if seen < 0.9]) <= 10


async def test_mount_that_chooses_its_turn_may_go_the_long_way_round():
    rotor = Settler(
        "rotor",
        ScaledClock(10.0),
        Settling(stall_s=0.15, timeout_s=2.0),
        RotorLimits(azimuth_deg=(0.0, 359.99)),
        chooses_turn=True,
    )
    assert await rotor.arrive(Motion(linear(5.0, 350.0, 1000.0)), 350.0, 45.0) == (350.0, 45.0)
    # …and the short one, past the end of its numbers.
    assert await rotor.arrive(Motion(lambda t: 350.0 + min(200.0 * t, 15.0)), 5.0, 45.0) == (5, 45)


async def test_mount_that_chooses_its_turn_still_stalls():
    rotor = Settler("rotor", SystemClock(), SETTLING, chooses_turn=True)
    with pytest.raises(RotorStalled):
        await rotor.arrive(Motion(linear(0.0, 20.0, 40.0)), 90.0, 45.0)


async def test_rotor_elsewhere_after_a_reconnect_is_no_jump():
    rotor = settler()
    await rotor.arrive(Motion(lambda _: 0.0), 0.0, 45.0)
    rotor.forget()
    await rotor.arrive(Motion(lambda _: 170.0), 170.0, 45.0)


async def test_leaving_the_limits_is_told():
    with pytest.raises(PositionMismatch, match="left its limits: it is at az"):
        await settler(azimuth_deg=(0.0, 6.0)).arrive(Motion(linear(0.0, 20.0, 20.0)), 5.5, 45.0)


async def test_rotor_outside_its_limits_may_come_in():
    motion = Motion(lambda _: 10.0, linear(0.0, 20.0, 40.0))
    reached = await settler(elevation_deg=(18.0, 65.0)).arrive(motion, 10.0, 20.0)
    assert reached == Position(10.0, 20.0)


async def test_standstill_is_waited_for():
    motion = Motion(linear(0.0, 10.0, 20.0))
    assert await settler().standstill(motion) == Position(10.0, 45.0)


async def test_standstill_is_not_a_creep():
    motion = Motion(linear(4.0, 4.2, 0.2))
    assert (await settler().standstill(motion)).azimuth_deg == pytest.approx(4.2, abs=0.02)


async def test_standstill_that_never_comes_is_a_timeout():
    with pytest.raises(DeviceTimeout, match="still moving"):
        await settler().standstill(Motion(linear(0.0, 400.0, 20.0)))


@pytest.mark.parametrize(
    ("field", "value"),
    [("tolerance_deg", 0.0), ("settle_s", -0.1), ("stall_s", math.nan), ("timeout_s", math.inf)],
)
def test_settings_that_make_no_sense_are_refused(field, value):
    with pytest.raises(InvalidInput, match=field):
        Settling(**{field: value})
