"""A measured pattern: gain in dB at a lattice of offsets, and what is read from a CSV file."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import RectBivariateSpline

from skyscan_lab.antenna.base import Gradient, Values
from skyscan_lab.antenna.peak import find_peak, half_power_widths
from skyscan_lab.antenna.text_table import read_numbers
from skyscan_lab.errors import FileError, InvalidInput

_COLUMNS = ("cross_elevation_deg", "elevation_offset_deg", "gain_db")


@dataclass(frozen=True, eq=False)
class TablePattern:
    """Gain in dB at a rectangular lattice of offsets, with a bicubic spline of power between.

    The spline goes through every value. It is one of power, which is smooth through the nulls
    between lobes, where dB are not: at half a degree under a beam of 5°, 2·10⁻⁵ of the peak is
    the most it is off, and one of dB 2·10⁻³. Levels are relative to its peak, wherever in the
    table that is. Outside of the table nothing is known: the gain there is what `outside_db` says.

    Parameters
    ----------
    cross_elevation_deg, elevation_offset_deg : array_like, shape (nx,) and (ny,)
        Lines of the lattice, increasing, four or more each, not all equally far apart if need
        be; degrees.
    gain_db : array_like, shape (ny, nx)
        Gain in dB, relative to anything.
    outside_db : float
        Gain outside of the table, dB relative to the peak.

    Raises
    ------
    InvalidInput
        For a lattice that is none, values that are not finite, or a table that does not reach
        half power.

    Examples
    --------
    >>> from skyscan_lab.antenna.gaussian import GaussianPattern
    >>> offsets = np.linspace(-6, 6, 25)
    >>> truth = GaussianPattern((4.0, 3.0))
    >>> measured = 10 * np.log10(truth.gain(offsets, offsets[:, np.newaxis])) + 37.0
    >>> beam = TablePattern(offsets, offsets, measured)
    >>> [round(width, 3) for width in beam.hpbw_deg]
    [4.0, 3.0]
    >>> bool(abs(beam.gain(0.3, -1.2) - truth.gain(0.3, -1.2)) < 1e-3)
    True
    """

    cross_elevation_deg: Values
    elevation_offset_deg: Values
    gain_db: Values
    outside_db: float

    def __init__(
        self,
        cross_elevation_deg: ArrayLike,
        elevation_offset_deg: ArrayLike,
        gain_db: ArrayLike,
        outside_db: float = -np.inf,
    ):
        x = _line("cross_elevation_deg", cross_elevation_deg)
        y = _line("elevation_offset_deg", elevation_offset_deg)
        levels = np.array(gain_db, dtype=float)
        if levels.shape != (y.size, x.size):
            raise InvalidInput("shape of gain_db", levels.shape, f"{(y.size, x.size)}: (ny, nx)")
        if not np.all(np.isfinite(levels)):
            raise InvalidInput("gain_db", f"{int((~np.isfinite(levels)).sum())} gaps", "all finite")
        for name, values in zip(_COLUMNS, (x, y, levels), strict=True):
            values.setflags(write=False)
            object.__setattr__(self, name, values)
        object.__setattr__(self, "outside_db", float(outside_db))
        if not np.all(np.isfinite(self.hpbw_deg)):
            raise InvalidInput("gain_db", "a table within half power", "one that reaches −3 dB")

    @classmethod
    def read(cls, path: str | Path, outside_db: float = -np.inf) -> TablePattern:
        r"""Read a table of ``cross_elevation_deg,elevation_offset_deg,gain_db``, one point a line.

        A first line with these words is a header, and may be left out; the points may stand in
        any order, and make up a lattice.

        Raises
        ------
        FileError
            For a file that cannot be read, a line that is no point, or points that are no
            lattice.

        Examples
        --------
        >>> from tempfile import TemporaryDirectory
        >>> rows = [(x, y, -x * x - y * y) for x in range(-3, 4) for y in range(-3, 4)]
        >>> with TemporaryDirectory() as folder:
        ...     file = Path(folder) / "beam.csv"
        ...     _ = file.write_text("\n".join(f"{x},{y},{level}" for x, y, level in rows))
        ...     beam = TablePattern.read(file)
        >>> float(beam.gain(1.0, 0.0).round(3))  # −1 dB
        0.794
        """
        x, y, level = read_numbers(path, _COLUMNS).T
        lines, rows = np.unique(x, return_inverse=True), np.unique(y, return_inverse=True)
        table = np.full((rows[0].size, lines[0].size), np.nan)
        if x.size != table.size:
            raise FileError(
                path,
                f"{x.size} points at {lines[0].size} cross-elevations and {rows[0].size} "
                f"elevations: a lattice has {table.size}",
            )
        table[rows[1], lines[1]] = level
        try:
            return cls(lines[0], rows[0], table, outside_db)
        except InvalidInput as error:
            raise FileError(path, str(error)) from error

    def __eq__(self, other: object) -> bool:
        """Two are the same when all their values are."""
        return type(other) is type(self) and other._identity == self._identity

    def __hash__(self) -> int:
        """From all the values."""
        return hash(self._identity)

    @cached_property
    def _identity(self) -> tuple[bytes, float]:
        digest = hashlib.sha256()
        for values in (self.cross_elevation_deg, self.elevation_offset_deg, self.gain_db):
            digest.update(repr(values.shape).encode())
            digest.update(values.tobytes())
        return digest.digest(), self.outside_db

    @cached_property
    def hpbw_deg(self) -> tuple[float, float]:
        """Full widths at half power through the peak, along both axes, degrees."""
        step = self.step_deg / 8.0
        return half_power_widths(self._known_gain, self.peak_offset_deg, (step, step))

    @property
    def peak_offset_deg(self) -> tuple[float, float]:
        """Where the peak is: offsets in degrees, as for `gain`."""
        return self._peak[1], self._peak[2]

    @property
    def step_deg(self) -> float:
        """Smallest distance of two lines of the lattice, degrees."""
        return float(
            min(np.diff(self.cross_elevation_deg).min(), np.diff(self.elevation_offset_deg).min())
        )

    def _known_gain(self, x: Values, y: Values) -> Values:
        """Gain, NaN outside of the table: its edge is no half power."""
        inside = self._inside(x, y)
        return np.where(inside, self.gain(x, y), np.nan)

    def gain(
        self, cross_elevation_deg: ArrayLike, elevation_offset_deg: ArrayLike
    ) -> NDArray[np.float64]:
        """Gain relative to the peak, at offsets in degrees."""
        x, y = pair(cross_elevation_deg, elevation_offset_deg)
        power = np.maximum(self._spline.ev(y, x) / self._peak[0], 0.0)
        return np.asarray(np.where(self._inside(x, y), power, self._outside))

    def gradient(self, cross_elevation_deg: ArrayLike, elevation_offset_deg: ArrayLike) -> Gradient:
        """Gain relative to the peak, and its derivatives per degree, at offsets in degrees."""
        x, y = pair(cross_elevation_deg, elevation_offset_deg)
        gain = self.gain(x, y)
        per_x = self._spline.ev(y, x, dy=1) / self._peak[0]
        per_y = self._spline.ev(y, x, dx=1) / self._peak[0]
        rising = self._inside(x, y) & (gain > 0.0)
        return (
            gain,
            np.asarray(np.where(rising, per_x, 0.0)),
            np.asarray(np.where(rising, per_y, 0.0)),
        )

    @property
    def _outside(self) -> float:
        return float(10.0 ** (self.outside_db / 10.0))

    def _inside(self, x: Values, y: Values) -> NDArray[np.bool_]:
        return np.asarray(
            (x >= self.cross_elevation_deg[0])
            & (x <= self.cross_elevation_deg[-1])
            & (y >= self.elevation_offset_deg[0])
            & (y <= self.elevation_offset_deg[-1])
        )

    @cached_property
    def _spline(self) -> RectBivariateSpline:
        power = 10.0 ** ((self.gain_db - self.gain_db.max()) / 10.0)
        return RectBivariateSpline(self.elevation_offset_deg, self.cross_elevation_deg, power)

    @cached_property
    def _peak(self) -> tuple[float, float, float]:
        row, column = np.unravel_index(int(np.argmax(self.gain_db)), self.gain_db.shape)
        x0 = float(self.cross_elevation_deg[column])
        y0 = float(self.elevation_offset_deg[row])

        def power(x: Values, y: Values) -> Gradient:
            # Beyond its edges the spline keeps the value that it has there.
            at = pair(np.clip(x0 + x, *self._ends[0]), np.clip(y0 + y, *self._ends[1]))[::-1]
            return self._spline.ev(*at), self._spline.ev(*at, dy=1), self._spline.ev(*at, dx=1)

        value, x, y = find_peak(power, (self.step_deg, self.step_deg), samples=9)
        return value, float(np.clip(x0 + x, *self._ends[0])), float(np.clip(y0 + y, *self._ends[1]))

    @property
    def _ends(self) -> tuple[tuple[float, float], tuple[float, float]]:
        x, y = self.cross_elevation_deg, self.elevation_offset_deg
        return (float(x[0]), float(x[-1])), (float(y[0]), float(y[-1]))


def pair(x_deg: ArrayLike, y_deg: ArrayLike) -> tuple[Values, Values]:
    """Offsets as arrays of one shape."""
    x, y = np.broadcast_arrays(np.asarray(x_deg, dtype=float), np.asarray(y_deg, dtype=float))
    return x, y


def _line(name: str, given: ArrayLike) -> Values:
    values = np.array(given, dtype=float)
    if values.ndim != 1 or values.size < 4 or not np.all(np.diff(values) > 0.0):
        raise InvalidInput(name, f"{values.size} values", "four or more, increasing")
    return values
