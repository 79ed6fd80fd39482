"""Truth: the Fourier integral of the aperture field, done numerically, and closed forms."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from scipy.special import eval_jacobi, jv

from skyscan_lab.antenna import AiryPattern, AperturePattern, beam_figures
from skyscan_lab.antenna.zernike import disc_far_field, zernike_radial
from skyscan_lab.errors import InvalidInput

ERRORS: Mapping[tuple[int, int], complex] = {
    (1, -1): 0.2j,
    (2, 0): -0.4 + 0.3j,
    (2, 2): 0.15j,
    (3, 1): 0.2j,
    (3, -3): 0.1 - 0.1j,
    (4, 0): 0.1,
    (6, 2): 0.05 + 0.02j,
}


def aperture_field(
    coefficients: Mapping[tuple[int, int], complex], rho: np.ndarray, phi: np.ndarray
) -> np.ndarray:
    field = np.ones(np.broadcast_shapes(rho.shape, phi.shape), dtype=complex)
    for (n, m), coefficient in coefficients.items():
        order, half = abs(m), (n - abs(m)) // 2
        # R is a Jacobi polynomial (Born & Wolf, appendix VII).
        radial = (-1) ** half * rho**order * eval_jacobi(half, order, 0, 1 - 2 * rho**2)
        field += coefficient * radial * (np.cos(m * phi) if m >= 0 else np.sin(order * phi))
    return field


def far_field(
    pattern: AperturePattern,
    coefficients: Mapping[tuple[int, int], complex],
    x_deg: float,
    y_deg: float,
) -> complex:
    """(1/A) ∫ E exp(i k · r) dA in metres over the ellipse, by Gauss rings and equal sectors."""
    nodes, weights = np.polynomial.legendre.leggauss(120)
    edge = pattern.blockage
    rho = (edge + (1.0 - edge) * (nodes + 1.0) / 2.0)[:, np.newaxis]
    area = rho * weights[:, np.newaxis] * (1.0 - edge) / 2.0
    phi = np.arange(400) * 2.0 * np.pi / 400
    # The ellipse in wavelengths, and the direction in its own axes.
    first = pattern.diameter_wavelengths[0] / 2.0 * rho * np.cos(phi)
    second = pattern.diameter_wavelengths[1] / 2.0 * rho * np.sin(phi)
    angle = np.radians(np.hypot(x_deg, y_deg))
    around = np.arctan2(y_deg, x_deg) + np.radians(pattern.position_angle_deg)
    towards = np.sin(angle) * np.cos(around), np.sin(angle) * np.sin(around)
    phase = 2.0 * np.pi * (first * towards[0] + second * towards[1])
    field = aperture_field(coefficients, rho, phi) * np.exp(1j * phase)
    return complex((field * area).sum() * 2.0 * np.pi / 400 / np.pi)


@pytest.mark.parametrize("blockage", [0.0, 0.3])
def test_far_field_is_the_fourier_integral_of_the_aperture(blockage: float) -> None:
    pattern = AperturePattern((30.0, 18.0), ERRORS, blockage, position_angle_deg=25.0)
    rng = np.random.default_rng(3)
    offsets = np.append(rng.uniform(-12.0, 12.0, (30, 2)), [[0.0, 0.0], [60.0, -20.0]], axis=0)
    expected = [far_field(pattern, ERRORS, x, y) for x, y in offsets]
    np.testing.assert_allclose(pattern.far_field(*offsets.T), expected, atol=1e-12)


@pytest.mark.parametrize("order", [(2, 2), (5, -3), (8, 0), (24, 10), (23, -23)])
def test_each_mode_is_a_bessel_function(order: tuple[int, int]) -> None:
    n, m = order
    u = np.geomspace(1e-3, 300.0, 200)
    field = disc_far_field([(n, m, 1.0)], u * np.cos(0.7), u * np.sin(0.7)).value
    around = np.cos(m * 0.7) if m >= 0 else np.sin(-m * 0.7)
    factor = 2.0 * 1j ** abs(m) * (-1.0) ** ((n - abs(m)) // 2)
    np.testing.assert_allclose(field, factor * jv(n + 1, u) / u * around, atol=1e-12)


@pytest.mark.parametrize("blockage", [0.0, 0.2, 0.6])
def test_a_uniform_aperture_has_an_airy_pattern(blockage: float) -> None:
    airy = AiryPattern((3.0, 5.0), blockage, 40.0)
    aperture = AperturePattern.of_airy(airy)
    x, y = np.random.default_rng(4).uniform(-30.0, 30.0, (2, 1000))
    for ours, expected in zip(aperture.gradient(x, y), airy.gradient(x, y), strict=True):
        np.testing.assert_allclose(ours, expected, atol=1e-12)
    assert aperture.hpbw_deg == pytest.approx(airy.hpbw_deg, rel=1e-9)


def test_a_parabolic_taper_has_its_textbook_beam() -> None:
    # 1 − ρ², Balanis, table 12.2: HPBW 72.7° λ/D, first null 93.6° λ/D, sidelobe −24.6 dB.
    dish = AperturePattern(200.0, {(2, 0): -1.0})
    cut = beam_figures(dish).first
    assert cut.hpbw_deg * 200.0 == pytest.approx(72.7, abs=0.1)
    assert cut.null_deg[1] * 200.0 == pytest.approx(93.6, abs=0.3)
    assert cut.sidelobe_db[1] == pytest.approx(-24.6, abs=0.05)
    # Its aperture efficiency, |∫E|²/(A ∫|E|²), is ¾.
    expected = 0.75 * (np.pi * 200.0) ** 2
    assert 10.0 ** (beam_figures(dish).directivity_dbi / 10.0) == pytest.approx(expected, rel=3e-4)


def test_a_phase_slope_moves_the_beam_and_changes_little_else() -> None:
    # exp(iερ cos φ) ≈ 1 + iερ cos φ: the peak is where u = −ε.
    slope = 0.01
    moved = AperturePattern(50.0, {(1, 1): 1j * slope})
    expected = -np.degrees(slope / (np.pi * 50.0))
    assert moved.peak_offset_deg[0] == pytest.approx(expected, rel=1e-3)
    assert moved.peak_offset_deg[1] == pytest.approx(0.0, abs=1e-9)
    assert moved.hpbw_deg == pytest.approx(AperturePattern(50.0).hpbw_deg, rel=1e-4)


def test_coma_raises_the_sidelobe_on_one_side() -> None:
    cut = beam_figures(AperturePattern(50.0, {(3, 1): 0.3j})).first
    assert abs(cut.sidelobe_db[0] - cut.sidelobe_db[1]) > 3.0
    cut = beam_figures(AperturePattern(50.0, {(3, 1): 0.3j})).second
    assert cut.sidelobe_db[0] == pytest.approx(cut.sidelobe_db[1], abs=1e-6)


def test_the_peak_is_found_where_it_is() -> None:
    pattern = AperturePattern((30.0, 20.0), {(3, 1): 0.8j, (2, -2): 0.5j, (1, 1): 1.0j}, 0.1, 15.0)
    x, y = np.meshgrid(np.linspace(-4.0, 4.0, 801), np.linspace(-4.0, 4.0, 801))
    gain = pattern.gain(x, y)
    best = np.unravel_index(np.argmax(gain), gain.shape)
    assert gain[best] == pytest.approx(1.0, abs=1e-4)
    assert pattern.peak_offset_deg == pytest.approx((x[best], y[best]), abs=0.01)


def test_radial_polynomials_are_orthogonal() -> None:
    nodes, weights = np.polynomial.legendre.leggauss(40)
    rho, area = (nodes + 1.0) / 2.0, weights / 2.0 * (nodes + 1.0) / 2.0
    for m in (0, 1, 4):
        rows = [[zernike_radial(n, m, r) for r in rho] for n in range(m, m + 8, 2)]
        products = np.einsum("ar,br,r->ab", rows, rows, area)
        expected = np.diag([1.0 / (2.0 * (n + 1.0)) for n in range(m, m + 8, 2)])
        np.testing.assert_allclose(products, expected, atol=1e-12)


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"diameter_wavelengths": 0.5}, "diameter_wavelengths"),
        ({"diameter_wavelengths": (1.0, 2.0, 3.0)}, "diameter_wavelengths"),
        ({"diameter_wavelengths": float("inf")}, "diameter_wavelengths"),
        ({"blockage": 1.0}, "blockage"),
        ({"coefficients": {(0, 0): 1.0}}, "coefficients"),
        ({"coefficients": {(2, 1): 1.0}}, "coefficients"),
        ({"coefficients": {(2, 4): 1.0}}, "coefficients"),
        ({"coefficients": {(26, 0): 1.0}}, "coefficients"),
        ({"coefficients": {(2, 0): complex("nan")}}, "coefficients"),
    ],
)
def test_what_is_no_aperture_is_refused_by_name(arguments: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidInput, match=field):
        AperturePattern(**({"diameter_wavelengths": 30.0} | arguments))  # type: ignore[arg-type]
