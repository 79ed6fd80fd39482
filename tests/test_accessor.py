"""Truth: the writers behind the door, and xarray's own registry."""

import subprocess
import sys

import matplotlib.figure
import numpy as np
import pytest
import xarray as xr

import skyscan_lab as sky
from skyscan_lab.errors import ExportRefused, SessionError
from skyscan_lab.io import load_session


@pytest.fixture
def ds():
    return sky.session_from_points(
        [10, 14, 10, 14], [20, 20, 24, 24], [-90.0, -91, -80, -92], location=(47.0, 8.0)
    )


def test_whoever_imports_the_package_has_the_door():
    program = (
        "import sys, skyscan_lab as sky; assert 'xarray' not in sys.modules;"
        "print(sky.session_from_points([1], [20], [-90.0]).sky)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert "SkyAccessor" in done.stdout


def test_files(ds, tmp_path):
    exact = [
        ds.sky.to_netcdf(tmp_path / "a.nc"),
        ds.sky.to_csv(tmp_path / "a.csv"),
        ds.sky.to_fits(tmp_path / "a.fits", projection="CAR").path,
    ]
    for path in exact:
        xr.testing.assert_identical(load_session(path), ds)
    points = load_session(ds.sky.to_json(tmp_path / "a.json"))
    np.testing.assert_array_equal(points["rssi"], ds["rssi"])
    assert load_session(ds.sky.to_healpix(tmp_path / "b.fits", nside=64)).sizes["sample"] > 3


def test_options_reach_the_writers(ds, tmp_path):
    with pytest.raises(ExportRefused, match="no time"):
        ds.sky.to_fits(tmp_path / "a.fits", icrs=True)


def test_a_plot(ds):
    assert isinstance(ds.sky.plot(title="Roof"), matplotlib.figure.Figure)


def test_other_datasets_are_refused_with_the_reason():
    with pytest.raises(SessionError, match="rssi"):
        _ = xr.Dataset({"a": ("x", [1.0])}).sky
