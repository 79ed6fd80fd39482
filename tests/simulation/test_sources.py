"""Truth: the ephemeris itself, great circles of the sphere, and physics on paper."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skyscan_lab.catalogs import body_direction, look_angles
from skyscan_lab.session import Location
from skyscan_lab.simulation.sources import (
    SOLAR_FLUX_UNIT,
    GeostationarySatellite,
    MovingSource,
    PointSource,
    Sun,
    temperature_of_flux,
)
from skyscan_lab.sphere import separation

BERN = Location(46.95, 7.44, 550.0)
T0 = 1.78e9


def test_sun_follows_the_ephemeris() -> None:
    times = T0 + np.linspace(0.0, 86_400.0, 37).reshape(1, 37) + np.array([[0.0], [123.456]])
    found = Sun(90.0, BERN).direction(times)
    apart = separation(*found, *body_direction("sun", times, BERN))
    assert found[0].shape == times.shape
    assert apart.max() < 0.1 / 3600.0


def test_sun_is_the_same_whoever_else_asks() -> None:
    times = T0 + np.arange(50) * 777.7
    together = Sun(90.0, BERN).direction(times)
    alone = [Sun(90.0, BERN).direction(np.asarray(time)) for time in times]
    assert np.array_equal(together, np.transpose(alone))


@given(
    azimuth=st.floats(0.0, 360.0),
    elevation=st.floats(-80.0, 80.0),
    position_angle=st.floats(0.0, 360.0),
    rate=st.floats(0.01, 1.0),
)
def test_moving_source_keeps_its_rate_along_a_great_circle(
    azimuth: float, elevation: float, position_angle: float, rate: float
) -> None:
    source = MovingSource(azimuth, elevation, T0, position_angle, rate, temperature_k=1.0)
    times = T0 + np.arange(5) * 10.0
    track = source.direction(times)
    assert separation(track[0][0], track[1][0], azimuth, elevation) == pytest.approx(0.0, abs=1e-9)
    steps = separation(track[0][:-1], track[1][:-1], track[0][1:], track[1][1:])
    np.testing.assert_allclose(steps, 10.0 * rate, rtol=1e-6)
    straight = separation(track[0][0], track[1][0], track[0][-1], track[1][-1])
    assert straight == pytest.approx(40.0 * rate, rel=1e-6)


def test_satellites_and_emitters_stand_still() -> None:
    satellite = GeostationarySatellite(19.2, 500.0, BERN)
    assert satellite.direction(np.array([T0, T0 + 1e5])) == look_angles(19.2, BERN)[:2]
    azimuth, elevation = PointSource(62.0, 13.0, 900.0).direction(np.array([T0]))
    assert (float(azimuth), float(elevation)) == (62.0, 13.0)


def test_flux_becomes_temperature() -> None:
    # S A / 2k: 100 sfu on 1 m² are 362 K.
    assert temperature_of_flux(100 * SOLAR_FLUX_UNIT, 1.0) == pytest.approx(362.15, rel=1e-4)
