"""Truth: astropy's own Earth (WGS-84, AltAz) and published look angles."""

from __future__ import annotations

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import ITRS, AltAz, CartesianRepresentation, EarthLocation
from astropy.time import Time
from hypothesis import given
from hypothesis import strategies as st

from skyscan_lab.catalogs import arc, look_angles
from skyscan_lab.catalogs.geostationary import ORBIT_RADIUS_M


def by_astropy(
    longitude_deg: float, latitude: float, longitude: float, height: float
) -> tuple[float, float]:
    site = EarthLocation.from_geodetic(longitude, latitude, height)
    # ITRS to AltAz is a fixed rotation, whatever the time, once it starts at the observer.
    satellite = np.radians(longitude_deg)
    position = CartesianRepresentation(
        ORBIT_RADIUS_M * np.cos(satellite), ORBIT_RADIUS_M * np.sin(satellite), 0.0, unit=u.m
    )
    time = Time("2024-01-01")
    topocentric = ITRS(
        position - site.get_itrs(time).cartesian, obstime=time, location=site
    ).transform_to(AltAz(obstime=time, location=site))
    return float(topocentric.az.deg), float(topocentric.alt.deg)


@given(
    satellite=st.floats(-180.0, 180.0),
    latitude=st.floats(-85.0, 85.0),
    longitude=st.floats(-180.0, 180.0),
    height=st.floats(-100.0, 5000.0),
)
def test_look_angles_are_those_of_astropy(
    satellite: float, latitude: float, longitude: float, height: float
) -> None:
    azimuth, elevation, _ = look_angles(satellite, (latitude, longitude, height))
    expected_azimuth, expected_elevation = by_astropy(satellite, latitude, longitude, height)
    assert float(elevation) == pytest.approx(expected_elevation, abs=1e-6)
    turn = (float(azimuth) - expected_azimuth + 180.0) % 360.0 - 180.0
    assert turn * np.cos(np.radians(expected_elevation)) == pytest.approx(0.0, abs=1e-6)


def test_due_south_at_the_site_s_own_meridian() -> None:
    azimuth, elevation, distance = look_angles(8.54, (47.37, 8.54))
    assert float(azimuth) == pytest.approx(180.0)
    # cos β = cos φ: 35.5° above the horizon, by the textbook formula for a round Earth.
    assert float(elevation) == pytest.approx(35.6, abs=0.3)
    assert float(distance) == pytest.approx(38.2e6, rel=0.01)


def test_arc_is_symmetric_about_the_meridian_and_above_the_horizon() -> None:
    table = arc((45.0, 10.0), step_deg=5.0)
    azimuth, elevation = table["azimuth"].value, table["elevation"].value
    np.testing.assert_allclose(azimuth + azimuth[::-1], 360.0, atol=1e-9)
    np.testing.assert_allclose(elevation, elevation[::-1], atol=1e-9)
    assert np.all(np.diff(azimuth) > 0.0)
    assert elevation.min() > 0.0
    assert elevation.max() == elevation[len(table) // 2]


def test_arc_crosses_the_date_line_in_proper_longitudes() -> None:
    longitude = arc((-41.3, 174.8), step_deg=1.0)["longitude"].value
    assert longitude.min() >= -180.0
    assert longitude.max() < 180.0
    assert np.any(longitude < -170.0)


def test_nothing_is_visible_from_the_pole() -> None:
    assert len(arc((89.0, 0.0))) == 0
