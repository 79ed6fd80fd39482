"""Truth: the loops of the published scripts, which say what each cell of a matrix is."""

import numpy as np
import pytest

from skyscan_lab.errors import FileError, SkyscanWarning
from skyscan_lab.io.matrix import read_matrix, read_settings
from skyscan_lab.session import Flag, samples_of, validate

NAME = "raw-data-20230321-193653.txt"


def save(folder, matrix, settings):
    np.savetxt(folder / NAME, matrix)
    np.savetxt(folder / NAME.replace("raw-data", "scan-settings"), settings)
    return folder / NAME


def tailgater(az_start, az_end, el_start, el_end, level):
    """What dish_scan.py leaves: a matrix of level(dish azimuth, elevation), and its visits."""
    matrix = np.zeros((el_end - el_start + 1, az_end - az_start + 1))
    visits = []
    for line, elevation in enumerate(range(el_start, el_end)):
        forth, back = range(az_start, az_end), range(az_end, az_start, -1)
        for azimuth in back if line % 2 else forth:
            matrix[el_end - elevation, az_end - azimuth] = level(azimuth, elevation)
            visits.append((azimuth, elevation))
    return matrix, visits


def carryout(az_start, az_last, el_start, el_end, level):
    """What carryout_scan.py leaves, which stores one more than its last azimuth."""
    az_end = az_last + 1
    matrix = np.zeros((el_end - el_start + 1, az_end - az_start + 1))
    visits = []
    for line, elevation in enumerate(range(el_start, el_end + 1)):
        forth = range(az_start, az_end)
        for azimuth in reversed(forth) if line % 2 else forth:
            # A negative index: from the back.
            matrix[el_end - elevation, azimuth - az_end] = level(azimuth, elevation)
            visits.append((azimuth, elevation))
    return matrix, visits


def level(azimuth, elevation):
    return 1000.0 * azimuth + elevation


def test_tailgater_counts_azimuth_the_other_way(tmp_path):
    matrix, visits = tailgater(90, 100, 5, 12, level)
    ds = validate(read_matrix(save(tmp_path, matrix, (90, 100, 5, 12, 1))))
    taken = samples_of(ds)
    dish = np.array([azimuth for azimuth, _ in visits], dtype=float)
    np.testing.assert_array_equal(taken["azimuth_measured"], 360.0 - dish)
    np.testing.assert_array_equal(taken["rssi"], [level(*visit) for visit in visits])
    np.testing.assert_array_equal(ds["azimuth"], np.arange(260.0, 271.0))
    np.testing.assert_array_equal(ds["elevation"], np.arange(5.0, 13.0))
    assert ds["rssi"].attrs["units"] == "counts"
    assert ds.attrs["started_at_local"] == "2023-03-21T19:36:53"


def test_carryout_goes_clockwise_and_never_reaches_its_first_column(tmp_path):
    matrix, visits = carryout(90, 100, 22, 26, level)
    path = save(tmp_path, matrix - 2e5 * (matrix != 0), (90, 101, 22, 26, 1, 1552.2, 1, 40.2))
    ds = validate(read_matrix(path))
    taken = samples_of(ds)
    np.testing.assert_array_equal(taken["azimuth_measured"], [azimuth for azimuth, _ in visits])
    np.testing.assert_array_equal(taken["rssi"], [level(*visit) - 2e5 for visit in visits])
    assert ds["azimuth"].values[0] == 89.0
    assert np.isnan(ds["rssi"].values[:, 0]).all()
    assert (ds["flag"].values[:, 0] == Flag.NOT_IN_RECORDING).all()
    assert ds["rssi"].attrs["units"] == "dB"
    assert ds.attrs["frequency_hz"] == 1552.2e6
    assert ds.attrs["gain_db"] == 40.2


def test_zeros_are_missing_wherever_they_are(tmp_path):
    matrix, _ = tailgater(90, 100, 5, 12, level)
    ds = read_matrix(save(tmp_path, matrix, (90, 100, 5, 12, 1)))
    assert int(ds["rssi"].count()) == np.count_nonzero(matrix)
    assert not (ds["rssi"] == 0.0).any()
    assert ds["flag"].dtype == "int8"
    missing = ds["flag"].values[np.isnan(ds["rssi"].values)]
    assert (missing == Flag.NOT_IN_RECORDING).all()


def test_a_full_circle_keeps_the_first_of_what_it_reads_twice(tmp_path):
    matrix, _ = carryout(0, 360, 22, 23, level)
    path = save(tmp_path, matrix + 1.0 * (matrix != 0), (0, 361, 22, 23, 1, 1420.0, 0, 20.0))
    with pytest.warns(SkyscanWarning, match="left out 2 readings"):
        ds = validate(read_matrix(path))
    assert ds["azimuth"].size == 360
    np.testing.assert_array_equal(ds["rssi"].values[0, :2], [23.0, 1023.0])


