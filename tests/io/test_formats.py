"""Truth: the examples in data/, which say what they are."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from skyscan_lab.datasets import fetch
from skyscan_lab.errors import FileError, InvalidInput, SkyscanWarning
from skyscan_lab.io import FORMATS, format_of, load_session, save_session
from skyscan_lab.session import location_of, validate
from skyscan_lab.sphere import separation

DATA = Path(__file__).parents[2] / "data"
COMPANIONS = {"rtl_power.csv": "rtl_power.pointing.csv"} | {
    f"raw-data-{stamp}.txt": f"scan-settings-{stamp}.txt"
    for stamp in ("20260214-020000", "20260215-020000")
}
EXAMPLES = {
    "session.nc": "netcdf",
    "map.fits": "fits",
    "map.healpix.fits": "healpix",
    "session.csv": "csv",
    "points.json": "json",
    "rtl_power.csv": "rtl_power",
    "winegard.txt": "winegard",
    "raw-data-20260214-020000.txt": "matrix",
    "raw-data-20260215-020000.txt": "matrix",
}


def load_example(path, **options):
    if path.name == "rtl_power.csv":
        with pytest.warns(SkyscanWarning, match="left out 1 of 33 sweeps"):
            return load_session(path, **options)
    return load_session(path, **options)


def test_there_is_an_example_of_every_format():
    assert set(EXAMPLES.values()) == set(FORMATS)


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_shows_the_same_source(name):
    ds = validate(load_example(DATA / name))
    level = ds["rssi"].mean("frequency") if "frequency" in ds.dims else ds["rssi"]
    brightest = np.unravel_index(np.nanargmax(level), level.shape)
    distance = separation(
        ds["azimuth_measured"].values[brightest],
        ds["elevation_measured"].values[brightest],
        172.0,
        38.0,
    )
    assert distance < 2.6


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_name_of_a_file_does_not_matter(name, tmp_path):
    (tmp_path / "recording.bin").write_bytes((DATA / name).read_bytes())
    options = {}
    if name in COMPANIONS:
        key = "pointing" if name == "rtl_power.csv" else "settings"
        options[key] = DATA / COMPANIONS[name]
    expected = load_example(DATA / name)
    if name == "rtl_power.csv":
        with pytest.warns(SkyscanWarning):
            found = load_session(tmp_path / "recording.bin", **options)
    else:
        found = load_session(tmp_path / "recording.bin", **options)
    np.testing.assert_array_equal(found["rssi"], expected["rssi"])


def test_a_matrix_of_three_columns_is_told_by_its_settings(tmp_path):
    np.savetxt(tmp_path / "raw-data-1.txt", np.full((2, 3), 30.0))
    assert load_session(tmp_path / "raw-data-1.txt")["rssi"].attrs["units"] == "counts"
    np.savetxt(tmp_path / "scan-settings-1.txt", (90, 92, 5, 6, 1))
    assert dict(load_session(tmp_path / "raw-data-1.txt").sizes) == {"elevation": 2, "azimuth": 3}


@pytest.mark.parametrize(
    ("content", "line", "reason"),
    [
        (b"", None, "empty"),
        (b"\n \n", None, "empty"),
        (b"110.0,18.0,409\n", 1, "begins with '110.0,18.0,409'; known are"),
        (b"azimuth elevation counts\n1 2 3\n", 1, "begins with 'azimuth elevation counts'"),
        (b"# a note\n\naz el counts\n1 2 3\n", 3, "begins with 'az el counts'"),
        (bytes(range(256)), None, "no known format"),
        (b"CDF\x01" + bytes(100), None, "no known format"),
        (b"90\n270\n5\n70\n1\n", 1, "no known format"),
    ],
)
def test_unknown_content_is_an_error(content, line, reason, tmp_path):
    (tmp_path / "session.nc").write_bytes(content)
    with pytest.raises(FileError, match=reason) as caught:
        load_session(tmp_path / "session.nc")
    assert caught.value.line == line


def test_a_file_that_cannot_be_opened(tmp_path):
    for path in (tmp_path / "absent.nc", tmp_path):
        with pytest.raises(FileError, match=r"No such file|Is a directory"):
            load_session(path)


def test_the_site_can_be_given():
    ds = load_session(DATA / "winegard.txt", location=(47.0, 8.0, 400.0))
    assert location_of(ds).latitude_deg == 47.0
    assert location_of(load_session(DATA / "winegard.txt")) is None


def test_arguments_without_a_use_are_named():
    with pytest.raises(InvalidInput, match="pointing"):
        load_session(DATA / "winegard.txt", pointing=DATA / "rtl_power.pointing.csv")
    with pytest.raises(InvalidInput, match="format"):
        load_session(DATA / "winegard.txt", format="hdf")
    assert load_session(DATA / "winegard.txt", format="winegard").sizes["azimuth"] == 25


@pytest.mark.parametrize("name", [name for name, row in FORMATS.items() if row.write])
def test_every_written_format_loads(name, gridded, tmp_path):
    path = save_session(gridded, tmp_path / "a.bin", format=name)
    back = load_session(path)
    assert back["rssi"].attrs["units"] == "dBm"
    assert float(abs(back["rssi"].max() - gridded["rssi"].max())) < 5.0


def test_the_ending_chooses_the_format(gridded, tmp_path):
    for ending, name in {".nc": "netcdf", ".FITS": "fits", ".hpx.fits": "healpix"}.items():
        assert format_of(f"x{ending}") == name
    path = save_session(gridded, tmp_path / "a.healpix.fits", nside=32)
    assert b"HEALPIX" in path.read_bytes()
    with pytest.raises(InvalidInput, match=r"\.nc"):
        save_session(gridded, tmp_path / "a.h5")
    with pytest.raises(InvalidInput, match="netcdf, healpix, fits, csv, json"):
        save_session(gridded, tmp_path / "a.txt", format="winegard")
    assert [path.name for path in tmp_path.iterdir()] == ["a.healpix.fits"]


def test_the_script_makes_the_examples_that_are_there(tmp_path):
    subprocess.run([sys.executable, DATA / "make_examples.py", tmp_path], check=True)
    made = {path.name: path for path in tmp_path.iterdir()}
    # Folders of their own have scripts of their own.
    there = {path.name for path in DATA.iterdir() if path.is_file()}
    assert made.keys() == there - {"make_examples.py"}
    assert sum(path.stat().st_size for path in made.values()) < 300_000
    for name, path in made.items():
        if name in EXAMPLES:
            # Not to the last bit: exp and log differ by an ulp between processors.
            there = load_example(DATA / name)["rssi"]
            xr.testing.assert_allclose(load_example(path)["rssi"], there, rtol=0, atol=1e-9)
        else:
            assert path.read_bytes() == (DATA / name).read_bytes()


@pytest.mark.recording
def test_the_real_recording():
    ds = validate(load_session(fetch("winegard-g2")["scan_data.txt"]))
    assert int(ds["rssi"].count()) == 5371
    row, column = np.unravel_index(np.nanargmax(ds["rssi"]), ds["rssi"].shape)
    assert separation(ds["azimuth"][column], ds["elevation"][row], 174.2, 43.0) < 0.8
