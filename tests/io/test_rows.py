"""Truth: the session before it was written as a table."""

import numpy as np
import pytest

from skyscan_lab.errors import InvalidInput
from skyscan_lab.io import load_session, save_session
from skyscan_lab.session import session_from_points

TABLES = ["a.csv", "a.fits"]


@pytest.mark.parametrize("name", [*TABLES, "a.nc"])
def test_a_selected_channel_keeps_its_frequency(name, channelled, assert_same, tmp_path):
    one = channelled.isel(frequency=1, polarization=0)
    back = load_session(save_session(one, tmp_path / name))
    assert_same(one, back)
    assert (float(back["frequency"]), str(back["polarization"].values)) == (1.421e9, "H")


@pytest.mark.parametrize("name", ["a.csv", "a.nc"])
def test_a_session_without_samples_is_a_session(name, assert_same, tmp_path):
    ds = session_from_points([], [], [])
    assert_same(ds, load_session(save_session(ds, tmp_path / name)))


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize(
    "values", [True, "text", np.uint16(1), np.array(1.0, dtype=">f8"), np.datetime64(0, "s")]
)
def test_types_that_would_not_read_back_are_refused(name, values, gridded, tmp_path):
    extra = gridded.assign(extra=(gridded["rssi"].dims, np.full(gridded["rssi"].shape, values)))
    with pytest.raises(InvalidInput, match="type of extra"):
        save_session(extra, tmp_path / name)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", TABLES)
def test_coordinates_that_a_layout_cannot_hold_are_refused(name, gridded, tmp_path):
    extra = gridded.assign_coords(ra=gridded["azimuth_measured"] * 2.0)
    with pytest.raises(InvalidInput, match="dims of coordinate ra"):
        save_session(extra, tmp_path / name)
