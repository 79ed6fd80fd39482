"""Planes through the three readings around each direction."""

from __future__ import annotations

import numpy as np
from scipy.spatial import KDTree

from skyscan_lab.interpolation.covariance import Covariance
from skyscan_lab.interpolation.estimate import Estimate
from skyscan_lab.interpolation.likelihood import fit_covariance
from skyscan_lab.interpolation.linear_error import error_of_sums
from skyscan_lab.interpolation.samples import Samples
from skyscan_lab.interpolation.targets import Targets
from skyscan_lab.sphere import unit_vector


def linear(
    samples: Samples, targets: Targets, /, *, covariance: Covariance | None = None
) -> Estimate:
    """Linear within the Delaunay triangles of the samples; the nearest one outside of them.

    Parameters
    ----------
    samples, targets
        As for every method.
    covariance : Covariance, optional
        Of the map, for the error; by default fitted.
    """
    wanted = unit_vector(targets.azimuth, targets.elevation)
    triangle, corners, weights = samples.triangles.find(targets.azimuth, targets.elevation)
    outside = np.flatnonzero(triangle < 0)
    corners[outside] = KDTree(samples.vectors).query(wanted[outside])[1][:, None]
    weights[outside] = [1.0, 0.0, 0.0]
    values = np.einsum("mk,mk->m", weights, samples.values[corners])
    model = covariance or fit_covariance(samples)
    return Estimate(values, error_of_sums(model, weights, samples.vectors[corners], wanted))
