"""Triangulate thousands of emitters and hold the answers against theory.

The emitters, sites and bearings are made with astropy (EarthLocation and its ITRS to AltAz) and
share no code with what is tested; so is the Cramér-Rao bound, by differences of astropy's
azimuths. Of each geometry it is shown that the 95 % ellipses hold the emitter in 94-96 of 100
cases, and that the error is at most 1.05 times the bound. Then one bearing of some is turned by a
reflection, and it is counted how often that one is found.

    python tests/campaigns/triangulation.py --draws 4000 --report docs/validation/triangulation.md
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from astropy import units as u
from astropy.coordinates import ITRS, AltAz, EarthLocation
from astropy.table import QTable
from astropy.time import Time
from numpy.typing import NDArray

from skyscan_lab.interference import triangulate

MOMENT = Time("2024-01-01")
GROUND_M = 400.0
DEGREE_M = 111_195.0


@dataclass(frozen=True)
class Geometry:
    """Sites around an emitter; ``spread_deg`` is the arc of the horizon that they fill."""

    name: str
    sites: int
    spread_deg: float
    near_km: float
    far_km: float
    sigma_deg: float
    elevation: bool = False
    a_site: int = 1
    """How many bearings each site takes."""


GEOMETRIES = (
    Geometry("3 sites all round, 0.5°", 3, 360.0, 5.0, 40.0, 0.5),
    Geometry("3 sites on one side, 1°", 3, 120.0, 10.0, 60.0, 1.0),
    Geometry("5 sites, 1.5°", 5, 200.0, 5.0, 60.0, 1.5),
    Geometry("4 sites, two bearings each, 1°", 4, 180.0, 5.0, 50.0, 1.0, a_site=2),
    Geometry("3 sites on hills, with elevation, 0.3°", 3, 150.0, 2.0, 10.0, 0.3, elevation=True),
    Geometry("2 sites, 0.5°", 2, 120.0, 10.0, 40.0, 0.5),
)


@dataclass(frozen=True)
class Case:
    """Bearings of many emitters, and what is true of them."""

    bearings: QTable
    emitters: EarthLocation
    fisher: NDArray[np.float64]
    """On (east, north), an inverse square metre, shape (n, 2, 2)."""


def seen_from(
    sites: EarthLocation, emitters: EarthLocation
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Azimuth and elevation, degrees, by astropy."""
    line = emitters.get_itrs(MOMENT).cartesian - sites.get_itrs(MOMENT).cartesian
    seen = ITRS(line, obstime=MOMENT, location=sites).transform_to(
        AltAz(obstime=MOMENT, location=sites)
    )
    return seen.az.deg, seen.alt.deg


def place(latitude: object, longitude: object, height: object) -> EarthLocation:
    return EarthLocation.from_geodetic(longitude, latitude, height)


