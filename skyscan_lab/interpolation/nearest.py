"""The nearest reading."""

from __future__ import annotations

from scipy.spatial import KDTree

from skyscan_lab.interpolation.covariance import Covariance
from skyscan_lab.interpolation.estimate import Estimate
from skyscan_lab.interpolation.likelihood import fit_covariance
from skyscan_lab.interpolation.linear_error import error_of_sums
from skyscan_lab.interpolation.samples import Samples
from skyscan_lab.interpolation.targets import Targets
from skyscan_lab.sphere import unit_vector


def nearest(
    samples: Samples, targets: Targets, /, *, covariance: Covariance | None = None
) -> Estimate:
    """Reading that is nearest on the sky.

    Parameters
    ----------
    samples, targets
        As for every method.
    covariance : Covariance, optional
        Of the map, for the error; by default fitted.
    """
    wanted = unit_vector(targets.azimuth, targets.elevation)
    index = KDTree(samples.vectors).query(wanted)[1]
    model = covariance or fit_covariance(samples)
    corners = samples.vectors[index][:, None, :]
    one = (index[:, None] >= 0).astype(float)
    return Estimate(samples.values[index], error_of_sums(model, one, corners, wanted))
