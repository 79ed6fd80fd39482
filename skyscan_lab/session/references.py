"""Readings of a reference direction, kept with the session they belong to.

They follow one direction through the time of a scan, so they fit no cell of its grid. They
travel as one JSON attribute, which every format carries, and come out as a free-form session
like any other.
"""

from __future__ import annotations

import json

import numpy as np
import xarray as xr

from skyscan_lab.errors import SessionError
from skyscan_lab.session.construction import session_from_points
from skyscan_lab.session.location import location_of
from skyscan_lab.session.schema import SAMPLE_DIMS
from skyscan_lab.session.views import samples_of, units_of

REFERENCES = "reference_readings"
"""Name of the attribute."""

# Column of the attribute → variable of the session; exact, since JSON keeps every digit.
_COLUMNS = {
    "az": "azimuth_measured",
    "el": "elevation_measured",
    "rssi": "rssi",
    "std": "rssi_std",
    "last": "rssi_last",
    "reads": "rssi_reads",
}


def with_references(ds: xr.Dataset, references: xr.Dataset) -> xr.Dataset:
    """Session that carries the readings of its reference direction.

    Parameters
    ----------
    ds : Dataset
        A session.
    references : Dataset
        A free-form session in the same units, along ``sample`` in order of time.

    Returns
    -------
    Dataset
        A copy of `ds` with the attribute `REFERENCES`.

    Raises
    ------
    SessionError
        Where `references` is gridded or in other units.

    Examples
    --------
    >>> ds = session_from_points([10.0, 11.0], [20.0, 20.0], [-90.0, -91.0])
    >>> looks = session_from_points([0.0, 0.0], [60.0, 60.0], [-99.0, -99.1])
    >>> references_of(with_references(ds, looks)).rssi.values
    array([-99. , -99.1])
    """
    if references["rssi"].dims != SAMPLE_DIMS:
        raise SessionError("dims of references", references["rssi"].dims, f"{SAMPLE_DIMS}")
    if units_of(references) != units_of(ds):
        raise SessionError("units of references", units_of(references), units_of(ds))
    table: dict[str, list[object]] = {}
    for column, name in _COLUMNS.items():
        values = references[name].values.tolist()
        table[column] = [value if np.isfinite(value) else None for value in values]
    table["time"] = [None if np.isnat(time) else str(time) for time in references["time"].values]
    return ds.assign_attrs({REFERENCES: json.dumps(table)})


def references_of(ds: xr.Dataset) -> xr.Dataset | None:
    """Readings of the reference direction of a session.

    Parameters
    ----------
    ds : Dataset
        A session.

    Returns
    -------
    Dataset or None
        A free-form session in order of time; None where the session has no such readings.

    Raises
    ------
    SessionError
        Where the attribute is damaged.
    """
    if REFERENCES not in ds.attrs:
        return None
    try:
        table = json.loads(ds.attrs[REFERENCES])
        columns = {column: np.array(table[column], dtype=float) for column in _COLUMNS}
        time = np.array(table["time"], dtype="datetime64[ns]")
    except (TypeError, ValueError, KeyError) as error:
        raise SessionError(f"attribute {REFERENCES}", str(error), "a table in JSON") from error
    kept = ("averaging", "rotor", "receiver", "frequency_hz", "session")
    session = session_from_points(
        columns["az"],
        columns["el"],
        columns["rssi"],
        time=time,
        reads=columns["reads"],
        std=columns["std"],
        last=columns["last"],
        units=units_of(ds),
        location=location_of(ds),
        attrs={name: ds.attrs[name] for name in kept if name in ds.attrs}
        | {"title": "Readings of the reference direction"},
    )
    # A single look would be taken for a grid of one cell.
    return samples_of(session)
