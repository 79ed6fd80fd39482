"""Fit one source ten thousands of times and hold the answers against the Cramér-Rao bound.

Readings are made, and the bound is computed, with plain trigonometry and central differences that
share no code with what is tested. A source stands somewhere within a cell of the grid; amplitude,
direction, an ellipse and the floor are free. Readings are linear, logarithmic with the same noise
in decibels everywhere, and logarithmic rounded to 1 dB; of those the bound is that of the
probabilities of the rounded readings.

The S/N is the height of the peak over the noise of one reading, both in the units of the readings,
the noise before rounding; the sampling d is the step of the grid over the beam width.

    python tests/campaigns/efficiency.py --draws 20000 --report docs/validation/efficiency.md
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2, norm

from skyscan_lab.forward import Fit, ForwardModel, GaussianBeam, Ties, least_squares
from skyscan_lab.forward.profile import rise
from skyscan_lab.forward.quantised import most_likely

Floats = NDArray[np.float64]

HPBW_DEG = 5.0
ELEVATION_DEG = 40.0
WIDTHS_DEG = (HPBW_DEG / 1.1, HPBW_DEG * 1.1)
FLOOR, POWER = 1.0, 9.0
ROUNDING_DB = 1.0
EXTENT_HPBW = 1.6
PHASES = 50
INSIDE = {freedom: float(chi2.ppf(0.95, freedom)) for freedom in (1, 2, 3, 5)}
SAMPLINGS = (0.2, 0.35, 0.5)
KINDS = ("linear", "logarithmic", "rounded")
NAMES = ("cross-elevation", "elevation", "power", "HPBW across", "HPBW along")
# Of the parameters: response 0 to 2, floor, log power, azimuth, elevation, beam.
PLACES = {"position": (5, 6), "power": (4,), "beam": (7, 8, 9)}


@dataclass(frozen=True)
class Cell:
    """One kind of reading, sampled and with noise in one way."""

    kind: str
    sampling: float
    quality: float
    """S/N · HPBW / step."""

    @property
    def noise(self) -> float:
        height = POWER if self.kind == "linear" else 10.0 * np.log10(1.0 + POWER / FLOOR)
        return float(height / (self.quality * self.sampling))

    @property
    def grid(self) -> tuple[Floats, Floats]:
        """Azimuth and elevation of the samples, degrees, shape (n,)."""
        most = int(np.ceil(EXTENT_HPBW / self.sampling))
        steps = self.sampling * HPBW_DEG * np.arange(-most, most + 1)
        across, along = (axis.ravel() for axis in np.meshgrid(steps, steps))
        return 180.0 + across / np.cos(np.radians(ELEVATION_DEG)), ELEVATION_DEG + along


def expected(cell: Cell, truth: Floats) -> Floats:
    """Readings without noise.

    `truth` is azimuth times the cosine of the elevation and elevation of the source, degrees from
    the middle of the grid, logarithms of power and of both widths, shear, and the floor.
    """
    azimuth, elevation = (np.radians(axis) for axis in cell.grid)
    source_elevation = np.radians(ELEVATION_DEG + truth[1])
    source_azimuth = np.pi + np.radians(truth[0]) / np.cos(np.radians(ELEVATION_DEG))
    turn = source_azimuth - azimuth
    # Where the source stands for an observer who looks along the boresight, its zenith up.
    right = np.cos(source_elevation) * np.sin(turn)
    up = np.sin(source_elevation) * np.cos(elevation) - np.cos(source_elevation) * np.sin(
        elevation
    ) * np.cos(turn)
    forward = np.sin(source_elevation) * np.sin(elevation) + np.cos(source_elevation) * np.cos(
        elevation
    ) * np.cos(turn)
    angle, bearing = np.arctan2(np.hypot(right, up), forward), np.arctan2(right, up)
    x, y = np.degrees(angle * np.sin(bearing)), np.degrees(angle * np.cos(bearing))
    first, second = np.exp(truth[3:5])
    shape = (x / first) ** 2 + (y / second) ** 2 + 2.0 * truth[5] * x * y / (first * second)
    power = truth[6] + np.exp(truth[2]) * 0.5 ** (4.0 * shape)
    return np.asarray(power if cell.kind == "linear" else 10.0 * np.log10(power))


def true_numbers(phase: Floats) -> Floats:
    return np.array([*phase, np.log(POWER), *np.log(WIDTHS_DEG), 0.0, FLOOR])


def bound(cell: Cell, truth: Floats) -> Floats:
    """Cramér-Rao bound on direction, power and widths, shape (5, 5)."""
    steps = 1e-5 * np.eye(truth.size)
    slopes = np.stack(
        [(expected(cell, truth + h) - expected(cell, truth - h)) / 2e-5 for h in steps], axis=-1
    )
    if cell.kind != "rounded":
        weight = np.full(slopes.shape[0], cell.noise**-2.0)
    else:
        steps_db = np.arange(-30.0, 60.0)
        level = expected(cell, truth)[:, None]
        share = np.diff(norm.cdf((steps_db - 0.5 - level) / cell.noise), axis=1)
        by_level = -np.diff(norm.pdf((steps_db - 0.5 - level) / cell.noise), axis=1) / cell.noise
        # What has no probability to speak of says nothing, and its share is all rounding.
        weight = np.sum(
            np.where(share > 1e-12, by_level**2 / np.maximum(share, 1e-12), 0.0), axis=1
        )
    return np.asarray(np.linalg.inv(slopes.T @ (weight[:, None] * slopes))[:5, :5])


def readings_of(cell: Cell, truth: Floats, count: int, rng: np.random.Generator) -> Floats:
    """Readings of many draws, shape (count, n)."""
    clean = expected(cell, truth)
    values = clean + cell.noise * rng.standard_normal((count, clean.size))
    return ROUNDING_DB * np.rint(values / ROUNDING_DB) if cell.kind == "rounded" else values


class Fitter:
    """What is tested, as it is used: a model, a start, least squares, and their likelihood."""

    def __init__(self, cell: Cell) -> None:
        self.cell = cell
        kind = "linear" if cell.kind == "linear" else "logarithmic"
        self.model = ForwardModel(*cell.grid, GaussianBeam(), kind)
        self.free = np.ones(10, dtype=bool)
        self.free[:3] = False
        extra = ROUNDING_DB**2 / 12.0 if cell.kind == "rounded" else 0.0
        self.weights = np.full(cell.grid[0].size, 1.0 / (cell.noise**2 + extra))

    def parameters(self, power: float, place: Floats, widths: object, floor: float) -> Floats:
        """As the model has them; a place is degrees from the middle of the grid."""
        azimuth = 180.0 + place[0] / np.cos(np.radians(ELEVATION_DEG))
        return self.model.join(
            response=[0.0, 1.0 if self.cell.kind == "linear" else 10.0, 0.0],
            floor=[floor],
            sources=[[np.log(power), np.radians(azimuth), np.radians(ELEVATION_DEG + place[1])]],
            beam=self.model.beam.start(widths),
        )

    def fit(self, readings: Floats, start: Floats) -> Fit:
        ties = Ties(start, self.free)
        fit = least_squares(self.model, readings, self.weights, ties, tolerance=1e-9)
        if self.cell.kind == "rounded":
            fit = most_likely(self.model, readings, self.cell.noise, ROUNDING_DB, fit)
        return fit

    def rise(self, readings: Floats, fit: Fit, held: dict[int, float]) -> float:
        rounding = ROUNDING_DB if self.cell.kind == "rounded" else None
        return rise(self.model, readings, self.weights, fit, held, rounding=rounding)

    def begin(self, truth: Floats, rng: np.random.Generator) -> Floats:
        """A guess: a round beam, a fifth of it beside the source, too weak."""
        turn = rng.uniform(0.0, 2.0 * np.pi)
        place = truth[:2] + 0.2 * HPBW_DEG * np.array([np.sin(turn), np.cos(turn)])
        return self.parameters(0.7 * POWER, place, HPBW_DEG, 1.2 * FLOOR)


def compared(fit: Fit, truth: Floats) -> tuple[Floats, Floats]:
    """Errors of direction, power and widths, and the covariance that the fit claims for them."""
    _, power, azimuth, elevation, first, cross, second = fit.numbers
    scale = np.cos(np.radians(ELEVATION_DEG))
    across, along = first**2 + cross**2, cross**2 + second**2
    # Full width along an axis: where the matrix maps half of it to length 1.
    widths = np.degrees(2.0 / np.sqrt([across, along]))
    found = np.array(
        [
            np.degrees(azimuth - np.pi) * scale,
            np.degrees(elevation) - ELEVATION_DEG,
            power,
            *np.log(widths),
        ]
    )
    slopes = np.zeros((5, 7))
    slopes[0, 2], slopes[1, 3], slopes[2, 1] = np.degrees(scale), np.degrees(1.0), 1.0
    slopes[3, 4:6] = -first / across, -cross / across
    slopes[4, 5:7] = -cross / along, -second / along
    return found - truth[:5], slopes @ fit.covariance() @ slopes.T


@dataclass(frozen=True)
class Result:
    """What a cell has shown."""

    cell: Cell
    draws: int
    ratio: Floats
    """Root mean square of the error over the bound, of each of `NAMES`."""
    bias: Floats
    """Mean error over the bound."""
    held: float
    """Share of draws whose 95 % region of all five held the truth."""


def judge(cell: Cell, draws: int, seed: int) -> Result:
    """Many draws at random places within a cell of the grid."""
    rng = np.random.default_rng(seed)
    fitter = Fitter(cell)
    errors, held = [], []
    for phase in rng.uniform(-0.5, 0.5, (PHASES, 2)) * cell.sampling * HPBW_DEG:
        truth = true_numbers(phase)
        sigma = np.sqrt(np.diag(bound(cell, truth)))
        for readings in readings_of(cell, truth, draws // PHASES, rng):
            error, covariance = compared(fitter.fit(readings, fitter.begin(truth, rng)), truth)
            errors.append(error / sigma)
            held.append(error @ np.linalg.solve(covariance, error) < INSIDE[5])
    scaled = np.array(errors)
    return Result(
        cell, len(errors), np.sqrt(np.mean(scaled**2, axis=0)), scaled.mean(axis=0), np.mean(held)
    )


def profiled(cell: Cell, draws: int, seed: int) -> dict[str, float]:
    """Share of draws in whose 95 % region by profile likelihood the truth lies."""
    rng = np.random.default_rng(seed)
    fitter = Fitter(cell)
    held: dict[str, list[bool]] = {name: [] for name in PLACES}
    for phase in rng.uniform(-0.5, 0.5, (PHASES, 2)) * cell.sampling * HPBW_DEG:
        truth = true_numbers(phase)
        true = fitter.parameters(POWER, phase, WIDTHS_DEG, FLOOR)
        for readings in readings_of(cell, truth, draws // PHASES, rng):
            fit = fitter.fit(readings, fitter.begin(truth, rng))
            for name, places in PLACES.items():
                cost = fitter.rise(readings, fit, {place: float(true[place]) for place in places})
                held[name].append(cost < INSIDE[len(places)])
    return {name: float(np.mean(values)) for name, values in held.items()}


def converged(cell: Cell, starts: int, seed: int, *, round_beam: bool) -> float:
    """Share of random starts from which the fit of the same readings ends at its best.

    The source is put up to half a beam beside where it is, along any direction, its power between
    a third and three times, the widths between a half and twice; every other start is circular.
    """
    rng = np.random.default_rng(seed)
    fitter = Fitter(cell)
    truth = true_numbers(np.array([0.3, -0.2]))
    if round_beam:
        truth[3:5] = np.log(HPBW_DEG)
    readings = readings_of(cell, truth, 1, rng)[0]
    costs = []
    for place in range(starts):
        turn, away = rng.uniform(0.0, 2.0 * np.pi), rng.uniform(0.0, 0.5 * HPBW_DEG)
        widths = HPBW_DEG * np.exp(rng.uniform(-np.log(2.0), np.log(2.0), 2))
        if place % 2 == 0:
            widths[:] = widths[0]
        start = fitter.parameters(
            POWER * np.exp(rng.uniform(-np.log(3.0), np.log(3.0))),
            truth[:2] + away * np.array([np.sin(turn), np.cos(turn)]),
            tuple(widths),
            FLOOR * np.exp(rng.uniform(-0.5, 0.5)),
        )
        costs.append(fitter.fit(readings, start).cost)
    return float(np.mean(np.array(costs) < min(costs) + 1e-3))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=20_000)
    parser.add_argument("--profiled", type=int, default=4000)
    parser.add_argument("--starts", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=20_264)
    parser.add_argument("--report", type=Path)
    options = parser.parse_args()
    began = time.process_time()
    seed = options.seed
    good, poor, ends = [], {}, {}
    for quality in (50.0, 100.0):
        for kind, d in ((kind, d) for kind in KINDS for d in SAMPLINGS):
            good.append(judge(Cell(kind, d, quality), options.draws, seed + len(good)))
            print(good[-1], flush=True)
    for quality in (25.0, 12.5):
        for cell in (Cell(kind, d, quality) for kind in KINDS for d in SAMPLINGS):
            poor[cell] = profiled(cell, options.profiled, seed)
            print(cell, poor[cell], flush=True)
    for kind in KINDS:
        for round_beam in (False, True):
            cell = Cell(kind, 0.35, 100.0)
            ends[(kind, round_beam)] = converged(cell, options.starts, seed, round_beam=round_beam)
    text = report(good, poor, ends, options, time.process_time() - began)
    print(text)
    if options.report:
        options.report.write_text(text, encoding="utf-8")
    sys.exit(1 if missed(good, poor, ends) else 0)


def missed(
    good: list[Result], poor: dict[Cell, dict[str, float]], ends: dict[tuple[str, bool], float]
) -> list[str]:
    """What is asked for and not reached, in words."""
    found = []
    for one in good:
        where = f"{one.cell.kind}, d = {one.cell.sampling:g}, {one.cell.quality:g}"
        if one.ratio.max() > 1.05:
            found.append(f"{where}: {one.ratio.max():.3f} times the bound")
        if np.abs(one.bias).max() >= 0.1:
            found.append(f"{where}: a bias of {np.abs(one.bias).max():.3f} σ")
        if not 0.94 <= one.held <= 0.96:
            found.append(f"{where}: {one.held:.1%} in the region")
    for cell, shares in poor.items():
        where = f"{cell.kind}, d = {cell.sampling:g}, {cell.quality:g}"
        found += [
            f"{where}: {share:.2%} in the region of the {name}"
            for name, share in shares.items()
            if share < 0.93
        ]
    found += [f"{kind}: {share:.2%} of the starts" for (kind, _), share in ends.items()
              if share < 0.999]  # fmt: skip
    return found


def report(
    good: list[Result],
    poor: dict[Cell, dict[str, float]],
    ends: dict[tuple[str, bool], float],
    options: argparse.Namespace,
    seconds: float,
) -> str:
    names = " | ".join(NAMES)
    lines = [
        "# Efficiency of the fit of one source",
        "",
        "```",
        f"python tests/campaigns/efficiency.py --draws {options.draws}",
        "```",
        "",
        "Readings and the Cramér-Rao bound are made by plain trigonometry and central differences",
        "and share no code with the fit. Free are the direction, power and floor of a source and",
        f"the ellipse of its beam, {WIDTHS_DEG[0]:.2f}° by {WIDTHS_DEG[1]:.2f}°; every draw begins",
        "with a round beam, a fifth of it beside the source. Rounded: to 1 dB, and the bound is",
        "that of the probabilities of the rounded readings. d is the step over the beam width, the",
        "S/N the height of the peak over the noise of one reading before it is rounded; the noise",
        "below is in dB but for linear readings, of which the peak is 9 over the floor.",
        "",
        f"| readings | d | S/N · HPBW/step | noise | draws | {names} | largest bias | in 95 % |",
        "|---|---|---|---|---|" + "---|" * len(NAMES) + "---|---|",
    ]
    lines += [
        f"| {r.cell.kind} | {r.cell.sampling:g} | {r.cell.quality:g} | {r.cell.noise:.2f} | "
        f"{r.draws} | {' | '.join(f'{value:.3f}' for value in r.ratio)} | "
        f"{np.abs(r.bias).max():.3f} σ | {r.held:.1%} |"
        for r in good
    ]
    lines += [
        "",
        "The columns of the five are root mean square over bound. Asked for are at most 1.05, a",
        "bias below 0.1 σ, and 94-96 % in the region of all five, an ellipsoid by the information",
        "of the fit.",
        "",
        "Below S/N · HPBW/step = 50, 95 % regions by profile likelihood; 93 % is asked for, and",
        f"a share of {options.profiled} draws is sure to {np.sqrt(0.0475 / options.profiled):.1%}:",
        "",
        f"| readings | d | S/N · HPBW/step | draws | {' | '.join(PLACES)} |",
        "|---|---|---|---|" + "---|" * len(PLACES),
    ]
    lines += [
        f"| {cell.kind} | {cell.sampling:g} | {cell.quality:g} | {options.profiled} | "
        f"{' | '.join(f'{value:.1%}' for value in shares.values())} |"
        for cell, shares in poor.items()
    ]
    lines += [
        "",
        f"From {options.starts} starts each, half of them circular, up to half a beam beside the",
        "source, with a third to three times the power and half to twice the widths, the fit of",
        "the same readings ends at the best of all ends (asked for is 99.9 %):",
        "",
        "| readings | beam | ends there |",
        "|---|---|---|",
    ]
    lines += [
        f"| {kind} | {'round' if round_beam else 'elliptical'} | {share:.1%} |"
        for (kind, round_beam), share in ends.items()
    ]
    wanting = missed(good, poor, ends)
    lines += ["", "Not reached:" if wanting else "All is reached.", ""]
    lines += [f"- {line}" for line in wanting]
    lines += ["", f"{seconds:.0f} s of one processor.", ""]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
