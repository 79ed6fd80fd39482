"""Truth: Monte Carlo over gamma-distributed power, and published biases of averaged looks."""

import math

import numpy as np
import pytest

from skyscan_lab.errors import InvalidInput, UnitsError
from skyscan_lab.power import (
    DECIBEL,
    UNITS,
    LogResponse,
    average,
    check_units,
    dbm_to_mw,
    effective_looks,
    log_average_bias,
    mean_reading,
    mw_to_dbm,
    response_of,
)

COUNTS = LogResponse(offset=400.0, per_decade=165.0)


def noise(looks: float, shape: tuple[int, ...], level_db: float = -90.0, seed: int = 1):
    """Levels in dB of a constant power, as a detector of so many looks reads it."""
    rng = np.random.default_rng(seed)
    return level_db + 10.0 * np.log10(rng.gamma(looks, 1.0 / looks, shape))


@pytest.mark.parametrize(
    ("looks", "published"), [(1, -2.507), (2, -1.174), (4, -0.565), (16, -0.137)]
)
def test_averaging_decibels_is_biased_as_published(looks, published) -> None:
    assert log_average_bias(looks) == pytest.approx(published, abs=5e-4)
    scatter = noise(looks, (400_000,))
    standard_error = scatter.std() / math.sqrt(scatter.size)
    assert scatter.mean() + 90.0 == pytest.approx(published, abs=5.0 * standard_error + 5e-4)


def test_the_bias_scales_with_the_response() -> None:
    assert log_average_bias(1, per_decade=165.0) == pytest.approx(16.5 * log_average_bias(1))
    assert log_average_bias([[1.0, 2.0]]).shape == (1, 2)


def averages(readings: np.ndarray, **known):
    results = [average(row, **known) for row in readings]
    return (
        np.array([result.value for result in results]),
        np.array([result.standard_error for result in results]),
    )


@pytest.mark.parametrize("looks", [1.0, 3.0, 25.0, 0.7])
@pytest.mark.parametrize("reads", [1, 2, 5, 20])
def test_with_response_and_looks_known_the_average_is_unbiased_and_knows_its_error(
    looks, reads
) -> None:
    values, errors = averages(noise(looks, (4000, reads)), response=DECIBEL, looks=looks)
    scatter = values.std()
    assert values.mean() == pytest.approx(-90.0, abs=4.0 * scatter / math.sqrt(values.size))
    assert errors[0] == pytest.approx(scatter, rel=0.06)
    assert np.ptp(errors) == 0.0  # theory, not this point's luck


def test_the_same_holds_for_a_receiver_whose_counts_have_a_known_response() -> None:
    power = DECIBEL.to_power(noise(2.0, (4000, 4), level_db=13.0))
    values, errors = averages(COUNTS.to_reading(power), response=COUNTS, looks=2.0)
    scatter = values.std()
    truth = float(COUNTS.to_reading(10**1.3))
    assert values.mean() == pytest.approx(truth, abs=4.0 * scatter / math.sqrt(values.size))
    assert errors[0] == pytest.approx(scatter, rel=0.06)


def test_with_looks_unknown_the_scatter_gives_the_error_and_the_bias_stays_as_documented() -> None:
    values, errors = averages(noise(4.0, (4000, 10)), response=DECIBEL)
    scatter = values.std()
    assert np.sqrt(np.mean(errors**2)) == pytest.approx(scatter, rel=0.06)
    left = -(scatter**2) * math.log(10.0) / 20.0
    assert values.mean() + 90.0 == pytest.approx(left, abs=5.0 * scatter / math.sqrt(values.size))
    assert left == pytest.approx(log_average_bias(40.0), rel=0.1)


def test_repeated_readings_do_not_make_the_error_smaller() -> None:
    fresh = noise(1.0, (4000, 4), seed=2)
    polled = np.repeat(fresh, 5, axis=1)
    values, told = averages(polled, response=DECIBEL, looks=1.0, independent=4)
    once, _ = averages(fresh, response=DECIBEL, looks=1.0)
    np.testing.assert_allclose(values, once)
    assert told[0] == pytest.approx(values.std(), rel=0.06)
    _, untold = averages(polled, response=DECIBEL, looks=1.0)
    assert untold[0] < 0.6 * told[0]


@pytest.mark.parametrize("response", [None, DECIBEL])
def test_scatter_of_repeats_has_the_freedom_of_the_independent_ones(response) -> None:
    fresh = noise(30.0, (4000, 4), seed=3)
    polled = np.repeat(fresh, 5, axis=1)
    values, errors = averages(polled, response=response, independent=4)
    assert np.sqrt(np.mean(errors**2)) == pytest.approx(values.std(), rel=0.06)
    same = average(fresh[0], response=response)
    assert errors[0] == pytest.approx(same.standard_error)
    assert average(fresh[0], response=response, independent=9) == same


def test_counts_are_averaged_as_they_are_and_the_result_says_so() -> None:
    result = average([500, 510, 505, 505], response=response_of("counts"))
    assert result.value == 505.0
    assert result.reads == 4
    assert result.std == pytest.approx(np.std([500, 510, 505, 505], ddof=1))
    assert result.standard_error == pytest.approx(result.std / 2.0)
    assert result.domain == "native units, uncorrected"


def test_each_average_says_what_it_was_taken_over() -> None:
    assert average([1.0], response=DECIBEL, looks=3.0).domain == "linear power"
    assert average([1.0], response=DECIBEL).domain == "linear power, uncorrected"
    assert average([1.0], response=None, looks=3.0).domain == "native units, uncorrected"


