"""Cubic splines in two dimensions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skyscan_lab.interpolation.covariance import Covariance
from skyscan_lab.interpolation.estimate import Estimate
from skyscan_lab.interpolation.polyharmonic import polyharmonic
from skyscan_lab.interpolation.samples import Samples
from skyscan_lab.interpolation.targets import Targets


def cubic(
    samples: Samples, targets: Targets, /, *, covariance: Covariance | None = None
) -> Estimate:
    """Cubic spline through the readings: ``φ = r³``, smooth to its second derivatives.

    Parameters
    ----------
    samples, targets
        As for every method.
    covariance : Covariance, optional
        Of the map, for the error; by default fitted.
    """
    return polyharmonic(samples, targets, _cubed, covariance)


def _cubed(squares: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(squares * np.sqrt(squares))
