"""Solve simulated skies of the geostationary arc, with the right list and with wrong ones.

Each has a random site, mount (tilted by up to 3 degrees, its azimuth never zeroed), antenna and
receiver; three in ten of the list are silent. It is solved with its list, with the list mirrored
east for west, and with the list slid by 6 to 24 degrees along the arc. The generator
(`tests.solving.arcs`) shares nothing with what is tested.

    python -m tests.campaigns.simulated_skies --report docs/validation/simulated_skies.md
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import astropy.units as u
import numpy as np
from astropy.table import QTable

from skyscan_lab.solving.buildup import build_up
from skyscan_lab.solving.samples import samples_for_fit
from skyscan_lab.solving.solve import solve_sky
from tests.solving.arcs import ArcSky, angle_between_deg, arc_sky

LEAST_UNIQUE, LEAST_RIGHT, MOST_WRONG = 0.80, 0.98, 0.01
RIGHT_DEG = 0.3
"""A mount that is nearer than that to the truth is right: a twentieth of a beam."""
SLIDES_DEG = (6.0, 24.0)


@dataclass(frozen=True)
class Outcome:
    """One sky with one list."""

    seed: int
    list: str
    status: str
    off_deg: float
    rms: float
    free_rms: float


def listing(sky: ArcSky, *, slide_deg: float = 0.0, mirrored: bool = False) -> QTable:
    """The list as somebody would give it: what is above the horizon, by number."""
    azimuth, elevation = sky.listed(slide_deg, mirrored=mirrored)
    up = elevation > 0.0
    return QTable(
        {
            "name": [f"slot {place}" for place in np.flatnonzero(up)],
            "azimuth": azimuth[up] * u.deg,
            "elevation": elevation[up] * u.deg,
        }
    )


def outcomes(seed: int) -> Iterator[Outcome]:
    """One sky with all its lists; what does not depend on the list is done once."""
    sky = arc_sky(seed)
    rng = np.random.default_rng([seed, 1])
    slide_deg = rng.choice([-1.0, 1.0]) * rng.uniform(*SLIDES_DEG)
    free = build_up(samples_for_fit(sky.session))
    for name, table in {
        "right": listing(sky),
        "mirrored": listing(sky, mirrored=True),
        "slid": listing(sky, slide_deg=slide_deg),
    }.items():
        solution = solve_sky(sky.session, free, table)
        terms = solution.pointing["value"].to_value(u.deg)[:3]
        off_deg = angle_between_deg(terms, sky.mount_deg)
        yield Outcome(
            seed,
            name,
            solution.status,
            round(off_deg, 4),
            round(solution.rms, 4),
            round(solution.free_rms, 4),
        )


def summary(done: list[Outcome]) -> dict[str, float]:
    """What has to hold, over all skies."""

    def unique(name: str) -> list[Outcome]:
        return [one for one in done if one.list == name and one.status == "unique"]

    skies = len({one.seed for one in done})
    right = [one for one in unique("right") if one.off_deg <= RIGHT_DEG]
    return {
        "skies": skies,
        "right list: unique": len(unique("right")) / skies,
        "right list: of these right": len(right) / max(len(unique("right")), 1),
        "right list: median error of the right mounts, degrees": round(
            float(np.median([one.off_deg for one in right] or [np.nan])), 4
        ),
        "mirrored list: unique": len(unique("mirrored")) / skies,
        "slid list: unique": len(unique("slid")) / skies,
    }


def passed(result: dict[str, float]) -> bool:
    """Whether all that has to hold does."""
    return (
        result["right list: unique"] >= LEAST_UNIQUE
        and result["right list: of these right"] >= LEAST_RIGHT
        and result["mirrored list: unique"] <= MOST_WRONG
        and result["slid list: unique"] <= MOST_WRONG
    )


def report(result: dict[str, float], done: list[Outcome]) -> str:
    """Write the result as a page of the documentation."""
    rows = "\n".join(f"| {name} | {value:g} |" for name, value in result.items())
    odd = [
        one
        for one in done
        if (one.list == "right") != (one.status == "unique")
        or (one.list == "right" and one.off_deg > RIGHT_DEG)
    ]
    table = "\n".join(
        f"| {one.seed} | {one.list} | {one.status} | {one.off_deg:.2f} | {one.rms:.2f} "
        f"| {one.free_rms:.2f} |"
        for one in odd
        if one.list == "right" or one.status == "unique"
    )
    return f"""# Simulated skies, solved

Skies of the geostationary arc from random sites, through mounts tilted by up to 3° whose azimuth
nobody has zeroed; three in ten of the listed satellites are silent. Default grid of 2°, whole
counts, a beam of 4.5° to 6°. No hint but the list. Mirrored lists have east for west, slid ones
stand 6° to 24° farther along the arc.

```
python -m tests.campaigns.simulated_skies --skies {result["skies"]:g} \\
    --report docs/validation/simulated_skies.md
```

| | |
|---|---|
{rows}

Required: at least {LEAST_UNIQUE:.0%} of the skies unique with the right list, {LEAST_RIGHT:.0%} of
these right (within {RIGHT_DEG}° of the true mount), and at most {MOST_WRONG:.0%} unique with a
wrong list.

## Where the answer was not the one hoped for

| sky | list | status | off by, degrees | residual, counts | with free positions |
|---|---|---|---|---|---|
{table}
"""


def main() -> None:
    """Run it from the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--skies", type=int, default=200)
    parser.add_argument("--first", type=int, default=0, help="first seed")
    parser.add_argument("--keep", type=Path, help="outcomes are added here, and not done again")
    parser.add_argument("--report", type=Path, help="write the result as a page of documentation")
    options = parser.parse_args()
    done = [Outcome(**json.loads(line)) for line in _lines(options.keep)]
    had = {one.seed for one in done}
    for seed in range(options.first, options.first + options.skies):
        if seed in had:
            continue
        for one in outcomes(seed):
            done.append(one)
            print(one, flush=True)
        if options.keep is not None:
            with options.keep.open("a", encoding="utf-8") as file:
                file.writelines(json.dumps(asdict(one)) + "\n" for one in done[-3:])
    result = summary(done)
    for key, value in result.items():
        print(f"{key:56} {value:g}")
    if options.report is not None:
        options.report.write_text(report(result, done), encoding="utf-8")
    sys.exit(0 if passed(result) else "less than has to hold")


def _lines(path: Path | None) -> list[str]:
    if path is None or not path.exists():
        return []
    return path.read_text(encoding="utf-8").splitlines()


if __name__ == "__main__":
    main()
