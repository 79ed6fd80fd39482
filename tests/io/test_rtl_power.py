"""Truth: spectra of known power, taken at known times from a known path."""

import numpy as np
import pytest

from skyscan_lab.errors import FileError, SkyscanWarning
from skyscan_lab.io.pointing_log import read_pointing_log
from skyscan_lab.io.rtl_power import read_rtl_power
from skyscan_lab.session import validate

LOW, STEP, BINS = 1_420_000_000, 250_000, 4


def line(moment, levels, low=LOW):
    values = ", ".join(f"{level:.2f}" for level in levels)
    return f"{moment.replace('T', ', ')}, {low}, {low + STEP * BINS}, {STEP:.2f}, 64, {values}\n"


def at(second):
    return f"2024-01-01T00:{second // 60:02d}:{second % 60:02d}"


def save(folder, spectra, log):
    (folder / "sky.csv").write_text("".join(spectra))
    rows = [f"{time},{azimuth},{elevation}\n" for time, azimuth, elevation in log]
    (folder / "sky.pointing.csv").write_text("time,azimuth,elevation\n" + "".join(rows))
    return folder / "sky.csv"


def four_places():
    """Two sweeps at each place of a 2 × 2 grid across north: 0 and 10 dB."""
    places = [(359.0, 20.0), (1.0, 20.0), (1.0, 22.0), (359.0, 22.0)]
    log, spectra = [], []
    for index, place in enumerate(places):
        log += [(at(10 * index), *place), (at(10 * index + 6), *place)]
        for sweep, level in ((2, 0.0), (4, 10.0)):
            levels = level + np.arange(BINS) + index
            spectra.append(line(at(10 * index + sweep), [*levels, levels[-1]]))
    return spectra, log


def test_sweeps_at_one_place_are_averaged_in_linear_power(tmp_path):
    ds = validate(read_rtl_power(save(tmp_path, *four_places())))
    assert ds["rssi"].dims == ("frequency", "elevation", "azimuth")
    np.testing.assert_array_equal(ds["frequency"], LOW + STEP * np.arange(BINS))
    np.testing.assert_array_equal(ds["azimuth"], [359.0, 361.0])
    mean = 10.0 * np.log10((1.0 + 10.0) / 2.0)
    expected = mean + np.array([[0, 1], [3, 2]])[np.newaxis] + np.arange(BINS)[:, None, None]
    np.testing.assert_allclose(ds["rssi"], expected)
    np.testing.assert_array_equal(ds["rssi_reads"], [[2, 2], [2, 2]])
    np.testing.assert_allclose(ds["rssi_std"], np.full((BINS, 2, 2), np.sqrt(50.0)))
    np.testing.assert_allclose(ds["rssi_last"][0], [[10.0, 11.0], [13.0, 12.0]])
    assert ds["time"].values[0, 0] == np.datetime64("2024-01-01T00:00:03")
    # How many looks a reading holds is not known, so the bias of the logarithm is left in.
    assert ds.attrs["averaging"] == "linear power, uncorrected"
    assert ds["rssi"].attrs["units"] == "dB"


def test_hops_of_a_sweep_are_one_spectrum(tmp_path):
    spectra, log = four_places()
    hops = [
        part
        for one in spectra
        for part in (one.replace("1420000000, 1421", "1421000000, 1422"), one)
    ]
    ds = read_rtl_power(save(tmp_path, hops, log))
    np.testing.assert_array_equal(ds["frequency"], LOW + STEP * np.arange(2 * BINS))


def test_the_antenna_goes_straight_between_two_entries_across_north(tmp_path):
    spectra = [line(at(second), [0.0] * BINS) for second in (0, 5, 10)]
    log = [(at(0), 355.0, 20.0), (at(10), 5.0, 30.0)]
    ds = read_rtl_power(save(tmp_path, spectra, log))
    taken = np.argsort(ds["sequence"].values[ds["sequence"].values >= 0])
    azimuth = ds["azimuth_measured"].values[ds["sequence"].values >= 0][taken]
    elevation = ds["elevation_measured"].values[ds["sequence"].values >= 0][taken]
    np.testing.assert_allclose(azimuth % 360.0, [355.0, 0.0, 5.0], atol=1e-9)
    np.testing.assert_allclose(elevation, [20.0, 25.0, 30.0])


def test_an_antenna_that_keeps_turning_is_followed(tmp_path):
    seconds = range(0, 120, 3)
    spectra = [line(at(second), [0.0] * BINS) for second in seconds]
    log = [(at(second), 25.0 * second % 360.0, 20.0 + second / 10.0) for second in range(120)]
    ds = read_rtl_power(save(tmp_path, spectra, log))  # eight turns
    measured = ds["sequence"].values >= 0
    order = np.argsort(ds["sequence"].values[measured])
    azimuth = ds["azimuth_measured"].values[measured][order]
    np.testing.assert_allclose(azimuth, [25.0 * second % 360.0 for second in seconds], atol=1e-9)


