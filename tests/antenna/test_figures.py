"""Truth: textbook figures of apertures and closed forms of analytic beams."""

from __future__ import annotations

import numpy as np
import pytest

from skyscan_lab.antenna import (
    AiryPattern,
    AperturePattern,
    CosinePattern,
    F699Pattern,
    GaussianPattern,
    HarmonicPattern,
    RA1631Pattern,
    SincPattern,
    beam_figures,
    cut_figures,
)
from skyscan_lab.errors import InvalidInput

WAVELENGTHS = 200.0


def test_figures_of_a_round_dish_are_those_of_the_airy_disc() -> None:
    figures = beam_figures(AiryPattern.of_aperture(WAVELENGTHS, 1.0))
    in_beams = np.sin(np.radians(figures.first.null_deg)) * WAVELENGTHS
    assert in_beams == pytest.approx([1.21967, 1.21967], abs=1e-5)
    assert figures.first.sidelobe_db == pytest.approx([-17.57, -17.57], abs=5e-3)
    lobe = np.sin(np.radians(figures.first.sidelobe_deg)) * WAVELENGTHS
    assert lobe == pytest.approx([1.63472, 1.63472], abs=1e-5)
    assert figures.hpbw_deg == pytest.approx([58.96 / WAVELENGTHS] * 2, rel=1e-3)
    assert figures.directivity_dbi == pytest.approx(20 * np.log10(np.pi * WAVELENGTHS), abs=0.01)
    # Enclosed by the first dark ring: 1 − J₀²(3.8317) = 0.838; the rest of the sphere is small.
    assert figures.main_beam_efficiency == pytest.approx(0.838, abs=3e-3)
    assert figures.peak_offset_deg == (0.0, 0.0)


@pytest.mark.parametrize(
    ("blockage", "level", "energy"), [(0.2, -15.18, 0.764), (0.33, -12.68, 0.654)]
)
def test_a_blocked_dish_has_higher_sidelobes_and_less_main_beam(
    blockage: float, level: float, energy: float
) -> None:
    figures = beam_figures(AiryPattern.of_aperture(WAVELENGTHS, 1.0, blockage))
    assert figures.second.sidelobe_db == pytest.approx([level, level], abs=5e-3)
    assert figures.main_beam_efficiency == pytest.approx(energy, abs=4e-3)


def test_figures_of_a_rectangle_are_those_of_its_sides() -> None:
    figures = beam_figures(SincPattern.of_aperture(80.0, 50.0, 1.0))
    for cut, side in ((figures.first, 80.0), (figures.second, 50.0)):
        assert np.sin(np.radians(cut.null_deg)) * side == pytest.approx([1.0, 1.0], abs=1e-6)
        assert cut.sidelobe_db == pytest.approx([-13.26, -13.26], abs=5e-3)
        assert cut.hpbw_deg * side == pytest.approx(50.76, abs=0.02)
    # (∫₋π^π sinc²)² / π² = 0.9028²; the arms take 0.5 % to the rest of the sphere.
    assert figures.main_beam_efficiency == pytest.approx(0.9028**2, abs=5e-3)


def test_a_gaussian_has_no_null_and_is_all_main_beam() -> None:
    figures = beam_figures(GaussianPattern((2.0, 4.0), 30.0))
    assert np.isnan([*figures.first.null_deg, *figures.second.sidelobe_db]).all()
    assert figures.main_beam_efficiency == pytest.approx(1.0, abs=1e-9)
    assert figures.hpbw_deg == pytest.approx([2.0, 4.0], rel=1e-9)
    assert figures.front_to_back_db == np.inf


def test_a_diagonal_cut_of_an_ellipse() -> None:
    # 1/W² = cos²/A² + sin²/B² for a Gaussian.
    width = cut_figures(GaussianPattern((2.0, 4.0), 30.0), 30.0 + 25.0).hpbw_deg
    turn = np.radians(25.0)
    expected = (np.sin(turn) ** 2 / 2.0**2 + np.cos(turn) ** 2 / 4.0**2) ** -0.5
    assert width == pytest.approx(expected, rel=1e-9)


def test_cuts_are_those_of_the_turned_axes() -> None:
    straight, turned = AiryPattern((3.0, 5.0), 0.1), AiryPattern((3.0, 5.0), 0.1, 70.0)
    for ours, expected in (
        (beam_figures(turned).first, beam_figures(straight).first),
        (beam_figures(turned).second, beam_figures(straight).second),
    ):
        assert ours.null_deg == pytest.approx(expected.null_deg, rel=1e-6)
        assert ours.sidelobe_db == pytest.approx(expected.sidelobe_db, abs=1e-6)


def test_figures_are_taken_from_the_peak_where_that_is_off_the_axis() -> None:
    tilt = 1.0  # exp(iερ cos φ) as a series to fourth order is no pure shift, but nearly
    figures = beam_figures(AperturePattern(50.0, {(1, 1): 1j * tilt}))
    assert figures.peak_offset_deg[0] < -0.2
    assert figures.second.hpbw_deg == pytest.approx(58.96 / 50.0, rel=0.02)
    moved = HarmonicPattern(GaussianPattern(30.0), {(1, 1): 0.5})
    assert beam_figures(moved).peak_offset_deg == pytest.approx(moved.peak_offset_deg)


def test_front_to_back_is_the_worst_within_the_back_cone() -> None:
    assert beam_figures(F699Pattern(3.0, 10.7e9)).front_to_back_db == pytest.approx(58.29, abs=0.01)
    # −12 dBi behind 120°, and a peak of 20 log πD/λ.
    dish = RA1631Pattern(30.0, 1.42e9)
    assert beam_figures(dish).front_to_back_db == pytest.approx(dish.peak_dbi + 12.0, abs=1e-9)


def test_the_steps_of_a_mask_are_no_sidelobes() -> None:
    figures = beam_figures(RA1631Pattern(30.0, 1.42e9))
    assert np.isnan([*figures.first.null_deg, *figures.first.sidelobe_deg]).all()
    lobes = beam_figures(RA1631Pattern(30.0, 1.42e9, bessel=True)).first
    assert np.isfinite([*lobes.null_deg, *lobes.sidelobe_db]).all()


def test_the_table_has_every_figure_with_its_unit() -> None:
    figures = beam_figures(CosinePattern(60.0))
    table = figures.to_table()
    values = dict(zip(table["figure"], table["value"], strict=True))
    assert values["first axis: HPBW"] == pytest.approx(60.0)
    assert values["directivity"] == figures.directivity_dbi
    assert set(table["unit"]) == {"deg", "dB", "dBi", "sr", ""}


class Flat:
    """A pattern that is the same everywhere, which no beam is."""

    hpbw_deg = (10.0, 10.0)

    def gain(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return np.ones(np.broadcast(x, y).shape)

    def gradient(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, ...]:
        return self.gain(x, y), 0.0 * self.gain(x, y), 0.0 * self.gain(x, y)


def test_a_pattern_that_has_no_beam_is_refused() -> None:
    with pytest.raises(InvalidInput, match="pattern"):
        cut_figures(Flat(), 0.0)  # type: ignore[arg-type]
