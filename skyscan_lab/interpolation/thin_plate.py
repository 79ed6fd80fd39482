"""Thin plate splines."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skyscan_lab.interpolation.covariance import Covariance
from skyscan_lab.interpolation.estimate import Estimate
from skyscan_lab.interpolation.polyharmonic import polyharmonic
from skyscan_lab.interpolation.samples import Samples
from skyscan_lab.interpolation.targets import Targets


def thin_plate(
    samples: Samples, targets: Targets, /, *, covariance: Covariance | None = None
) -> Estimate:
    """Thin plate that is bent through the readings: ``φ = r² ln r``.

    Parameters
    ----------
    samples, targets
        As for every method.
    covariance : Covariance, optional
        Of the map, for the error; by default fitted.
    """
    return polyharmonic(samples, targets, _plate, covariance)


def _plate(squares: NDArray[np.float64]) -> NDArray[np.float64]:
    # r² ln r = ½ r² ln r², and 0 at 0.
    return np.asarray(0.5 * squares * np.log(np.where(squares > 0.0, squares, 1.0)))