def test_sweeps_outside_of_the_log_are_left_out_and_said(tmp_path):
    spectra, log = four_places()
    spectra += [line(at(50), [0.0] * BINS), line(at(60), [0.0] * BINS)]
    with pytest.warns(SkyscanWarning, match="left out 2 of 10 sweeps: outside the pointing log"):
        ds = read_rtl_power(save(tmp_path, spectra, log))
    assert int(ds["rssi_reads"].sum()) == 8


def test_a_long_gap_in_the_log_is_not_bridged(tmp_path):
    spectra = [line(at(second), [0.0] * BINS) for second in (0, 50, 100)]
    log = [(at(0), 10.0, 20.0), (at(100), 20.0, 20.0)]
    path = save(tmp_path, spectra, log)
    with pytest.warns(SkyscanWarning, match="left out 1 of 3 sweeps"):
        assert int(read_rtl_power(path)["rssi_reads"].sum()) == 2
    assert int(read_rtl_power(path, longest_gap_s=120.0)["rssi_reads"].sum()) == 3


def test_clocks_in_different_time_zones(tmp_path):
    spectra, log = four_places()
    local = [one.replace("00:00:", "02:00:") for one in spectra]
    path = save(tmp_path, local, log)
    with pytest.raises(FileError, match="same clock"):
        read_rtl_power(path)
    assert int(read_rtl_power(path, utc_offset_h=2.0)["rssi_reads"].sum()) == 8


def test_levels_that_are_not_numbers_are_missing(tmp_path):
    spectra, log = four_places()
    with pytest.warns(SkyscanWarning, match="readings are not finite"):
        ds = read_rtl_power(save(tmp_path, [one.replace("11.00", "nan") for one in spectra], log))
    assert int(ds["rssi"].isnull().sum()) == 0  # the other sweep of the place has that channel
    path = save(tmp_path, [line(at(2), [np.nan, 1, 2, 3])], log[:2])
    with pytest.warns(SkyscanWarning, match="1 readings are not finite"):
        ds = read_rtl_power(path)
    np.testing.assert_array_equal(np.isnan(ds["rssi"].values.ravel()), [True, False, False, False])


def test_a_cut_file_keeps_its_whole_sweeps(tmp_path):
    spectra, log = four_places()
    spectra[-1] = spectra[-1][:60]
    with pytest.warns(SkyscanWarning, match="line 8: left out .*ends within this line"):
        ds = read_rtl_power(save(tmp_path, spectra, log))
    assert int(ds["rssi_reads"].sum()) == 7


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        (lambda one: one.replace(",", ";"), "line 3: not a line of rtl_power"),
        (lambda one: one.replace("250000.00", "0.00"), "line 3: .*make 0"),
        (lambda one: one.replace("250000.00", "100000.00"), "line 3: 5 levels;.*make 10"),
        (lambda one: one.replace("1420000000, 1421", "1520000000, 1521"), "line 3: other freq"),
        (lambda one: one.replace("2024-01-01", "2024-13-01"), "line 3: time"),
        (lambda one: one.replace(".00\n", ".x\n"), "line 3: .*is not a number"),
        (lambda one: one.replace(".00\n", "9999.00\n"), "line 3: .*no level"),
    ],
)
def test_a_wrong_line_is_named(edit, reason, tmp_path):
    spectra, log = four_places()
    spectra[2] = edit(spectra[2])
    with pytest.raises(FileError, match=reason):
        read_rtl_power(save(tmp_path, spectra, log))


def test_spectra_need_their_log(tmp_path):
    (tmp_path / "sky.csv").write_text("".join(four_places()[0]))
    with pytest.raises(FileError, match=r"sky\.pointing\.csv"):
        read_rtl_power(tmp_path / "sky.csv")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("azimuth,elevation\n1,2\n", "line 1: no column time"),
        ("time;azimuth;elevation\n", "line 1: no column"),
        ("time,azimuth,elevation\n", "fewer than two"),
        ("time,az,el\n2024-01-01T00:00:00,1\n", "line 2: 2 values under 3"),
        ("time,az,el\nyesterday,1,2\n2024-01-01T00:00:00,1,2\n", "line 2: time"),
        ("time,az,el\n2024-01-01T00:00:05,1,2\n2024-01-01T00:00:05,1,2\n", "line 3: not later"),
        ("# only comments\n", "no column"),
    ],
)
def test_wrong_logs_are_named(text, reason, tmp_path):
    (tmp_path / "log.csv").write_text(text)
    with pytest.raises(FileError, match=reason):
        read_pointing_log(tmp_path / "log.csv")


def test_a_log_in_any_order_of_columns_and_with_time_zones(tmp_path):
    (tmp_path / "log.csv").write_text(
        "El, Az, Timestamp, note\n"
        "20,350,2024-01-01T02:00:00+02:00,a\n"
        "30,10,2024-01-01T00:00:10Z,b\n"
    )
    log = read_pointing_log(tmp_path / "log.csv")
    azimuth, elevation = log.at(np.array(["2024-01-01T00:00:05"], dtype="M8[ns]"), 60.0)
    assert azimuth[0] % 360.0 == pytest.approx(0.0, abs=1e-9)
    assert elevation[0] == 25.0
