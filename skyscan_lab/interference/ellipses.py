"""How well a table knows its directions, as a covariance on the sphere."""

from __future__ import annotations

import astropy.units as u
import numpy as np
from astropy.table import QTable
from numpy.typing import NDArray

from skyscan_lab.errors import InvalidInput


def direction_covariance(table: QTable, added_sigma_deg: float = 0.0) -> NDArray[np.float64]:
    """Covariance of each direction of a table, across and along the meridian.

    Parameters
    ----------
    table : QTable
        With ``elevation``, and ``covariance`` of shape (n, 2, 2) in square degrees, its axes
        cross-elevation (towards increasing azimuth) and elevation; or ``azimuth_error`` and
        ``elevation_error``, where the first is of the azimuth itself, on the sky times
        cos(elevation). Numbers without a unit are degrees.
    added_sigma_deg : float
        Standard deviation on either axis that is added to all, degrees.

    Returns
    -------
    ndarray, shape (n, 2, 2)
        Square degrees.

    Raises
    ------
    InvalidInput
        For a table without errors where none is added, and for what is no covariance.

    Examples
    --------
    >>> table = QTable({"elevation": [60.0] * u.deg, "azimuth_error": [0.2] * u.deg,
    ...                 "elevation_error": [0.3] * u.deg})
    >>> direction_covariance(table).round(2)
    array([[[0.01, 0.  ],
            [0.  , 0.09]]])
    """
    if not (np.isfinite(added_sigma_deg) and added_sigma_deg >= 0.0):
        raise InvalidInput("added sigma, degrees", added_sigma_deg, "finite and 0 or more")
    columns = set(table.colnames)
    covariance = np.zeros((len(table), 2, 2))
    if "covariance" in columns:
        covariance = _plain(table["covariance"], u.deg**2)
        if covariance.shape != (len(table), 2, 2):
            raise InvalidInput("shape of covariance", covariance.shape, f"({len(table)}, 2, 2)")
    elif {"azimuth_error", "elevation_error"} <= columns:
        cosine = np.cos(np.radians(_plain(table["elevation"], u.deg)))
        covariance[:, 0, 0] = (_plain(table["azimuth_error"], u.deg) * cosine) ** 2
        covariance[:, 1, 1] = _plain(table["elevation_error"], u.deg) ** 2
    elif added_sigma_deg == 0.0:
        raise InvalidInput(
            "columns of the table",
            table.colnames,
            "with covariance, or azimuth_error and elevation_error, unless a sigma is added",
        )
    covariance = covariance + added_sigma_deg**2 * np.eye(2)
    (xx, xy), (yx, yy) = np.moveaxis(covariance, 0, -1)
    usable = np.isfinite(covariance).all(axis=(1, 2)) & (xx > 0.0) & (yy > 0.0)
    usable &= (xx * yy > xy * yx) & (np.abs(xy - yx) <= 1e-9 * np.sqrt(np.abs(xx * yy)))
    wrong = np.flatnonzero(~usable)
    if wrong.size:
        raise InvalidInput(
            f"covariance of row {wrong[0]}",
            covariance[wrong[0]].tolist(),
            "symmetric and positive definite",
        )
    return covariance


def _plain(column: object, unit: u.UnitBase) -> NDArray[np.float64]:
    """Numbers of a column in a unit; a column without one is in it."""
    values = u.Quantity(column)
    if values.unit == u.dimensionless_unscaled:
        return np.asarray(values.value, dtype=float)
    return np.asarray(values.to_value(unit), dtype=float)
