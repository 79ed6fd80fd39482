"""Identify the sources of thousands of skies, and hold what was said against what is true.

Skies are made with astropy (tests/interference/skies.py): each listed object is seen or not,
unlisted sources are a Poisson process, positions scatter by ellipses of any shape. Every
probability that `candidates` and `identify` give is a statement; of those said 90 %, 90 % must
be true.

    python tests/campaigns/identification.py --skies 400 --report docs/validation/identification.md
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parents[2]))

from skyscan_lab.interference import candidates, identify
from tests.interference.skies import random_sky

BINS = ((0.001, 0.1), (0.1, 0.3), (0.3, 0.5), (0.5, 0.7), (0.7, 0.85), (0.85, 0.95), (0.95, 1.01))


@dataclass(frozen=True)
class Setting:
    """Objects listed, the fraction of them seen, unlisted sources, and their error in degrees."""

    name: str
    listed: int
    seen: float
    unlisted: float
    scale: float


SETTINGS = (
    Setting("a sparse list, good positions", 30, 0.6, 4.0, 0.3),
    Setting("the geostationary arc, poor positions", 60, 0.5, 8.0, 1.0),
    Setting("a crowd of which few are seen", 200, 0.1, 10.0, 0.8),
    Setting("more unlisted than listed", 40, 0.3, 20.0, 1.0),
)


def statements(
    setting: Setting, skies: int, seed: int
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Probability of each statement, and whether it is true."""
    rng = np.random.default_rng(seed)
    said: list[float] = []
    true: list[bool] = []
    for _ in range(skies):
        sky = random_sky(rng, setting.listed, setting.seen, setting.unlisted, setting.scale)
        names = candidates(sky.sources, sky.catalog)
        said += names["probability"].tolist()
        true += (sky.truth[names["source"]] == names["name"].astype(int)).tolist()
        said += identify(sky.sources, sky.catalog)["unidentified"].tolist()
        true += (sky.truth < 0).tolist()
    return np.array(said), np.array(true)


def report(skies: int, seed: int) -> tuple[str, float]:
    """The page, and the largest departure in standard deviations."""
    began = time.monotonic()
    lines = [
        "# Sources identified: are 90 % of those said 90 % right?",
        "",
        "```",
        f"python tests/campaigns/identification.py --skies {skies}",
        "```",
        "",
        "Skies are made with astropy, which fraction of the list is seen and how many sources are",
        "not listed is left to be found. Each name that a source may have, and that it has none,",
        "is one statement. Said and true, in per cent, with the number of statements:",
        "",
        "| | " + " | ".join(f"{low:.0%}-{min(high, 1.0):.0%}" for low, high in BINS) + " |",
        "|---|" + "---|" * len(BINS),
    ]
    worst = 0.0
    for setting in SETTINGS:
        said, true = statements(setting, skies, seed)
        cells = []
        for low, high in BINS:
            inside = (said >= low) & (said < high)
            p, hits = said[inside], true[inside]
            if not p.size:
                cells.append("none")
                continue
            cells.append(f"{100 * p.mean():.1f} {100 * hits.mean():.1f} ({p.size})")
            spread = float(np.sqrt((p * (1.0 - p)).sum()))
            worst = max(worst, abs(float(hits.sum() - p.sum())) / spread)
        lines.append(f"| {setting.name} | " + " | ".join(cells) + " |")
    lines += [
        "",
        f"The largest departure of all {len(SETTINGS) * len(BINS)} is {worst:.1f} standard",
        "deviations of independent statements; those about one source exclude each other.",
        f"{time.monotonic() - began:.0f} s on two shared cores.",
        "",
    ]
    return "\n".join(lines), worst


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--skies", type=int, default=400)
    parser.add_argument("--seed", type=int, default=20261)
    parser.add_argument("--report", type=Path)
    options = parser.parse_args()
    text, worst = report(options.skies, options.seed)
    print(text)
    if options.report:
        options.report.write_text(text, encoding="utf-8")
    assert worst < 4.5, worst


if __name__ == "__main__":
    main()
