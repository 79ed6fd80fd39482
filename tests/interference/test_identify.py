"""Truth: skies made with astropy, in which who is who is known, and odds worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from astropy import units as u
from astropy.table import QTable

from skyscan_lab.catalogs import Geostationary, SolarSystem, body_direction, look_angles
from skyscan_lab.errors import InvalidInput
from skyscan_lab.interference import candidates, identify
from tests.interference.skies import random_sky

SITE = (46.95, 7.44, 550.0)


def sources_at(*directions: tuple[float, float], sigma: float = 0.1, **meta: object) -> QTable:
    azimuth, elevation = np.array(directions).T
    return QTable(
        {
            "azimuth": azimuth * u.deg,
            "elevation": elevation * u.deg,
            "covariance": np.tile(sigma**2 * np.eye(2), (len(directions), 1, 1)) * u.deg**2,
        },
        meta=meta,
    )


def listed_at(**directions: tuple[float, float]) -> QTable:
    azimuth, elevation = np.array(list(directions.values())).T
    return QTable(
        {
            "name": list(directions),
            "azimuth": azimuth * u.deg,
            "elevation": elevation * u.deg,
        }
    )


@pytest.mark.campaign
def test_of_those_said_90_percent_90_percent_are_right() -> None:
    said: list[float] = []
    right: list[bool] = []
    for listed, seen, unlisted, scale in ((60, 0.5, 8.0, 1.0), (150, 0.1, 10.0, 0.8)):
        rng = np.random.default_rng(20260)
        for _ in range(60):
            sky = random_sky(rng, listed, seen, unlisted, scale)
            named = identify(sky.sources, sky.catalog)
            for row, truth in zip(named, sky.truth, strict=True):
                said.append(float(row["probability"]))
                right.append(row["match"] == ("unidentified" if truth < 0 else str(truth)))
            rest = candidates(sky.sources, sky.catalog)
            said.extend(rest["probability"].tolist())
            right.extend((sky.truth[rest["source"]] == rest["name"].astype(int)).tolist())
    p, hit = np.array(said), np.array(right, dtype=float)
    for low, high in ((0.0, 0.2), (0.2, 0.5), (0.5, 0.85), (0.85, 0.95), (0.95, 1.01)):
        inside = (p >= low) & (p < high)
        expected, spread = p[inside].sum(), np.sqrt((p * (1.0 - p))[inside].sum())
        assert inside.sum() > 100
        assert abs(hit[inside].sum() - expected) < 3.5 * spread
        assert abs(hit[inside].mean() - p[inside].mean()) < 0.04


def test_odds_are_those_of_the_likelihood_ratio() -> None:
    # One source 0.1° from A and 0.2° from B; σ = 0.1°, prior odds as given.
    sources = sources_at((120.0, 0.0))
    listed = listed_at(A=(120.1, 0.0), B=(120.0, 0.2))
    seen, density = 0.3, 2.0
    named = identify(sources, listed, seen_fraction=seen, unlisted_density=density,
                     region=((100, 140), (-10, 10)))  # fmt: skip
    weight = [
        seen / (1 - seen) / density * np.exp(-(d**2) / 0.02) / (2 * np.pi * 0.01)
        for d in (0.1, 0.2)
    ]
    assert named["match"][0] == "A"
    assert named["probability"][0] == pytest.approx(weight[0] / (1 + sum(weight)), rel=1e-4)
    assert named["unidentified"][0] == pytest.approx(1 / (1 + sum(weight)), rel=1e-4)
    assert named["separation"][0].to_value(u.deg) == pytest.approx(0.1)
    rows = candidates(sources, listed, seen_fraction=seen, unlisted_density=density,
                      region=((100, 140), (-10, 10)))  # fmt: skip
    assert rows["name"].tolist() == ["A", "B"]
    assert rows["log_likelihood"][0] == pytest.approx(-0.5 - np.log(2 * np.pi * 0.01), rel=1e-4)


def test_the_ellipse_counts_and_not_the_distance() -> None:
    # At 60° elevation, long across: A is farther and inside, B is nearer and outside.
    sources = sources_at((200.0, 60.0))
    sources["covariance"] = np.array([[[1.0, 0.0], [0.0, 0.0025]]]) * u.deg**2
    listed = listed_at(A=(202.0, 60.0), B=(200.0, 60.4))
    named = identify(sources, listed)
    assert (named["match"][0], named["nearest"][0]) == ("A", "B")
    by_errors = QTable(
        {
            "azimuth": [200.0] * u.deg,
            "elevation": [60.0] * u.deg,
            "azimuth_error": [2.0] * u.deg,
            "elevation_error": [0.05] * u.deg,
        }
    )
    again = identify(by_errors, listed)
    assert again["probability"][0] == pytest.approx(named["probability"][0], rel=1e-6)


def test_an_object_explains_one_source_at_most() -> None:
    two = sources_at((120.0, 30.0), (120.05, 30.0), sigma=0.1)
    one_listed = identify(two, listed_at(A=(120.0, 30.0)))
    assert one_listed["probability"][one_listed["match"] == "A"].sum() <= 1.0
    assert one_listed["unidentified"].sum() >= 1.0 - 1e-9
    both_listed = identify(two, listed_at(A=(120.0, 30.0), B=(120.05, 30.0)))
    assert both_listed["unidentified"].max() < 0.01


def test_where_listed_objects_are_dense_a_name_is_worth_less() -> None:
    rng = np.random.default_rng(4)
    lonely = listed_at(A=(180.0, 40.0))
    crowd = listed_at(
        A=(180.0, 40.0),
        **{
            f"S{k}": (az, el)
            for k, (az, el) in enumerate(rng.uniform([170, 30], [190, 50], (2000, 2)))
        },
    )
    source = sources_at((180.02, 40.01), sigma=0.1)
    alone, crowded = (
        float(identify(source, listed, region=((170, 190), (30, 50)))["probability"][0])
        for listed in (lonely, crowd)
    )
    assert alone > 0.99
    assert crowded < 0.9


def test_a_moving_object_is_looked_for_at_each_source_s_time() -> None:
    times = np.array(["2024-06-21T08:00", "2024-06-21T14:00", "2024-06-21T11:00"], "datetime64[ns]")
    azimuth, elevation = body_direction("sun", times[:2], SITE)
    sources = sources_at((azimuth[0], elevation[0]), (azimuth[1], elevation[1]), (180.0, 20.0))
    sources["time"] = times
    sources.meta.update(site_latitude_deg=SITE[0], site_longitude_deg=SITE[1], site_height_m=550.0)
    named = identify(sources, SolarSystem(["sun", "moon"]))
    # Met twice, in two places: that is one Sun and two appearances.
    assert named["match"].tolist() == ["sun", "sun", "unidentified"]
    at_one_time = identify(sources, SolarSystem(["sun", "moon"]), time=times[2])
    assert at_one_time["match"].tolist() == ["unidentified"] * 3


def test_site_and_region_come_from_the_sources_or_the_call() -> None:
    azimuth, elevation, _ = look_angles(19.2, SITE)
    sources = sources_at((float(azimuth), float(elevation)))
    slots = Geostationary(["ASTRA 1", "HOT BIRD"], [19.2, 13.0])
    assert identify(sources, slots, location=SITE)["match"][0] == "ASTRA 1"
    sources.meta["location"] = SITE
    assert identify(sources, slots)["match"][0] == "ASTRA 1"
    sources.meta["region"] = ((0.0, 90.0), (0.0, 90.0))  # nothing listed is in there
    named = identify(sources, slots)
    assert named["match"][0] == "unidentified"
    assert named["nearest"][0] == ""


def test_pointing_sigma_opens_the_search_and_lowers_the_certainty() -> None:
    sources = sources_at((121.5, 30.0), sigma=0.02)
    listed = listed_at(A=(120.0, 30.0), B=(123.0, 30.5))
    assert identify(sources, listed)["match"][0] == "unidentified"
    open_ = identify(sources, listed, pointing_sigma=1.5)
    assert open_["match"][0] in ("A", "B")
    assert open_["probability"][0] < 0.7


def test_no_source_is_no_match() -> None:
    named = identify(sources_at((1.0, 1.0))[:0], listed_at(A=(1.0, 1.0)))
    assert len(named) == 0
    assert {"match", "probability", "unidentified", "separation"} <= set(named.colnames)
    assert len(candidates(sources_at((1.0, 1.0))[:0], listed_at(A=(1.0, 1.0)))) == 0


def test_the_table_of_answers_can_be_written(tmp_path: object) -> None:
    named = identify(sources_at((1.0, 2.0)), listed_at(A=(1.0, 2.0)))
    named.write(f"{tmp_path}/named.ecsv")
    assert QTable.read(f"{tmp_path}/named.ecsv")["match"][0] == "A"


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"seen_fraction": 1.0}, "seen_fraction"),
        ({"unlisted_density": 0.0}, "unlisted_density"),
        ({"pointing_sigma": -1.0}, "added sigma"),
        ({"region": ((0.0, 400.0), (0.0, 90.0))}, "region"),
        ({"time": np.zeros(3)}, "shape of time"),
    ],
)
def test_figures_out_of_range_are_refused(options: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidInput, match=field):
        identify(sources_at((1.0, 1.0)), listed_at(A=(1.0, 1.0)), **options)


@pytest.mark.parametrize(
    ("covariance", "why"),
    [
        ([[1.0, 2.0], [2.0, 1.0]], "row 0"),
        ([[1.0, 0.5], [0.0, 1.0]], "row 0"),
        ([[-1.0, 0.0], [0.0, -1.0]], "row 0"),
        ([[np.nan, 0.0], [0.0, 1.0]], "row 0"),
        ([1.0, 1.0], "shape of covariance"),
    ],
)
def test_what_is_no_covariance_is_refused(covariance: object, why: str) -> None:
    sources = sources_at((1.0, 1.0))
    sources["covariance"] = np.array([covariance]) * u.deg**2
    with pytest.raises(InvalidInput, match=why):
        identify(sources, listed_at(A=(1.0, 1.0)))
    del sources["covariance"]
    with pytest.raises(InvalidInput, match="columns of the table"):
        identify(sources, listed_at(A=(1.0, 1.0)))
