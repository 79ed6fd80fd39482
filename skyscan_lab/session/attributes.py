"""Attributes of a session: conventions, units, site and provenance."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any, get_args

from skyscan_lab.errors import InvalidInput
from skyscan_lab.power import Domain
from skyscan_lab.session.location import LocationLike, as_location
from skyscan_lab.session.schema import CONVENTIONS, SCHEMA_VERSION

AVERAGING_UNKNOWN = "unknown"
AVERAGING = (*get_args(Domain), AVERAGING_UNKNOWN)
"""What the attribute ``averaging`` can say."""


def session_attributes(
    location: LocationLike | None,
    averaging: Domain | None,
    attrs: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """Attributes of a new session.

    Parameters
    ----------
    location, averaging, attrs
        As for `session_from_points`.

    Raises
    ------
    InvalidInput
        For a location that is not on the Earth, an unknown `averaging`, or units in `attrs`.
    """
    extra = {key: value for key, value in (attrs or {}).items() if value is not None}
    if "units" in extra:
        raise InvalidInput("attrs['units']", extra["units"], "given as the argument units")
    attributes: dict[str, Any] = {
        "Conventions": CONVENTIONS,
        "title": "Sky scan",
        "source": f"skyscan-lab {_version()}",
        "history": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} created",
        "skyscan_schema": SCHEMA_VERSION,
        "averaging": averaging or AVERAGING_UNKNOWN,
    }
    if location is not None:
        attributes |= as_location(location).to_attributes()
    attributes |= extra
    if attributes["averaging"] not in AVERAGING:
        raise InvalidInput("averaging", attributes["averaging"], f"one of {AVERAGING}")
    return attributes


def _version() -> str:
    try:
        return version("skyscan-lab")
    except PackageNotFoundError:  # used from a source tree that is not installed
        return "(not installed)"
