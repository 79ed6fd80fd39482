"""Tiles of a session's map.

Truth: an analytic sky, evaluated for each pixel by a loop that looks for the nearest cell on the
circle, as the module's docstring defines it; PNGs are read back by Pillow.
"""

import io
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib import colormaps
from PIL import Image

from skyscan_lab.grid import ScanGrid
from skyscan_lab.session import empty_session
from skyscan_server.gateway.gridding import sky_grid
from skyscan_server.gateway.tiles import (
    MAX_ZOOM,
    SkyGrid,
    Tile,
    png_tile,
    raw_tile,
    scale_of,
    tile_values,
)

FULL = ScanGrid(az=(0, 360), el=(18, 65), step=2)
NORTH = ScanGrid(az=(340, 20), el=(-10, 90), step=5)
ODD = ScanGrid(az=(3, 363), el=(0, 60), step=7)  # 360 is no multiple of 7: two cells overlap
ONE = ScanGrid(az=(100, 100), el=(45, 45), step=4)


def sky(azimuth, elevation):
    """Smooth, different everywhere, and the same after a turn."""
    a, e = math.radians(azimuth), math.radians(elevation)
    return -90 + 10 * math.sin(a) * math.cos(e) + 5 * math.cos(3 * a) + 3 * math.sin(e)


def session(grid, missing=()):
    ds = empty_session(grid, units="dBm")
    for row, elevation in enumerate(grid.elevations):
        for column, azimuth in enumerate(grid.azimuths):
            if (row, column) not in missing:
                ds["rssi"].values[row, column] = sky(azimuth, elevation)
    return ds


def expected(grid, azimuth, elevation):
    """Reading of the nearest cell that a direction is in; NaN outside of all."""
    across = np.abs((azimuth - grid.azimuths + 180) % 360 - 180)
    along = np.abs(elevation - grid.elevations)
    if across.min() > grid.step / 2 or along.min() > grid.step / 2:
        return math.nan
    return sky(grid.azimuths[across.argmin()], grid.elevations[along.argmin()])


@pytest.mark.parametrize("grid", [FULL, NORTH, ODD, ONE], ids=["full", "north", "odd", "one"])
@pytest.mark.parametrize(
    "tile",
    [Tile(0, 0, 0), Tile(0, 1, 0), Tile(1, 3, 0), Tile(2, 0, 1), Tile(3, 15, 2), Tile(3, 4, 1)],
    ids=str,
)
def test_pixels_are_those_of_the_nearest_cell(grid, tile):
    values = tile_values(sky_grid(session(grid), grid.step), tile)
    width = 180 / 2**tile.zoom
    some = {*range(3, 256, 83)}
    found, wanted = [], []
    for row in range(256):
        elevation = 90 - (tile.y + (row + 0.5) / 256) * width
        for column in range(256) if row in some else some:
            azimuth = (tile.x + (column + 0.5) / 256) * width
            found.append(values[row, column])
            wanted.append(expected(grid, azimuth, elevation))
    np.testing.assert_array_equal(found, np.float32(wanted))


def test_missing_cells_are_missing():
    grid = ScanGrid(az=(0, 90), el=(0, 90), step=10)
    values = tile_values(sky_grid(session(grid, {(4, 2)}), 10), Tile(1, 0, 0))
    # Row 4, column 2: elevation 35 to 45, azimuth 15 to 25; a pixel is 90/256 degrees.
    hole = np.isnan(values)
    rows, columns = np.nonzero(hole[:254, :253])
    assert (rows.min(), rows.max()) == (128, 155)
    assert (columns.min(), columns.max()) == (43, 70)


def test_raw_tile_begins_at_the_highest_elevation():
    grid = sky_grid(session(FULL), FULL.step)
    raw = np.frombuffer(raw_tile(grid, Tile(2, 1, 1)), dtype="<f4").reshape(256, 256)
    np.testing.assert_array_equal(raw, tile_values(grid, Tile(2, 1, 1)))
    # Tile 1 of zoom 2 from the top has elevations 45 to 0: the scan's lowest row is at 17 to 19.
    assert not np.isnan(raw[0]).any()
    assert np.isnan(raw[-1]).all()


