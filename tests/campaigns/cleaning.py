"""How well background and interference are taken out, and what a surface makes of a source.

Beside the figures that Martin et al. (ApJS 240, 12, 2019) published for the Skynet mapping
algorithm: a background biased by ½–1, ¼–½ and ⅛–¼ σ at scales of 6, 12 and 24 beam widths, and a
surface that loses 2.9 % of a source's peak at a noise of 0.46 of a reading's.

    python tests/campaigns/cleaning.py --maps 40 --report docs/validation/cleaning.md
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.special import j1

from skyscan_lab.interpolation import interpolate, reject_impulses, subtract_background
from skyscan_lab.session import Flag, session_from_points

WIDTH = 5.0
STEP = 0.2 * WIDTH
LINES, LENGTH = 31, 180
Values = NDArray[np.float64]
Beam = Callable[[Values], Values]


def gaussian(r: Values) -> Values:
    """Gain at angles, for a half-power width of 1."""
    return np.asarray(2.0 ** (-4.0 * r**2))


def airy(r: Values) -> Values:
    """The same of a round aperture: 1.6163 is where [2 J₁(u)/u]² is a half."""
    u = np.maximum(2.0 * 1.61634 * np.asarray(r), 1e-9)
    return np.asarray((2.0 * j1(u) / u) ** 2)


def lattice() -> tuple[Values, Values]:
    """Directions of the scans, near the horizon where the sky is flat."""
    az, el = np.meshgrid(np.arange(LENGTH) * STEP, (np.arange(LINES) - LINES // 2) * STEP)
    return az.ravel(), el.ravel()


def drift(rng: np.random.Generator) -> Values:
    """Background that bends over a whole scan, another one in each."""
    t = np.linspace(0.0, 1.0, LENGTH)
    phase, height, slope = (
        rng.uniform(0, 2 * np.pi, LINES),
        rng.uniform(5, 20, LINES),
        rng.normal(0, 10, LINES),
    )
    return np.asarray(
        400.0 + height[:, None] * np.sin(np.pi * t + phase[:, None]) + slope[:, None] * t
    )


def sources(rng: np.random.Generator, count: int, beam: Beam, width: float = WIDTH) -> Values:
    """Sources at random, from faint to a thousand σ."""
    az, el = lattice()
    level = np.zeros(az.size)
    for _ in range(count):
        a, e = rng.uniform(0, LENGTH * STEP), rng.uniform(el.min(), el.max())
        level += 10 ** rng.uniform(0.5, 3.0) * beam(np.hypot(az - a, el - e) / width)
    return level


def scanned(level: Values) -> xr.Dataset:
    """Session of the lattice."""
    return session_from_points(*lattice(), level, units="counts")


def background_error(
    seed: int,
    scale: float,
    *,
    share: float = 0.0,
    mean: float = 5.0,
    count: int = 0,
    beam: Beam = gaussian,
) -> tuple[Values, Values]:
    """Error of the background in σ of a reading, which is 1, and the error it claims."""
    rng = np.random.default_rng(seed)
    truth = drift(rng)
    level = truth.ravel() + rng.normal(0.0, 1.0, truth.size)
    level += (rng.random(truth.size) < share) * rng.exponential(mean, truth.size)
    level += sources(rng, count, beam)
    found = subtract_background(scanned(level), WIDTH, scale)
    return found.background.values - truth, found.background_error.values


def impulses(seed: int, height: float, share: float, beam: Beam, wrong: float) -> tuple[float, int]:
    """Share of impulses that were found, and how many good readings were rejected."""
    rng = np.random.default_rng(seed)
    level = 400.0 + sources(rng, 12, beam, wrong * WIDTH) + rng.normal(0.0, 1.0, LINES * LENGTH)
    hit = rng.random(level.size) < share
    level[hit] += height
    clean = reject_impulses(scanned(level), WIDTH, noise=1.0)
    rejected = clean.flag.values.ravel() == Flag.REJECTED
    found = float(rejected[hit].mean()) if hit.any() else float("nan")
    return found, int(rejected[~hit].sum())


def surface(wrong: float, phases: int, **options: Any) -> tuple[float, float]:
    """Largest relative error of a peak, and largest noise there, over phases of the source."""
    bias, noise = 0.0, 0.0
    lines = np.arange(-15, 16) * STEP
    for x in np.linspace(0.0, 0.5, phases):
        for y in np.linspace(0.0, 0.5, phases):
            az, el = (axis.ravel() for axis in np.meshgrid(lines + x * STEP, lines + y * STEP))
            level = 1000.0 * gaussian(np.hypot(az, el) / (wrong * WIDTH))
            ds = session_from_points(az, el, level, units="counts")
            got = interpolate(
                ds, points=([0.0], [0.0]), method="local", beam=WIDTH, noise=1.0, **options
            )
            bias = max(bias, abs(got.rssi.item() / 1000.0 - 1.0))
            noise = max(noise, got.rssi_error.item())
    return bias, noise


CASES: dict[str, dict[str, Any]] = {
    "nothing on top": {},
    "half the points contaminated, exponential, mean 5 σ": {"share": 0.5},
    "half the points contaminated, mean 2 σ": {"share": 0.5, "mean": 2.0},
    "8 sources up to 1000 σ, Gaussian beam": {"count": 8},
    "8 sources up to 1000 σ, Airy beam": {"count": 8, "beam": airy},
    "8 sources, Airy beam, and a fifth contaminated": {"count": 8, "beam": airy, "share": 0.2},
}
PUBLISHED = {6.0: "½–1", 12.0: "¼–½", 24.0: "⅛–¼"}


def report(maps: int) -> str:
    """Everything, as a page."""
    out = [
        "# Background, interference and surfaces",
        "",
        "```",
        f"python tests/campaigns/cleaning.py --maps {maps} --report docs/validation/cleaning.md",
        "```",
        "",
        f"Maps of {LINES} scans of {LENGTH} readings, five a beam width, over a background that",
        "bends and tilts differently in each scan; noise 1 σ. The published figures are those of",
        "Martin et al. (2019) for the Skynet mapping algorithm.",
        "",
        "## Background",
        "",
        f"Mean error of the background, and its scatter about that mean, in σ, over {maps} maps;",
        "and the scatter over the error that is claimed.",
        "",
        "| on top | scale, beams | bias | scatter | over claimed | published bias |",
        "|---|---|---|---|---|---|",
    ]
    for name, case in CASES.items():
        for scale, published in PUBLISHED.items():
            pairs = [background_error(seed, scale, **case) for seed in range(maps)]
            error, claimed = (np.array(part) for part in zip(*pairs, strict=True))
            pull = error.std() / np.sqrt(np.mean(claimed**2))
            out.append(
                f"| {name} | {scale:g} | {error.mean():+.3f} | {error.std():.2f} "
                f"| {pull:.2f} | {published} |"
            )
    out += [
        "",
        "## Interference",
        "",
        "Impulses in single readings of a map with 12 sources up to 1000 σ; 0.01 good readings a",
        f"map may be rejected. Over {maps} maps.",
        "",
        "| impulses | beam | share found | good readings rejected a map |",
        "|---|---|---|---|",
    ]
    for height, share in ((6.0, 0.02), (10.0, 0.02), (10.0, 0.1), (30.0, 0.02), (0.0, 0.0)):
        for beam, wrong in ((gaussian, 1.0), (gaussian, 1.03), (airy, 1.0)):
            pairs_ = [impulses(seed, height, share, beam, wrong) for seed in range(maps)]
            found = np.mean([pair[0] for pair in pairs_]) if share else np.nan
            lost = np.mean([pair[1] for pair in pairs_])
            kind = f"{height:g} σ in {share:.0%} of the readings" if share else "none"
            of = f"{beam.__name__}" + (", 3 % wider than given" if wrong != 1.0 else "")
            out.append(f"| {kind} | {of} | {'—' if not share else f'{found:.3f}'} | {lost:.2f} |")
    out += [
        "",
        "## Surface",
        "",
        "Worst of 6 × 6 phases of a source between readings 0.2 beam widths apart.",
        "",
        "| surface | beam given | peak bias | noise at the peak over that of a reading |",
        "|---|---|---|---|",
    ]
    for wrong in (0.97, 1.0, 1.03):
        for name, options in (
            ("cubic, as published, ½ a beam", {"surface": "cubic", "weighting": 0.5}),
            ("beam", {"surface": "beam"}),
        ):
            bias, noise = surface(wrong, 6, **options)
            given = "right" if wrong == 1.0 else f"{1 / wrong - 1:+.0%} wrong"
            out.append(f"| {name} | {given} | {bias:.2%} | {noise:.3f} |")
    return "\n".join(out) + "\n"


def main() -> None:
    """Run, print, and write the report where asked."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--maps", type=int, default=40)
    parser.add_argument("--report", type=Path)
    options = parser.parse_args()
    page = report(options.maps)
    print(page)
    if options.report:
        options.report.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
