"""Truth: finite differences of each family's own gain, and what every pattern has to keep."""

from __future__ import annotations

import numpy as np
import pytest

from skyscan_lab.antenna import (
    AiryPattern,
    AntennaPattern,
    AperturePattern,
    CosinePattern,
    CutsPattern,
    F699Pattern,
    F1245Pattern,
    GaussianPattern,
    HarmonicPattern,
    PolarTablePattern,
    RA1631Pattern,
    S465Pattern,
    S580Pattern,
    SincPattern,
    TablePattern,
)

ANGLES = np.arange(0.0, 360.0, 2.0)
SIDES = (ANGLES + 180.0) % 360.0 - 180.0
LATTICE = np.linspace(-12.0, 12.0, 49)
THETA, PSI = np.linspace(0.0, 180.0, 181), np.arange(0.0, 360.0, 5.0)


def lattice_table() -> TablePattern:
    truth = AiryPattern((4.0, 6.0), 0.2, 25.0)
    gain = truth.gain(LATTICE + 0.3, LATTICE[:, np.newaxis] - 0.2)
    return TablePattern(LATTICE, LATTICE, 10.0 * np.log10(gain + 1e-4))


def polar_table() -> PolarTablePattern:
    truth = GaussianPattern((15.0, 25.0), 25.0)
    x, y = (np.outer(THETA, part(np.radians(PSI))) for part in (np.cos, np.sin))
    return PolarTablePattern(THETA, PSI, 10.0 * np.log10(truth.gain(x - 1.0, y + 2.0) + 1e-3))


def cuts(combination: str) -> CutsPattern:
    horizontal = -12.0 * np.minimum(np.abs(SIDES) / 60.0, 1.4) ** 2 + np.sin(np.radians(SIDES))
    vertical = -12.0 * np.minimum(np.abs(SIDES - 6.0) / 20.0, 1.5) ** 2
    return CutsPattern(ANGLES, horizontal, vertical, combination)  # type: ignore[arg-type]


FAMILIES: dict[str, AntennaPattern] = {
    "Gaussian": GaussianPattern((3.0, 6.0), 20.0),
    "Airy": AiryPattern(5.0),
    "Airy, blocked ellipse": AiryPattern((3.0, 6.0), 0.3, 20.0),
    "cosine": CosinePattern((50.0, 90.0), 20.0),
    "cosine, narrow": CosinePattern(4.0),
    "sinc": SincPattern((3.0, 6.0), 20.0),
    "F.699": F699Pattern(3.0, 10.7e9),
    "F.699, small": F699Pattern(0.5, 10.7e9),
    "F.699, low": F699Pattern(3.0, 4e8),
    "F.1245": F1245Pattern(3.0, 10.7e9),
    "F.1245, small": F1245Pattern(0.5, 10.7e9),
    "S.465": S465Pattern(2.4, 12e9),
    "S.580": S580Pattern(2.4, 12e9),
    "RA.1631": RA1631Pattern(30.0, 1.42e9),
    "RA.1631, Bessel": RA1631Pattern(30.0, 1.42e9, bessel=True),
    "aperture": AperturePattern(30.0, {(2, 0): -0.4, (4, 0): 0.05}),
    "aperture, with errors": AperturePattern(
        (30.0, 20.0),
        {(1, 1): 0.1j, (2, 0): -0.4 + 0.2j, (2, -2): 0.1j, (3, 1): 0.2j, (3, -3): 0.1 - 0.1j},
        0.25,
        20.0,
    ),
    "harmonics": HarmonicPattern(
        AiryPattern((3.0, 6.0), 0.2, 20.0), {(1, 1): 0.1, (2, -1): 0.1, (7, 3): 0.004}
    ),
    "lattice table": lattice_table(),
    "polar table": polar_table(),
    "cuts, weighted": cuts("weighted"),
    "cuts, sum": cuts("sum"),
}
OFF_AXIS_PEAK = {"aperture, with errors", "harmonics", "lattice table", "polar table"}

families = pytest.mark.parametrize("family", FAMILIES)


