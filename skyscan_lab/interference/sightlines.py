"""Bearings from sites to an emitter on the ground: what they say about where it is.

A place is latitude and longitude; its height is the terrain's. What a bearing predicts is
geometry on WGS-84 in three dimensions: the straight line from the site, in the site's own
north, east and up. The bound on a place is the inverse of the Fisher matrix [1]_.

References
----------
.. [1] D. J. Torrieri, "Statistical theory of passive location systems", IEEE Transactions on
   Aerospace and Electronic Systems 20, 183 (1984): section V, and the ellipse of eqs. 51-60.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import cached_property
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from skyscan_lab.geodesy import axes, earth_centred, metres_per_degree
from skyscan_lab.sphere import azimuth_difference, direction, to_plane

Terrain: TypeAlias = float | Callable[[float, float], float]
"""Height above the ellipsoid, metres, or a function of latitude and longitude in degrees."""

_SLOPE_STEP_M = 30.0
_STEPS = 100
# 30° of the Earth, 3300 km: beyond it no wave keeps its bearing along the ground.
_FARTHEST_COSINE = float(np.cos(np.radians(30.0)))
_SETTLED_SIGMA = 1e-4
# A start only has to be near.
_SETTLED_START_SIGMA = 0.05


@dataclass(frozen=True)
class Place:
    """Latitude and longitude, degrees."""

    latitude_deg: float
    longitude_deg: float

    def moved(self, north_m: float, east_m: float, height_m: float) -> Place:
        """Go some metres; the length of a degree is that of the start."""
        per_latitude, per_longitude = metres_per_degree(self.latitude_deg, height_m)
        latitude = self.latitude_deg + north_m / float(per_latitude)
        longitude = self.longitude_deg + east_m / float(per_longitude)
        return Place(float(np.clip(latitude, -90.0, 90.0)), (longitude + 180.0) % 360.0 - 180.0)


@dataclass(frozen=True)
class Sightlines:
    """Bearings, and how well each is known.

    Attributes
    ----------
    latitude_deg, longitude_deg, height_m : ndarray, shape (n,)
        The sites.
    azimuth_deg, elevation_deg : ndarray, shape (n,)
        The bearings; NaN for an elevation that was not measured.
    covariance_deg2 : ndarray, shape (n, 2, 2)
        Across and along the meridian; of a bearing without elevation the first entry counts.
    """

    latitude_deg: NDArray[np.float64]
    longitude_deg: NDArray[np.float64]
    height_m: NDArray[np.float64]
    azimuth_deg: NDArray[np.float64]
    elevation_deg: NDArray[np.float64]
    covariance_deg2: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.azimuth_deg)

    def only(self, rows: NDArray[np.bool_]) -> Sightlines:
        """Some of them."""
        return Sightlines(*(getattr(self, each.name)[rows] for each in fields(self)))

    @property
    def measured(self) -> NDArray[np.intp]:
        """How many numbers each bearing is: 1, or 2 with elevation."""
        return 1 + np.isfinite(self.elevation_deg)

    def reach(self, place: Place) -> bool:
        """Whether a place is near enough to the sites for bearings to mean anything."""
        up = axes(place.latitude_deg, place.longitude_deg)[2]
        return bool((self._axes[:, 2] @ up).min() > _FARTHEST_COSINE)

    @property
    def sites(self) -> int:
        """From how many places they are."""
        places = np.column_stack([self.latitude_deg, self.longitude_deg, self.height_m])
        return len(np.unique(places, axis=0))

    def compare(
        self, place: Place, terrain: Terrain
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Residual of each bearing in σ, and what a step of the place does to it.

        Returns
        -------
        residual : ndarray, shape (n, 2)
            Measured less predicted, whitened; the second is 0 without elevation.
        jacobian : ndarray, shape (n, 2, 2)
            Change of the whitened prediction a metre north, and east.
        """
        toward, steps = self._toward(place, terrain)
        north, east, up = toward.T
        level = np.hypot(north, east)
        azimuth, elevation = direction(toward)
        turn = (north[:, None] * steps[:, 1] - east[:, None] * steps[:, 0]) / level[:, None] ** 2
        out = (north[:, None] * steps[:, 0] + east[:, None] * steps[:, 1]) / level[:, None]
        rise = (level[:, None] * steps[:, 2] - up[:, None] * out) / (level**2 + up**2)[:, None]
        # Across: of the sky where the elevation is known, of the horizon where it is not.
        scale = np.where(self._has_elevation, np.cos(np.radians(elevation)), 1.0)
        slope = np.degrees(np.stack([scale[:, None] * turn, rise], axis=1))
        residual = self._whitened(azimuth, elevation)
        return residual, self._whitening @ slope

    def chi2(self, place: Place, terrain: Terrain) -> NDArray[np.float64]:
        """Of each bearing the square of its residual in σ, shape (n,)."""
        toward, _ = self._toward(place, terrain)
        return np.asarray((self._whitened(*direction(toward)) ** 2).sum(axis=1))

    def _whitened(
        self, azimuth: NDArray[np.float64], elevation: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Measured less predicted, in σ, shape (n, 2)."""
        x = azimuth_difference(self.azimuth_deg, azimuth)
        y = np.zeros_like(x)
        if self._has_elevation.any():
            known = self._has_elevation
            x[known], y[known] = to_plane(
                self.azimuth_deg[known],
                self.elevation_deg[known],
                azimuth[known],
                elevation[known],
                projection="arc",
            )
        return np.asarray((self._whitening @ np.stack([x, y], axis=-1)[..., None])[..., 0])

    def _toward(
        self, place: Place, terrain: Terrain
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """From each site to a place, and what a metre north and east there adds to it.

        Returns
        -------
        toward : ndarray, shape (n, 3)
            Metres, along north, east and up of the sites.
        steps : ndarray, shape (n, 3, 2)
            A metre north and a metre east of the place, up or down with its terrain.
        """
        height = height_at(terrain, place)
        position = earth_centred(place.latitude_deg, place.longitude_deg, height)
        along = axes(place.latitude_deg, place.longitude_deg)
        steps = along[:2] + np.outer(_slope(terrain, place, height), along[2])
        away = self._axes @ (position - self._position)[..., None]
        return away[..., 0], self._axes @ steps.T

    @cached_property
    def _has_elevation(self) -> NDArray[np.bool_]:
        return np.isfinite(self.elevation_deg)

    @cached_property
    def _position(self) -> NDArray[np.float64]:
        return earth_centred(self.latitude_deg, self.longitude_deg, self.height_m)

    @cached_property
    def _axes(self) -> NDArray[np.float64]:
        return axes(self.latitude_deg, self.longitude_deg)

    @cached_property
    def _whitening(self) -> NDArray[np.float64]:
        """What makes of degrees standard deviations, shape (n, 2, 2)."""
        whiten = np.linalg.inv(np.linalg.cholesky(self.covariance_deg2))
        without = ~self._has_elevation
        whiten[without] = 0.0
        whiten[without, 0, 0] = 1.0 / np.sqrt(self.covariance_deg2[without, 0, 0])
        return np.asarray(whiten)


def _slope(terrain: Terrain, place: Place, height_m: float) -> tuple[float, float]:
    """How much the terrain rises a metre north, and a metre east."""
    if not callable(terrain):
        return 0.0, 0.0
    step = _SLOPE_STEP_M
    north = [height_at(terrain, place.moved(sign * step, 0.0, height_m)) for sign in (1, -1)]
    east = [height_at(terrain, place.moved(0.0, sign * step, height_m)) for sign in (1, -1)]
    return (north[0] - north[1]) / (2.0 * step), (east[0] - east[1]) / (2.0 * step)


def height_at(terrain: Terrain, place: Place) -> float:
    """Height of the terrain at a place, metres."""
    if callable(terrain):
        return float(terrain(place.latitude_deg, place.longitude_deg))
    return terrain


def most_probable(
    lines: Sightlines,
    start: Place,
    terrain: Terrain,
    *,
    tail: float = np.inf,
    steps: int = _STEPS,
) -> tuple[Place, NDArray[np.float64], float]:
    """Place that the bearings make most probable, by damped Gauss-Newton steps from a start.

    Parameters
    ----------
    lines : Sightlines
        The bearings.
    start : Place
        Where to begin.
    terrain : float or callable
        Height of the ground.
    tail : float
        Residual in σ beyond which a bearing counts ever less (a Cauchy tail); infinite for
        Gauss's least squares.
    steps : int
        Most steps.

    Returns
    -------
    place : Place
        Where the cost is least.
    information : ndarray, shape (2, 2)
        Fisher matrix on (north, east), an inverse square metre.
    cost : float
        Sum of squared residuals, or of what the tail makes of them.
    """
    place, damping = start, 1e-3
    settled = _SETTLED_SIGMA if np.isinf(tail) else _SETTLED_START_SIGMA
    residual, slope = lines.compare(place, terrain)
    cost = _cost(residual, tail)
    information = _information(residual, slope, tail)
    for _ in range(steps):
        gradient = np.einsum("i,ijk,ij->k", _weight(residual, tail), slope, residual)
        damped = information + damping * np.diag(np.maximum(np.diag(information), 1e-30))
        try:
            step = np.linalg.solve(damped, gradient)
        except np.linalg.LinAlgError:
            break
        north, east = step.tolist()
        ahead = place.moved(north, east, height_at(terrain, place))
        new_residual, new_slope = lines.compare(ahead, terrain)
        new_cost = _cost(new_residual, tail)
        if not new_cost <= cost:
            damping *= 10.0
            if damping > 1e12:
                break
            continue
        small = float(step @ information @ step) < settled**2
        place, residual, slope, cost = ahead, new_residual, new_slope, new_cost
        information = _information(residual, slope, tail)
        damping = max(damping / 10.0, 1e-12)
        if small:
            break
    return place, information, cost


def crossings(lines: Sightlines, most: int) -> list[Place]:
    """Where the bearings cross two by two, ahead of both sites, on a round Earth.

    Bearings that part cross on the other side of the Earth: that is left out.

    Parameters
    ----------
    lines : Sightlines
        The bearings.
    most : int
        Of so many pairs at most, spread evenly.
    """
    latitude, longitude = np.radians(lines.latitude_deg), np.radians(lines.longitude_deg)
    azimuth = np.radians(lines.azimuth_deg)
    here = np.stack(
        [np.cos(latitude) * np.cos(longitude), np.cos(latitude) * np.sin(longitude),
         np.sin(latitude)], axis=-1,
    )  # fmt: skip
    north = np.stack(
        [-np.sin(latitude) * np.cos(longitude), -np.sin(latitude) * np.sin(longitude),
         np.cos(latitude)], axis=-1,
    )  # fmt: skip
    east = np.stack([-np.sin(longitude), np.cos(longitude), np.zeros_like(longitude)], axis=-1)
    ahead = np.cos(azimuth)[:, None] * north + np.sin(azimuth)[:, None] * east
    first, second = np.triu_indices(len(lines), 1)
    if first.size > most:
        chosen = np.linspace(0, first.size - 1, most).astype(int)
        first, second = first[chosen], second[chosen]
    circle = np.cross(here, ahead)
    cross = np.cross(circle[first], circle[second])
    length = np.linalg.norm(cross, axis=1)
    sign = np.sign(np.einsum("ij,ij->i", cross, ahead[first]))
    cross *= sign[:, None]
    in_front = np.einsum("ij,ij->i", cross, ahead[second]) > 0.0
    near = np.einsum("ij,ij->i", cross, here[first]) > _FARTHEST_COSINE * length
    usable = in_front & near & (length > 1e-9)
    x, y, z = cross[usable].T
    return [
        Place(float(lat), float(lon))
        for lat, lon in zip(
            np.degrees(np.arctan2(z, np.hypot(x, y))), np.degrees(np.arctan2(y, x)), strict=True
        )
    ]


def _weight(residual: NDArray[np.float64], tail: float) -> NDArray[np.float64]:
    return np.asarray(1.0 / (1.0 + (residual**2).sum(axis=1) / tail**2))


def _cost(residual: NDArray[np.float64], tail: float) -> float:
    chi2 = (residual**2).sum(axis=1)
    if np.isinf(tail):
        return float(chi2.sum())
    return float((tail**2 * np.log1p(chi2 / tail**2)).sum())


def _information(
    residual: NDArray[np.float64], slope: NDArray[np.float64], tail: float
) -> NDArray[np.float64]:
    return np.asarray(np.einsum("i,ijk,ijl->kl", _weight(residual, tail), slope, slope))