def test_a_full_circle_of_the_tailgater_closes_without_loss(tmp_path):
    matrix, visits = tailgater(0, 360, 5, 7, lambda azimuth, elevation: azimuth + elevation)
    ds = validate(read_matrix(save(tmp_path, matrix, (0, 360, 5, 7, 1))))
    assert ds["azimuth"].size == 360
    assert int(ds["rssi"].count()) == len(visits)


def test_other_steps(tmp_path):
    matrix = 1.0 + np.arange(12.0).reshape(3, 4)
    ds = read_matrix(save(tmp_path, matrix, (10, 16, 20, 24, 2.0, 1420.0, 0, 20.0)))
    np.testing.assert_array_equal(ds["elevation"], [20.0, 22.0, 24.0])
    np.testing.assert_array_equal(ds["azimuth"], [8.0, 10.0, 12.0, 14.0])
    np.testing.assert_array_equal(ds["rssi"], matrix[::-1])
    nudged = read_matrix(save(tmp_path, np.ones((6, 11)), (10, 12, 20, 21, 2)))
    np.testing.assert_allclose(np.diff(nudged["azimuth"]), 0.2)


def test_settings_may_lie_elsewhere(tmp_path):
    np.savetxt(tmp_path / "sky.txt", np.ones((2, 3)))
    np.savetxt(tmp_path / "how.txt", (90, 92, 5, 6, 1))
    assert read_matrix(tmp_path / "sky.txt", tmp_path / "how.txt").sizes["azimuth"] == 3
    with pytest.raises(FileError, match="without its settings"):
        read_matrix(tmp_path / "sky.txt")


def test_rows_that_a_cut_file_lacks_are_missing_and_said(tmp_path):
    matrix, _ = tailgater(90, 100, 5, 12, level)
    path = save(tmp_path, matrix, (90, 100, 5, 12, 1))
    text = path.read_text()
    path.write_text(text[: int(0.6 * len(text))])
    with pytest.warns(SkyscanWarning) as said:
        ds = validate(read_matrix(path))
    assert ["ends within" in str(warning.message) for warning in said] == [True, False]
    assert "the lowest 4 of 8 rows" in str(said[1].message)
    assert np.isnan(ds["rssi"].sel(elevation=slice(5, 8))).all()
    assert ds["rssi"].sel(elevation=9, azimuth=265) == level(95, 9)


def test_readings_that_are_not_finite_are_missing_and_counted(tmp_path):
    matrix = np.full((2, 3), -40.0)
    matrix[0, 1:] = np.nan, -np.inf
    with pytest.warns(SkyscanWarning, match="2 readings are not finite"):
        ds = read_matrix(save(tmp_path, matrix, (90, 92, 5, 6, 1)))
    assert int((ds["flag"] == Flag.READING_FAILED).sum()) == 2


@pytest.mark.parametrize(
    ("matrix", "settings", "reason"),
    [
        (np.ones((2, 4)), (90, 92, 5, 6, 1), "line 1: 4 values in this row.* make it 3"),
        (np.ones((3, 3)), (90, 92, 5, 6, 1), "line 3: more rows than the 2"),
        (np.ones((1, 3)), (90, 92, 5, 6, 1), "1 rows; the settings make it 2"),
        (np.zeros((2, 3)), (90, 92, 5, 6, 1), "nothing but zeros"),
        (np.ones((2, 3)), (90, 92, 5, 6), "4 settings"),
        (np.ones((2, 3)), (92, 90, 5, 6, 1), "not the bounds"),
        (np.ones((2, 3)), (90, 92, 5, 6, 0), "not the bounds"),
        (np.ones((2, 3)), (90, 92, 95, 96, 1), "no azimuth and elevation"),
        (np.ones((2, 3)), (90, 92, 5, 6, 0.7), "step 0.7 does not divide"),
        (np.ones((2, 3)), (0, 360, 5, 70, 0.001), "no scan that was ever made"),
        (np.ones((2, 3)), (90, np.nan, 5, 6, 1), "line 2: nan is not finite"),
        (np.ones((2, 3)), np.ones((5, 2)), "line 1: 2 values"),
    ],
)
def test_what_does_not_fit_is_said(matrix, settings, reason, tmp_path):
    with pytest.raises(FileError, match=reason):
        read_matrix(save(tmp_path, matrix, settings))


def test_settings_are_read(tmp_path):
    np.savetxt(tmp_path / "s.txt", (90, 271, 22, 52, 1, 1552.2, 1, 40))
    settings = read_settings(tmp_path / "s.txt")
    assert settings.shape == (31, 182)
    assert settings.clockwise
    assert settings.units == "dB"
