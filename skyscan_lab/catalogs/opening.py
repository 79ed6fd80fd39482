"""One notion of a catalogue: a path, a table, or a `Catalog`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np
from astropy import units as u
from astropy.table import Table

from skyscan_lab.catalogs.catalog import Catalog, Combined, Directions
from skyscan_lab.catalogs.elements import looks_like_elements, parse_elements
from skyscan_lab.catalogs.geostationary import Geostationary
from skyscan_lab.catalogs.radio_sources import Celestial
from skyscan_lab.catalogs.satellites import Satellites
from skyscan_lab.catalogs.table import read_catalog
from skyscan_lab.errors import FileError, InvalidInput

CatalogLike: TypeAlias = "Catalog | Table | str | Path | Sequence[CatalogLike]"
"""A path, a table, a `Catalog`, or several of them."""


def as_catalog(catalog: CatalogLike) -> Catalog:
    """Make a `Catalog` of anything that lists objects.

    Parameters
    ----------
    catalog : path, Table, Catalog, or a sequence of them
        A path: a list ``name,azimuth,elevation`` (`read_catalog`), or element sets of
        satellites, TLE or OMM (`read_elements`), told apart by content. A table: ``name`` with
        ``azimuth`` and ``elevation``, or with ``longitude`` of geostationary satellites, or
        with ``ra`` and ``dec`` (ICRS); numbers without a unit are degrees.

    Returns
    -------
    Catalog
        A `Catalog` is returned as it is; several become one.

    Raises
    ------
    FileError
        For a file that cannot be read.
    InvalidInput
        For anything else.

    Examples
    --------
    >>> slots = Table({"name": ["ASTRA 1", "HOT BIRD"], "longitude": [19.2, 13.0]})
    >>> as_catalog(slots).table(location=(47.37, 8.54))["azimuth"].round(1)
    <Quantity [165.6, 173.9] deg>
    """
    if isinstance(catalog, Catalog):
        return catalog
    if isinstance(catalog, Table):
        return _from_table(catalog)
    if isinstance(catalog, str | os.PathLike):
        return _from_path(Path(catalog))
    if isinstance(catalog, Sequence) and len(catalog):
        return Combined([as_catalog(part) for part in catalog])
    raise InvalidInput("catalog", catalog, "a path, a table, a Catalog, or several of them")


def _from_path(path: Path) -> Catalog:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise FileError(path, error.strerror or str(error)) from error
    except UnicodeDecodeError as error:
        raise FileError(path, "not text (UTF-8), so not a catalogue") from error
    if looks_like_elements(text):
        return Satellites(parse_elements(text, path))
    return _from_table(read_catalog(path))


def _from_table(table: Table) -> Catalog:
    columns = set(table.colnames)
    if "name" in columns:
        names = np.asarray(table["name"], dtype=str)
        if {"azimuth", "elevation"} <= columns:
            return Directions(names, _degrees(table, "azimuth"), _degrees(table, "elevation"))
        if "longitude" in columns:
            return Geostationary(names, _degrees(table, "longitude"))
        if {"ra", "dec"} <= columns:
            return Celestial(names, _degrees(table, "ra"), _degrees(table, "dec"))
    raise InvalidInput(
        "columns of the catalogue",
        table.colnames,
        "name, and azimuth and elevation, or longitude, or ra and dec",
    )


def _degrees(table: Table, column: str) -> np.ndarray:
    values = u.Quantity(table[column])
    if values.unit == u.dimensionless_unscaled:
        return np.asarray(values.value, dtype=float)
    return np.asarray(values.to_value(u.deg), dtype=float)
