"""Truth: the real recording's satellites, and files made by formula; read back by astropy."""

import csv
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from astropy.coordinates import EarthLocation
from astropy.io import fits
from astropy.wcs import WCS
from click.testing import CliRunner, Result
from scipy import ndimage

from skyscan_lab.cli.main import main
from skyscan_lab.datasets import fetch
from skyscan_lab.io import load_session, save_session
from skyscan_lab.session import samples_of, session_from_points
from skyscan_lab.sphere import separation

PRODUCTS = ("session.nc", "map.fits", "map.png", "sources.csv")


def skymap(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["map", *map(str, arguments)], terminal_width=100)


def sources_in(folder: Path) -> list[dict[str, str]]:
    with (folder / "sources.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def recording(path: Path, *, peak: tuple[float, float] = (123.0, 34.0)) -> Path:
    """Winegard text with one source at a place of no symmetry."""
    lines = []
    for az in np.arange(110.0, 131):
        for el in np.arange(25.0, 46):
            level = 400 + 90 * np.exp(-0.5 * (float(separation(az, el, *peak)) / 2.5) ** 2)
            lines.append(f"{az} {el} {round(level)}")
    path.write_text("\n".join(lines) + "\n")
    return path


EXAMPLES = Path(__file__).parents[2] / "data"


@pytest.mark.parametrize(
    "name",
    ["session.nc", "map.fits", "map.healpix.fits", "session.csv", "points.json", "winegard.txt",
     "rtl_power.csv", "raw-data-20260214-020000.txt"],
)  # fmt: skip
def test_every_format_becomes_a_map(name: str, tmp_path: Path) -> None:
    result = skymap(EXAMPLES / name, "--out", tmp_path)
    assert result.exit_code == 0, result.output
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(PRODUCTS)
    # All examples show the same made-up sky; see data/make_examples.py.
    assert np.isfinite(float(sources_in(tmp_path)[0]["snr"]))
    with fits.open(tmp_path / "map.fits") as hdus:
        assert np.isfinite(hdus[0].data).any()


@pytest.mark.recording
@pytest.mark.system
def test_the_real_recording(tmp_path: Path) -> None:
    files = fetch("winegard-g2")
    skyscan = Path(sys.executable).with_name("skyscan")
    start = time.monotonic()
    done = subprocess.run(
        [skyscan, "map", files["scan_data.txt"], "--out", tmp_path, "--satellites",
         files["satellites.csv"]],
        capture_output=True, text=True, timeout=110, env={**os.environ, "COLUMNS": "100"},
    )  # fmt: skip
    print(f"skyscan map took {time.monotonic() - start:.1f} s")
    assert (done.returncode, done.stderr) == (0, "")
    assert "5371" in done.stdout
    assert "131 azimuths × 41 elevations" in done.stdout
    assert "counts" in done.stdout

    with fits.open(tmp_path / "map.fits") as hdus:
        image, wcs = hdus[0].data.astype(float), WCS(hdus[0].header)
    rows, columns = np.indices(image.shape)
    azimuth, elevation = wcs.all_pix2world(columns, rows, 0)
    brightest = np.unravel_index(np.nanargmax(image), image.shape)
    assert separation(azimuth[brightest], elevation[brightest], 174.2, 43.0) < 0.8
    level = np.where(np.isfinite(image), image, -np.inf)
    maxima = (level == ndimage.maximum_filter(level, size=5, mode="nearest")) & np.isfinite(image)
    for place in ((174.2, 43.0), (124.0, 27.0), (201.0, 40.0)):
        assert separation(azimuth[maxima], elevation[maxima], *place).min() < 0.8

    sources = sources_in(tmp_path)
    for row, place in zip(sources, ((174.2, 43.0), (201.0, 40.0), (124.0, 27.0)), strict=False):
        found = float(row["azimuth_deg"]), float(row["elevation_deg"])
        assert separation(*found, *place) < 0.8
    assert sources[0]["nearest"] == "DIRECTV 9S"
    assert float(sources[0]["separation_deg"]) < 2.1  # the tilt of that mount
    assert load_session(tmp_path / "session.nc").rssi.shape == (41, 131)
    assert (tmp_path / "map.png").read_bytes().startswith(b"\x89PNG")


def test_a_map_in_every_product(tmp_path: Path) -> None:
    result = skymap(recording(tmp_path / "scan.txt"), "--out", tmp_path / "new" / "folder")
    assert result.exit_code == 0, result.output
    folder = tmp_path / "new" / "folder"
    assert sorted(path.name for path in folder.iterdir()) == sorted(PRODUCTS)
    assert all(str(folder / name) in result.output for name in PRODUCTS)
    assert "441, 21 azimuths × 21 elevations, az 110° to 130°, el 25° to 45°" in result.output
    (row,) = sources_in(folder)
    assert separation(float(row["azimuth_deg"]), float(row["elevation_deg"]), 123, 34) < 0.2
    assert float(row["power_counts"]) == 490
    assert row["at_edge"] == "false"
    assert "nearest" not in row
    with fits.open(folder / "map.fits") as hdus:
        at = WCS(hdus[0].header).all_world2pix(123.0, 34.0, 0)
        column, row = (round(float(pixel)) for pixel in at)
        assert hdus[0].data[row, column] == pytest.approx(490, abs=2)
        assert np.nanmax(hdus[0].data) == pytest.approx(490, abs=2)


def test_satellites_are_matched_and_a_wrong_list_is_refused(tmp_path: Path) -> None:
    scan = recording(tmp_path / "scan.txt")
    listed = tmp_path / "list.csv"
    listed.write_text("name,azimuth,elevation\nNEAR,123.5,34.0\nFAR,112,27\n")
    result = skymap(scan, "--out", tmp_path / "out", "--satellites", listed)
    assert "NEAR, 0.4" in result.output
    (row,) = sources_in(tmp_path / "out")
    assert row["nearest"] == "NEAR"
    assert float(row["separation_deg"]) == pytest.approx(0.41, abs=0.1)
    listed.write_text("NEAR,123.5\n")
    result = skymap(scan, "--out", tmp_path / "none", "--satellites", listed)
    assert result.exit_code == 2
    assert f"{listed}, line 1" in result.output
    assert not (tmp_path / "none").exists()


def channelled() -> object:
    az, el = np.meshgrid(np.arange(0.0, 12), np.arange(20.0, 29))
    level = -60 + 20 * np.exp(-((az - 5) ** 2 + (el - 24) ** 2) / 6)
    level += np.random.default_rng(1).normal(0, 0.1, az.shape)
    ds = session_from_points(az.ravel(), el.ravel(), level.ravel(), units="dBm")
    for name in ("rssi", "rssi_std", "rssi_last"):
        both = ds[name].expand_dims(frequency=[1.4e9, 1.5e9])
        ds[name] = both.assign_attrs(ds[name].attrs)
    ds["frequency"].attrs = {"units": "Hz", "long_name": "channel centre frequency"}
    return ds


def test_a_map_of_channels_is_that_of_their_average(tmp_path: Path) -> None:
    save_session(channelled(), tmp_path / "spectra.nc")
    result = skymap(tmp_path / "spectra.nc", "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert "channels  2, 1400 to 1500 MHz, averaged" in result.output
    assert len(sources_in(tmp_path / "out")) == 1
    assert "frequency" in load_session(tmp_path / "out" / "session.nc").dims


def test_a_map_of_free_form_samples(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    az, el = rng.uniform(100, 130, 600), rng.uniform(20, 40, 600)
    level = 400 + 80 * np.exp(-0.5 * (separation(az, el, 118, 31) / 3) ** 2)
    ds = session_from_points(az, el, level + rng.normal(0, 0.5, 600), units="counts")
    save_session(samples_of(ds), tmp_path / "samples.nc")
    result = skymap(tmp_path / "samples.nc", "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert "600, free-form" in result.output
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(PRODUCTS)
    assert len(sources_in(tmp_path / "out")) == 1


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("empty.txt", b"", "empty"),
        ("binary.bin", bytes(range(256)) * 20, "no known format"),
        ("prose.txt", b"This is a letter.\nDear sky,\n", "no known format"),
        ("short.nc", b"\x89HDF\r\n\x1a\n" + b"\0" * 40, "short.nc"),
    ],
)
def test_what_is_no_recording_is_one_line(
    tmp_path: Path, name: str, content: bytes, complaint: str
) -> None:
    file = tmp_path / name
    file.write_bytes(content)
    result = skymap(file, "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert result.output.startswith("error: ")
    assert len(result.output.splitlines()) == 1
    assert complaint in result.output
    assert not (tmp_path / "out").exists()


def test_the_readable_part_is_mapped_with_a_warning(tmp_path: Path) -> None:
    scan = recording(tmp_path / "scan.txt")
    scan.write_text(scan.read_text()[:-8])  # a last line that was cut off
    result = skymap(scan, "--out", tmp_path / "out")
    assert result.exit_code == 0
    assert result.stderr.startswith("warning: ")
    assert "missing   1 of 441 cells" in result.stdout


def test_wrong_options_are_refused(tmp_path: Path) -> None:
    scan = recording(tmp_path / "scan.txt")
    assert "Missing option '--out'" in skymap(scan).output
    assert "does not exist" in skymap(tmp_path / "missing.txt", "--out", tmp_path / "o").output
    assert "is a file" in skymap(scan, "--out", scan).output
    assert skymap(scan, "--out", tmp_path / "o", "--threshold", "-1").exit_code == 2
    assert skymap(scan, "--out", tmp_path / "o", "--settings", scan).exit_code == 2
    assert skymap(scan, "--out", tmp_path / "o", "--site", "95", "8").exit_code == 2
    assert not (tmp_path / "o").exists()


def test_the_site_can_be_given(tmp_path: Path) -> None:
    scan = recording(tmp_path / "scan.txt")
    assert skymap(scan, "--out", tmp_path / "o", "--site", "47.4", "8.5").exit_code == 0
    site = load_session(tmp_path / "o" / "session.nc").attrs
    assert (site["site_latitude_deg"], site["site_longitude_deg"]) == (47.4, 8.5)
    header = fits.getheader(tmp_path / "o" / "map.fits")
    place = EarthLocation(header["OBSGEO-X"], header["OBSGEO-Y"], header["OBSGEO-Z"], unit="m")
    assert place.lat.deg == pytest.approx(47.4)


def test_an_empty_sky_has_no_source_and_all_products(tmp_path: Path) -> None:
    scan = tmp_path / "flat.txt"
    scan.write_text("".join(f"{az} {el} 400\n" for az in range(9) for el in range(20, 29)))
    result = skymap(scan, "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert "no source stands out" in result.output
    assert sources_in(tmp_path / "out") == []
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(PRODUCTS)
