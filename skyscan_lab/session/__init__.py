"""The session: one sky scan as an xarray Dataset.

`SCHEMA` is the one table of what a session holds; everything else here builds, reads or
checks a Dataset against it.
"""

from skyscan_lab.session.construction import empty_session, session_from_points
from skyscan_lab.session.location import Location, LocationLike, as_location, location_of
from skyscan_lab.session.references import REFERENCES, references_of, with_references
from skyscan_lab.session.schema import (
    AXES,
    CHANNEL_DIMS,
    CONVENTIONS,
    GRID_DIMS,
    SAMPLE_DIMS,
    SCHEMA,
    SCHEMA_VERSION,
    Flag,
    Variable,
    variable_attributes,
)
from skyscan_lab.session.validation import validate
from skyscan_lab.session.views import directions_of, is_gridded, samples_of, units_of

__all__ = [
    "AXES",
    "CHANNEL_DIMS",
    "CONVENTIONS",
    "GRID_DIMS",
    "REFERENCES",
    "SAMPLE_DIMS",
    "SCHEMA",
    "SCHEMA_VERSION",
    "Flag",
    "Location",
    "LocationLike",
    "Variable",
    "as_location",
    "directions_of",
    "empty_session",
    "is_gridded",
    "location_of",
    "references_of",
    "samples_of",
    "session_from_points",
    "units_of",
    "validate",
    "variable_attributes",
    "with_references",
]
