"""Truth: diffraction theory (Born & Wolf, Airy and annular apertures) and closed-form integrals."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import brentq, minimize_scalar

from skyscan_lab.antenna import (
    AiryPattern,
    CosinePattern,
    GaussianPattern,
    SincPattern,
    directivity,
    effective_area_m2,
    solid_angle_sr,
)
from skyscan_lab.errors import InvalidInput

# Born & Wolf, table of the annular aperture: first null in λ/D, energy inside it.
ANNULAR = [
    (0.0, 1.220, 0.838),
    (0.1, 1.205, 0.818),
    (0.2, 1.167, 0.764),
    (0.33, 1.098, 0.654),
    (0.5, 1.000, 0.479),
]

WAVELENGTHS = 100.0
"""Diameter of the aperture in the tests, in wavelengths: small angles, sin θ ≈ θ."""

widths = st.floats(0.5, 40.0)
angles = st.floats(-360.0, 360.0)


def airy(blockage: float) -> AiryPattern:
    return AiryPattern.of_aperture(WAVELENGTHS, 1.0, blockage)


def first_null_deg(pattern: AiryPattern) -> float:
    # The amplitude changes sign at a null, its square only touches zero.
    return float(
        minimize_scalar(
            lambda offset: float(pattern.gain(offset, 0.0)),
            bounds=(0.7 * pattern.hpbw_deg[0], 1.4 * pattern.hpbw_deg[0]),
            method="bounded",
            options={"xatol": 1e-9},
        ).x
    )


@pytest.mark.parametrize(("blockage", "null", "energy"), ANNULAR)
def test_null_and_enclosed_energy_are_those_of_the_annular_aperture(
    blockage: float, null: float, energy: float
) -> None:
    pattern = airy(blockage)
    found = np.sin(np.radians(first_null_deg(pattern))) * WAVELENGTHS
    assert found == pytest.approx(null, abs=1e-3)
    radius = np.linspace(0.0, first_null_deg(pattern), 20_001)
    ring = pattern.gain(radius, 0.0) * 2.0 * np.pi * np.radians(radius)
    # All the energy of the aperture: λ²/A, with the blocked part taken out of the area.
    whole = 4.0 / (np.pi * WAVELENGTHS**2 * (1.0 - blockage**2))
    assert np.trapezoid(ring, np.radians(radius)) / whole == pytest.approx(energy, abs=1e-3)


@pytest.mark.parametrize(
    ("blockage", "expected_db"), [(0.0, -17.57), (0.1, -16.87), (0.2, -15.18), (0.33, -12.68)]
)
def test_first_sidelobe_rises_with_blockage(blockage: float, expected_db: float) -> None:
    pattern = airy(blockage)
    null = first_null_deg(pattern)
    level = pattern.gain(np.linspace(null, 1.8 * null, 20_001), 0.0).max()
    assert 10.0 * np.log10(level) == pytest.approx(expected_db, abs=0.005)


@pytest.mark.parametrize("pattern", [GaussianPattern, AiryPattern, CosinePattern, SincPattern])
@given(first=widths, second=widths, position_angle=angles)
def test_half_power_lies_at_half_of_each_width(
    pattern: type[GaussianPattern | AiryPattern | CosinePattern | SincPattern],
    first: float,
    second: float,
    position_angle: float,
) -> None:
    beam = pattern((first, second), position_angle_deg=position_angle)
    turned = np.radians(position_angle)
    assert beam.gain(0.0, 0.0) == pytest.approx(1.0, abs=1e-12)
    along_second = second / 2.0 * np.sin(turned), second / 2.0 * np.cos(turned)
    along_first = first / 2.0 * np.cos(turned), -first / 2.0 * np.sin(turned)
    assert beam.gain(*along_second) == pytest.approx(0.5, rel=1e-9)
    assert beam.gain(*along_first) == pytest.approx(0.5, rel=1e-9)


@given(blockage=st.floats(0.0, 0.9), width=widths)
def test_blocked_beams_keep_the_width_they_were_given(blockage: float, width: float) -> None:
    beam = AiryPattern(width, blockage)
    edge = brentq(lambda offset: float(beam.gain(offset, 0.0)) - 0.5, 0.1 * width, 0.7 * width)
    assert 2.0 * edge == pytest.approx(width, rel=1e-9)


@given(cross=st.floats(-180, 180), up=st.floats(-180, 180))
def test_gain_is_defined_all_round_and_never_above_the_peak(cross: float, up: float) -> None:
    for beam in (AiryPattern((3.0, 6.0), 0.3, 20.0), GaussianPattern((3.0, 6.0), 20.0)):
        assert 0.0 <= float(beam.gain(cross, up)) <= 1.0


def test_there_is_no_second_main_lobe_behind_the_dish() -> None:
    behind = AiryPattern(5.0).gain(np.linspace(100.0, 180.0, 500), 0.0)
    assert behind.max() < 1e-4


def test_gaussian_solid_angle_is_the_closed_form_on_a_flat_sky() -> None:
    beam = GaussianPattern((0.5, 1.0), position_angle_deg=35.0)
    flat = np.pi / (4.0 * np.log(2.0)) * np.radians(0.5) * np.radians(1.0)
    assert solid_angle_sr(beam) == pytest.approx(flat, rel=1e-4)


@pytest.mark.parametrize("blockage", [0.0, 0.3])
def test_airy_effective_area_tends_to_the_open_area_of_the_aperture(blockage: float) -> None:
    frequency = 299_792_458.0  # a wavelength of 1 m
    open_area = np.pi / 4.0 * WAVELENGTHS**2 * (1.0 - blockage**2)
    assert effective_area_m2(airy(blockage), frequency) == pytest.approx(open_area, rel=5e-3)


def test_a_rectangular_aperture_has_its_area() -> None:
    # Narrow arms far out, which a fixed number of directions around the axis would miss.
    panel = SincPattern.of_aperture(width_m=80.0, height_m=50.0, wavelength_m=1.0)
    assert effective_area_m2(panel, 299_792_458.0) == pytest.approx(4000.0, rel=1e-3)


@pytest.mark.parametrize("exponent", [1.0, 2.0, 7.5, 40.0])
def test_a_power_of_the_cosine_has_its_directivity(exponent: float) -> None:
    beam = CosinePattern.of_exponent(exponent)
    assert beam.exponents == pytest.approx((exponent, exponent), rel=1e-9)
    assert directivity(beam) == pytest.approx(2.0 * (exponent + 1.0), rel=2e-5)


def test_nothing_is_behind_a_power_of_the_cosine() -> None:
    assert CosinePattern(60.0).gain([90.0, 120.0, 0.0], [0.0, 0.0, -180.0]).max() == 0.0


def test_directivity_and_solid_angle_fill_the_sphere() -> None:
    beam = AiryPattern((4.0, 6.0), 0.2)
    assert directivity(beam) * solid_angle_sr(beam) == pytest.approx(4.0 * np.pi)


@pytest.mark.parametrize("hpbw", [0.0, -1.0, float("nan"), 91.0, (1.0, 2.0, 3.0), "wide"])
def test_widths_that_are_none_are_refused_by_name(hpbw: object) -> None:
    with pytest.raises(InvalidInput, match="hpbw_deg"):
        GaussianPattern(hpbw)  # type: ignore[arg-type]


@pytest.mark.parametrize("exponent", [0.0, -1.0, float("nan")])
def test_exponents_that_are_no_beam_are_refused(exponent: float) -> None:
    with pytest.raises(InvalidInput, match="exponent"):
        CosinePattern.of_exponent(exponent)


def test_a_rectangle_below_a_wavelength_is_refused_by_its_side() -> None:
    with pytest.raises(InvalidInput, match="height_m"):
        SincPattern.of_aperture(2.0, 0.5, 1.0)


@pytest.mark.parametrize("blockage", [-0.1, 1.0, float("nan")])
def test_blockage_out_of_range_is_refused_by_name(blockage: float) -> None:
    with pytest.raises(InvalidInput, match="blockage"):
        AiryPattern(5.0, blockage)


def test_an_aperture_below_a_wavelength_is_refused() -> None:
    with pytest.raises(InvalidInput, match="diameter_m"):
        AiryPattern.of_aperture(0.5, 1.0)
