"""How often noise alone rises above a threshold somewhere in a map.

A map that is filtered with the beam is a smooth random field, and its peaks lie between its cells
as well as on them. Above a high threshold u the expected number of peaks is the expected Euler
characteristic of what is above u [1]_ [2]_ ::

    N(u) = L₂ (2π)^(−3/2) u e^(−u²/2) + L₁ (2π)^(−1) e^(−u²/2) + L₀ Q(u)

with L₂ the area of the map, L₁ half the length of its rim and L₀ its Euler characteristic, area and
length measured in the metric ``Λ = Var ∇Z`` of the field itself; Q is the tail of the normal
distribution. The standard deviation of the field is measured, too, as well as ν independent numbers
allow: N is then the mean over what that leaves open, as for Student's distribution [3]_.

References
----------
.. [1] R. J. Adler and J. E. Taylor, *Random Fields and Geometry* (2007), theorem 12.4.1.
.. [2] J. E. Taylor and K. J. Worsley, "Detecting sparse signals in random fields, with an
   application to brain mapping", JASA 102, 913 (2007): L from a mesh, for fields that are not the
   same everywhere.
.. [3] K. J. Worsley, "Local maxima and the expected Euler characteristic of excursion sets of χ²,
   F and t fields", Adv. Appl. Prob. 26, 13 (1994).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import gammaln
from scipy.stats import t as student

from skyscan_lab.interference.mesh import Mesh
from skyscan_lab.sphere import to_plane

Floats = NDArray[np.float64]

_HIGHEST = 60.0
_TWO_PI = 2.0 * np.pi


@dataclass(frozen=True)
class Extent:
    """Size of a map in the metric of its field: Euler characteristic, half the rim, area."""

    euler: float
    half_rim: float
    area: float


def extent_of(mesh: Mesh, azimuth_deg: Floats, elevation_deg: Floats, metric: Floats) -> Extent:
    """Size of a map in the metric of its field.

    Parameters
    ----------
    mesh : Mesh
        Triangles between the directions.
    azimuth_deg, elevation_deg : ndarray, shape (n,)
        The directions.
    metric : ndarray, shape (n, 2, 2)
        Covariance of the field's gradient at each, an inverse square degree, on
        (cross-elevation, elevation).

    Examples
    --------
    >>> from skyscan_lab.interference.mesh import mesh_of
    >>> az, el = (axis.ravel() for axis in np.meshgrid(np.arange(11.0), np.arange(-5.0, 6.0)))
    >>> size = extent_of(mesh_of(az, el), az, el, np.broadcast_to(4.0 * np.eye(2), (121, 2, 2)))
    >>> round(size.area), round(size.half_rim)  # twice as long either way: 20 by 20
    (400, 40)
    """

    def leg(start: NDArray[np.intp], end: NDArray[np.intp]) -> Floats:
        return np.stack(
            to_plane(
                azimuth_deg[end],
                elevation_deg[end],
                azimuth_deg[start],
                elevation_deg[start],
                projection="arc",
            ),
            axis=-1,
        )

    a, b, c = mesh.triangles.T
    one, two = leg(a, b), leg(a, c)
    middle = (metric[a] + metric[b] + metric[c]) / 3.0
    shape = np.sqrt(np.maximum(np.linalg.det(middle), 0.0))
    area = 0.5 * np.sum(shape * np.abs(one[:, 0] * two[:, 1] - one[:, 1] * two[:, 0]))
    start, end = mesh.rim.T
    rim = leg(start, end)
    stretched = np.einsum("ij,ijk,ik->i", rim, (metric[start] + metric[end]) / 2.0, rim)
    return Extent(float(mesh.euler), 0.5 * float(np.sqrt(np.maximum(stretched, 0.0)).sum()), area)


def expected_peaks(threshold: float, extent: Extent, freedom: float) -> float:
    """Expected number of peaks of noise above a threshold.

    Parameters
    ----------
    threshold : float
        In measured standard deviations of the field, greater than 0.
    extent : Extent
        Size of the map.
    freedom : float
        Number of independent numbers that the standard deviation is measured from.

    Examples
    --------
    >>> round(expected_peaks(4.0, Extent(1.0, 0.0, 1000.0), 1e9), 4)
    0.0852
    """
    u, nu = threshold, freedom
    # Means of e^(−u²q²/2) and of q times it, over q² = χ²/ν.
    plain = np.exp(-0.5 * nu * np.log1p(u * u / nu))
    ratio = np.sqrt(2.0 / nu) * np.exp(gammaln(0.5 * (nu + 1.0)) - gammaln(0.5 * nu))
    weighted = ratio * plain / np.sqrt(1.0 + u * u / nu)
    return float(
        extent.area * _TWO_PI**-1.5 * u * weighted
        + extent.half_rim / _TWO_PI * plain
        + extent.euler * student.sf(u, nu)
    )


def threshold_for(false_alarm: float, extent: Extent, freedom: float) -> float:
    """Threshold above which so many peaks of noise are expected.

    Parameters
    ----------
    false_alarm : float
        Number of peaks a map, greater than 0.
    extent : Extent
        Size of the map.
    freedom : float
        As for `expected_peaks`.

    Returns
    -------
    float
        At least 1: below, peaks cannot be counted by it.

    Examples
    --------
    >>> round(threshold_for(0.01, Extent(1.0, 0.0, 1000.0), 1e9), 2)
    4.53
    """
    if expected_peaks(1.0, extent, freedom) <= false_alarm:
        return 1.0
    if expected_peaks(_HIGHEST, extent, freedom) >= false_alarm:
        return _HIGHEST
    return float(
        brentq(lambda u: expected_peaks(u, extent, freedom) - false_alarm, 1.0, _HIGHEST, xtol=1e-6)
    )
