"""Polyharmonic splines on the sphere: the surface that bends least through all readings.

``Σ λᵢ φ(|x − xᵢ|) + a + b·x`` on the plane that touches the sky, with ``φ = r² ln r`` for a thin
plate or ``r³`` for a cubic spline [1]_, from the samples around each direction: what is farther
has no say. Each window has a plane of its own: nothing is stretched high in the sky.

References
----------
.. [1] J. Duchon, "Splines minimizing rotation-invariant semi-norms in Sobolev spaces" (1977).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from skyscan_lab.interpolation.covariance import Covariance
from skyscan_lab.interpolation.estimate import Estimate
from skyscan_lab.interpolation.likelihood import fit_covariance
from skyscan_lab.interpolation.samples import Samples
from skyscan_lab.interpolation.targets import Targets
from skyscan_lab.interpolation.windows import windows
from skyscan_lab.sphere import to_plane, unit_vector

Values = NDArray[np.float64]
_WINDOW = 50


def polyharmonic(
    samples: Samples,
    targets: Targets,
    radial: Callable[[Values], Values],
    covariance: Covariance | None,
) -> Estimate:
    """Spline with a radial function.

    Parameters
    ----------
    samples, targets
        As for every method.
    radial : callable
        φ of the squared distance.
    covariance : Covariance or None
        Of the map, for the error; fitted where None.
    """
    model = covariance or fit_covariance(samples)
    wanted = unit_vector(targets.azimuth, targets.elevation)
    values, variance = np.empty(len(wanted)), np.empty(len(wanted))
    for members, asked in windows(samples.vectors, wanted, _WINDOW):
        centre = samples.azimuth[members[0]], samples.elevation[members[0]]
        around = _plane(samples.azimuth[members], samples.elevation[members], centre)
        places = _plane(targets.azimuth[asked], targets.elevation[asked], centre)
        # In units of the window, where the spline and the plane are of one size.
        scale = float(np.abs(around).max()) or 1.0
        weights = _weights(around / scale, places / scale, radial)
        values[asked] = samples.values[members] @ weights
        vectors = samples.vectors[members]
        between = model.between(vectors, vectors)
        between.flat[:: members.size + 1] += model.noise**2
        across = model.between(vectors, wanted[asked])
        variance[asked] = model.amplitude**2 + np.einsum(
            "nm,nm->m", weights, between @ weights - 2.0 * across
        )
    return Estimate(values, np.sqrt(np.maximum(variance, 0.0)))


def _plane(azimuth: Values, elevation: Values, centre: tuple[float, float]) -> Values:
    return np.stack(to_plane(azimuth, elevation, *centre, projection="arc"), axis=-1)


def _weights(around: Values, places: Values, radial: Callable[[Values], Values]) -> Values:
    """What each place takes of each sample, shape (n, m)."""
    count = len(around)
    plane = np.column_stack([np.ones(count), around])
    if np.linalg.matrix_rank(plane) < 3:  # fewer than three samples, or all of them on one line
        plane = plane[:, :1]
    terms = plane.shape[1]
    system = np.zeros((count + terms, count + terms))
    system[:count, :count] = radial(_squares(around, around))
    system[:count, count:], system[count:, :count] = plane, plane.T
    right = np.empty((count + terms, len(places)))
    right[:count] = radial(_squares(around, places))
    right[count:] = np.column_stack([np.ones(len(places)), places]).T[:terms]
    return np.asarray(np.linalg.solve(system, right)[:count])


def _squares(a: Values, b: Values) -> Values:
    return np.asarray(((a[:, None, :] - b[None, :, :]) ** 2).sum(axis=-1))
