"""Truth: pycraf's values, and values worked out by hand from the recommendations."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from skyscan_lab.antenna import (
    F699Pattern,
    F1245Pattern,
    RA1631Pattern,
    S465Pattern,
    S580Pattern,
)
from skyscan_lab.antenna.itu import ItuPattern
from skyscan_lab.errors import InvalidInput

SPEED_OF_LIGHT = 299_792_458.0
PYCRAF_VALUES = Path(__file__).parents[2] / "data" / "antenna" / "itu_patterns_pycraf.csv"
PYCRAF = {
    "F.699": F699Pattern,
    "RA.1631": RA1631Pattern,
    "RA.1631 Bessel": lambda *dish: RA1631Pattern(*dish, bessel=True),
}
MAKERS = [F699Pattern, F1245Pattern, S465Pattern, S580Pattern, RA1631Pattern]


def pycraf_rows() -> list[dict[str, str]]:
    with PYCRAF_VALUES.open(newline="") as file:
        return list(csv.DictReader(file))


def follows_the_recommendation(name: str, angle: np.ndarray, pattern: ItuPattern) -> np.ndarray:
    """Where pycraf 2.1.0 does; the rest of F.699 2.2 it has otherwise than the text.

    From φₘ to 100 λ/D it has no plateau, and beyond 48° −10 − 10 log D/λ rather than
    10 − 10 log D/λ, a step of 20 dB.
    """
    ratio = pattern.diameter_in_wavelengths
    if name != "F.699" or ratio > 100.0 or pattern.frequency_hz < 1e9:
        return np.ones(angle.shape, dtype=bool)
    edge = 20.0 / ratio * np.sqrt(pattern.peak_dbi - 2.0 - 15.0 * np.log10(ratio))
    return (angle < edge) | ((angle >= 100.0 / ratio) & (angle < 48.0))


@pytest.mark.parametrize("name", PYCRAF)
def test_gain_is_that_of_pycraf(name: str) -> None:
    rows = [row for row in pycraf_rows() if row["pattern"] == name]
    dishes = {(float(row["diameter_m"]), float(row["frequency_hz"])) for row in rows}
    compared = 0
    for dish in dishes:
        pattern = PYCRAF[name](*dish)
        of_dish = [r for r in rows if (float(r["diameter_m"]), float(r["frequency_hz"])) == dish]
        angle = np.array([float(row["angle_deg"]) for row in of_dish])
        expected = np.array([float(row["gain_dbi"]) for row in of_dish])
        held = follows_the_recommendation(name, angle, pattern)
        compared += held.sum()
        np.testing.assert_allclose(pattern.gain_dbi(angle)[held], expected[held], atol=1e-7)
    assert compared > 100


# At λ = 10 mm: D/λ = 1000, 100, 50 and 10 have plain logarithms.
LAMBDA_10_MM = SPEED_OF_LIGHT / 0.01
WORKED = [
    # F.1245 2.1: Gmax = 67.7, G₁ = 47, φₘ = 0.091°, 12.02 · 1000^−0.6 = 0.1905°
    (F1245Pattern, 10.0, LAMBDA_10_MM, [(0.0, 67.7), (0.05, 61.45), (0.15, 47.0), (1.0, 29.0)]),
    (F1245Pattern, 10.0, LAMBDA_10_MM, [(0.19, 47.0), (0.2, 46.4743), (10.0, 4.0), (50.0, -13.0)]),
    # F.1245 2.2: φₘ = 0.2 √(47.7 − 32) = 0.7925°; and at D/λ = 10, φₘ = 6.542°
    (F1245Pattern, 1.0, LAMBDA_10_MM, [(0.4, 43.7), (1.0, 29.0), (10.0, 4.0), (100.0, -13.0)]),
    (F1245Pattern, 0.1, LAMBDA_10_MM, [(4.0, 23.7), (10.0, 9.0), (100.0, -8.0)]),
    # From 70 GHz, at λ = 4 mm and D/λ = 1000
    (F1245Pattern, 4.0, SPEED_OF_LIGHT / 0.004, [(10.0, 4.0), (100.0, -21.0), (150.0, -23.0)]),
    # F.699 2.2 at D/λ = 10: φₘ = 6.542°, G₁ = 17 to 10°
    (F699Pattern, 0.1, LAMBDA_10_MM, [(8.0, 17.0), (20.0, 9.4742), (50.0, 0.0), (180.0, 0.0)]),
    # F.699 2.3 at λ = 1 m, D/λ = 10: 144.5 · 10^−0.2 = 91.17°
    (F699Pattern, 10.0, SPEED_OF_LIGHT, [(20.0, 9.4742), (91.0, -6.976), (92.0, -7.0)]),
    (F699Pattern, 4.0, SPEED_OF_LIGHT / 0.004, [(10.0, 7.0), (100.0, -18.0), (150.0, -20.0)]),
    # S.465: φmin = 1°, 2°, 114 · 40^−1.09 = 2.0446°, and 2.5° for D/λ = 20
    (S465Pattern, 1.0, LAMBDA_10_MM, [(0.0, 47.7), (0.9, 32.0), (10.0, 7.0), (100.0, -10.0)]),
    (S465Pattern, 0.5, LAMBDA_10_MM, [(1.9, 24.4742), (2.1, 23.9445)]),
    (S465Pattern, 0.4, LAMBDA_10_MM, [(2.04, 24.2335), (2.05, 24.2062)]),
    (S465Pattern, 0.32, LAMBDA_10_MM, [(2.55, 21.8365)]),
    (S465Pattern, 0.2, LAMBDA_10_MM, [(2.49, 27.5199), (2.51, 22.0082)]),
    # S.580: φmin = 1° and 2°; S.465 from 26.3° on
    (S580Pattern, 1.0, LAMBDA_10_MM, [(0.9, 29.0), (10.0, 4.0), (20.5, -3.5), (30.0, -4.928)]),
    (S580Pattern, 0.5, LAMBDA_10_MM, [(1.9, 21.4742), (2.1, 20.9445), (60.0, -10.0)]),
]


@pytest.mark.parametrize(("pattern", "diameter", "frequency", "points"), WORKED)
def test_gain_is_what_the_recommendation_gives(
    pattern: Callable[[float, float], ItuPattern],
    diameter: float,
    frequency: float,
    points: list[tuple[float, float]],
) -> None:
    angle, expected = np.array(points).T
    np.testing.assert_allclose(pattern(diameter, frequency).gain_dbi(angle), expected, atol=1e-3)


@pytest.mark.parametrize("pattern", MAKERS)
def test_relative_gain_is_that_in_dbi_below_the_peak(pattern: type[ItuPattern]) -> None:
    dish = pattern(4.0, 12e9, 50.0)
    angle = np.linspace(0.0, 180.0, 721)
    expected = 10.0 ** ((dish.gain_dbi(angle) - 50.0) / 10.0)
    np.testing.assert_allclose(dish.gain(angle * 0.6, angle * -0.8), expected, rtol=1e-9)
    assert dish.gain_dbi(0.0) == pytest.approx(50.0)
    np.testing.assert_array_equal(dish.gain_dbi(-angle), dish.gain_dbi(angle))


@pytest.mark.parametrize(
    ("pattern", "diameter", "frequency", "field"),
    [
        (F699Pattern, 3.0, 9e7, "frequency_hz"),
        (F699Pattern, 3.0, 87e9, "frequency_hz"),
        (F699Pattern, 0.5, 3e8, "diameter_m"),
        (F1245Pattern, 3.0, 9e8, "frequency_hz"),
        (S465Pattern, 3.0, 32e9, "frequency_hz"),
        (S580Pattern, 1.0, 12e9, "diameter_m"),
        (RA1631Pattern, 10.0, 1.42e9, "diameter_m"),
        (RA1631Pattern, 1000.0, 1e8, "frequency_hz"),
        (F699Pattern, float("nan"), 1e10, "diameter_m"),
    ],
)
def test_what_a_recommendation_is_not_for_is_refused_by_name(
    pattern: type[ItuPattern], diameter: float, frequency: float, field: str
) -> None:
    with pytest.raises(InvalidInput, match=f"^{field} = .*{pattern.NAME}"):
        pattern(diameter, frequency)


@pytest.mark.parametrize("pattern", MAKERS)
def test_a_peak_within_3_db_of_the_mask_is_refused(pattern: type[ItuPattern]) -> None:
    with pytest.raises(InvalidInput, match="peak_dbi"):
        pattern(4.0, 12e9, 30.0)
