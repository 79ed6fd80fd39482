"""What every catalogue can say: names, and where each is seen, from where and when."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np
from astropy import units as u
from astropy.table import QTable
from astropy.time import Time
from numpy.typing import ArrayLike, NDArray

from skyscan_lab.catalogs.refraction import Refraction
from skyscan_lab.catalogs.times import TimeLike, as_time
from skyscan_lab.errors import InvalidInput
from skyscan_lab.session import Location, LocationLike, as_location
from skyscan_lab.sphere import Angles, wrap_azimuth


class Catalog(ABC):
    """Named objects, and where they are seen.

    What a kind of catalogue adds is where its objects stand without air, in `_geometric`.

    Attributes
    ----------
    names : ndarray of str, shape (n,)
        One an object.
    needs_site, needs_time : bool
        What the directions depend on. A list of azimuths and elevations needs neither.
    refracts : bool
        Whether the air above a site is to be taken into account: the directions are
        geometric. A list of azimuths and elevations is taken as it is.
    """

    names: NDArray[np.str_]
    needs_site: bool = True
    needs_time: bool = True
    refracts: bool = True

    def __len__(self) -> int:
        return len(self.names)

    def __add__(self, other: Catalog) -> Catalog:
        return Combined([self, other])

    @abstractmethod
    def _geometric(self, times: Time, site: Location) -> tuple[Angles, Angles]:
        """Azimuth and elevation in degrees, shape (m, n) for m times; (1, n) where any will do."""

    def directions(
        self,
        time: TimeLike | None = None,
        location: LocationLike | None = None,
        refraction: Refraction | None = None,
    ) -> tuple[Angles, Angles]:
        """Where each object is seen at each time.

        Parameters
        ----------
        time : Time, datetime or array_like, shape () or (m,), optional
            When; see `skyscan_lab.catalogs.times.as_time`.
        location : Location, EarthLocation or (latitude, longitude[, height]), optional
            From where, degrees and metres.
        refraction : Refraction, optional
            Air above the site; without it directions are geometric.

        Returns
        -------
        azimuth_deg, elevation_deg : ndarray, shape (m, n)
            Of n objects at m times, m = 1 for one time or none. Azimuth within [0, 360);
            elevation is negative below the horizon; NaN where an object cannot be computed.

        Raises
        ------
        InvalidInput
            Where the catalogue needs a time or a site that was not given.
        """
        for field, given, needed in (
            ("time", time, self.needs_time),
            ("location", location, self.needs_site),
        ):
            if needed and given is None:
                raise InvalidInput(
                    field,
                    None,
                    f"given: this catalogue is no list of azimuths "
                    f"and elevations, but {type(self).__name__}",
                )
        # What was not needed and not given is stood in for, and nobody reads it.
        times = as_time(0.0 if time is None else time).reshape(-1)
        site = as_location((0.0, 0.0) if location is None else location)
        azimuth, elevation = self._geometric(times, site)
        if refraction is not None:
            elevation = self._refracted(elevation, refraction)
        shape = (len(times), len(self))
        return np.broadcast_to(azimuth, shape), np.broadcast_to(elevation, shape)

    def _refracted(self, elevation: Angles, refraction: Refraction) -> Angles:
        return refraction.apparent(elevation) if self.refracts else elevation

    def table(
        self,
        time: TimeLike | None = None,
        location: LocationLike | None = None,
        refraction: Refraction | None = None,
    ) -> QTable:
        """Name, azimuth and elevation of what is above the horizon at one time.

        Parameters
        ----------
        time, location, refraction
            As for `directions`; one time.

        Returns
        -------
        QTable
            Columns ``name``, ``azimuth`` and ``elevation``.
        """
        azimuth, elevation = self.directions(time, location, refraction)
        if len(azimuth) != 1:
            raise InvalidInput("times", len(azimuth), "one: directions() takes several")
        up = elevation[0] > 0.0
        return QTable(
            [self.names[up], azimuth[0, up] * u.deg, elevation[0, up] * u.deg],
            names=("name", "azimuth", "elevation"),
        )


class Directions(Catalog):
    """A list of azimuths and elevations: what does not move, seen from one place.

    Parameters
    ----------
    names : array_like of str, shape (n,)
        One an object.
    azimuth_deg, elevation_deg : array_like, shape (n,)
        As they are seen: no refraction is added.

    Examples
    --------
    >>> listed = Directions(["ASTRA 1KR"], [165.64], [34.6])
    >>> listed.directions()
    (array([[165.64]]), array([[34.6]]))
    """

    needs_site = False
    needs_time = False
    refracts = False

    def __init__(self, names: ArrayLike, azimuth_deg: ArrayLike, elevation_deg: ArrayLike) -> None:
        self.names = np.asarray(names, dtype=str).reshape(-1)
        self._azimuth = np.asarray(wrap_azimuth(azimuth_deg), dtype=float).reshape(-1)
        self._elevation = np.asarray(elevation_deg, dtype=float).reshape(-1)
        if not len(self.names) == len(self._azimuth) == len(self._elevation):
            raise InvalidInput(
                "names, azimuths, elevations",
                (len(self.names), len(self._azimuth), len(self._elevation)),
                "of one length",
            )

    def _geometric(self, times: Time, site: Location) -> tuple[Angles, Angles]:  # noqa: ARG002 (it stands still)
        return self._azimuth[None, :], self._elevation[None, :]


class Combined(Catalog):
    """Several catalogues as one; ``one + another`` makes it.

    Parameters
    ----------
    parts : sequence of Catalog
        At least one.
    """

    def __init__(self, parts: Sequence[Catalog]) -> None:
        if not parts:
            raise InvalidInput("catalogues", 0, "at least 1")
        self._parts = tuple(parts)
        self.names = np.concatenate([part.names for part in parts])
        self.needs_site = any(part.needs_site for part in parts)
        self.needs_time = any(part.needs_time for part in parts)
        self.refracts = any(part.refracts for part in parts)
        self._refracting = np.concatenate(
            [np.full(len(part), part.refracts, dtype=bool) for part in parts]
        )

    def _geometric(self, times: Time, site: Location) -> tuple[Angles, Angles]:
        parts = []
        for part in self._parts:
            azimuth, elevation = part._geometric(times, site)  # noqa: SLF001 (of its own kind)
            shape = (len(times), len(part))
            parts.append((np.broadcast_to(azimuth, shape), np.broadcast_to(elevation, shape)))
        azimuths, elevations = zip(*parts, strict=True)
        return np.concatenate(azimuths, axis=1), np.concatenate(elevations, axis=1)

    def _refracted(self, elevation: Angles, refraction: Refraction) -> Angles:
        return np.where(self._refracting, refraction.apparent(elevation), elevation)
