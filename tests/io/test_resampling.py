"""Truth: the readings themselves at their own directions, and the sphere."""

import numpy as np
import pytest

from skyscan_lab.errors import ExportRefused
from skyscan_lab.grid import ScanGrid
from skyscan_lab.io.fits import write_fits
from skyscan_lab.io.healpix import write_healpix
from skyscan_lab.io.resampling import resample
from skyscan_lab.session import Flag, samples_of, session_from_points
from skyscan_lab.sphere import offset


def of_grid(az, el, step):
    grid = ScanGrid(az=az, el=el, step=step)
    azimuth, elevation = np.array([[p.azimuth_deg, p.elevation_deg] for p in grid.visits()]).T
    return session_from_points(
        azimuth, elevation, np.arange(float(grid.size)), units="dB", grid=grid
    )


@pytest.mark.parametrize("az", [(350, 20), (0, 360), (0, 350), (190, 530), (10, 10)])
@pytest.mark.parametrize("el", [(20, 40), (80, 90), (30, 30)])
def test_a_grid_has_its_readings_at_its_cells_on_every_turn(az, el):
    ds = of_grid(az, el, 10)
    elevation, azimuth = np.meshgrid(ds["elevation"], ds["azimuth"], indexing="ij")
    away_from_pole = elevation < 90.0
    for turn in (-360.0, 0.0, 360.0):
        found = resample(ds, azimuth + turn, elevation)
        np.testing.assert_allclose(found[away_from_pole], ds["rssi"].values[away_from_pole])
        assert np.isfinite(found).all()


def test_every_azimuth_at_the_zenith_is_the_zenith():
    ds = of_grid((100, 120), (70, 90), 10)
    at_zenith = ds["rssi"].values[-1, 0]
    assert resample(ds, np.array([0.0, 110.0, 300.0]), np.full(3, 90.0)).tolist() == [at_zenith] * 3


@pytest.mark.parametrize("elevation", [0.0, 60.0, 85.0])
def test_a_single_column_is_a_step_wide_on_the_sky(elevation):
    ds = of_grid((359, 359), (elevation - 1.0, elevation + 1.0), 1)
    for side in (90.0, 270.0):
        inside = resample(ds, *offset(359.0, elevation, side, 0.49))
        outside = resample(ds, *offset(359.0, elevation, side, 0.51))
        assert np.isfinite(inside)
        assert np.isnan(outside)


def line(kind):
    along = np.sort(np.random.default_rng(3).uniform(20.0, 60.0, 25))
    azimuth, elevation = {
        "upward": (np.full(25, 100.0), along),
        "along the horizon": (3.0 * along, np.zeros(25)),
        "at one elevation": (3.0 * along, np.full(25, 45.0)),
        "two": (along[:2], along[:2]),
        "one": (along[:1], along[:1]),
        "one place": (np.full(3, 10.0), np.full(3, 20.0)),
    }[kind]
    return samples_of(session_from_points(azimuth, elevation, np.arange(float(azimuth.size))))


@pytest.mark.parametrize(
    "kind", ["upward", "along the horizon", "at one elevation", "two", "one", "one place"]
)
def test_samples_along_a_line_are_on_the_map(kind, tmp_path):
    ds = line(kind)
    azimuth, elevation = ds["azimuth_measured"].values, ds["elevation_measured"].values
    found = resample(ds, azimuth, elevation)
    if kind != "one place":
        np.testing.assert_allclose(found, ds["rssi"].values, atol=1e-6)
    assert np.isfinite(found).all()
    assert np.isnan(resample(ds, azimuth, elevation + 25.0)).any()
    write_fits(ds, tmp_path / "a.fits")


def test_a_gap_wider_than_two_steps_is_not_bridged():
    near, far = np.meshgrid(np.arange(0.0, 5.0), np.arange(0.0, 5.0))
    azimuth = np.concatenate([near.ravel(), far.ravel() + 10.0]) + 100.0
    elevation = np.concatenate([far.ravel(), near.ravel()])
    ds = session_from_points(azimuth, elevation, azimuth)
    ds = samples_of(ds)
    assert np.isfinite(resample(ds, np.array([102.5, 105.5, 108.5, 112.5]), np.full(4, 2.2))).all()
    assert np.isnan(resample(ds, np.array([106.5, 107.0, 107.5]), np.full(3, 2.2))).all()


def test_samples_without_a_direction_are_left_out(samples, tmp_path):
    ds = samples.copy(deep=True)
    for name in ("azimuth_measured", "elevation_measured", "rssi"):
        ds[name].values[7] = np.nan
    ds["sequence"].values[7], ds["flag"].values[7] = -1, Flag.NOT_VISITED
    for projection in ("ZEA", "CAR"):
        write_fits(ds, tmp_path / "a.fits", projection=projection)
    write_healpix(ds, tmp_path / "a.healpix.fits")


@pytest.mark.parametrize("write", [write_fits, write_healpix])
def test_nothing_is_mapped_without_a_direction(write, tmp_path):
    with pytest.raises(ExportRefused, match="no sample has a direction"):
        write(session_from_points([], [], []), tmp_path / "a.fits")
