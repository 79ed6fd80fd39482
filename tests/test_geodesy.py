"""Truth: astropy's EarthLocation, whose geodesy is ERFA's."""

from __future__ import annotations

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import EarthLocation
from hypothesis import given
from hypothesis import strategies as st

from skyscan_lab.geodesy import earth_centred, metres_per_degree, north_east_up

LATITUDE = st.floats(-90.0, 90.0)
LONGITUDE = st.floats(-180.0, 180.0)
HEIGHT = st.floats(-500.0, 9000.0)


def astropy_position(latitude: float, longitude: float, height: float) -> np.ndarray:
    place = EarthLocation.from_geodetic(longitude, latitude, height)
    return np.array([part.to_value(u.m) for part in place.to_geocentric()])


@given(LATITUDE, LONGITUDE, HEIGHT)
def test_positions_are_those_of_astropy(latitude: float, longitude: float, height: float) -> None:
    np.testing.assert_allclose(
        earth_centred(latitude, longitude, height),
        astropy_position(latitude, longitude, height),
        atol=1e-6,
    )


@given(st.floats(-89.0, 89.0), LONGITUDE, HEIGHT)
def test_a_small_step_is_as_long_as_a_degree_says(
    latitude: float, longitude: float, height: float
) -> None:
    step = 1e-4
    north, east = metres_per_degree(latitude, height)
    here = astropy_position(latitude, longitude, height)
    away = north_east_up(here, latitude - step, longitude, height)
    np.testing.assert_allclose(away / step, [north, 0.0, 0.0], rtol=1e-4, atol=20.0)
    away = north_east_up(here, latitude, longitude - step, height)
    np.testing.assert_allclose(away / step, [0.0, east, 0.0], rtol=1e-4, atol=20.0)


def test_north_east_and_up_are_where_they_should_be() -> None:
    pole = astropy_position(90.0, 0.0, 0.0)
    toward = north_east_up(pole, [0.0, 45.0], [10.0, -120.0])
    assert toward[:, 1] == pytest.approx([0.0, 0.0], abs=1e-6)
    assert (toward[:, 0] > 0).all()
    assert (toward[:, 2] < 0).all()
