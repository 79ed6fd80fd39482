"""Truth: astropy's separate path for the Sun (get_sun), the solstice, and the size of the Earth."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import AltAz, EarthLocation, get_sun
from astropy.time import Time
from astropy.utils import iers

from skyscan_lab.catalogs import body_direction
from skyscan_lab.sphere import separation

SITE = (46.95, 7.44, 550.0)


def test_sun_is_where_get_sun_says_it_is() -> None:
    times = Time("2024-06-21T04:00:00") + np.linspace(0.0, 0.6, 13) * u.day
    location = EarthLocation.from_geodetic(SITE[1], SITE[0], SITE[2])
    with iers.conf.set_temp("auto_download", False):
        reference = get_sun(times).transform_to(AltAz(obstime=times, location=location))
    found = body_direction("sun", times, SITE)
    apart = separation(*found, reference.az.deg, reference.alt.deg)
    assert apart.max() < 0.1 / 3600.0


def test_unix_seconds_and_session_times_are_times_too() -> None:
    time = Time("2024-06-21T10:00:00", scale="utc")
    by_time = body_direction("moon", time, SITE)
    by_seconds = body_direction("moon", time.unix, SITE)
    by_session_time = body_direction("moon", time.datetime64, SITE)
    assert separation(*by_time, *by_seconds) < 1e-6
    assert separation(*by_time, *by_session_time) < 1e-6


def test_moon_s_parallax_is_in_it() -> None:
    time = Time("2024-05-01T06:00:00")
    here, east = (body_direction("moon", time, (0.0, lon)) for lon in (0.0, 1.0))
    # One degree along the equator turns the sky by one degree, and the Moon by up to 1/60 more.
    assert 0.9 < separation(*here, *east) < 1.05


@pytest.mark.parametrize("year", [1975, 2024, 2026, 2045, 2090])
def test_neither_warns_nor_downloads_in_any_year(
    year: int, recwarn: pytest.WarningsRecorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: object, **options: object) -> None:
        raise AssertionError("a download was tried")

    monkeypatch.setattr("astropy.utils.data.download_file", refuse)
    monkeypatch.setattr("astropy.utils.iers.iers.download_file", refuse)
    _, elevation = body_direction(
        "sun", datetime(year, 12, 21, 11, 30, tzinfo=UTC).timestamp(), SITE
    )
    # At noon of the winter solstice: 90° − latitude − obliquity.
    assert float(elevation) == pytest.approx(90.0 - 46.95 - 23.44, abs=0.1)
    assert not recwarn.list


def test_leaves_astropy_s_settings_as_they_were() -> None:
    before = (iers.conf.auto_download, iers.conf.auto_max_age, iers.conf.iers_degraded_accuracy)
    body_direction("sun", Time("2024-01-01"), SITE)
    after = (iers.conf.auto_download, iers.conf.auto_max_age, iers.conf.iers_degraded_accuracy)
    assert after == before
