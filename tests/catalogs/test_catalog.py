"""Truth: each kind of catalogue alone, astropy's AltAz with air, and files of every kind."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import AltAz, EarthLocation, SkyCoord
from astropy.table import QTable, Table
from astropy.time import Time

from skyscan_lab.catalogs import (
    Celestial,
    Directions,
    Geostationary,
    RadioSources,
    Refraction,
    SolarSystem,
    as_catalog,
    as_time,
    body_direction,
    look_angles,
)
from skyscan_lab.earth import bundled_earth_orientation
from skyscan_lab.errors import FileError, InvalidInput
from skyscan_lab.sphere import separation
from tests.catalogs.test_elements import TLE

SITE = (46.95, 7.44, 550.0)
NOON = "2024-06-21T11:30:00"


def test_a_list_of_directions_needs_neither_time_nor_site_and_is_taken_as_it_is() -> None:
    listed = as_catalog(
        QTable({"name": ["A", "B"], "azimuth": [-10, 20] * u.deg, "elevation": [5, 2] * u.deg})
    )
    azimuth, elevation = listed.directions(refraction=Refraction())
    assert azimuth.tolist() == [[350.0, 20.0]]
    assert elevation.tolist() == [[5.0, 2.0]]
    assert listed.directions([0.0, 1.0, 2.0])[0].shape == (3, 2)


@pytest.mark.parametrize(
    ("catalog", "time", "location", "missing"),
    [
        (Geostationary(["A"], [19.2]), None, None, "location"),
        (SolarSystem(["sun"]), None, SITE, "time"),
        (SolarSystem(["sun"]), NOON, None, "location"),
        (RadioSources(), None, SITE, "time"),
        (Directions(["A"], [1.0], [2.0]) + Geostationary(["B"], [19.2]), None, None, "location"),
    ],
)
def test_says_what_it_needs(
    catalog: Directions, time: str | None, location: tuple[float, ...] | None, missing: str
) -> None:
    with pytest.raises(InvalidInput, match=f"{missing} = None: must be given"):
        catalog.directions(time, location)


def test_several_catalogues_are_one(tmp_path: Path) -> None:
    (tmp_path / "iss.tle").write_text(TLE)
    (tmp_path / "list.csv").write_text("name,azimuth,elevation\nMAST,120,1\n")
    slots = Table({"name": ["ASTRA 1"], "longitude": [19.2]})
    both = as_catalog([str(tmp_path / "iss.tle"), tmp_path / "list.csv", slots, SolarSystem()])
    assert both.names[:4].tolist() == ["ISS (ZARYA)", "MAST", "ASTRA 1", "sun"]
    time = Time("2008-09-20T12:25:40")
    air = Refraction()
    azimuth, elevation = both.directions(time, SITE, air)
    assert azimuth.shape == (1, len(both)) == (1, 12)
    assert (azimuth[0, 1], elevation[0, 1]) == (120.0, 1.0)
    _, slot, _ = look_angles(19.2, SITE)
    assert elevation[0, 2] == air.apparent(slot)
    assert elevation[0, 3] == air.apparent(body_direction("sun", time, SITE)[1])
    up = both.table(time, SITE)
    assert up["elevation"].min() > 0 * u.deg


def test_planets_and_radio_sources_are_where_astropy_has_them() -> None:
    times = Time(NOON) + np.arange(3) * u.hour
    with bundled_earth_orientation():
        frame = AltAz(
            obstime=times, location=EarthLocation.from_geodetic(SITE[1], SITE[0], SITE[2])
        )
        cyg = SkyCoord(299.8682 * u.deg, 40.7339 * u.deg).transform_to(frame)
    sources = RadioSources()
    azimuth, elevation = sources.directions(times, SITE)
    apart = separation(azimuth[:, 1], elevation[:, 1], cyg.az.deg, cyg.alt.deg)
    assert apart.max() < 1.0 / 3600.0
    by_position = Celestial(["Cyg A"], [299.8682], [40.7339]).directions(times, SITE)
    assert separation(by_position[0][:, 0], by_position[1][:, 0], cyg.az.deg, cyg.alt.deg).max() < (
        1e-9
    )
    # Venus is never more than 47.8° from the Sun.
    (sun, venus) = (body_direction(body, times, SITE) for body in ("sun", "venus"))
    assert 0.2 < separation(*sun, *venus).max() < 47.8


@pytest.mark.parametrize("elevation", [4.0, 10.0, 35.0, 89.0])
def test_refraction_is_that_of_astropy(elevation: float) -> None:
    air = Refraction(pressure_hpa=950.0, temperature_c=22.0, relative_humidity=0.7)
    time = Time(NOON)
    site = EarthLocation.from_geodetic(SITE[1], SITE[0], SITE[2])
    with bundled_earth_orientation():
        seen = AltAz(
            az=40 * u.deg, alt=elevation * u.deg, obstime=time, location=site
        ).transform_to(
            AltAz(
                obstime=time,
                location=site,
                pressure=950 * u.hPa,
                temperature=22 * u.deg_C,
                relative_humidity=0.7,
                obswl=21 * u.cm,
            )
        )
    # ERFA itself does not come back to better than this at 4°.
    assert air.apparent(elevation) == pytest.approx(seen.alt.deg, abs=0.5 / 3600.0)
    assert Refraction(pressure_hpa=0.0).apparent(elevation) == pytest.approx(elevation)


@pytest.mark.parametrize(
    ("field", "value"),
    [("pressure_hpa", -1.0), ("temperature_c", 300.0), ("relative_humidity", 50.0)],
)
def test_weather_that_does_not_exist_is_refused(field: str, value: float) -> None:
    with pytest.raises(InvalidInput, match=field):
        Refraction(**{field: value})


def test_fluxes_of_both_scales_agree_where_both_hold() -> None:
    sources = RadioSources()
    # Baars et al. (1977), as published for 1980.0; the two scales agree within 5 %.
    baars = {"Cyg A": 7.161 - 1.244 * np.log10(3000), "Vir A": 5.023 - 0.856 * np.log10(2900)}
    for name, logarithm in baars.items():
        at = 2.9 if name == "Vir A" else 3.0
        row = sources.names.tolist().index(name)
        assert sources.flux_jy(at)[row] == pytest.approx(10**logarithm, rel=0.05)
    # Cas A at 1 GHz was 2723 Jy in 1980, on the older scale.
    assert sources.flux_jy(1.0, 1980.0)[0] == pytest.approx(2723.0, rel=0.1)
    ku = dict(zip(sources.names.tolist(), sources.flux_jy(20.0, 2024.0), strict=True))
    assert ku["Tau A"] > ku["Cas A"] > ku["Cyg A"] > ku["Vir A"] > 0
    assert np.isnan(ku["Her A"])
    with pytest.raises(InvalidInput, match="frequency_ghz"):
        sources.flux_jy(0.0)


def test_every_way_to_say_when_is_the_same_moment() -> None:
    moment = datetime(2024, 6, 21, 11, 30, tzinfo=UTC)
    for time in (NOON, moment, moment.replace(tzinfo=None), np.datetime64(NOON), Time(NOON)):
        assert as_time(time).unix == pytest.approx(moment.timestamp(), abs=1e-6)


@pytest.mark.parametrize("time", [np.datetime64("NaT"), float("nan"), "noon", b"noon", True])
def test_what_is_no_time_is_refused(time: object) -> None:
    with pytest.raises(InvalidInput, match="time"):
        as_time(time)


def test_what_is_no_catalogue_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="columns of the catalogue"):
        as_catalog(Table({"name": ["A"], "ra": [1.0]}))
    for nonsense in (7, []):
        with pytest.raises(InvalidInput, match="a path, a table, a Catalog"):
            as_catalog(nonsense)
    with pytest.raises(FileError, match="No such file"):
        as_catalog(tmp_path / "absent")
    (tmp_path / "picture").write_bytes(b"\x89PNG\xff\x00")
    with pytest.raises(FileError, match="not text"):
        as_catalog(tmp_path / "picture")
    with pytest.raises(InvalidInput, match="body"):
        SolarSystem(["pluto"])
    for wrong in (
        lambda: Directions(["A"], [1.0, 2.0], [3.0]),
        lambda: Geostationary(["A"], [1.0, 2.0]),
        lambda: Celestial(["A"], [1.0, 2.0], [3.0, 4.0]),
    ):
        with pytest.raises(InvalidInput):
            wrong()


def test_a_table_is_of_one_time() -> None:
    with pytest.raises(InvalidInput, match="times"):
        SolarSystem(["sun"]).table([0.0, 1.0], SITE)


def test_a_catalogue_is_left_as_it_is() -> None:
    sky = RadioSources()
    assert as_catalog(sky) is sky
    assert isinstance(as_catalog([sky]) + sky, type(sky + sky))