def test_one_reading_tells_its_error_only_where_the_looks_are_known() -> None:
    known = average([-90.0], response=DECIBEL, looks=1.0)
    assert known.value == pytest.approx(-90.0 + 2.507, abs=1e-3)
    assert known.standard_error == pytest.approx(10 / math.log(10) * math.pi / math.sqrt(6))
    for unknown in (average([-90.0], response=DECIBEL), average([-90.0], response=None)):
        assert unknown.value == -90.0
        assert math.isnan(unknown.standard_error)
        assert math.isnan(unknown.std)


@pytest.mark.parametrize("response", [None, DECIBEL])
def test_readings_that_failed_are_left_out_and_not_counted(response) -> None:
    some = average([-90.0, math.nan, -90.0, math.inf, -math.inf], response=response)
    assert (some.value, some.reads) == (-90.0, 2)
    none = average([math.nan], response=response)
    assert none.reads == 0
    assert math.isnan(none.value)
    assert math.isnan(none.standard_error)
    assert average([], response=response).reads == 0


@pytest.mark.parametrize("level", [-1e6, -4000.0, 4000.0, 1e6])
def test_no_level_overflows_or_vanishes(level) -> None:
    result = average([level, level + 10.0, level - 1e5], response=DECIBEL, looks=1e9)
    assert result.value == pytest.approx(level + 10.0 * math.log10(11.0 / 3.0), abs=1e-6)


@pytest.mark.parametrize("axis", [0, 1, (0, 2), None])
def test_the_mean_of_many_is_that_of_their_powers(axis) -> None:
    readings = np.random.default_rng(4).normal(-90.0, 6.0, (3, 4, 5))
    readings[1, 2, 3] = readings[0, 0, 0] = np.nan
    decibel = 10.0 * np.log10(np.nanmean(10.0 ** (readings / 10.0), axis=axis))
    np.testing.assert_allclose(mean_reading(readings, DECIBEL, axis), decibel, rtol=1e-13)
    as_they_are = np.nanmean(readings, axis=axis)
    np.testing.assert_allclose(mean_reading(readings, None, axis), as_they_are, rtol=1e-13)


@pytest.mark.parametrize("response", [None, DECIBEL])
def test_a_mean_of_nothing_is_missing(response) -> None:
    readings = [[np.nan, np.inf], [3.0, -np.inf]]
    np.testing.assert_array_equal(mean_reading(readings, response, 1), [np.nan, 3.0])
    assert np.isnan(mean_reading([], response))


def test_the_order_of_readings_does_not_matter() -> None:
    readings = noise(1.0, (50,))
    forward = average(readings, response=DECIBEL, looks=1.0)
    assert average(readings[::-1], response=DECIBEL, looks=1.0).value == pytest.approx(
        forward.value, rel=1e-14
    )


def test_levels_and_powers_are_inverse() -> None:
    levels = np.linspace(-200.0, 60.0, 131)
    np.testing.assert_allclose(mw_to_dbm(dbm_to_mw(levels)), levels, rtol=1e-13)
    np.testing.assert_allclose(COUNTS.to_reading(COUNTS.to_power(levels)), levels, rtol=1e-12)
    assert mw_to_dbm(0.0) == -math.inf
    assert dbm_to_mw(-math.inf) == 0.0


def test_looks_are_bandwidth_times_time() -> None:
    looks = effective_looks(bandwidth_hz=2.0e6, integration_s=0.5e-3)
    assert looks == 1000.0
    readings = DECIBEL.to_power(noise(looks, (20_000,), level_db=0.0))
    assert readings.std() == pytest.approx(1.0 / math.sqrt(looks), rel=0.03)


def test_every_unit_but_counts_has_its_response() -> None:
    assert {units: response_of(units) for units in UNITS} == {
        "dBm": DECIBEL,
        "dBFS": DECIBEL,
        "dB": DECIBEL,
        "counts": None,
    }


@pytest.mark.parametrize("units", ["dbm", "DBM", "", "V", "dBm "])
def test_unknown_units_are_refused_with_the_known_ones(units) -> None:
    with pytest.raises(UnitsError, match="one of dBm, dBFS, dB, counts"):
        check_units(units)
    with pytest.raises(UnitsError):
        response_of(units)


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (lambda: average([[1.0, 2.0]], response=None), "shape of readings"),
        (lambda: average(1.0, response=None), "shape of readings"),
        (lambda: average([1.0], response=DECIBEL, looks=0.0), "looks"),
        (lambda: average([1.0], response=DECIBEL, looks=math.nan), "looks"),
        (lambda: average([1.0], response=DECIBEL, looks=math.inf), "looks"),
        (lambda: average([1.0], response=None, independent=0), "independent"),
        (lambda: log_average_bias([1.0, 0.0]), "looks"),
        (lambda: log_average_bias(math.nan), "looks"),
        (lambda: LogResponse(per_decade=0.0), "per_decade"),
        (lambda: LogResponse(per_decade=math.inf), "per_decade"),
        (lambda: LogResponse(offset=math.nan), "offset"),
        (lambda: effective_looks(0.0, 1.0), "bandwidth_hz"),
        (lambda: effective_looks(1.0, math.inf), "integration_s"),
    ],
)
def test_bad_input_is_named(call, field) -> None:
    with pytest.raises(InvalidInput) as refusal:
        call()
    assert refusal.value.field == field
