"""Truth: skies made by other code (`skies`)."""

import json

import numpy as np
import pytest

from skyscan_lab.errors import InvalidInput, SessionError
from skyscan_lab.session import session_from_points
from skyscan_lab.solving.fit_pattern import fit_pattern
from tests.solving import skies


def sky(units, *, seed=1, noise=0.1, per_decade=10.0, offset=-90.0, powers=(60.0, 4.0)):
    truth = skies.Truth(
        np.array([200.3, 207.0]),
        np.array([40.2, 43.0]),
        np.array(powers),
        4.0,
        offset,
        per_decade,
    )
    return skies.session(
        truth,
        np.arange(180.0, 221.0, 1.0),
        np.arange(28.0, 53.0, 1.0),
        noise=noise,
        units=units,
        seed=seed,
    )


@pytest.fixture(scope="module")
def known():
    return fit_pattern(sky("dBm"), "airy")


def test_a_beam_in_decibels_is_found_with_its_errors(known):
    assert [text.partition(":")[0] for text in known.undetermined] == ["position angle"]
    for one in known.hpbw_deg:
        assert one.value == pytest.approx(4.0, abs=5.0 * one.error)
        assert 0.0 < one.error < 0.02
        assert one.low <= one.value <= one.high
    azimuth, elevation = known.boresight_deg
    assert azimuth.value == pytest.approx(200.3, abs=5.0 * azimuth.error)
    assert elevation.value == pytest.approx(40.2, abs=5.0 * elevation.error)
    assert known.sidelobe_db.value == pytest.approx(-17.57, abs=0.05)
    assert known.peak_db.value == pytest.approx(10 * np.log10(60.0), abs=0.1)
    assert known.rms == pytest.approx(0.1, rel=0.1)


def test_families_that_the_readings_refuse_are_not_admitted(known):
    admitted = {row["model"]: bool(row["admitted"]) for row in known.models}
    assert admitted["airy"]
    assert not admitted["gaussian"]


def test_errors_are_the_scatter_over_many_skies():
    found = []
    for seed in range(8):
        one = fit_pattern(sky("dBm", seed=seed), "airy", radius_deg=8.0)
        found.append(
            [
                (measured.value - truth) / measured.error
                for measured, truth in zip(
                    (*one.hpbw_deg, *one.boresight_deg), (4.0, 4.0, 200.3, 40.2), strict=True
                )
            ]
        )
    pulls = np.array(found)
    assert np.all(np.abs(pulls.mean(axis=0)) < 3.0 / np.sqrt(len(pulls)))
    assert np.sqrt((pulls**2).mean()) == pytest.approx(1.0, abs=0.3)


def test_of_an_uncalibrated_receiver_the_slope_is_undetermined_and_the_width_a_range():
    # Too weak for its rings to be seen: then a steeper response is as good as a narrower beam.
    ds = sky("counts", per_decade=160.0, offset=400.0, noise=1.6, powers=(3.0, 0.2))
    one = fit_pattern(ds, "airy")
    assert any("slope of the response" in text for text in one.undetermined)
    width = one.hpbw_deg[0]
    assert width.low <= 4.0 <= width.high
    assert width.high - width.low > width.error
    slopes = one.models[one.models["admitted"]]["slope"]
    assert len(set(slopes)) > 1


def test_interference_is_left_out_and_shown():
    ds = sky("dBm")
    ds["rssi"][10, 18] += 30.0
    ds["rssi"][14, 22] += 25.0
    one = fit_pattern(ds, "airy", near=(200.3, 40.2))
    assert one.hpbw_deg[0].value == pytest.approx(4.0, abs=0.05)
    marked = one.outliers.values
    explained = np.abs(one.residual.values[[10, 14], [18, 22]]) < 1.0
    # Either nobody's beam explains it, or a source of its own was put there.
    assert np.all(marked[[10, 14], [18, 22]] | explained)


def test_json_is_json_and_has_every_number(known):
    content = json.loads(known.to_json())
    assert content["quantities"][0]["quantity"] == "HPBW, first axis"
    assert set(content["parameters"]) == set(known.values)
    assert len(known.values) == len(known.covariance)


@pytest.mark.parametrize(
    ("arguments", "options", "error", "words"),
    [
        (("parabola",), {}, InvalidInput, "model"),
        (("airy",), {"radius_deg": -1.0}, InvalidInput, "radius_deg"),
        (("airy", (20.0, 10.0)), {"radius_deg": 5.0}, SessionError, "azimuth 20°"),
    ],
)
def test_bad_arguments_are_named(arguments, options, error, words):
    with pytest.raises(error, match=words):
        fit_pattern(sky("dBm"), *arguments, **options)


def test_a_gaussian_beam_is_one_source_and_as_wide_as_it_is():
    az, el = np.meshgrid(np.arange(170.0, 191.0), np.arange(30.0, 47.0))
    away = skies.vectors(az.ravel(), el.ravel()) @ skies.vectors(180.0, 38.0)
    distance = np.degrees(np.arccos(np.clip(away, -1.0, 1.0)))
    power = 1.0 + 20.0 * np.exp(-4.0 * np.log(2.0) * (distance / 4.0) ** 2)
    noise = np.random.default_rng(1).normal(0.0, 0.1, power.size)
    ds = session_from_points(
        az.ravel(), el.ravel(), -90.0 + 10.0 * np.log10(power) + noise, units="dBm"
    )
    one = fit_pattern(ds, "gaussian")
    assert sum(name.startswith("log_power") for name in one.values) == 1
    for width in one.hpbw_deg:
        assert width.value == pytest.approx(4.0, abs=5.0 * width.error)


@pytest.mark.parametrize(("scale", "words"), [(0.0, "all the same"), (0.3, "power over its error")])
def test_where_nothing_is_seen_there_is_no_width(scale, words):
    az, el = np.meshgrid(np.arange(170.0, 191.0), np.arange(30.0, 47.0))
    readings = -90.0 + np.random.default_rng(1).normal(0.0, scale, az.size)
    ds = session_from_points(az.ravel(), el.ravel(), readings, units="dBm")
    with pytest.raises(SessionError, match=words):
        fit_pattern(ds)
