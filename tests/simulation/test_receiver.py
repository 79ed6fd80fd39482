"""Truth: the radiometer equation, the exponential distribution, and 1/f noise on paper."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from skyscan_lab.errors import InvalidInput, UnitsError
from skyscan_lab.power import DECIBEL, LogResponse, log_average_bias
from skyscan_lab.simulation.drift import GainDrift
from skyscan_lab.simulation.receiver import Impulses, ReceiverModel
from skyscan_lab.simulation.sources import BOLTZMANN_J_K

T0 = 1.78e9
READS = 40_000


def readings(model: ReceiverModel, antenna_k: float = 20.0, session: str = "a") -> np.ndarray:
    return model.readings(np.full(READS, antenna_k), np.full(READS, T0), 1, session, 0)


def test_mean_power_is_gain_times_k_t_b() -> None:
    model = ReceiverModel(noise_temperature_k=80.0, bandwidth_hz=36e6, gain_db=60.0)
    watt = BOLTZMANN_J_K * 100.0 * 36e6 * 1e6
    assert model.power_mw(20.0, T0, seed=1) == pytest.approx(1e3 * watt)


@pytest.mark.parametrize("looks", [4.0, 72.0, 7200.0])
def test_readings_obey_the_radiometer_equation(looks: float) -> None:
    model = ReceiverModel(integration_s=looks / 36e6)
    power = DECIBEL.to_power(readings(model))
    assert model.looks == pytest.approx(looks)
    assert power.mean() == pytest.approx(
        model.mean_power_mw(20.0), rel=4.0 / np.sqrt(looks * READS)
    )
    assert power.std() / power.mean() * np.sqrt(looks) == pytest.approx(1.0, abs=0.03)


def test_the_mean_of_decibels_is_biased_as_theory_says() -> None:
    model = ReceiverModel(integration_s=1.0 / 36e6)  # a single look
    bias = readings(model).mean() - DECIBEL.to_reading(model.mean_power_mw(20.0))
    assert bias == pytest.approx(float(log_average_bias(1)), abs=4.0 * 5.57 / np.sqrt(READS))


def test_sessions_do_not_share_their_noise() -> None:
    model = ReceiverModel(integration_s=1e-5)
    correlation = np.corrcoef(readings(model, session="a"), readings(model, session="b"))[0, 1]
    assert abs(correlation) * np.sqrt(READS) < 4.0


def test_relative_noise_is_what_was_asked_for() -> None:
    power = DECIBEL.to_power(readings(ReceiverModel().with_relative_noise(0.02)))
    assert power.std() / power.mean() == pytest.approx(0.02, rel=0.02)
    silent = readings(ReceiverModel().with_relative_noise(0.0))
    assert np.ptp(silent) == 0.0
    assert silent[0] == DECIBEL.to_reading(ReceiverModel().mean_power_mw(20.0))


def test_counts_are_whole_and_logarithmic() -> None:
    response = LogResponse(offset=1500.0, per_decade=165.0)
    model = ReceiverModel(units="counts", response=response, resolution=1.0)
    counts = readings(model)
    np.testing.assert_array_equal(counts, np.rint(counts))
    exact = response.to_reading(model.mean_power_mw(20.0))
    assert counts.mean() == pytest.approx(float(exact), abs=0.1)
    # The scatter of a rounded reading: σ² + q²/12.
    sigma = 165.0 / np.log(10.0) / np.sqrt(model.looks)
    assert counts.var() == pytest.approx(sigma**2 + 1.0 / 12.0, rel=0.05)


def test_impulses_hit_their_share_of_the_readings_and_only_add() -> None:
    quiet = ReceiverModel().with_relative_noise(0.0)
    noisy = ReceiverModel(
        integration_s=float("inf"), impulses=Impulses(probability=0.05, mean_k=400.0)
    )
    extra = DECIBEL.to_power(readings(noisy)) / DECIBEL.to_power(readings(quiet)) * 100.0 - 100.0
    hit = extra > 1e-9
    assert hit.mean() == pytest.approx(0.05, abs=4.0 * np.sqrt(0.05 * 0.95 / READS))
    assert stats.kstest(extra[hit], stats.expon(scale=400.0).cdf).pvalue > 1e-3
    assert extra.min() > -1e-9


def test_drift_is_a_function_of_time_and_of_the_station() -> None:
    drift = GainDrift(rms_db=0.3)
    times = T0 + np.arange(0.0, 7200.0, 60.0)
    together = drift.gain_db(times, seed=7)
    assert np.array_equal(together, [drift.gain_db(time, seed=7) for time in times])
    assert not np.allclose(together, drift.gain_db(times, seed=8))
    assert np.array_equal(GainDrift().gain_db(times, seed=7), np.zeros(times.size))


def test_drift_has_its_rms_over_many_stations_and_is_smooth() -> None:
    drift = GainDrift(rms_db=0.3, longest_s=7200.0, shortest_s=300.0)
    levels = np.array([drift.gain_db(T0, seed) for seed in range(3000)])
    assert levels.std() == pytest.approx(0.3, rel=0.05)
    assert levels.mean() == pytest.approx(0.0, abs=0.03)
    step = np.diff(drift.gain_db(T0 + np.arange(0.0, 7200.0, 1.0), seed=1))
    assert np.abs(step).max() < 0.3 * np.sqrt(2.0 * 32) * 2.0 * np.pi / 300.0


def test_drift_has_equal_power_in_each_octave() -> None:
    drift = GainDrift(rms_db=1.0, longest_s=6400.0, shortest_s=100.0)
    times = T0 + np.arange(0.0, 64_000.0, 25.0)
    power = np.zeros(times.size // 2 + 1)
    for seed in range(200):
        power += np.abs(np.fft.rfft(drift.gain_db(times, seed) * np.hanning(times.size))) ** 2
    rate = np.fft.rfftfreq(times.size, 25.0)
    octaves = [(2.0**k / 6400.0, 2.0 ** (k + 1) / 6400.0) for k in range(1, 5)]
    shares = [power[(rate >= low) & (rate < high)].sum() for low, high in octaves]
    np.testing.assert_allclose(shares / np.mean(shares), 1.0, atol=0.25)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("noise_temperature_k", -1.0),
        ("bandwidth_hz", 0.0),
        ("integration_s", 0.0),
        ("reading_s", float("inf")),
        ("resolution", float("nan")),
    ],
)
def test_a_receiver_that_cannot_be_is_refused_by_name(field: str, value: float) -> None:
    with pytest.raises(InvalidInput, match=field):
        ReceiverModel(**{field: value})


def test_other_models_refuse_what_cannot_be() -> None:
    with pytest.raises(UnitsError):
        ReceiverModel(units="volt")  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match="noise"):
        ReceiverModel().with_relative_noise(-0.1)
    with pytest.raises(InvalidInput, match="probability"):
        Impulses(probability=1.1)
    with pytest.raises(InvalidInput, match="mean_k"):
        Impulses(mean_k=-1.0)
    with pytest.raises(InvalidInput, match="rms_db"):
        GainDrift(rms_db=-0.1)
    with pytest.raises(InvalidInput, match="shortest_s"):
        GainDrift(rms_db=0.1, shortest_s=7200.0, longest_s=3600.0)
