"""Search empty and populated skies, and count what noise alone is taken for and what is missed.

Skies are made here with plain vectors and an Airy disc from scipy, and share no code with what is
tested: each has its own noise, sampling between 0.2 and 0.5 beam widths, a drift along every scan
with a length of some beams, bursts of one or two readings, and some of them rounded readings. On
empty ones sources are asked for at 0.3 false alarms a sky, and how many there are is counted. On
populated ones there are sources of every strength, and it is counted which of them are found, how
far off they are in their errors, and what is found beside them.

    python tests/campaigns/detection.py --skies 1000 --report docs/validation/detection.md
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np
import xarray as xr
from astropy.table import QTable
from numpy.typing import NDArray
from scipy.special import j1
from scipy.stats import norm

from skyscan_lab.antenna import AiryPattern
from skyscan_lab.session import session_from_points
from skyscan_lab.solving.find_sources import find_sources

COLUMNS, ROWS = 60, 40
STATED = 0.3
SNR_BINS = (2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 12.0, 30.0, 100.0)
_HALF_POWER = 1.61633994


def vectors(azimuth: object, elevation: object) -> NDArray[np.float64]:
    a, e = np.radians(azimuth), np.radians(elevation)
    return np.stack([np.cos(e) * np.cos(a), np.cos(e) * np.sin(a), np.sin(e)], axis=-1)


def airy(angle_rad: NDArray[np.float64], hpbw_deg: float) -> NDArray[np.float64]:
    """Power of a uniformly lit round aperture, 1 on the axis."""
    x = _HALF_POWER * np.sin(angle_rad) / np.sin(np.radians(hpbw_deg / 2.0))
    safe = np.maximum(np.abs(x), 1e-6)
    return (2.0 * j1(safe) / safe) ** 2


@dataclass(frozen=True)
class Scene:
    """How a sky is scanned and what disturbs it."""

    azimuth: NDArray[np.float64]
    elevation: NDArray[np.float64]
    along_rows: bool
    hpbw_deg: float
    noise_db: float
    drift_db: float
    drift_readings: float
    burst_share: float
    rounding_db: float


def random_scene(rng: np.random.Generator) -> Scene:
    """A part of the sky of 60 by 40 readings."""
    hpbw = rng.uniform(1.0, 3.0)
    step = hpbw * rng.uniform(0.2, 0.5)
    low = rng.uniform(5.0, 80.0 - ROWS * step)
    elevation = low + step * np.arange(ROWS)
    middle = np.cos(np.radians(elevation.mean()))
    azimuth = rng.uniform(0.0, 360.0) + step / middle * np.arange(COLUMNS)
    noise = 0.1 * np.exp(rng.normal(0.0, 0.5))
    return Scene(
        azimuth=azimuth,
        elevation=elevation,
        along_rows=bool(rng.random() < 0.5),
        hpbw_deg=hpbw,
        noise_db=noise,
        drift_db=noise * rng.uniform(0.5, 2.0),
        drift_readings=hpbw / step * rng.uniform(3.0, 8.0),
        burst_share=0.01,
        rounding_db=noise if rng.random() < 0.3 else 0.0,
    )


def drifts(
    rng: np.random.Generator, scans: int, readings: int, length: float
) -> NDArray[np.float64]:
    """Smoothed noise of unit variance, each scan its own; `length` is its width at half height."""
    reach = int(np.ceil(2.0 * length))
    kernel = np.exp(-8.0 * np.log(2.0) * (np.arange(-reach, reach + 1) / length) ** 2)
    kernel /= np.sqrt(np.sum(kernel**2))
    white = rng.standard_normal((scans, readings + 2 * reach))
    return np.array([np.convolve(row, kernel, "valid") for row in white])


def make(
    rng: np.random.Generator, scene: Scene, sources: NDArray[np.float64] | None = None
) -> xr.Dataset:
    """Readings in dBm of sources (azimuth, elevation, power over the floor; one a row)."""
    az, el = np.meshgrid(scene.azimuth, scene.elevation)
    if not scene.along_rows:
        az, el = az.T, el.T
    power = np.ones(az.shape)
    if sources is not None:
        dots = np.clip(vectors(az, el) @ vectors(sources[:, 0], sources[:, 1]).T, -1.0, 1.0)
        power += airy(np.arccos(dots), scene.hpbw_deg) @ sources[:, 2]
    level = -100.0 + 10.0 * np.log10(power)
    level += scene.drift_db * drifts(rng, *az.shape, scene.drift_readings)
    level += scene.noise_db * rng.standard_normal(az.shape)
    level = level.ravel()
    hit = np.flatnonzero(rng.random(level.size) < scene.burst_share / 1.5)
    height = scene.noise_db * rng.exponential(8.0, hit.size)
    level[hit] += height
    # Narrower than a beam, if a little: of two readings only where those are within 0.6 of one.
    step = scene.elevation[1] - scene.elevation[0]
    second = rng.random(hit.size) < (0.5 if step < 0.3 * scene.hpbw_deg else 0.0)
    level[np.minimum(hit + 1, level.size - 1)] += np.where(second, height, 0.0)
    if scene.rounding_db:
        level = scene.rounding_db * np.rint(level / scene.rounding_db)
    return session_from_points(np.mod(az.ravel(), 360.0), el.ravel(), level, units="dBm")


def search(ds: xr.Dataset, scene: Scene) -> QTable:
    return find_sources(ds, AiryPattern(scene.hpbw_deg), STATED)


def count_false_alarms(skies: int, seed: int) -> NDArray[np.int64]:
    """How many sources are found on each empty sky."""
    counts = []
    for sky in range(skies):
        rng = np.random.default_rng([seed, sky])
        scene = random_scene(rng)
        counts.append(len(search(make(rng, scene), scene)))
        if (sky + 1) % 100 == 0:
            print(f"{sky + 1} empty skies: {np.mean(counts):.3f}", flush=True)
    return np.array(counts)


def random_sources(rng: np.random.Generator, scene: Scene, count: int) -> NDArray[np.float64]:
    """Well inside the map and away from each other; azimuth, elevation, best possible SNR."""
    rows: list[tuple[float, float, float]] = []
    margin = 1.2 * scene.hpbw_deg
    while len(rows) < count:
        el = rng.uniform(scene.elevation[0] + margin, scene.elevation[-1] - margin)
        wide = margin / np.cos(np.radians(el))
        az = rng.uniform(scene.azimuth[0] + wide, scene.azimuth[-1] - wide)
        here = vectors(az, el)
        if all(here @ vectors(a, e) < np.cos(np.radians(2.5 * scene.hpbw_deg)) for a, e, _ in rows):
            rows.append((az, el, float(np.exp(rng.uniform(np.log(2.0), np.log(100.0))))))
    return np.array(rows)


def powers(scene: Scene, sources: NDArray[np.float64]) -> NDArray[np.float64]:
    """Power over the floor at which each has its SNR in the noise and the drift that were made.

    The best that any linear filter can do with them, for a floor that is known.
    """
    az, el = np.meshgrid(scene.azimuth, scene.elevation)
    if not scene.along_rows:
        az, el = az.T, el.T
    lag = np.abs(np.subtract.outer(np.arange(az.shape[1]), np.arange(az.shape[1])))
    covariance = scene.drift_db**2 * np.exp(-4.0 * np.log(2.0) * (lag / scene.drift_readings) ** 2)
    covariance += (scene.noise_db**2 + scene.rounding_db**2 / 12.0) * np.eye(az.shape[1])
    inverse = np.linalg.inv(covariance)
    found = []
    for a, e, snr in sources:
        dots = np.clip(vectors(az, el) @ vectors(a, e), -1.0, 1.0)
        template = 10.0 / np.log(10.0) * airy(np.arccos(dots), scene.hpbw_deg)
        found.append(snr / np.sqrt(np.einsum("ri,ij,rj->", template, inverse, template)))
    return np.array(found)


@dataclass
class Populated:
    """What was in the populated skies, and what of it was found."""

    snr: list[float] = field(default_factory=list)
    found: list[bool] = field(default_factory=list)
    threshold: list[float] = field(default_factory=list)
    mahalanobis: list[float] = field(default_factory=list)
    pull: list[float] = field(default_factory=list)
    strong: list[bool] = field(default_factory=list)
    false: int = 0
    skies: int = 0


def count_found(skies: int, seed: int, each: int = 6) -> Populated:
    """Search populated skies."""
    result = Populated()
    for sky in range(skies):
        rng = np.random.default_rng([seed, 1, sky])
        scene = random_scene(rng)
        sources = random_sources(rng, scene, each)
        power = powers(scene, sources)
        table = search(make(rng, scene, np.column_stack([sources[:, :2], power])), scene)
        az, el = table["azimuth"].value, table["elevation"].value
        free = np.ones(len(table), dtype=bool)
        for (a, e, snr), p in zip(sources, power, strict=True):
            x = (np.mod(az - a + 180.0, 360.0) - 180.0) * np.cos(np.radians(e))
            near = np.hypot(x, el - e)
            row = int(near.argmin()) if len(table) else -1
            hit = row >= 0 and bool(near[row] < 0.6 * scene.hpbw_deg)
            result.snr.append(snr)
            result.found.append(hit)
            result.threshold.append(table.meta["threshold"])
            if hit:
                free[row] = False
                off = np.array([x[row], el[row] - e])
                result.mahalanobis.append(
                    float(off @ np.linalg.solve(table["covariance"].value[row], off))
                )
                result.pull.append(
                    float((table["power"][row] / 1e-10 - p) / (table["power_error"][row] / 1e-10))
                )
                result.strong.append(snr > 6.0)
        result.false += int(free.sum())
        result.skies += 1
    return result


def report(counts: NDArray[np.int64], populated: Populated, seconds: float) -> str:
    rate, error = counts.mean(), np.std(counts) / np.sqrt(counts.size)
    split = np.bincount(np.minimum(counts, 3), minlength=4)
    snr, found = np.array(populated.snr), np.array(populated.found)
    threshold = np.array(populated.threshold)
    strong = np.array(populated.strong)
    inside = np.array(populated.mahalanobis)[strong] < 5.991
    pull = np.array(populated.pull)[strong]
    lines = [
        "# Sources found on empty and on populated skies",
        "",
        "```",
        f"python tests/campaigns/detection.py --skies {counts.size} --populated {populated.skies}",
        "```",
        "",
        f"Skies of {COLUMNS} × {ROWS} readings, made without the code that is tested: a round",
        "Airy beam of 1° to 3°, sampled at 0.2 to 0.5 of its width, in rows or in columns,",
        "anywhere on the sky; noise; a drift along every scan of 0.5 to 2 times the noise, 3 to 8",
        "beam widths long, each scan its own; bursts in one reading of a hundred, exponential with",
        "a mean of 8 times the noise, for one reading, or two where those are within 0.6 beam",
        "widths; in three of ten skies readings rounded to a step as large as the noise.",
        "",
        f"`find_sources(ds, AiryPattern(hpbw), false_alarm={STATED})`:",
        "",
        "| empty skies | stated, a sky | measured | its error | skies with 0, 1, 2, more |",
        "|---|---|---|---|---|",
        f"| {counts.size} | {STATED} | {rate:.3f} | {error:.3f} | {', '.join(map(str, split))} |",
        "",
        f"On {populated.skies} populated skies with six sources each, of any strength between 2",
        "and 100 times the noise that the best of all filters has, for a floor and a drift of",
        "which everything but the course is known:",
        "",
        "| SNR | sources | found | of that filter, at one place |",
        "|---|---|---|---|",
    ]
    for low, high in pairwise(SNR_BINS):
        within = (snr >= low) & (snr < high)
        if within.any():
            ideal = norm.sf(threshold[within] - snr[within]).mean()
            lines.append(
                f"| {low:g} to {high:g} | {within.sum()} | {found[within].mean():.1%} "
                f"| {ideal:.1%} |"
            )
    lines += [
        "",
        f"Found beside them: {populated.false / populated.skies:.2f} a sky.",
        f"Of {strong.sum()} found with an SNR above 6, {inside.mean():.1%} lie in their 95 %",
        f"ellipse; powers are off by {pull.mean():+.2f} of their errors in the mean, and scatter",
        f"by {pull.std():.2f}.",
        "",
        f"{seconds:.0f} s of processor time.",
        "",
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--skies", type=int, default=1000)
    parser.add_argument("--populated", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=20263)
    parser.add_argument("--report", type=Path)
    options = parser.parse_args()
    began = time.process_time()
    counts = count_false_alarms(options.skies, options.seed)
    print(f"{counts.mean():.3f} false alarms a sky", flush=True)
    populated = count_found(options.populated, options.seed)
    text = report(counts, populated, time.process_time() - began)
    print(text)
    if options.report:
        options.report.write_text(text, encoding="utf-8")
    assert abs(counts.mean() / STATED - 1.0) <= 0.2, counts.mean()


if __name__ == "__main__":
    main()
