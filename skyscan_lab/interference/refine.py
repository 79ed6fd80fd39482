"""Where between the readings a maximum lies."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skyscan_lab.sphere import direction, from_plane, to_plane, unit_vector

_COEFFICIENTS = 6
# Directions around a maximum that leave a wider gap have one side without readings.
_OPEN_SIDE_DEG = 150.0


def refine_maximum(
    azimuth: NDArray[np.float64],
    elevation: NDArray[np.float64],
    power: NDArray[np.float64],
    summit: NDArray[np.bool_],
) -> tuple[float, float, bool]:
    """Vertex of the paraboloid through a maximum and the readings around it.

    Parameters
    ----------
    azimuth, elevation : ndarray, shape (n,)
        Directions of the readings, degrees.
    power : ndarray, shape (n,)
        The readings, finite.
    summit : ndarray of bool, shape (n,)
        Which of them are the maximum: one, or the equal ones of a plateau.

    Returns
    -------
    azimuth_deg, elevation_deg : float
        The vertex; the middle of the summit where the readings are too few, do not bend down
        in every direction, or put the vertex beyond half their distance from it.
    at_edge : bool
        Whether there are no readings on one side of the summit.

    Examples
    --------
    >>> az, el = np.meshgrid([10.0, 11.0, 12.0], [-1.0, 0.0, 1.0])
    >>> level = -((az - 11.25) ** 2) - (el - 0.125) ** 2
    >>> where = refine_maximum(az.ravel(), el.ravel(), level.ravel(), np.arange(9) == 4)
    >>> [round(float(value), 2) for value in where]
    [11.25, 0.12, 0.0]
    """
    middle = direction(unit_vector(azimuth[summit], elevation[summit]).mean(axis=0))
    x, y = to_plane(azimuth, elevation, *middle, projection="arc")
    at_edge = _widest_gap(x[~summit], y[~summit]) >= _OPEN_SIDE_DEG
    vertex = _vertex(x, y, power) if power.size >= _COEFFICIENTS and not at_edge else None
    if vertex is not None and np.hypot(*vertex) <= np.hypot(x, y).max() / 2.0:
        middle = from_plane(*vertex, *middle, projection="arc")
    return float(middle[0]), float(middle[1]), at_edge


def _vertex(
    x: NDArray[np.float64], y: NDArray[np.float64], power: NDArray[np.float64]
) -> tuple[float, float] | None:
    design = np.column_stack([np.ones_like(x), x, y, x * x, x * y, y * y])
    solution, _, rank, _ = np.linalg.lstsq(design, power - power.max(), rcond=1e-9)
    if rank < _COEFFICIENTS:
        return None
    _, gx, gy, cxx, cxy, cyy = solution
    curvature = np.array([[2.0 * cxx, cxy], [cxy, 2.0 * cyy]])
    if np.linalg.eigvalsh(curvature).max() >= 0.0:
        return None
    offset = np.linalg.solve(curvature, [-gx, -gy])
    return float(offset[0]), float(offset[1])


def _widest_gap(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    """Widest angle between neighbouring directions from the origin, degrees."""
    if x.size == 0:
        return 360.0
    bearing = np.sort(np.degrees(np.arctan2(x, y)))
    return float(np.diff(np.append(bearing, bearing[0] + 360.0)).max())
