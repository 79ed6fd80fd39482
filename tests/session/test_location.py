"""Truth: astropy's EarthLocation, and the range of WGS-84."""

import numpy as np
import pytest
from astropy.coordinates import EarthLocation

from skyscan_lab.errors import InvalidInput
from skyscan_lab.session import Location, as_location, location_of, session_from_points
from tests.session.parts import NAN, scanned


@pytest.mark.parametrize(
    "place",
    [
        (47.0, 8.5, 440.0),
        [47.0, 8.5, 440.0],
        Location(47.0, 8.5, 440.0),
        EarthLocation.from_geodetic(8.5, 47.0, 440.0),
    ],
)
def test_every_way_to_write_a_place_is_wgs84(place) -> None:
    site = location_of(session_from_points([1.0], [20.0], [-90.0], location=place))
    assert site is not None
    assert (site.latitude_deg, site.longitude_deg) == pytest.approx((47.0, 8.5), abs=1e-12)
    assert site.height_m == pytest.approx(440.0, abs=1e-6)
    there = site.to_earth_location()
    assert there.lat.deg == pytest.approx(47.0)
    assert there.lon.deg == pytest.approx(8.5)


def test_a_session_without_a_site_has_none() -> None:
    assert location_of(scanned()) is None


@pytest.mark.parametrize(
    "place",
    [
        (47.0,),
        (1.0, 2.0, 3.0, 4.0),
        "47 8",
        "47",
        47.0,
        None,
        ("a", "b"),
        (47.0, NAN),
        (0.0, 361.0),
    ],
)
def test_what_is_no_place_is_refused(place) -> None:
    with pytest.raises(InvalidInput, match=r"location|deg"):
        as_location(place)


def test_a_height_is_finite() -> None:
    with pytest.raises(InvalidInput, match="height_m = inf"):
        Location(47.0, 8.0, np.inf)
