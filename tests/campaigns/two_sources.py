"""Two equal sources inside one beam, and single ones: how often are they counted right?

Maps are made here in linear power, with a Gaussian beam by formula, and share no code with what is
tested. Sources lie 1.5 s apart in any direction and phase of the grid, with
``s⁴ = s_noise⁴ + (3 · 1.44 ε W²)²`` and s_noise the separation at which it is three times its own
error, for a known beam. The width of the beam is drawn for each map, ε = 1 % about what the search
is told. Beside that it is computed what any test can reach at all: by Neyman and Pearson's lemma,
for everything known but the direction of the pair.

    python tests/campaigns/two_sources.py --maps 2000 --report docs/validation/two_sources.md
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.optimize import least_squares
from scipy.special import i0e

from skyscan_lab.antenna import GaussianPattern
from skyscan_lab.session import session_from_points
from skyscan_lab.solving.find_sources import find_sources

HPBW = 2.0
STEP = 0.2 * HPBW
COLUMNS, ROWS = 26, 22
MIDDLE = (180.0, 30.0)
WIDTH_ERROR = 0.01
# SNR of one source in one reading, and s_noise in beam widths, at a step of 0.2 beam widths.
CELLS = ((10.0, 0.205), (30.0, 0.118), (100.0, 0.064))
PEAK = 0.05
"""Power of one source over the floor: so little that a logarithmic reading is as good as linear."""


def separation_hpbw(s_noise: float) -> float:
    return 1.5 * float((s_noise**4 + (3.0 * 1.44 * WIDTH_ERROR) ** 2) ** 0.25)


def grid() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    az = MIDDLE[0] + STEP / np.cos(np.radians(MIDDLE[1])) * (np.arange(COLUMNS) - COLUMNS // 2)
    el = MIDDLE[1] + STEP * (np.arange(ROWS) - ROWS // 2)
    return np.meshgrid(az, el)


def make(rng: np.random.Generator, snr: float, apart_deg: float) -> xr.Dataset:
    """A map of two sources, or of a single one of the power of both where they are not apart."""
    az, el = grid()
    width = HPBW * np.exp(rng.normal(0.0, WIDTH_ERROR))
    phase = rng.uniform(-0.5, 0.5, 2) * STEP
    angle = rng.uniform(0.0, np.pi)
    power = np.ones(az.shape)
    for sign in (-0.5, 0.5):
        x0 = phase[0] + sign * apart_deg * np.sin(angle)
        y0 = phase[1] + sign * apart_deg * np.cos(angle)
        a0, e0 = (
            np.radians(MIDDLE[0] + x0 / np.cos(np.radians(MIDDLE[1] + y0))),
            np.radians(MIDDLE[1] + y0),
        )
        a, e = np.radians(az), np.radians(el)
        half = np.sin((e - e0) / 2) ** 2 + np.cos(e) * np.cos(e0) * np.sin((a - a0) / 2) ** 2
        angle_deg = np.degrees(2.0 * np.arcsin(np.sqrt(half)))
        power += PEAK * np.exp(-4.0 * np.log(2.0) * (angle_deg / width) ** 2)
    power += PEAK / snr * rng.standard_normal(az.shape)
    return session_from_points(az.ravel(), el.ravel(), 10.0 * np.log10(power.ravel()), units="dBm")


def count(ds: xr.Dataset) -> int:
    """Sources within a beam of the middle: false alarms elsewhere are another question."""
    table = find_sources(ds, GaussianPattern(HPBW), width_error=WIDTH_ERROR)
    x = (table["azimuth"].value - MIDDLE[0]) * np.cos(np.radians(MIDDLE[1]))
    return int(np.count_nonzero(np.hypot(x, table["elevation"].value - MIDDLE[1]) < 1.5 * HPBW))


@dataclass(frozen=True)
class Result:
    """How often two and single sources were counted as how many."""

    snr: float
    s_noise: float
    two: NDArray[np.float64]
    one: NDArray[np.float64]
    best: float

    @property
    def right(self) -> float:
        return float(self.two[2])

    @property
    def split(self) -> float:
        return float(self.one[2:].sum())


def judge(snr: float, s_noise: float, maps: int, seed: int) -> Result:
    apart = separation_hpbw(s_noise) * HPBW
    shares = []
    for kind, distance in enumerate((apart, 0.0)):
        counts = [
            count(make(np.random.default_rng([seed, round(snr), kind, number]), snr, distance))
            for number in range(maps)
        ]
        shares.append(np.bincount(np.minimum(counts, 3), minlength=4) / maps)
    return Result(snr, s_noise, shares[0], shares[1], best_possible(snr, apart / HPBW))


def best_possible(snr: float, apart_hpbw: float, draws: int = 400_000) -> float:
    """How often the best of all tests finds the pair, if it splits one source in a hundred.

    Second moments are all that tells a close pair from one source. Of the three, the sum over both
    axes is what the width of the beam moves, too; the other two say in which direction the pair
    lies. What each can tell is the root of the cost that is left when one source of free power,
    place and width is fitted to a pair without noise. The likelihood ratio, averaged over
    directions, is the best test (Neyman and Pearson).
    """
    axis = np.arange(-2.2, 2.2, 0.2) + 0.03
    x, y = (part.ravel() for part in np.meshgrid(axis, axis))

    def beam(x0: float, y0: float, log_width: float = 0.0) -> NDArray[np.float64]:
        radius = ((x - x0) ** 2 + (y - y0) ** 2) * np.exp(-2.0 * log_width)
        return np.exp(-4.0 * np.log(2.0) * radius)

    pair = snr * (beam(-apart_hpbw / 2.0, 0.0) + beam(apart_hpbw / 2.0, 0.0))

    def left(width_error: float) -> float:
        fitted = least_squares(
            lambda p: np.append(p[0] * beam(p[1], p[2], p[3]) - pair, p[3] / width_error),
            [2.0 * snr, 0.0, 0.0, 0.0],
        )
        return float(np.sqrt(2.0 * fitted.cost))

    directed = left(1e-9) / np.sqrt(2.0)
    common = np.sqrt(max(left(WIDTH_ERROR) ** 2 - directed**2, 0.0))
    rng = np.random.default_rng(1)
    q, one, two = rng.standard_normal((3, draws))

    def ratio(q: NDArray[np.float64], rho: NDArray[np.float64]) -> NDArray[np.float64]:
        return common * q + np.log(i0e(directed * rho)) + directed * rho

    needed = np.quantile(ratio(q, np.hypot(one, two)), 0.99)
    return float(np.mean(ratio(q + common, np.hypot(one + directed, two)) > needed))


def report(results: list[Result], maps: int, seconds: float) -> str:
    right = np.mean([result.right for result in results])
    split = np.mean([result.split for result in results])
    lines = [
        "# Two sources inside one beam",
        "",
        "```",
        f"python tests/campaigns/two_sources.py --maps {maps}",
        "```",
        "",
        "Maps in linear power with a Gaussian beam, sampled at 0.2 of its width W, made without",
        "the code that is tested. The width is drawn for each map, 1 % (1 σ, common to both axes)",
        "about what `find_sources` is told. Pairs of equal sources lie 1.5 s apart, in any",
        "direction and phase of the grid, s⁴ = s_noise⁴ + (3 · 1.44 · 1 % · W²)². The SNR is that",
        "of one of them in one reading; single sources have the power of both.",
        "",
        "| SNR | s_noise / W | apart / W | pairs as 1, 2, more | singles split | best test |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {r.snr:g} | {r.s_noise} | {separation_hpbw(r.s_noise):.3f} | "
        f"{r.two[1]:.1%}, {r.right:.1%}, {r.two[3]:.1%} | {r.split:.1%} | {r.best:.1%} |"
        for r in results
    ]
    lines += [
        "",
        f"Over all: {right:.1%} of the pairs are counted right, and {split:.1%} of the single",
        f"sources are split; {maps} of each a row. Best test: how many pairs the likelihood ratio",
        "finds that knows everything but the direction, if it splits one single source in a",
        "hundred: at an SNR of 10 no test whatever finds 95 %.",
        "",
        f"{seconds:.0f} s of processor time.",
        "",
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--maps", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=20262)
    parser.add_argument("--report", type=Path)
    options = parser.parse_args()
    began = time.process_time()
    results = []
    for snr, s_noise in CELLS:
        results.append(judge(snr, s_noise, options.maps, options.seed))
        print(results[-1], flush=True)
    text = report(results, options.maps, time.process_time() - began)
    print(text)
    if options.report:
        options.report.write_text(text, encoding="utf-8")
    assert np.mean([result.right for result in results]) >= 0.95, results
    assert np.mean([result.split for result in results]) <= 0.01, results


if __name__ == "__main__":
    main()
