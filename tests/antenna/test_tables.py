"""Truth: analytic beams, sampled, written as files here and read back."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from pyuvdata import AiryBeam, UVBeam

from skyscan_lab.antenna import (
    AiryPattern,
    AntennaPattern,
    CutsPattern,
    GaussianPattern,
    PolarTablePattern,
    TablePattern,
    read_msi,
    read_uvbeam,
)
from skyscan_lab.errors import FileError, InvalidInput

SPEED_OF_LIGHT = 299_792_458.0
LINE = np.linspace(-14.0, 14.0, 57)
THETA, PSI = np.linspace(0.0, 180.0, 721), np.arange(0.0, 360.0, 4.0)
DEGREES = np.arange(360.0)
SIDES = (DEGREES + 180.0) % 360.0 - 180.0


def db(gain: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore"):
        return np.asarray(10.0 * np.log10(gain))


def lattice(truth: AntennaPattern, at: tuple[float, float] = (0.0, 0.0)) -> np.ndarray:
    return db(truth.gain(LINE - at[0], LINE[:, np.newaxis] - at[1])) + 31.0


def assert_same(ours: AntennaPattern, truth: AntennaPattern, reach: float, within: float) -> None:
    x, y = np.random.default_rng(8).uniform(-reach, reach, (2, 2000))
    np.testing.assert_allclose(ours.gain(x, y), truth.gain(x, y), atol=within)


# A table on a lattice


def test_a_table_gives_back_the_beam_it_was_sampled_from() -> None:
    truth = AiryPattern((5.0, 7.0), 0.2, 25.0)
    table = TablePattern(LINE, LINE, lattice(truth))
    assert_same(table, truth, 13.0, within=3e-5)
    assert table.hpbw_deg == pytest.approx(
        [np.ptp(s[truth.gain(*xy) >= 0.5]) for s, *xy in along_both_axes()], rel=1e-4
    )


def along_both_axes() -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    fine = np.linspace(-7.0, 7.0, 140_001)
    return [(fine, fine, 0.0 * fine), (fine, 0.0 * fine, fine)]


def test_a_table_peaks_where_the_beam_was_and_not_at_a_sample() -> None:
    truth = GaussianPattern((5.0, 6.0))
    table = TablePattern(LINE, LINE, lattice(truth, at=(0.33, -0.71)))
    assert table.peak_offset_deg == pytest.approx((0.33, -0.71), abs=1e-3)
    assert float(table.gain(0.33, -0.71)) == pytest.approx(1.0, abs=1e-6)


def test_outside_of_a_table_is_what_was_said() -> None:
    level = lattice(GaussianPattern(5.0))
    assert TablePattern(LINE, LINE, level).gain(14.1, 0.0) == 0.0
    floor = TablePattern(LINE, LINE, level, outside_db=-40.0)
    gain, *slope = floor.gradient([0.0, 20.0], [-14.1, 90.0])
    assert gain == pytest.approx([1e-4, 1e-4])
    assert not np.any(slope)


def test_a_table_is_read_from_any_order_of_its_points(tmp_path: Path) -> None:
    level = lattice(AiryPattern((5.0, 7.0), 0.2))
    points = [(x, y, level[j, i]) for i, x in enumerate(LINE) for j, y in enumerate(LINE)]
    np.random.default_rng(9).shuffle(points)
    rows = [",".join(map(repr, map(float, point))) for point in points]
    file = tmp_path / "beam.csv"
    header = "Cross_elevation_deg, elevation_offset_deg, gain_dB"
    file.write_text("\n".join(["# measured", header, "", *rows]))
    assert TablePattern.read(file) == TablePattern(LINE, LINE, level)
    file.write_text("\n".join(rows))
    assert TablePattern.read(file) == TablePattern(LINE, LINE, level)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "holds no row"),
        ("1,2,3\n1,2", "line 2: 2 fields"),
        ("1,2,3\n1,x,3", "line 2: elevation_offset_deg 'x' is not a number"),
        ("1,2,inf", "line 1: gain_db inf is not finite"),
        ("1,2,3\n2,1,3\n1,1,3", "3 points at 2 cross-elevations and 2 elevations"),
        ("1,1,0\n1,2,0\n2,1,0\n2,2,0", "four or more"),
    ],
)
def test_a_file_that_is_no_table_says_why(tmp_path: Path, text: str, reason: str) -> None:
    file = tmp_path / "beam.csv"
    file.write_text(text)
    with pytest.raises(FileError, match=reason):
        TablePattern.read(file)


def test_a_file_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="No such file"):
        TablePattern.read(tmp_path / "none.csv")
    (tmp_path / "bytes.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(FileError, match="not text"):
        TablePattern.read(tmp_path / "bytes.csv")


def test_tables_that_are_none_are_refused() -> None:
    level = lattice(GaussianPattern(5.0))
    with pytest.raises(InvalidInput, match="cross_elevation_deg"):
        TablePattern(LINE[::-1], LINE, level)
    with pytest.raises(InvalidInput, match="shape of gain_db"):
        TablePattern(LINE, LINE[:-1], level)
    with pytest.raises(InvalidInput, match="1 gaps"):
        TablePattern(LINE, LINE, np.where(level == level.max(), np.nan, level))
    with pytest.raises(InvalidInput, match="half power"):
        TablePattern(LINE, LINE, lattice(GaussianPattern(60.0)))


# All directions


def polar(truth: AntennaPattern) -> PolarTablePattern:
    x, y = (np.outer(THETA, part(np.radians(PSI))) for part in (np.cos, np.sin))
    return PolarTablePattern(THETA, PSI, db(truth.gain(x, y)) + 12.0)


def test_a_polar_table_gives_back_the_beam_it_was_sampled_from() -> None:
    truth = AiryPattern((8.0, 10.0), 0.2, 25.0)
    table = polar(truth)
    assert_same(table, truth, 100.0, within=2e-5)
    assert_same(table, truth, 0.5, within=2e-6)  # across the axis, where directions meet
    assert table.peak_offset_deg == pytest.approx((0.0, 0.0), abs=1e-4)


def test_a_polar_table_that_ends_is_what_was_said_beyond() -> None:
    level = np.tile(-3.0 * (THETA[:101, np.newaxis] / 5.0) ** 2, PSI.size)
    table = PolarTablePattern(THETA[:101], PSI, level, outside_db=-30.0)
    assert table.gain([24.9, 25.1], [0.0, 0.0]) == pytest.approx([10**-7.44, 1e-3], rel=1e-2)


@pytest.mark.parametrize(
    ("theta", "psi", "field"),
    [
        (THETA[1:], PSI, "angle_deg"),
        (THETA * 1.1, PSI, "angle_deg"),
        (THETA[::-1], PSI, "angle_deg"),
        (THETA, PSI[:30], "around_deg"),
        (THETA, np.append(PSI, 360.0), "around_deg"),
        (THETA, PSI[::2], "shape of gain_db"),
    ],
)
def test_polar_tables_that_are_none_are_refused(
    theta: np.ndarray, psi: np.ndarray, field: str
) -> None:
    with pytest.raises(InvalidInput, match=field):
        PolarTablePattern(theta, psi, np.zeros((THETA.size, PSI.size)))


# Two cuts


def test_weighted_cuts_give_back_a_round_beam_and_an_elliptical_gaussian() -> None:
    dish = AiryPattern(14.0, 0.2)
    cut = db(dish.gain(SIDES, 0.0))
    assert_same(CutsPattern(DEGREES, cut, cut), dish, 100.0, within=3e-4)
    ellipse = GaussianPattern((30.0, 18.0))
    cuts = db(ellipse.gain(SIDES, 0.0) + 1e-9), db(ellipse.gain(0.0, SIDES) + 1e-9)
    assert_same(CutsPattern(DEGREES, *cuts), ellipse, 40.0, within=3e-4)


def test_summed_cuts_give_back_a_product() -> None:
    class Sector:
        """Powers of cosines of azimuth and of elevation, of an antenna at the horizon."""

        def gain(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
            theta, psi = np.radians(np.hypot(x, y)), np.arctan2(y, x)
            right, up = np.sin(theta) * np.cos(psi), np.sin(theta) * np.sin(psi)
            azimuth, elevation = np.arctan2(right, np.cos(theta)), np.arcsin(up)
            return np.asarray(np.cos(azimuth / 2.0) ** 4 * np.cos(elevation / 2.0) ** 60)

    half = np.radians(SIDES) / 2.0
    cuts = db(np.cos(half) ** 4 + 1e-12), db(np.cos(half) ** 60 + 1e-12)
    assert_same(CutsPattern(DEGREES, *cuts, "sum"), Sector(), 80.0, within=1e-6)  # type: ignore[arg-type]


def test_a_tilt_is_taken_out_and_told() -> None:
    cut = db(GaussianPattern(20.0).gain(SIDES - 3.4, 0.0) + 1e-9)
    panel = CutsPattern(DEGREES, db(GaussianPattern(50.0).gain(SIDES, 0.0) + 1e-9), cut)
    assert panel.vertical_peak_deg == pytest.approx(3.4, abs=1e-3)
    assert panel.horizontal_peak_deg == 0.0
    assert panel.hpbw_deg == pytest.approx((50.0, 20.0), rel=1e-4)


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ((DEGREES[::-1], SIDES, SIDES), "angle_deg"),
        ((DEGREES[:180], SIDES[:180], SIDES[:180]), "angle_deg"),
        ((DEGREES, SIDES[:-1], SIDES), "horizontal_db"),
        ((DEGREES, SIDES, np.full(360, np.nan)), "vertical_db"),
        ((DEGREES, 0.0 * SIDES, 0.0 * SIDES), "reach −3 dB"),
        ((DEGREES, SIDES, SIDES, "guess"), "combination"),
    ],
)
def test_cuts_that_are_none_are_refused(arguments: tuple[np.ndarray, ...], field: str) -> None:
    with pytest.raises(InvalidInput, match=field):
        CutsPattern(*arguments)


def msi_text(gain: str = "GAIN 14.5 dBd", down: bool = True) -> str:
    horizontal = -db(GaussianPattern(65.0).gain(SIDES, 0.0) + 1e-3)
    # A downtilt of 6°, and an upper sidelobe that a wrong sign would put below.
    up = np.where(SIDES > 30.0, 1e-2, 0.0) + GaussianPattern(20.0).gain(SIDES + 6.0, 0.0) + 1e-3
    vertical = -db(up[(-DEGREES % 360.0).astype(int)] if down else up)
    cuts = [
        "\n".join([name, *(f"{angle:.0f}\t{loss:.4f}" for angle, loss in enumerate(losses))])
        for name, losses in (("HORIZONTAL 360", horizontal), ("VERTICAL 360", vertical))
    ]
    head = ["NAME Panel 65", "MAKE ours", "FREQUENCY 2437 MHz", gain, "TILT ELECTRICAL"]
    return "\n".join([*head, *cuts, ""])


@pytest.mark.parametrize("down", [True, False])
def test_an_msi_file_is_its_two_cuts(tmp_path: Path, down: bool) -> None:
    file = tmp_path / "panel.msi"
    file.write_text(msi_text(down=down))
    panel = read_msi(file, "sum", vertical_down=down)
    assert panel.peak_dbi == pytest.approx(16.65)
    assert panel.hpbw_deg == pytest.approx((65.0, 20.0), rel=2e-3)
    assert panel.vertical_peak_deg == pytest.approx(-6.0, abs=0.02)
    above, below = panel.gain([0.0, 0.0], [50.0, -50.0])
    assert above == pytest.approx(0.011, rel=0.02)
    assert below == pytest.approx(0.001, rel=0.02)


@pytest.mark.parametrize(
    ("gain", "dbi"),
    [("GAIN 14.5", 16.65), ("GAIN 14.5 dBi", 14.5), ("Gain 14.5dBi", 14.5), ("", None)],
)
def test_gain_is_over_a_dipole_unless_it_says_otherwise(
    tmp_path: Path, gain: str, dbi: float | None
) -> None:
    file = tmp_path / "panel.pln"
    file.write_text(msi_text(gain))
    assert read_msi(file).peak_dbi == pytest.approx(dbi)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda text: text.replace("VERTICAL 360", "VERTICAL"), "'VERTICAL': expected VERTICAL"),
        (lambda text: text[: text.index("VERTICAL")], "no VERTICAL cut"),
        (lambda text: text[: text.index("HORIZONTAL")], "no HORIZONTAL and no VERTICAL cut"),
        (lambda text: text[: text.rindex("300\t")], "300 of 360 angles of the cut"),
        (lambda text: text.replace("\n10\t", "\n10 dB ", 1), "line 17: .*expected angle"),
        (lambda text: text.replace("\n10\t", "\nten\t", 1), "line 17: 'ten' is not a number"),
        (lambda text: text.replace("\n10\t", "\n9\t", 1), "do not increase"),
        (lambda text: text.replace("\n10\t", "\n10.5\t", 1), "different angles"),
        (lambda text: text.replace("14.5", "inf"), "inf is not finite"),
    ],
)
def test_a_damaged_msi_file_says_where(tmp_path: Path, change: object, reason: str) -> None:
    file = tmp_path / "panel.msi"
    file.write_text(change(msi_text()))  # type: ignore[operator]
    with pytest.raises(FileError, match=reason):
        read_msi(file)


# Beams of interferometers


def uvbeam(beam_type: str) -> UVBeam:
    return AiryBeam(diameter=4.0).to_uvbeam(
        freq_array=np.array([1.4e9, 1.5e9]),
        beam_type=beam_type,
        pixel_coordinate_system="az_za",
        axis1_array=np.radians(np.arange(0.0, 360.0, 4.0)),
        axis2_array=np.radians(np.linspace(0.0, 90.0, 361)),
    )


@pytest.mark.parametrize("beam_type", ["power", "efield"])
def test_a_uvbeam_is_the_beam_that_it_holds(beam_type: str) -> None:
    pattern = read_uvbeam(uvbeam(beam_type), 1.49e9)
    assert_same(pattern, AiryPattern.of_aperture(4.0, SPEED_OF_LIGHT / 1.5e9), 40.0, within=2e-5)


def test_a_uvbeam_is_seen_from_the_ground(tmp_path: Path) -> None:
    # To the east of the zenith there is more, and to the north more still.
    beam = uvbeam("power")
    azimuth, zenith_angle = np.meshgrid(beam.axis1_array, beam.axis2_array)
    slope = 1.0 + np.sin(zenith_angle) * (0.3 * np.cos(azimuth) + 0.6 * np.sin(azimuth))
    beam.data_array = beam.data_array * slope
    file = tmp_path / "beam.beamfits"
    beam.write_beamfits(file)
    pattern = read_uvbeam(file, 1.4e9)
    up, right, down, left = pattern.gain([0.0, 1.5, 0.0, -1.5], [1.5, 0.0, -1.5, 0.0])
    # Tipped to the south: north is up, and east on the left of somebody who faces the south.
    assert up > left > right > down


def test_a_uvbeam_of_fields_is_the_mean_power_of_its_feeds() -> None:
    beam = uvbeam("efield")
    # One feed is stronger to the north and half as strong as the other on the axis.
    _, zenith_angle = np.meshgrid(beam.axis1_array, beam.axis2_array)
    north = np.sin(zenith_angle) * np.sin(beam.axis1_array)
    beam.data_array[:, 0] *= np.sqrt(0.5) * (1.0 + 4.0 * north)
    pattern = read_uvbeam(beam, 1.5e9)
    dish = AiryPattern.of_aperture(4.0, SPEED_OF_LIGHT / 1.5e9)
    y = np.linspace(-6.0, 6.0, 61)
    expected = dish.gain(0.0, y) * (0.5 * (1.0 + 4.0 * np.sin(np.radians(y))) ** 2 + 1.0)
    ratio = float(pattern.gain(0.0, 0.0)) / 1.5
    np.testing.assert_allclose(pattern.gain(0.0, y), expected * ratio, atol=2e-5)


def test_uvbeams_that_cannot_be_taken_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="frequency_hz"):
        read_uvbeam(uvbeam("power"))
    with pytest.raises(InvalidInput, match="frequency_hz"):
        read_uvbeam(uvbeam("power"), 2e9)
    beam = uvbeam("power")
    beam.pixel_coordinate_system = "healpix"
    with pytest.raises(InvalidInput, match="az_za"):
        read_uvbeam(beam, 1.4e9)
    crossed = uvbeam("power")
    crossed.polarization_array = np.full_like(crossed.polarization_array, -7)
    with pytest.raises(InvalidInput, match="power"):
        read_uvbeam(crossed, 1.4e9)
    (tmp_path / "no.beamfits").write_text("no")
    with pytest.raises(FileError, match="pyuvdata does not read it"):
        read_uvbeam(tmp_path / "no.beamfits")


def test_without_pyuvdata_a_file_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyuvdata", None)
    with pytest.raises(FileError, match=r"skyscan-lab\[beams\]"):
        read_uvbeam(tmp_path / "beam.beamfits")