def test_tiles_fit_together():
    """Four tiles are one of the zoom before, with each pixel made of four."""
    grid = sky_grid(session(FULL), FULL.step)
    fine = np.block(
        [[tile_values(grid, Tile(5, 20 + x, 8 + y)) for x in range(2)] for y in range(2)]
    )
    coarse = tile_values(grid, Tile(4, 10, 4))
    same = [
        np.isclose(fine[dy::2, dx::2], coarse, equal_nan=True) for dx in (0, 1) for dy in (0, 1)
    ]
    # Pixels at the edge of a cell may fall to either side.
    assert np.logical_or.reduce(same).all()
    assert np.mean(np.logical_and.reduce(same)) > 0.8


@given(
    zoom=st.integers(-1, MAX_ZOOM + 1),
    x=st.integers(-1, 2 ** (MAX_ZOOM + 1) + 1),
    y=st.integers(-1, 2**MAX_ZOOM + 1),
)
def test_tiles_that_exist_cover_the_sky_once(zoom, x, y):
    tile = Tile(zoom, x, y)
    inside = 0 <= zoom <= MAX_ZOOM and 0 <= x < 2 ** (zoom + 1) and 0 <= y < 2**zoom
    assert tile.exists is inside
    if inside:
        assert 0 < tile.azimuths[0] < tile.azimuths[-1] < 360
        assert -90 < tile.elevations[-1] < tile.elevations[0] < 90


@given(
    az0=st.floats(0, 359),
    columns=st.integers(1, 40),
    el0=st.floats(-90, 80),
    rows=st.integers(1, 5),
    step=st.floats(0.01, 9),
    zoom=st.integers(0, MAX_ZOOM),
    data=st.data(),
)
def test_no_grid_breaks_a_tile(az0, columns, el0, rows, step, zoom, data):
    tile = Tile(
        zoom, data.draw(st.integers(0, 2 ** (zoom + 1) - 1)), data.draw(st.integers(0, 2**zoom - 1))
    )
    values = np.arange(rows * columns, dtype=np.float32).reshape(rows, columns)
    found = tile_values(SkyGrid(az0, el0, step, values, (0.0, 1.0)), tile)
    assert found.shape == (256, 256)
    shown = found[np.isfinite(found)]
    assert np.isin(shown, values).all()


def read_png(data):
    image = Image.open(io.BytesIO(data))
    assert (image.format, image.size) == ("PNG", (256, 256))
    return np.asarray(image.convert("RGBA"))


def test_colours_are_those_of_the_scale():
    grid = sky_grid(session(FULL, {(5, 5)}), FULL.step)
    tile = Tile(1, 0, 0)
    values = tile_values(grid, tile)
    low, high = -95.0, -85.0
    pixels = read_png(png_tile(grid, tile, (low, high)))
    measured = np.isfinite(values)
    np.testing.assert_array_equal(pixels[..., 3], np.where(measured, 255, 0))
    share = np.clip((values[measured] - low) / (high - low), 0, 1)
    wanted = np.rint(255 * colormaps["viridis"](share)[:, :3])
    assert (
        np.abs(pixels[measured][:, :3] - wanted).max() <= 4
    )  # of 255: it has 256 colours, and we 255


def test_scale_ignores_what_is_missing_and_outliers():
    values = np.append(np.linspace(-100, -80, 999), [1e6])
    low, high = scale_of(np.append(values, np.nan))
    assert (low, high) == tuple(np.percentile(values, (2, 98)))
    assert scale_of(np.array([np.nan])) == (0.0, 1.0)
    assert scale_of(np.array([-90.0, -90.0])) == (-90.0, -89.0)


def test_sky_that_is_all_the_same_has_a_picture():
    grid = SkyGrid(0, 0, 10.0, np.full((3, 3), -90, np.float32), scale_of(np.full(9, -90.0)))
    pixels = read_png(png_tile(grid, Tile(0, 0, 0), grid.scale))
    assert set(pixels[..., 3].ravel()) == {0, 255}
