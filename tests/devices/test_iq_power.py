"""Power of 8-bit I/Q against the power that was put in: tone and noise, whatever the DC."""

import numpy as np
import pytest
from numpy.typing import NDArray

from skyscan_lab.devices.iq_power import CodeHistogram

QUANTIZATION = 2 / 12 / 127.5**2


def codes(amplitude: NDArray[np.complex128], dc: complex = 0.0) -> NDArray[np.uint8]:
    """What an ideal 8-bit converter makes of a complex amplitude, 1 being full scale."""
    parts = np.stack([amplitude.real + dc.real, amplitude.imag + dc.imag], axis=1)
    return np.clip(np.rint(127.5 + 127.5 * parts), 0, 255).astype(np.uint8)


def noise(power: float, samples: int, seed: int = 1) -> NDArray[np.complex128]:
    rng = np.random.default_rng(seed)
    pair = rng.standard_normal((samples, 2)) * np.sqrt(power / 2)
    return pair[:, 0] + 1j * pair[:, 1]


def measured(iq: NDArray[np.uint8]) -> float:
    histogram = CodeHistogram()
    histogram.add(iq)
    return histogram.power()


@pytest.mark.parametrize("dc", [0.0, 0.3 - 0.2j, -0.5 + 0.5j])
@pytest.mark.parametrize("level_db", [-40.0, -25.0, -18.0])
def test_noise_power_is_independent_of_a_strong_dc_spike(level_db: float, dc: complex) -> None:
    power = 10 ** (level_db / 10)
    samples = 200_000
    got = measured(codes(noise(power, samples), dc))
    # Four standard errors of exponential power, and the rounding's own known power.
    assert got - QUANTIZATION == pytest.approx(power, rel=4 / np.sqrt(samples), abs=0)


@pytest.mark.parametrize("dc", [0.0, 0.2j])
def test_tone_and_noise_add(dc: complex) -> None:
    samples = 100_000
    tone = 0.3 * np.exp(2j * np.pi * 0.0917 * np.arange(samples))
    got = measured(codes(tone + noise(0.01, samples), dc))
    assert got - QUANTIZATION == pytest.approx(0.09 + 0.01, rel=5e-3)


def test_the_mean_costs_one_degree_of_freedom() -> None:
    """With few samples, dividing by n instead of n − 1 would read 1/n too low."""
    readings = [measured(codes(noise(0.04, 8, seed))) for seed in range(4000)]
    standard_error = 0.04 / np.sqrt(7 * len(readings))
    assert np.mean(readings) - QUANTIZATION == pytest.approx(0.04, abs=4 * standard_error)


def test_sums_are_exact_for_readings_of_minutes() -> None:
    histogram = CodeHistogram()
    histogram.counts[:, 127] = 10**12
    histogram.counts[:, 128] = 10**12
    # I and Q are each ±½ code: a variance of ¼ each.
    n = 2 * 10**12
    assert histogram.power() == pytest.approx(0.5 * n / (n - 1) / 127.5**2, rel=1e-12)


def test_equal_samples_have_no_power() -> None:
    assert measured(np.full((100, 2), 255, dtype=np.uint8)) == 0.0


def test_saturation_is_counted() -> None:
    histogram = CodeHistogram()
    histogram.add(np.array([[0, 10], [255, 10], [20, 10], [20, 10]], dtype=np.uint8))
    assert histogram.saturated == 0.5
    assert histogram.samples == 4
