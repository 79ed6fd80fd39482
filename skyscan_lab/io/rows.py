"""A session as a table of cells with a layout, and back: what FITS and CSV share.

The table has one row a cell (or sample), with everything that is measured there. The layout
says in plain JSON what a table cannot: sizes, coordinates, types and attributes. Together
they are the session, bit for bit.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from skyscan_lab.errors import InvalidInput
from skyscan_lab.session import (
    CHANNEL_DIMS,
    GRID_DIMS,
    SAMPLE_DIMS,
    SCHEMA,
    Flag,
    is_gridded,
    validate,
)

LAYOUT_KEYS = ("sizes", "coordinates", "variables", "attributes")
_TYPES = frozenset(
    {"float64", "float32", "int64", "int32", "int16", "int8", "datetime64[ns]"}
)  # what CSV and FITS tables both have
_SCHEMA_ROW = {row.name: row for row in SCHEMA}


@dataclass(frozen=True)
class Rows:
    """A session as a table.

    Attributes
    ----------
    columns : dict of ndarray, shape (n,) or (n, channels…)
        One row a cell, in the order of elevation, then azimuth.
    layout : dict
        ``sizes``, ``coordinates``, ``variables`` and ``attributes``, ready for JSON.
    """

    columns: dict[str, NDArray[Any]]
    layout: dict[str, Any]


def to_rows(ds: xr.Dataset) -> Rows:
    """Flatten a session.

    Raises
    ------
    InvalidInput
        For an attribute that JSON cannot hold, a variable that is not one number or time a
        cell, or a coordinate along other dims than its own.

    Examples
    --------
    >>> from skyscan_lab.session import session_from_points
    >>> rows = to_rows(session_from_points([1, 2], [20, 20], [5, 6], units="dB"))
    >>> rows.columns["rssi"], rows.layout["sizes"]
    (array([5., 6.]), {'elevation': 1, 'azimuth': 2})
    """
    base = GRID_DIMS if is_gridded(ds) else SAMPLE_DIMS
    columns: dict[str, NDArray[Any]] = {}
    variables: dict[str, Any] = {}
    for name, variable in ds.data_vars.items():
        channels = tuple(dim for dim in CHANNEL_DIMS if dim in variable.dims)
        if set(variable.dims) != {*channels, *base}:
            raise InvalidInput(f"dims of {name}", variable.dims, f"{base}, and channels before")
        if str(variable.dtype) not in _TYPES:
            raise InvalidInput(f"type of {name}", str(variable.dtype), f"one of {sorted(_TYPES)}")
        cells = variable.transpose(*base, *channels).values
        count = int(np.prod(cells.shape[: len(base)]))
        columns[str(name)] = cells.reshape(count, *cells.shape[len(base) :])
        variables[str(name)] = {
            "dims": list(channels),
            "dtype": str(variable.dtype),
            "attributes": _plain(variable.attrs, str(name)),
        }
    coordinates: dict[str, Any] = {}
    for name, axis in ds.coords.items():
        # One without a dim is what selecting a channel leaves of its axis.
        if axis.dims not in ((), (name,)):
            raise InvalidInput(f"dims of coordinate {name}", axis.dims, f"{(name,)} or none")
        coordinates[str(name)] = {
            "values": axis.values.tolist(),
            "dtype": str(axis.dtype),
            "attributes": _plain(axis.attrs, str(name)),
        }
    sizes = {str(dim): int(ds.sizes[dim]) for dim in (*CHANNEL_DIMS, *base) if dim in ds.dims}
    return Rows(
        columns,
        {
            "sizes": sizes,
            "coordinates": coordinates,
            "variables": variables,
            "attributes": _plain(ds.attrs, "the session"),
        },
    )


def from_rows(rows: Rows) -> xr.Dataset:
    """Build the session that `to_rows` flattened.

    A table that is shorter than the grid of its layout leaves the cells that it lacks missing,
    flagged ``NOT_IN_RECORDING``.

    Raises
    ------
    SessionError, KeyError, ValueError, TypeError
        For a layout and columns that are no session.
    """
    layout = rows.layout
    coordinates = {}
    for name, axis in layout["coordinates"].items():
        dims = name if isinstance(axis["values"], list) else ()
        values = np.array(axis["values"], dtype=axis["dtype"])
        coordinates[name] = (dims, values, _typed(axis["attributes"]))
    # Sizes are believed only where a coordinate or the rows themselves bear them out.
    sizes = {dim: len(coordinates[dim][1]) for dim in layout["sizes"] if dim in coordinates}
    if "sample" in layout["sizes"]:
        sizes["sample"] = len(rows.columns["rssi"])
    base = tuple(dim for dim in sizes if dim not in CHANNEL_DIMS)
    count = int(np.prod([sizes[dim] for dim in base]))
    variables: dict[str, Any] = {}
    for name, about in layout["variables"].items():
        channels = tuple(about["dims"])
        shape = tuple(sizes[dim] for dim in channels)
        given = rows.columns[name]
        cells = np.full((count, *shape), _missing(name, about["dtype"]), dtype=about["dtype"])
        cells[: len(given)] = given
        variables[name] = xr.DataArray(
            cells.reshape(*(sizes[dim] for dim in base), *shape),
            dims=(*base, *channels),
            attrs=_typed(about["attributes"]),
        ).transpose(*channels, *base)
    return validate(xr.Dataset(variables, coordinates, _typed(layout["attributes"])))


def _missing(name: str, dtype: str) -> Any:
    if name == "flag":
        return int(Flag.NOT_IN_RECORDING)
    if name in _SCHEMA_ROW:
        return _SCHEMA_ROW[name].missing
    return np.nan if np.dtype(dtype).kind == "f" else 0


def _plain(attributes: Mapping[Any, Any], owner: str) -> dict[str, Any]:
    """Attributes as JSON holds them; arrays keep their type."""
    plain: dict[str, Any] = {}
    for key, value in attributes.items():
        if isinstance(value, np.ndarray):
            value = {"dtype": str(value.dtype), "values": value.tolist()}
        elif isinstance(value, np.generic):
            value = value.item()
        try:
            json.dumps(value)
        except (TypeError, ValueError):
            raise InvalidInput(
                f"attribute {key} of {owner}", value, "text, a number or numbers"
            ) from None
        plain[str(key)] = value
    return plain


def _typed(attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: np.array(value["values"], dtype=value["dtype"])
        if isinstance(value, dict) and value.keys() == {"dtype", "values"}
        else value
        for key, value in attributes.items()
    }