def places(pattern: AntennaPattern) -> tuple[np.ndarray, np.ndarray]:
    """Offsets on the beam, around it and all round the sphere, the axis among them."""
    rng = np.random.default_rng(7)
    width = max(pattern.hpbw_deg)
    beam, far = rng.uniform(-2.0, 2.0, (2, 400)) * width, rng.uniform(-125.0, 125.0, (2, 400))
    x, y = np.concatenate([beam, far], axis=1)
    return np.append(x, [0.0, 0.0]), np.append(y, [0.0, width / 1e4])


@families
def test_gradient_is_the_slope_of_the_gain(family: str) -> None:
    pattern = FAMILIES[family]
    x, y = places(pattern)
    width = min(pattern.hpbw_deg)
    step = 1e-5 * width
    _, per_x, per_y = pattern.gradient(x, y)
    # Next to the edge of a mask or a table the two sides of a difference are of two legs.
    jumps = np.abs(pattern.gain(x + step, y + step) - pattern.gain(x - step, y - step))
    smooth = jumps < 20.0 * step / width
    assert smooth.mean() > 0.98
    by_x = (pattern.gain(x + step, y) - pattern.gain(x - step, y)) / (2.0 * step)
    by_y = (pattern.gain(x, y + step) - pattern.gain(x, y - step)) / (2.0 * step)
    assert np.abs(by_x - per_x)[smooth].max() * width < 1e-5
    assert np.abs(by_y - per_y)[smooth].max() * width < 1e-5


@families
def test_gradient_comes_with_the_gain(family: str) -> None:
    pattern = FAMILIES[family]
    x, y = places(pattern)
    gain, per_x, per_y = pattern.gradient(x, y)
    assert gain.shape == per_x.shape == per_y.shape == x.shape
    np.testing.assert_allclose(gain, pattern.gain(x, y), rtol=1e-9, atol=1e-14)
    assert np.all((gain >= 0.0) & np.isfinite(gain) & np.isfinite(per_x) & np.isfinite(per_y))


@families
def test_offsets_broadcast_and_may_be_numbers(family: str) -> None:
    pattern = FAMILIES[family]
    x, y = np.array([-1.0, 0.0, 2.0]), np.array([[0.5], [1.5]])
    grid = pattern.gradient(x, y)
    for values, one in zip(grid, pattern.gradient(2.0, 0.5), strict=True):
        assert values.shape == (2, 3)
        assert float(one) == pytest.approx(values[0, 2], rel=1e-12, abs=1e-15)
    assert pattern.gain(x, y).shape == (2, 3)
    assert np.ndim(pattern.gain(2.0, 0.5)) == 0


@families
def test_the_peak_is_one_and_flat_and_nothing_is_higher(family: str) -> None:
    pattern = FAMILIES[family]
    peak = getattr(pattern, "peak_offset_deg", (0.0, 0.0))
    assert (np.hypot(*peak) > 1e-3) == (family in OFF_AXIS_PEAK)
    gain, *slope = pattern.gradient(*peak)
    assert float(gain) == pytest.approx(1.0, abs=1e-9)
    assert np.abs(slope).max() * min(pattern.hpbw_deg) < 1e-5
    x, y = places(pattern)
    assert pattern.gain(x, y).max() <= 1.0 + 1e-9


@families
def test_half_power_lies_at_the_widths_along_the_axes(family: str) -> None:
    pattern = FAMILIES[family]
    x0, y0 = getattr(pattern, "peak_offset_deg", (0.0, 0.0))
    turn = np.radians(getattr(pattern, "position_angle_deg", 0.0))
    axes = (np.cos(turn), -np.sin(turn)), (np.sin(turn), np.cos(turn))
    for (x, y), width in zip(axes, pattern.hpbw_deg, strict=True):
        fine = np.linspace(-width, width, 200_001)
        above = fine[pattern.gain(x0 + fine * x, y0 + fine * y) >= 0.5]
        assert np.ptp(above) == pytest.approx(width, rel=1e-4)


@families
def test_equal_parameters_are_equal_patterns(family: str) -> None:
    pattern = FAMILIES[family]
    assert hash(pattern) == hash(pattern)
    others = [other for name, other in FAMILIES.items() if name != family]
    assert all(pattern != other for other in others)


def test_tables_of_equal_values_are_equal() -> None:
    for make in (lattice_table, polar_table, lambda: cuts("sum")):
        first, second = make(), make()
        assert first == second
        assert hash(first) == hash(second)
