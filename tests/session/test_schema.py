"""Truth: the schema as the design lists it."""

import pytest

from skyscan_lab.session import (
    AXES,
    CHANNEL_DIMS,
    GRID_DIMS,
    SAMPLE_DIMS,
    SCHEMA,
    Flag,
    empty_session,
    variable_attributes,
)
from tests.session.parts import GRID, free_form, scanned


def test_the_schema_is_the_design_s() -> None:
    assert [(row.name, row.dtype, row.units, row.channels) for row in SCHEMA] == [
        ("rssi", "float64", "session", True),
        ("rssi_std", "float64", "session", True),
        ("rssi_reads", "int32", "1", False),
        ("rssi_last", "float64", "session", True),
        ("azimuth_measured", "float64", "degree", False),
        ("elevation_measured", "float64", "degree", False),
        ("time", "datetime64[ns]", None, False),
        ("sequence", "int32", None, False),
        ("flag", "int8", None, False),
    ]
    assert [row.name for row in AXES] == ["elevation", "azimuth", "frequency", "polarization"]
    assert (GRID_DIMS, SAMPLE_DIMS) == (("elevation", "azimuth"), ("sample",))
    assert CHANNEL_DIMS == ("frequency", "polarization")


@pytest.mark.parametrize("build", [scanned, free_form, lambda: empty_session(GRID, units="dB")])
def test_every_session_has_every_variable_of_its_type(build) -> None:
    ds = build()
    assert list(ds.data_vars) == [row.name for row in SCHEMA]
    for row in SCHEMA:
        assert ds[row.name].dtype == row.dtype
        assert ds[row.name].attrs["long_name"] == row.long_name
    assert ds.attrs["Conventions"] == "CF-1.11"
    assert ds.attrs["skyscan_schema"] == 1


def test_flags_carry_their_meanings() -> None:
    attributes = scanned().flag.attrs
    assert attributes["flag_values"].dtype == "int8"
    meanings = attributes["flag_meanings"].split()
    assert len(meanings) == len(attributes["flag_values"]) == len(Flag)
    assert meanings[Flag.READING_FAILED] == "reading_failed"


def test_units_stand_at_every_reading_and_nowhere_else() -> None:
    for row in SCHEMA:
        attributes = variable_attributes(row, "counts")
        assert (attributes.get("units") == "counts") == (row.units == "session")
