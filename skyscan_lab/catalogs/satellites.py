"""Where satellites are seen, from their orbital elements.

The propagator is SGP4/SDP4 [1]_ with WGS-72, for which element sets are made. Its frame, TEME,
is turned to the Earth by the sidereal time of 1982 at UT1 and by the motion of the pole [1]_.
Directions are those of the moment: light travels for 3 ms from a low satellite, which moves
by up to 5″ meanwhile. Fresh elements are good to about a kilometre, which is 0.1° at 500 km; of
a low orbit the error grows by some kilometres a day along the track.

References
----------
.. [1] D. A. Vallado, P. Crawford, R. Hujsak and T. S. Kelso, "Revisiting Spacetrack Report
   #3", AIAA 2006-6753, rev. 3: the propagator, and TEME to the Earth in appendix C.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from astropy import units as u
from astropy.time import Time
from astropy.utils import iers
from numpy.typing import NDArray
from sgp4.api import SatrecArray

from skyscan_lab.catalogs.catalog import Catalog
from skyscan_lab.catalogs.elements import ElementSet, read_elements
from skyscan_lab.catalogs.times import TimeLike, as_time
from skyscan_lab.earth import bundled_earth_orientation
from skyscan_lab.errors import InvalidInput
from skyscan_lab.geodesy import north_east_up
from skyscan_lab.session import Location
from skyscan_lab.sphere import Angles, direction


class Satellites(Catalog):
    r"""Satellites by their element sets.

    Parameters
    ----------
    elements : sequence of ElementSet
        At least one; of the several that a satellite may have, the one nearest in time is used.

    Raises
    ------
    InvalidInput
        For no element set at all.

    Examples
    --------
    >>> from skyscan_lab.catalogs.elements import parse_elements
    >>> vanguard = Satellites(parse_elements(
    ...     "1 00005U 58002B   00179.78495062  .00000023  00000-0  28098-4 0  4753\n"
    ...     "2 00005  34.2682 348.7242 1859667 331.7664  19.3264 10.82419157413667\n", "-"))
    >>> azimuth, elevation = vanguard.directions("2000-06-27T18:50:19", (0.0, 0.0))
    >>> azimuth.shape, round(float(elevation[0, 0]))
    ((1, 1), -74)
    """

    def __init__(self, elements: Sequence[ElementSet]) -> None:
        if not elements:
            raise InvalidInput("element sets", 0, "at least 1")
        first: dict[int, int] = {}
        for row, element in enumerate(elements):
            first.setdefault(element.number, row)
        self.numbers = np.array(list(first))
        """Catalogue numbers, one an object."""
        self.names = np.array([elements[row].name for row in first.values()], dtype=str)
        self._elements = tuple(elements)
        self._orbits = SatrecArray([element.orbit for element in elements])
        order = {number: place for place, number in enumerate(first)}
        self._object = np.array([order[element.number] for element in elements])
        self._epoch_jd = np.array(
            [element.orbit.jdsatepoch + element.orbit.jdsatepochF for element in elements]
        )

    def age_days(self, time: TimeLike) -> NDArray[np.float64]:
        """Days between each object's nearest elements and a moment, shape (n,)."""
        apart = np.abs(as_time(time).utc.jd - self._epoch_jd)
        age = np.full(len(self), np.inf)
        np.minimum.at(age, self._object, apart)
        return age

    def find(self, which: str) -> Satellites | None:
        """One satellite alone, by catalogue number or name.

        Parameters
        ----------
        which : str
            Catalogue number, with or without leading zeros, or the whole name in any case.

        Returns
        -------
        Satellites or None
            None where there is none.
        """
        wanted = which.strip()
        hits = np.flatnonzero(np.char.upper(self.names) == wanted.upper())
        if wanted.isdecimal():
            hits = np.flatnonzero(self.numbers == int(wanted))
        if not hits.size:
            return None
        rows = np.flatnonzero(self._object == hits[0])
        return Satellites([self._elements[row] for row in rows])

    def _geometric(self, times: Time, site: Location) -> tuple[Angles, Angles]:
        position = self.positions(times)
        away = north_east_up(position, site.latitude_deg, site.longitude_deg, site.height_m)
        azimuth, elevation = direction(away)
        return azimuth.T, elevation.T

    def positions(self, time: TimeLike) -> NDArray[np.float64]:
        """Earth-centred, Earth-fixed positions (ITRS).

        Parameters
        ----------
        time : Time, datetime or array_like, shape () or (m,)
            When.

        Returns
        -------
        ndarray, shape (n, m, 3)
            Metres; NaN where the propagator gives up: a satellite that has come down, or one
            whose elements are far too old.
        """
        times = as_time(time).reshape(-1)
        moments = times.utc
        error, position, _ = self._orbits.sgp4(
            np.ascontiguousarray(moments.jd1), np.ascontiguousarray(moments.jd2)
        )
        position = np.where(error[..., None] == 0, position * 1e3, np.nan)
        return _earth_fixed(self._nearest_in_time(position, moments.jd), times)

    def _nearest_in_time(
        self, position: NDArray[np.float64], jd: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Of each object's element sets the nearest in time, shape (n, m, 3)."""
        if len(self._object) == len(self):
            return position
        apart = np.abs(jd - self._epoch_jd[:, None])
        # The farthest first, so that the nearest is written last.
        chosen = np.empty((len(self), len(jd), 3))
        for moment in range(len(jd)):
            order = np.argsort(-apart[:, moment], kind="stable")
            chosen[self._object[order], moment] = position[order, moment]
        return chosen


def read_satellites(path: str | Path) -> Satellites:
    """Read satellites from a file of element sets; see `skyscan_lab.catalogs.read_elements`."""
    return Satellites(read_elements(path))


def _earth_fixed(teme: NDArray[np.float64], times: Time) -> NDArray[np.float64]:
    """From the propagator's frame to the Earth's, for positions of shape (n, m, 3)."""
    with bundled_earth_orientation():
        pole_x, pole_y = (
            angle.to_value(u.rad) for angle in iers.earth_orientation_table.get().pm_xy(times)
        )
        ut1 = times.ut1
    angle = _sidereal_1982(ut1)
    x, y, z = np.moveaxis(teme, -1, 0)
    turned_x = np.cos(angle) * x + np.sin(angle) * y
    turned_y = np.cos(angle) * y - np.sin(angle) * x
    # Half an arcsecond at most: first order is exact to a micrometre.
    return np.stack(
        [turned_x + pole_x * z, turned_y - pole_y * z, z - pole_x * turned_x + pole_y * turned_y],
        axis=-1,
    )


def _sidereal_1982(ut1: Time) -> NDArray[np.float64]:
    """Greenwich mean sidereal time of 1982, radians (Vallado et al. 2006, eq. C-5)."""
    days = (ut1.jd1 - 2451545.0) + ut1.jd2
    centuries = days / 36525.0
    seconds = 67310.54841 + centuries * (
        8640184.812866 + centuries * (0.093104 - 6.2e-6 * centuries)
    )
    # The 876600 h a century of the formula are whole turns, a day each.
    turns = np.mod(days, 1.0) + seconds / 86400.0
    return np.asarray(2.0 * np.pi * np.mod(turns, 1.0))
