"""Truth: the published vectors of Vallado et al. (2006), and astropy's TEME, ITRS and AltAz."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import sgp4
from astropy import units as u
from astropy.coordinates import (
    ITRS,
    TEME,
    AltAz,
    CartesianDifferential,
    CartesianRepresentation,
    EarthLocation,
)
from astropy.time import Time

from skyscan_lab.catalogs import Satellites, read_satellites
from skyscan_lab.catalogs.elements import ElementSet, parse_elements
from skyscan_lab.earth import bundled_earth_orientation
from skyscan_lab.errors import InvalidInput
from skyscan_lab.sphere import separation

SGP4 = Path(sgp4.__file__).parent
SITE = (47.37, 8.54, 440.0)
# An element set of the ISS, which moves fast, and one far away: Molniya 1-83 (Vallado's list).
LISTED = """ISS (ZARYA)
1 25544U 98067A   08264.51782528 -.00002182  00000-0 -11606-4 0  2927
2 25544  51.6416 247.4627 0006703 130.5360 325.0288 15.72125391563537
MOLNIYA 1-83
1 21897U 92011A   06176.02341244 -.00001273  00000-0 -13525-3 0  3044
2 21897  62.1749 198.0096 7421690 253.0462  20.1561  2.01269994104880
"""


def published() -> dict[int, list[list[float]]]:
    """Per satellite the rows minutes, x, y, z, … of the published output."""
    rows: dict[int, list[list[float]]] = {}
    for line in (SGP4 / "tcppver.out").read_text().splitlines():
        words = line.split()
        if words[-1] == "xx":
            rows[int(words[0])] = current = []
        elif len(words) >= 7:
            current.append([float(word) for word in words[:4]])
    return rows


def verification_elements() -> list[ElementSet]:
    # Those from 33333 on were made up by hand, to make the propagator give up: no checksums.
    lines = [
        line[:69]
        for line in (SGP4 / "SGP4-VER.TLE").read_text().splitlines()
        if line.startswith(("1 ", "2 ")) and line[2:7] < "33333"
    ]
    return parse_elements("\n".join(lines), "SGP4-VER.TLE")


def by_astropy(teme_km: np.ndarray, times: Time) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Earth-fixed metres, azimuth and elevation of positions of shape (m, 3)."""
    site = EarthLocation.from_geodetic(SITE[1], SITE[0], SITE[2])
    with bundled_earth_orientation():
        moving = CartesianRepresentation(
            teme_km.T * u.km,
            differentials=CartesianDifferential(np.zeros_like(teme_km.T) * u.km / u.s),
        )
        fixed = TEME(moving, obstime=times).transform_to(ITRS(obstime=times))
        position = fixed.cartesian.without_differentials()
        topocentric = ITRS(
            position - site.get_itrs(times).cartesian, obstime=times, location=site
        ).transform_to(AltAz(obstime=times, location=site))
    return position.xyz.to_value(u.m).T, topocentric.az.deg, topocentric.alt.deg


def test_published_vectors_reach_the_sky_through_astropy_s_frames() -> None:
    """Every published position within 2 cm, some metres after a year in orbit, and 0.01″."""
    vectors, checked = published(), 0
    for element in verification_elements():
        rows = np.array(vectors[element.number])
        orbit = element.orbit
        # In days of UTC, as the propagator counts: over the leap second of 2005, too.
        fraction = orbit.jdsatepochF + rows[:, 0] / 1440.0
        times = Time(orbit.jdsatepoch, fraction, format="jd", scale="utc")
        alone = Satellites([element])
        found = alone.positions(times)[0]
        usable = np.isfinite(found[:, 0])
        expected, azimuth, elevation = by_astropy(rows[:, 1:], times)
        assert np.abs(found - expected)[usable].max() < 0.05
        apart = separation(
            *(angle[:, 0] for angle in alone.directions(times, SITE)), azimuth, elevation
        )
        assert apart[usable].max() < 0.01 / 3600.0
        checked += int(usable.sum())
    assert checked > 600


def test_several_satellites_at_several_times_are_each_where_they_are_alone(
    tmp_path: Path,
) -> None:
    path = tmp_path / "satellites.tle"
    path.write_text(LISTED)
    together = read_satellites(path)
    times = Time("2008-09-20T12:00:00") + np.arange(4) * u.hour
    azimuth, elevation = together.directions(times, SITE)
    assert azimuth.shape == elevation.shape == (4, 2)
    for place, which in enumerate(("25544", "molniya 1-83")):
        alone = together.find(which)
        assert alone is not None
        for moment in range(4):
            one = alone.directions(times[moment], SITE)
            np.testing.assert_array_equal(one[0][0, 0], azimuth[moment, place])
            np.testing.assert_array_equal(one[1][0, 0], elevation[moment, place])
    assert together.find("25545") is None


def test_of_several_element_sets_the_nearest_in_time_counts() -> None:
    (old,) = parse_elements("\n".join(LISTED.splitlines()[:3]), "-")
    newer_line = old_line = LISTED.splitlines()[1]
    newer_line = old_line.replace("08264.51782528", "08284.51782528")
    body = newer_line[:68]
    newer_line = body + str(sum(int(c) if c.isdigit() else c == "-" for c in body) % 10)
    (new,) = parse_elements(f"NEWER\n{newer_line}\n{LISTED.splitlines()[2]}", "-")
    both = Satellites([old, new])
    assert len(both) == 1
    times = Time(["2008-09-21T00:00:00", "2008-10-10T00:00:00"])
    azimuth, _ = both.directions(times, SITE)
    assert azimuth[0, 0] == Satellites([old]).directions(times[0], SITE)[0][0, 0]
    assert azimuth[1, 0] == Satellites([new]).directions(times[1], SITE)[0][0, 0]
    np.testing.assert_allclose(both.age_days(times[1]), 0.518, atol=0.001)
    found = both.find("25544")
    assert found is not None
    assert found.directions(times, SITE)[0].tolist() == azimuth.tolist()


def test_a_satellite_that_has_come_down_is_nowhere() -> None:
    # Satellite 28350 of the verification list, which decays within days of its epoch.
    falling = Satellites([e for e in verification_elements() if e.number == 28350])
    azimuth, elevation = falling.directions("2006-09-01T00:00:00", SITE)
    assert np.isnan(azimuth).all()
    assert np.isnan(elevation).all()


def test_no_satellite_is_no_catalogue() -> None:
    with pytest.raises(InvalidInput, match="element sets"):
        Satellites([])
