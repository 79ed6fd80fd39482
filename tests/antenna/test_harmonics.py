"""Truth: scipy's spherical harmonics, and orthogonality on the sphere."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import sph_harm_y

from skyscan_lab.antenna import AiryPattern, GaussianPattern, HarmonicPattern, solid_angle_sr
from skyscan_lab.antenna.harmonics import real_harmonics
from skyscan_lab.errors import InvalidInput


def scipy_real(degree: int, order: int, theta: np.ndarray, psi: np.ndarray) -> np.ndarray:
    """Real harmonic from scipy's complex one, its Condon–Shortley phase taken out."""
    value = (-1.0) ** order * sph_harm_y(degree, abs(order), theta, psi)
    part = value.real if order >= 0 else value.imag
    return part * (np.sqrt(2.0) if order else 1.0)


@pytest.mark.parametrize(
    "term", [(0, 0), (1, 0), (1, 1), (1, -1), (5, 3), (5, -3), (30, -12), (60, 60)]
)
def test_harmonics_are_those_of_scipy(term: tuple[int, int]) -> None:
    rng = np.random.default_rng(5)
    theta, psi = np.arccos(rng.uniform(-1.0, 1.0, 200)), rng.uniform(0.0, 2.0 * np.pi, 200)
    x, y, z = np.sin(theta) * np.cos(psi), np.sin(theta) * np.sin(psi), np.cos(theta)
    value, *_ = real_harmonics(((*term, 1.0),), x, y, z)
    np.testing.assert_allclose(value, scipy_real(*term, theta, psi), atol=1e-12)


def test_the_sum_is_the_base_and_the_harmonics_relative_to_its_peak() -> None:
    base = AiryPattern((20.0, 30.0), 0.2, 30.0)
    terms = {(0, 0): 0.05, (2, 1): 0.02, (4, -3): 0.01}
    pattern = HarmonicPattern(base, terms)
    rng = np.random.default_rng(6)
    x, y = rng.uniform(-60.0, 60.0, (2, 500))
    theta = np.radians(np.hypot(x, y))
    # Around from the first axis of the base, which is turned by 30° from cross-elevation.
    psi = np.arctan2(y, x) + np.radians(30.0)
    total = base.gain(x, y) + sum(a * scipy_real(*lm, theta, psi) for lm, a in terms.items())
    x0, y0 = pattern.peak_offset_deg
    fine = np.linspace(-1.0, 1.0, 201)
    near = pattern.gain(x0 + fine, y0 + fine[:, np.newaxis])
    assert near.max() == pytest.approx(1.0, abs=1e-9)
    ratio = pattern.gain(x, y)[total > 0.0] / total[total > 0.0]
    np.testing.assert_allclose(ratio, ratio[0], rtol=1e-9)
    assert np.all(pattern.gain(x, y)[total <= 0.0] == 0.0)


def test_only_the_mean_of_the_harmonics_adds_to_the_solid_angle() -> None:
    base = GaussianPattern(30.0)
    mean = HarmonicPattern(base, {(0, 0): 0.1})
    # Y₀₀ = 1/√4π, and the peak is raised by it.
    added = 0.1 * np.sqrt(4.0 * np.pi)
    peak = 1.0 + 0.1 / np.sqrt(4.0 * np.pi)
    assert solid_angle_sr(mean) * peak == pytest.approx(solid_angle_sr(base) + added, rel=1e-6)
    more = HarmonicPattern(base, {(0, 0): 0.1, (5, 2): 0.005, (3, 0): 0.004})
    total = solid_angle_sr(more) / float(more.gain(0.0, 0.0))
    y30 = np.sqrt(7.0 / (4.0 * np.pi))
    assert total * (peak + 0.004 * y30) == pytest.approx(solid_angle_sr(base) + added, rel=1e-5)


@pytest.mark.parametrize(
    "coefficients",
    [{(61, 0): 1.0}, {(2, 3): 1.0}, {(-1, 0): 1.0}, {(1, 0): float("nan")}, {(0, 0): -9.0}],
)
def test_what_is_no_residual_is_refused(coefficients: dict[tuple[int, int], float]) -> None:
    with pytest.raises(InvalidInput, match="coefficients"):
        HarmonicPattern(GaussianPattern(5.0), coefficients)
