"""Name the sources of a map from a list of known ones."""

from __future__ import annotations

import astropy.units as u
import numpy as np
from astropy.table import QTable

from skyscan_lab.errors import InvalidInput
from skyscan_lab.sphere import separation


def nearest_in_catalog(sources: QTable, catalog: QTable) -> QTable:
    """Nearest listed object to each source, and how far away it is.

    Nearest is no identification: the mount may be off by more than the satellites are apart,
    and a blend of two lies between them. The separation is there to be judged.

    Parameters
    ----------
    sources : QTable
        With ``azimuth`` and ``elevation``, as `local_maxima` returns it.
    catalog : QTable
        With ``name``, ``azimuth`` and ``elevation``; at least one row.

    Returns
    -------
    QTable
        The sources with two more columns: ``nearest``, a name, and ``separation`` in degrees
        on the sky.

    Raises
    ------
    InvalidInput
        For a catalogue without rows.

    Examples
    --------
    >>> sources = QTable({"azimuth": [359.0] * u.deg, "elevation": [60.0] * u.deg})
    >>> listed = QTable({"name": ["A", "B"], "azimuth": [1.0, 350.0] * u.deg,
    ...                  "elevation": [60.0, 60.0] * u.deg})
    >>> named = nearest_in_catalog(sources, listed)
    >>> named["nearest"][0], named["separation"][0].round(3)
    (np.str_('A'), <Quantity 1. deg>)
    """
    if len(catalog) == 0:
        raise InvalidInput("rows of the catalogue", 0, "at least 1")
    apart = separation(
        sources["azimuth"].to_value(u.deg)[:, None],
        sources["elevation"].to_value(u.deg)[:, None],
        catalog["azimuth"].to_value(u.deg),
        catalog["elevation"].to_value(u.deg),
    )
    best = apart.argmin(axis=1)
    named = sources.copy()
    named["nearest"] = np.asarray(catalog["name"], dtype=str)[best]
    named["separation"] = apart[np.arange(len(sources)), best] * u.deg
    return named
