"""The map of a session in tiles: pure functions, called in processes of their own.

The whole sky in plate carrée, north at the left edge: azimuth 0 to 360° from left to right,
elevation 90 to -90° from top to bottom. Zoom 0 is two tiles of 256 pixels side by side; each
zoom after it has twice as many both ways. A cell of the grid reaches half a step to each side
of its nominal direction, and where two overlap, the nearer one counts.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image

TILE_PIXELS = 256
MAX_ZOOM = 8
"""A pixel is then 20″, far below any beam that a rotor carries."""

_COLOURS = 255

Floats = npt.NDArray[np.float64]


class Tile(NamedTuple):
    """Which tile: zoom, column from the left, row from the top."""

    zoom: int
    x: int
    y: int

    @property
    def exists(self) -> bool:
        """Whether there is such a tile.

        Examples
        --------
        >>> Tile(0, 1, 0).exists, Tile(0, 0, 1).exists
        (True, False)
        """
        rows = 1 << self.zoom if 0 <= self.zoom <= MAX_ZOOM else 0
        return 0 <= self.x < 2 * rows and 0 <= self.y < rows

    @property
    def width(self) -> float:
        """Width and height, degrees."""
        return 180.0 / (1 << self.zoom)

    @property
    def azimuths(self) -> Floats:
        """Azimuths of the centres of its pixels, degrees, from the left."""
        return _centres(self.x) * self.width

    @property
    def elevations(self) -> Floats:
        """Elevations of the centres of its pixels, degrees, from the top."""
        return 90.0 - _centres(self.y) * self.width


@dataclass(frozen=True, slots=True)
class SkyGrid:
    """The readings of a session on its grid.

    Attributes
    ----------
    azimuth, elevation : float
        Nominal direction of the first column and of the first row, degrees.
    step : float
        Step on both axes, degrees.
    values : ndarray of float32, shape (elevations, azimuths)
        Readings; NaN where nothing was measured.
    scale : tuple of float
        Where colours begin and end if nothing else is asked for.
    """

    azimuth: float
    elevation: float
    step: float
    values: npt.NDArray[np.float32]
    scale: tuple[float, float]


def tile_values(grid: SkyGrid, tile: Tile) -> npt.NDArray[np.float32]:
    """Readings at the pixels of a tile.

    Returns
    -------
    ndarray of float32, shape (256, 256)
        Row by row from the highest elevation; NaN where nothing was measured.
    """
    rows, has_row = _nearest((tile.elevations - grid.elevation) / grid.step, grid.values.shape[0])
    turn = 360.0 / grid.step
    columns, has_column = _nearest_on_circle(
        ((tile.azimuths - grid.azimuth) / grid.step) % turn, grid.values.shape[1], turn
    )
    values = grid.values[np.ix_(rows, columns)]
    return np.where(np.logical_and.outer(has_row, has_column), values, np.float32(np.nan))


def raw_tile(grid: SkyGrid, tile: Tile) -> bytes:
    """Tile as little-endian float32, row by row from the highest elevation."""
    return tile_values(grid, tile).astype("<f4").tobytes()


def png_tile(grid: SkyGrid, tile: Tile, scale: tuple[float, float]) -> bytes:
    """Tile as a PNG: dark where readings are at the lower end of a scale or below it.

    Parameters
    ----------
    grid : SkyGrid
        The map.
    tile : Tile
        Which part of it.
    scale : tuple of float
        Readings at which the colours begin and end.

    Returns
    -------
    bytes
        It is transparent where nothing was measured.
    """
    low, high = scale
    values = tile_values(grid, tile).astype(np.float64)
    measured = np.isfinite(values)
    share = np.clip((np.where(measured, values, low) - low) / (high - low), 0.0, 1.0)
    colours = np.where(measured, 1 + np.rint(share * (_COLOURS - 1)), 0).astype(np.uint8)
    image = Image.fromarray(colours, mode="P")
    image.putpalette(b"\0\0\0" + _palette())
    written = io.BytesIO()
    image.save(written, format="PNG", transparency=0)
    return written.getvalue()


def scale_of(values: Floats) -> tuple[float, float]:
    """Scale for readings, from 2 to 98 %: a single outlier does not flatten all the rest.

    Examples
    --------
    >>> scale_of(np.append(np.arange(101.0), np.nan))
    (2.0, 98.0)
    """
    finite = values[np.isfinite(values)]
    if not finite.size:
        return 0.0, 1.0
    low, high = (float(limit) for limit in np.percentile(finite, (2.0, 98.0)))
    return low, high if high > low else low + 1.0


def _centres(tile: int) -> Floats:
    """Centres of the pixels of a tile, in tiles."""
    return tile + (np.arange(TILE_PIXELS, dtype=np.float64) + 0.5) / TILE_PIXELS


def _nearest(places: Floats, count: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.bool_]]:
    """Nearest of cells 0 … count - 1, and whether a place is inside it."""
    nearest = np.clip(np.floor(places + 0.5), 0, count - 1)
    return nearest.astype(np.intp), np.abs(places - nearest) <= 0.5


def _nearest_on_circle(
    places: Floats, count: int, turn: float
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.bool_]]:
    """As `_nearest` for places in [0, turn), where the first cell comes again after a turn."""
    nearest, inside = _nearest(places, count)
    from_first = turn - places
    first = from_first < np.abs(places - nearest)
    return np.where(first, 0, nearest), np.where(first, from_first <= 0.5, inside)


def _palette() -> bytes:
    # Only where tiles are rendered: it takes a while, and more memory than all the rest here.
    from matplotlib import colormaps

    colours = colormaps["viridis"](np.linspace(0.0, 1.0, _COLOURS))[:, :3]
    return bytes(np.rint(255 * colours).astype(np.uint8).tobytes())
