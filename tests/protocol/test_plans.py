"""Truth: a plan read back is the plan written, and what is wrong is named."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skyscan_lab.errors import InvalidInput
from skyscan_lab.grid import ScanGrid
from skyscan_lab.protocol.plans import fresh_session_name
from skyscan_lab.scanning import ReferenceDirection, ScanPlan, make_plan


@given(
    az=st.tuples(st.floats(0, 359), st.floats(0, 359)),
    step=st.floats(0.5, 90),
    order=st.sampled_from(["raster", "serpentine"]),
    frequency=st.none() | st.floats(1e3, 1e12),
)
def test_json_keeps_everything(az, step, order, frequency) -> None:
    plan = make_plan(
        ScanGrid(az=az, el=(18, 65), step=step, order=order, fast_axis="elevation"),
        session="ünï",
        reads=7,
        units="counts",
        reference={"azimuth_deg": 10.0, "elevation_deg": 40.0, "every_min": 2.5},
        location={"latitude_deg": 47.37, "longitude_deg": 8.54},
        frequency_hz=frequency,
        attrs={"observer": "me", "gain": 1.5, "run": 3},
    )
    assert ScanPlan.model_validate_json(plan.model_dump_json()) == plan


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"reads": 0}, "reads = 0: must be greater than or equal to 1"),
        ({"reads": 2.5}, "reads = 2.5"),
        ({"frequency_hz": float("nan")}, "frequency_hz = nan"),
        ({"units": "volts"}, "units = 'volts'"),
        ({"session": ""}, "session = ''"),
        (
            {"reference": {"azimuth_deg": 0, "elevation_deg": 95, "every_min": 1}},
            "reference.elevation_deg = 95",
        ),
        ({"colour": "red"}, "colour = 'red'"),
    ],
)
def test_the_field_at_fault_is_named(fields, words) -> None:
    with pytest.raises(InvalidInput) as error:
        make_plan(ScanGrid(), **fields)
    assert str(error.value).startswith(words)


def test_no_two_sessions_share_a_name() -> None:
    assert len({fresh_session_name() for _ in range(1000)}) == 1000


def test_a_reference_interval_must_pass() -> None:
    with pytest.raises(ValueError, match="greater than 0"):
        ReferenceDirection(azimuth_deg=0, elevation_deg=0, every_min=0)
