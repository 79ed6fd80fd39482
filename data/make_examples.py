"""Make the synthetic examples in this folder, one of every format.

All of them show the same sky: a point source seen through a Gaussian beam over a floor that
rises towards the horizon, with noise from a fixed seed. Nothing in them was measured.

    python data/make_examples.py [FOLDER]
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from skyscan_lab.io import save_session
from skyscan_lab.session import session_from_points
from skyscan_lab.sphere import separation

SEED = 20260214
SOURCE_AZ, SOURCE_EL = 172.0, 38.0
BEAM_DEG = 5.0
SITE = (46.95, 7.44, 550.0)
START = np.datetime64("2026-02-14T02:00:00", "ns")
# Nothing that depends on the day or the version: the same files every time.
ATTRS = {"title": "Synthetic sky scan", "source": "data/make_examples.py", "history": "synthetic"}


def level_db(az: NDArray[np.float64], el: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
    """Level in dB of the synthetic sky, with noise."""
    distance = separation(az, el, SOURCE_AZ, SOURCE_EL)
    power = 1.0 + 20.0 * np.exp(-4.0 * np.log(2.0) * (distance / BEAM_DEG) ** 2)
    floor = 0.4 / np.sin(np.radians(el))
    noise = np.random.default_rng([SEED, seed]).normal(scale=0.05, size=az.shape)
    return np.asarray(10.0 * np.log10(power + floor) + noise)


def raster(az: NDArray[np.float64], el: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
    """Points of a raster scan: azimuth fast, from the lowest elevation up."""
    elevation, azimuth = np.meshgrid(el, az, indexing="ij")
    return azimuth.ravel(), elevation.ravel()


def main(folder: Path) -> None:
    """Write every example."""
    folder.mkdir(parents=True, exist_ok=True)
    write_sessions(folder)
    write_winegard(folder / "winegard.txt")
    write_tailgater(folder, "20260214-020000")
    write_carryout(folder, "20260215-020000")
    write_rtl_power(folder)
    (folder / "satellites.csv").write_text(
        "name,azimuth,elevation\nSYNTHETIC 1,172.10,37.90\nSYNTHETIC 2,160.00,36.50\n",
        encoding="ascii",
    )


def write_sessions(folder: Path) -> None:
    """NetCDF, FITS, HEALPix, CSV and the API's JSON of one session."""
    az, el = raster(np.arange(164.0, 181.0, 2.0), np.arange(30.0, 47.0, 2.0))
    readings = -90.0 + level_db(az, el, 1)
    readings[20] = np.nan
    ds = session_from_points(
        az,
        el,
        readings,
        # So fast that the sky stands still: the FITS image can bear RA and declination.
        time=START + np.arange(az.size) * np.timedelta64(10_000_001, "ns"),
        reads=np.full(az.size, 10),
        last=readings + 0.1,
        units="dBm",
        location=SITE,
        averaging="linear power",
        attrs=ATTRS,
    )
    for name in ("session.nc", "map.fits", "map.healpix.fits", "session.csv", "points.json"):
        save_session(ds, folder / name)


def write_winegard(path: Path) -> None:
    """Azimuth, elevation, counts: columns scanned upward; one point without an answer."""
    azimuth, elevation = np.meshgrid(np.arange(160.0, 185.0), np.arange(30.0, 47.0), indexing="ij")
    counts = np.rint(400.0 + 10.0 * level_db(azimuth, elevation, 2)).astype(int)
    counts[3, 4] = -1
    rows = zip(azimuth.ravel(), elevation.ravel(), counts.ravel(), strict=True)
    path.write_text("".join(f"{az} {el} {count}\n" for az, el, count in rows), encoding="ascii")


def write_tailgater(folder: Path, stamp: str) -> None:
    """Matrix of counts over dish azimuths 170–200, which run counter-clockwise."""
    az_start, az_end, el_start, el_end = 170, 200, 30, 46
    matrix = np.zeros((el_end - el_start + 1, az_end - az_start + 1))
    for line, elevation in enumerate(range(el_start, el_end)):
        # Odd sweeps stop one short of the end, even ones of the start.
        dish = np.arange(az_start, az_end) + line % 2
        level = level_db(360.0 - dish, np.full(dish.size, float(elevation)), 100 + line)
        matrix[el_end - elevation, az_end - dish] = np.rint(3000.0 + 10.0 * level)
    np.savetxt(folder / f"raw-data-{stamp}.txt", matrix)
    np.savetxt(folder / f"scan-settings-{stamp}.txt", (az_start, az_end, el_start, el_end, 1))


def write_carryout(folder: Path, stamp: str) -> None:
    """Matrix of dB over azimuths 160–184, clockwise, with the column that stays empty."""
    az_start, az_end, el_start, el_end = 160, 184 + 1, 30, 46
    matrix = np.zeros((el_end - el_start + 1, az_end - az_start + 1))
    for line, elevation in enumerate(range(el_start, el_end + 1)):
        azimuth = np.arange(az_start, az_end)
        level = level_db(azimuth.astype(float), np.full(azimuth.size, float(elevation)), 200 + line)
        matrix[el_end - elevation, azimuth - az_end] = level - 45.0
    np.savetxt(folder / f"raw-data-{stamp}.txt", matrix, fmt="%.4f")
    settings = (az_start, az_end, el_start, el_end, 1, 1420.4, 0, 40.2)
    np.savetxt(folder / f"scan-settings-{stamp}.txt", settings)


def write_rtl_power(folder: Path) -> None:
    """Spectra of two hops, two sweeps a place, and the log of the rotor's places."""
    az, el = raster(np.arange(166.0, 179.0, 4.0), np.arange(32.0, 45.0, 4.0))
    level = level_db(az, el, 3) - 60.0
    seconds = np.timedelta64(1, "s")
    spectra, log = [], ["time,azimuth,elevation"]
    for place in range(az.size):
        arrival = START.astype("datetime64[s]") + 6 * place * seconds
        log += [f"{arrival + wait},{az[place]},{el[place]}" for wait in (0 * seconds, 4 * seconds)]
        for sweep in (1, 3):
            moment = str(arrival + sweep * seconds).replace("T", ", ")
            for hop, low in enumerate((1_420_000_000, 1_421_000_000)):
                bins = level[place] + 0.1 * np.arange(4) + 0.5 * hop + 0.01 * sweep
                values = ", ".join(f"{value:.2f}" for value in [*bins, bins[-1]])
                spectra.append(f"{moment}, {low}, {low + 1_000_000}, 250000.00, 64, {values}")
    # Taken after the rotor's log had ended: nobody knows where.
    spectra += [line.replace("2026-02-14", "2026-02-15") for line in spectra[-2:]]
    (folder / "rtl_power.csv").write_text("\n".join(spectra) + "\n", encoding="ascii")
    (folder / "rtl_power.pointing.csv").write_text("\n".join(log) + "\n", encoding="ascii")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
