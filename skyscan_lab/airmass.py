"""Air along the line of sight.

References
----------
.. [1] F. Kasten and A. T. Young, "Revised optical air mass tables and approximation formula",
   Applied Optics 28, 4735 (1989): finite (37.9) at the horizon.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def airmass(elevation_deg: ArrayLike) -> NDArray[np.float64]:
    """Air along the line of sight, relative to the zenith [1]_.

    Parameters
    ----------
    elevation_deg : array_like
        Elevation in degrees; below the horizon, the air at the horizon.

    Examples
    --------
    >>> airmass([90.0, 30.0, 0.0]).round(3)
    array([ 1.   ,  1.994, 37.92 ])
    """
    elevation = np.maximum(np.asarray(elevation_deg, dtype=float), 0.0)
    sine = np.sin(np.radians(elevation))
    return np.asarray(1.0 / (sine + 0.50572 * (elevation + 6.07995) ** -1.6364))