def ground_metres(
    from_: EarthLocation, to: EarthLocation
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """East and north of one place from another, by astropy's azimuth and distance."""
    azimuth, elevation = seen_from(from_, to)
    line = to.get_itrs(MOMENT).cartesian - from_.get_itrs(MOMENT).cartesian
    level = line.norm().to_value(u.m) * np.cos(np.radians(elevation))
    return level * np.sin(np.radians(azimuth)), level * np.cos(np.radians(azimuth))


def make(geometry: Geometry, draws: int, seed: int) -> Case:
    """Random emitters between 30° and 60° north, sites around each, and bearings with errors."""
    rng = np.random.default_rng(seed)
    shape = (draws, geometry.sites)
    latitude, longitude = rng.uniform(30.0, 60.0, draws), rng.uniform(-180.0, 180.0, draws)
    slot = geometry.spread_deg / geometry.sites
    around = rng.uniform(0.0, 360.0, (draws, 1)) + slot * (
        np.arange(geometry.sites) + rng.uniform(-0.3, 0.3, shape)
    )
    distance = rng.uniform(geometry.near_km, geometry.far_km, shape) * 1e3
    north, east = distance * np.cos(np.radians(around)), distance * np.sin(np.radians(around))
    height = GROUND_M + (rng.uniform(300.0, 900.0, shape) if geometry.elevation else
                         rng.uniform(0.0, 300.0, shape))  # fmt: skip
    site_latitude = latitude[:, None] + north / DEGREE_M
    site_longitude = longitude[:, None] + east / DEGREE_M / np.cos(np.radians(latitude[:, None]))

    def repeated(values: object) -> NDArray[np.float64]:
        return np.repeat(np.broadcast_to(values, shape), geometry.a_site, axis=1).ravel()

    count = geometry.sites * geometry.a_site
    emitters = place(latitude, longitude, np.full(draws, GROUND_M))
    sites = place(repeated(site_latitude), repeated(site_longitude), repeated(height))

    def seen(d_east: float = 0.0, d_north: float = 0.0) -> NDArray[np.float64]:
        """Azimuth and elevation of each emitter, moved by some metres, shape (2, draws * count)."""
        one = ground_metres_per_degree(latitude, longitude)
        moved = place(
            np.repeat(latitude + d_north / one[1], count),
            np.repeat(longitude + d_east / one[0], count),
            GROUND_M,
        )
        return np.array(seen_from(sites, moved))

    true = seen()
    sigma = geometry.sigma_deg * np.exp(rng.normal(0.0, 0.3, true.shape[1]))
    step = 10.0
    slope = np.stack(
        [(seen(step, 0) - seen(-step, 0)), (seen(0, step) - seen(0, -step))], axis=-1
    ) / (2.0 * step)
    slope[0] = (slope[0] + 9.0) % 18.0 - 9.0  # across north a difference is a turn off
    level = np.cos(np.radians(true[1])) if geometry.elevation else np.ones(true.shape[1])
    across = slope[0] * level[:, None] / sigma[:, None]
    fisher = np.einsum("ij,ik->ijk", across, across)
    azimuth = true[0] + sigma / level * rng.standard_normal(true.shape[1])
    columns = {
        "emitter": np.repeat(np.arange(draws), count),
        "site": sites,
        "azimuth": azimuth * u.deg,
        "azimuth_error": sigma / level * u.deg,
    }
    if geometry.elevation:
        rise = slope[1] / sigma[:, None]
        fisher += np.einsum("ij,ik->ijk", rise, rise)
        columns["elevation"] = (true[1] + sigma * rng.standard_normal(true.shape[1])) * u.deg
        columns["elevation_error"] = sigma * u.deg
    return Case(QTable(columns), emitters, fisher.reshape(draws, count, 2, 2).sum(axis=1))


def ground_metres_per_degree(
    latitude: NDArray[np.float64], longitude: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Metres a degree of longitude and of latitude, by astropy."""
    step = 1e-3
    here = place(latitude, longitude, GROUND_M)
    east, _ = ground_metres(here, place(latitude, longitude + step, GROUND_M))
    _, north = ground_metres(here, place(latitude + step, longitude, GROUND_M))
    return east / step, north / step


@dataclass(frozen=True)
class Result:
    geometry: Geometry
    draws: int
    held: float
    ratio: float
    weak: float
    other: float
    lost: float


def judge(geometry: Geometry, draws: int, seed: int) -> Result:
    """Coverage and efficiency over the emitters whose geometry was not called weak."""
    case = make(geometry, draws, seed)
    found = triangulate(case.bearings, terrain=GROUND_M)
    good = np.asarray(found["status"]) == "ok"
    where = place(
        np.where(good, found["latitude"].value, 45.0),
        np.where(good, found["longitude"].value, 0.0),
        GROUND_M,
    )
    error = np.stack(ground_metres(case.emitters, where), axis=-1)[good]
    inverse = np.linalg.inv(found["covariance"].value[good])
    inside = np.einsum("ij,ijk,ik->i", error, inverse, error) < 5.991464547
    efficiency = np.einsum("ij,ijk,ik->i", error, case.fisher[good], error) / 2.0
    status = np.asarray(found["status"])
    return Result(
        geometry=geometry,
        draws=draws,
        held=float(inside.mean()),
        ratio=float(np.sqrt(efficiency.mean())),
        weak=float((status == "weak").mean()),
        other=float(np.isin(status, ["inconsistent", "failed"]).mean()),
        lost=float((np.asarray(found["rejected"]) > 0).mean()),
    )


@dataclass(frozen=True)
class Reflections:
    sites: int
    draws: int
    named: float
    unsure: float
    wrong: float
    held: float | None


def reflect(sites: int, draws: int, seed: int) -> Reflections:
    """One bearing of each emitter comes from elsewhere: is that one named?"""
    geometry = Geometry("", sites, 250.0, 5.0, 40.0, 0.7)
    case = make(geometry, draws, seed)
    rng = np.random.default_rng(seed + 1)
    culprit = rng.integers(0, sites, draws)
    row = np.arange(draws) * sites + culprit
    turn = rng.uniform(15.0, 120.0, draws) * rng.choice([-1.0, 1.0], draws)
    azimuth = case.bearings["azimuth"].value.copy()
    azimuth[row] += turn
    case.bearings["azimuth"] = azimuth * u.deg
    found = triangulate(case.bearings, terrain=GROUND_M)
    status = np.asarray(found["status"])
    left_out = np.zeros(draws * sites, dtype=bool)
    left_out[found.meta["rejected"]] = True
    left_out = left_out.reshape(draws, sites)
    right = left_out[np.arange(draws), culprit] & (left_out.sum(axis=1) == 1) & (status == "ok")
    where = place(found["latitude"], found["longitude"], GROUND_M)
    error = np.stack(ground_metres(case.emitters, where), axis=-1)[right]
    inverse = np.linalg.inv(found["covariance"].value[right])
    inside = np.einsum("ij,ijk,ik->i", error, inverse, error) < 5.991464547
    ok = status == "ok"
    held = float(inside.mean()) if right.any() else None
    return Reflections(
        sites=sites,
        draws=draws,
        named=float(right.mean()),
        unsure=float((~ok).mean()),
        wrong=float((ok & ~right).mean()),
        held=held,
    )


def report(results: list[Result], reflections: list[Reflections], seconds: float) -> str:
    lines = [
        "# Emitters located from bearings",
        "",
        "```",
        f"python tests/campaigns/triangulation.py --draws {results[0].draws}",
        "```",
        "",
        "Emitters, sites, bearings and the Cramér-Rao bound come from astropy's EarthLocation and",
        "AltAz, and share no code with `triangulate`. The standard deviations of the bearings vary",
        "by 30 % about the one named. Emitters whose geometry is called weak are left out of the",
        "two figures, and counted.",
        "",
        "| geometry | emitters | in the ellipse | rms / bound | weak | inconsistent | lost one |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {r.geometry.name} | {r.draws} | {r.held:.1%} | {r.ratio:.3f} | {r.weak:.1%} | "
        f"{r.other:.2%} | {r.lost:.2%} |"
        for r in results
    ]
    lines += [
        "",
        "Asked for are 94-96 % within the 95 % ellipse, and from three sites on at most 1.05",
        "times the bound. Lost one: a good bearing was left out, meant to happen in one place of",
        "a thousand.",
        "",
        "One bearing of each emitter is turned by 15° to 120°, as by a reflection:",
        "",
        "| sites | emitters | named | left open | wrong | in the ellipse, where named |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {r.sites} | {r.draws} | {r.named:.1%} | {r.unsure:.1%} | {r.wrong:.2%} | "
        f"{'none' if r.held is None else f'{r.held:.1%}'} |"
        for r in reflections
    ]
    lines += [
        "",
        "Named: that bearing alone was left out. Left open: the status says that the bearings",
        "contradict each other, or that the geometry is weak; of three nobody can say which",
        "is wrong. Wrong: the turned bearing happens to pass close to where the others cross.",
        "",
        f"{seconds:.0f} s on two shared cores.",
        "",
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=20260)
    parser.add_argument("--report", type=Path)
    options = parser.parse_args()
    began = time.monotonic()
    results = [judge(geometry, options.draws, options.seed) for geometry in GEOMETRIES]
    reflections = [reflect(sites, options.draws // 4, options.seed) for sites in (3, 4, 5, 7)]
    text = report(results, reflections, time.monotonic() - began)
    print(text)
    if options.report:
        options.report.write_text(text, encoding="utf-8")
    for result in results:
        assert 0.94 <= result.held <= 0.96, result
        assert result.geometry.sites < 3 or result.ratio <= 1.05, result


if __name__ == "__main__":
    main()
