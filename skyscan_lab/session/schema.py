"""What a session holds, in one table.

A gridded session has the dims ``(elevation, azimuth)``, both increasing, in degrees: the
*nominal* grid. A free-form session (on the fly, adaptive, a spiral) keeps its samples along
``sample``. Receivers with channels add the leading dims ``frequency`` and ``polarization`` to
the readings.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np

CONVENTIONS = "CF-1.11"
SCHEMA_VERSION = 1


class Flag(IntEnum):
    """Why a cell is missing, or that it is not."""

    MEASURED = 0
    NOT_VISITED = 1
    READING_FAILED = 2
    OUT_OF_LIMITS = 3
    NOT_IN_RECORDING = 4
    REJECTED = 5


@dataclass(frozen=True)
class Variable:
    """One row of the schema.

    Attributes
    ----------
    name : str
        Name in the Dataset.
    dtype : str
        Its type.
    missing : object
        What stands in a cell that was not measured.
    long_name : str
        What it is, in words.
    units : str or None
        Units; ``"session"`` for those of the session, None for none.
    standard_name : str or None
        CF standard name, where there is one.
    channels : bool
        Whether the dims ``frequency`` and ``polarization`` may lead.
    """

    name: str
    dtype: str
    missing: Any
    long_name: str
    units: str | None = None
    standard_name: str | None = None
    channels: bool = False


_NAN = float("nan")
_NAT = np.datetime64("NaT", "ns")

SCHEMA: tuple[Variable, ...] = (
    Variable("rssi", "float64", _NAN, "received signal strength", "session", channels=True),
    Variable(
        "rssi_std",
        "float64",
        _NAN,
        "standard deviation of the readings averaged into rssi",
        "session",
        channels=True,
    ),
    Variable("rssi_reads", "int32", 0, "number of readings averaged into rssi", "1"),
    Variable("rssi_last", "float64", _NAN, "last reading at the point", "session", channels=True),
    # CF has no standard name for where an antenna points: its sensor angles are seen from the
    # target, and the names that weather radars use are not in its table.
    Variable("azimuth_measured", "float64", _NAN, "azimuth where the rotor was", "degree"),
    Variable("elevation_measured", "float64", _NAN, "elevation where the rotor was", "degree"),
    Variable("time", "datetime64[ns]", _NAT, "time of measurement, UTC", None, "time"),
    Variable("sequence", "int32", -1, "order of measurement; -1 where not measured"),
    Variable("flag", "int8", int(Flag.NOT_VISITED), "why a cell is missing", None, "status_flag"),
)
"""Every variable of a session, in the order in which it is written."""

AXES: tuple[Variable, ...] = (
    Variable("elevation", "float64", None, "nominal elevation", "degree"),
    Variable("azimuth", "float64", None, "nominal azimuth, clockwise from north", "degree"),
    Variable("frequency", "float64", None, "channel centre frequency", "Hz", "radiation_frequency"),
    Variable("polarization", "str", None, "polarization of the channel"),
)
"""Coordinates of the dims that have any."""

GRID_DIMS = ("elevation", "azimuth")
SAMPLE_DIMS = ("sample",)
CHANNEL_DIMS = ("frequency", "polarization")


def variable_attributes(row: Variable, units: str) -> dict[str, Any]:
    """CF attributes of one variable of a session.

    Parameters
    ----------
    row : Variable
        A row of `SCHEMA` or `AXES`.
    units : {"dBm", "dBFS", "dB", "counts"}
        Units of the session.

    Returns
    -------
    dict
        ``long_name``, and where they apply ``standard_name``, ``units``, ``flag_values`` and
        ``flag_meanings``.

    Examples
    --------
    >>> variable_attributes(SCHEMA[0], "dBm")
    {'long_name': 'received signal strength', 'units': 'dBm'}
    """
    attributes: dict[str, Any] = {"long_name": row.long_name}
    if row.standard_name:
        attributes["standard_name"] = row.standard_name
    if row.units:
        attributes["units"] = units if row.units == "session" else row.units
    if row.name == "flag":
        attributes["flag_values"] = np.array([int(flag) for flag in Flag], dtype="int8")
        attributes["flag_meanings"] = " ".join(flag.name.lower() for flag in Flag)
    return attributes
