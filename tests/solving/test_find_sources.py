"""Truth: skies made by the campaigns, without the code under test, and what was put into them."""

from __future__ import annotations

import sys
from dataclasses import replace
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from astropy import units as u
from astropy.table import QTable

import skyscan_lab.accessor  # noqa: F401 (gives sessions their door)
from skyscan_lab.antenna import AiryPattern, GaussianPattern
from skyscan_lab.errors import InvalidInput, SessionError
from skyscan_lab.forward import ForwardModel, source_rows
from skyscan_lab.interference import identify
from skyscan_lab.occupancy import occupancy
from skyscan_lab.session import samples_of, session_from_points
from skyscan_lab.solving.find_sources import find_sources
from skyscan_lab.solving.pattern_beam import PatternBeam

CAMPAIGNS = Path(__file__).parents[1] / "campaigns"


def load(name: str) -> ModuleType:
    spec = spec_from_file_location(f"{name}_campaign", CAMPAIGNS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


detection = load("detection")
two_sources = load("two_sources")

BEAM = AiryPattern(3.0)
SCENE = detection.Scene(
    azimuth=np.arange(340.0, 380.0),
    elevation=np.arange(30.0, 60.0),
    along_rows=True,
    hpbw_deg=3.0,
    noise_db=0.05,
    drift_db=0.05,
    drift_readings=15.0,
    burst_share=0.005,
    rounding_db=0.0,
)


def sky(sources: object, seed: int = 2, scene: object = SCENE):
    return detection.make(np.random.default_rng(seed), scene, np.array(sources, dtype=float))


def off(table: QTable, az: float, el: float) -> np.ndarray:
    """Cross-elevation and elevation of each from a direction, degrees."""
    turn = np.mod(table["azimuth"].value - az + 180.0, 360.0) - 180.0
    return np.stack([turn * np.cos(np.radians(el)), table["elevation"].value - el], axis=-1)


def test_sources_are_found_where_they_are_as_strong_as_they_are() -> None:
    truth = [(359.3, 45.2, 0.5), (347.6, 38.4, 0.1), (371.2 - 360, 51.7, 5.0)]
    table = sky(truth).sky.find_sources(BEAM)
    assert len(table) == 3
    assert list(table["power"]) == sorted(table["power"], reverse=True)
    for az, el, power in truth:
        distance = off(table, az, el)
        row = int(np.hypot(*distance.T).argmin())
        covariance = table["covariance"][row].to_value(u.deg**2)
        assert distance[row] @ np.linalg.solve(covariance, distance[row]) < 16.0
        floor = 1e-10  # the sky is at -100 dBm
        error = table["power_error"][row] / floor
        assert table["power"][row] / floor == pytest.approx(power, abs=4.0 * error)
        assert error < 0.2 * power
    assert table["azimuth_error"][0].value == pytest.approx(
        np.sqrt(table["covariance"][0, 0, 0].value)
        / np.cos(np.radians(table["elevation"][0].value))
    )
    assert table.meta["power"] == "10^(dBm/10)"


def test_sidelobes_are_no_sources() -> None:
    table = find_sources(sky([(0.2, 45.3, 3000.0)]), BEAM)
    assert len(table) == 1
    # 35 dB over the floor: the first two rings are 50 and 20 times the noise.
    assert np.hypot(*off(table, 0.2, 45.3)[0]) < 0.05


@pytest.mark.parametrize("seed", range(3))
def test_a_faint_source_beside_a_strong_one_is_found(seed: int) -> None:
    table = find_sources(sky([(0.2, 45.3, 30.0), (3.6, 47.0, 0.6)], seed=seed), BEAM)
    assert len(table) == 2
    assert np.hypot(*off(table, 3.6, 47.0)[1]) < 0.5


def test_an_empty_sky_has_an_upper_limit_that_holds() -> None:
    empty = find_sources(sky(np.zeros((0, 3)), seed=3), BEAM)
    assert len(empty) == 0
    assert empty.colnames[:2] == ["azimuth", "elevation"]
    limit = empty.meta["upper_limit"] / 1e-10
    places = [(az, el) for az in (348.0, 0.0, 12.0) for el in (38.0, 45.0, 52.0)]
    found = [
        bool((np.hypot(*off(table, az, el).T) < 1.5).any())
        for seed in range(2)
        for table in [find_sources(sky([(*p, 1.3 * limit) for p in places], seed=seed), BEAM)]
        for az, el in places
    ]
    # 95 % at the limit in the median over the map, more a little above.
    assert np.mean(found) >= 0.85


def test_a_receiver_that_counts_is_searched_too() -> None:
    ds = sky([(0.2, 45.3, 4.0), (350.0, 37.0, 0.3)])
    flat = samples_of(ds)
    counts = np.rint(500.0 + 16.0 * (flat["rssi"].values + 100.0))
    ds = session_from_points(
        flat["azimuth_measured"].values, flat["elevation_measured"].values, counts, units="counts"
    )
    table = find_sources(ds, BEAM)
    assert len(table) == 2
    assert np.hypot(*off(table, 350.0, 37.0)[1]) < 0.6
    assert (table["snr"] > table.meta["threshold"]).all()
    assert table.meta["power"] == "of the floor"


def test_samples_off_any_grid_are_searched_too() -> None:
    rng = np.random.default_rng(4)
    az, el = rng.uniform(100.0, 130.0, 1500), rng.uniform(30.0, 50.0, 1500)
    x = (az - 115.3) * np.cos(np.radians(el))
    level = -100 + 10 * np.log10(1 + 0.5 * 2.0 ** (-4.0 * (x**2 + (el - 41.2) ** 2) / 9.0))
    ds = session_from_points(az, el, level + rng.normal(0.0, 0.1, az.size), units="dBm")
    table = find_sources(ds, GaussianPattern(3.0))
    assert len(table) == 1
    assert np.hypot(*off(table, 115.3, 41.2)[0]) < 0.2


def test_without_a_pattern_the_beam_comes_from_the_map() -> None:
    scene = replace(SCENE, drift_db=0.0, burst_share=1e-9)
    table = find_sources(sky([(0.2, 45.3, 5.0), (350.0, 37.0, 1.0)], scene=scene))
    assert len(table) == 2
    assert np.hypot(*off(table, 350.0, 37.0)[1]) < 0.2
    assert table.meta["hpbw_deg"] == pytest.approx((3.0, 3.0), rel=0.05)
    nothing = find_sources(sky(np.zeros((0, 3)), scene=scene))
    assert len(nothing) == 0


def test_a_threshold_can_be_given_instead() -> None:
    ds = sky([(0.2, 45.3, 0.3), (350.0, 37.0, 3.0)])
    assert len(find_sources(ds, BEAM, threshold=5.0)) == 2
    one = find_sources(ds, BEAM, threshold=40.0)
    assert len(one) == 1
    assert one.meta["threshold"] == 40.0


def test_what_is_found_can_be_named_and_followed() -> None:
    truth = [(0.2, 45.3, 2.0), (350.0, 37.0, 1.0)]
    first, second = (find_sources(sky(truth, seed=seed), BEAM) for seed in (1, 2))
    listed = QTable(
        {"name": ["A", "B"], "azimuth": [0.2, 350.0] * u.deg, "elevation": [45.3, 37.0] * u.deg}
    )
    assert list(identify(first, listed)["match"]) == ["A", "B"]
    assert list(occupancy([first, second])["change"]) == ["steady", "steady"]


def test_each_source_has_the_time_at_which_the_beam_was_on_it() -> None:
    ds = sky([(0.2, 45.3, 2.0)])
    flat = samples_of(ds)
    start = np.datetime64("2025-03-01T12:00:00", "ns")
    time = start + np.arange(flat.sizes["sample"]) * np.timedelta64(1, "s")
    timed = session_from_points(
        flat["azimuth_measured"].values,
        flat["elevation_measured"].values,
        flat["rssi"].values,
        time=time,
        units="dBm",
    )
    table = find_sources(timed, BEAM)
    # Row 15 of 40 readings each, and the 20th of it.
    second = (
        table["time"][0].to_datetime() - start.astype("datetime64[us]").item()
    ).total_seconds()
    assert second == pytest.approx(15 * 40 + 20, abs=1.0)


def test_what_cannot_be_searched_is_refused() -> None:
    ds = sky(np.zeros((0, 3)))
    for options in (
        {"false_alarm": 0.0},
        {"false_alarm": float("nan")},
        {"threshold": 0.5},
        {"width_error": 0.0},
    ):
        with pytest.raises(InvalidInput, match=next(iter(options))):
            find_sources(ds, BEAM, **options)
    with pytest.raises(SessionError):
        find_sources(ds.drop_vars("rssi"), BEAM)


def test_readings_that_are_all_the_same_hold_nothing() -> None:
    ds = sky(np.zeros((0, 3)))
    ds["rssi"][:] = -100.0
    assert len(find_sources(ds, BEAM)) == 0


@pytest.mark.campaign
def test_false_alarms_are_as_rare_as_stated() -> None:
    counts = detection.count_false_alarms(5, seed=7)
    # 1.5 are expected; a Poisson variate exceeds 6 in one case of a thousand.
    assert counts.sum() <= 6


@pytest.mark.campaign
def test_two_in_one_beam_are_told_from_one() -> None:
    result = two_sources.judge(30.0, 0.118, maps=3, seed=7)
    assert result.right >= 2 / 3
    assert result.split <= 1 / 3
    assert result.best > 0.99


def test_no_test_finds_every_pair_at_low_snr() -> None:
    assert two_sources.best_possible(10.0, 0.368) == pytest.approx(0.938, abs=0.01)


def test_a_pattern_in_the_model_has_the_right_derivatives() -> None:
    az, el = (axis.ravel() for axis in np.meshgrid(np.arange(100.0, 112), np.arange(40.0, 50)))
    model = ForwardModel(az, el, PatternBeam(AiryPattern((4.0, 3.0)), 0.01))
    parameters = model.join(
        response=[0.0, 10.0, 0.0],
        floor=[1.0],
        sources=source_rows([5.0, 2.0], [105.1, 107.0], [45.0, 42.3]),
        beam=[0.05],
    )
    found = model.evaluate(parameters)
    assert found is not None
    for place in range(parameters.size):
        step = np.zeros(parameters.size)
        step[place] = 1e-6
        ends = [model.evaluate(parameters + sign * step) for sign in (1.0, -1.0)]
        slope = (ends[0].value - ends[1].value) / 2e-6
        assert found.jacobian[:, place] == pytest.approx(
            slope, abs=1e-6 * max(1.0, abs(slope).max())
        )
