"""Gridding with a Gaussian kernel, as cygrid does it [1]_.

A value is the mean of the readings around, weighted by ``exp(−d²/2σ²)`` of their distance on the
sky, and cut at 3 σ. Power is averaged where the units say what it is; counts are averaged as they
are. The map is blurred by the kernel: its error is that of the blurred map, from the noise of the
readings alone.

References
----------
.. [1] B. Winkel, D. Lenz and L. Flöer, "Cygrid: a fast Cython-powered convolution-based gridding
   module for Python", A&A 591, A12 (2016), eqs. 1–4.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array
from scipy.spatial import KDTree

from skyscan_lab.errors import InvalidInput
from skyscan_lab.interpolation.estimate import Estimate
from skyscan_lab.interpolation.levels import Levels
from skyscan_lab.interpolation.likelihood import fit_covariance
from skyscan_lab.interpolation.samples import Samples
from skyscan_lab.interpolation.targets import Targets
from skyscan_lab.sphere import unit_vector

_SUPPORT = 3.0
_FWHM = float(np.sqrt(8.0 * np.log(2.0)))


def kernel(
    samples: Samples,
    targets: Targets,
    /,
    *,
    kernel_fwhm_deg: float | None = None,
    noise: float | None = None,
) -> Estimate:
    """Weighted mean of the readings around each direction.

    Parameters
    ----------
    samples, targets
        As for every method.
    kernel_fwhm_deg : float, optional
        Width of the kernel at half its height, degrees; by default 1.2 times the distance
        between lines of samples, which leaves no gaps. Half a beam is usual.
    noise : float, optional
        Standard deviation of a reading, in the units of the session; by default as in a
        fitted covariance.
    """
    width = 1.2 * samples.step_deg if kernel_fwhm_deg is None else kernel_fwhm_deg
    if not 0.0 < width < 90.0:
        raise InvalidInput("kernel_fwhm_deg", kernel_fwhm_deg, "within (0°, 90°)")
    sigma = np.radians(width / _FWHM)
    if noise is None:
        noise = fit_covariance(samples).noise
    levels = Levels.of(samples.values, samples.units, noise)
    wanted = unit_vector(targets.azimuth, targets.elevation)
    reach = 2.0 * np.sin(min(_SUPPORT * sigma, np.pi) / 2.0)
    pairs = KDTree(wanted).sparse_distance_matrix(
        KDTree(samples.vectors), reach, output_type="coo_matrix"
    )
    angle = 2.0 * np.arcsin(np.minimum(pairs.data / 2.0, 1.0))
    weights = csr_array(
        (np.exp(-0.5 * (angle / sigma) ** 2), (pairs.row, pairs.col)), shape=pairs.shape
    )
    total = np.asarray(weights.sum(axis=1))
    total = np.where(total > 0.0, total, np.nan)
    mean = weights @ levels.level / total
    weights.data **= 2
    return Estimate(*levels.reading(mean, np.sqrt(weights @ levels.error**2) / total))
