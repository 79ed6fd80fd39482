"""Truth: grids that were scattered, interrupted and shuffled here, and points that are on none."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skyscan_lab.grid import ScanGrid
from skyscan_lab.lattice import find_lattice, nearest, unroll_azimuth
from skyscan_lab.sphere import azimuth_difference, wrap_azimuth

RNG = np.random.default_rng


def visited(grid: ScanGrid) -> tuple[np.ndarray, np.ndarray]:
    stops = list(grid.visits())
    return (
        np.array([stop.azimuth_deg for stop in stops]),
        np.array([stop.elevation_deg for stop in stops]),
    )


def scattered(values: np.ndarray, error: float, tick: float, seed: int) -> np.ndarray:
    measured = values + RNG(seed).uniform(-error, error, values.size)
    return np.round(measured / tick) * tick if tick else measured


@settings(max_examples=400)
@given(
    start=st.integers(-180, 359),
    width=st.integers(4, 40),
    height=st.integers(4, 25),
    step=st.sampled_from([0.25, 0.5, 1.0, 2.0]),
    order=st.sampled_from(["raster", "serpentine"]),
    fast_axis=st.sampled_from(["azimuth", "elevation"]),
    error=st.sampled_from([0.0, 0.01, 0.06, 0.15]),
    tick=st.sampled_from([0.0, 0.01]),
    turn=st.sampled_from([-360.0, 0.0]),
    seed=st.integers(0, 999),
)
def test_a_scattered_grid_is_recovered_wherever_it_lies(
    start, width, height, step, order, fast_axis, error, tick, turn, seed
) -> None:
    end = start + (width - 1) * step
    top = 10 + (height - 1) * step
    grid = ScanGrid((start, end), (10, top), step, order, fast_axis)
    azimuth, elevation = visited(grid)
    measured = (
        scattered(azimuth, error * step, tick, seed),
        scattered(elevation, error * step, tick, seed + 1),
    )
    lattice = find_lattice(measured[0] + turn, measured[1])
    assert lattice is not None
    # Steps are found, not told: nominal values within the scatter are as good.
    slack = 1.5 * error * step + 1e-9
    # A first line at north may be found a little below it, on the turn before.
    turns = np.rint((lattice.azimuths[0] - grid.azimuths[0]) / 360.0)
    np.testing.assert_allclose(lattice.azimuths - 360.0 * turns, grid.azimuths, atol=slack)
    np.testing.assert_allclose(lattice.elevations, grid.elevations, atol=slack)
    assert turns == 0 or abs(lattice.azimuths[0] - 360.0) <= slack
    stops = list(grid.visits())
    assert lattice.columns.tolist() == [stop.column for stop in stops]
    assert lattice.rows.tolist() == [stop.row for stop in stops]


@pytest.mark.parametrize("order", ["raster", "serpentine"])
@pytest.mark.parametrize("fast_axis", ["azimuth", "elevation"])
@pytest.mark.parametrize("done", [12, 40, 97, 250, 613])
@pytest.mark.parametrize("error", [0.0, 0.06])
def test_an_interrupted_scan_is_the_part_that_was_done(order, fast_axis, done, error) -> None:
    grid = ScanGrid((340, 10), (20, 40), 1.0, order, fast_axis)
    azimuth, elevation = (
        scattered(axis[:done], error, 0.01, seed) for seed, axis in enumerate(visited(grid))
    )
    lattice = find_lattice(azimuth, elevation)
    assert lattice is not None
    cells = [(stop.column, stop.row) for stop in list(grid.visits())[:done]]
    columns = sorted({column for column, _ in cells})
    rows = sorted({row for _, row in cells})
    assert lattice.azimuths.tolist() == grid.azimuths[columns].tolist()
    assert lattice.elevations.tolist() == grid.elevations[rows].tolist()
    assert list(zip(lattice.columns, lattice.rows, strict=True)) == [
        (columns.index(column), rows.index(row)) for column, row in cells
    ]


@pytest.mark.parametrize("error", [0.0, 0.06, 0.2])
@pytest.mark.parametrize("tick", [0.0, 0.01])
def test_lines_that_were_left_out_are_not_invented(error, tick) -> None:
    columns = np.delete(np.arange(100.0, 160.0), [0, 7, 8, 9, 30, 50])
    rows = np.delete(np.arange(20.0, 50.0, 2.0), [3, 4])
    azimuth, elevation = (axis.ravel() for axis in np.meshgrid(columns, rows))
    lattice = find_lattice(scattered(azimuth, error, tick, 1), scattered(elevation, error, tick, 2))
    assert lattice is not None
    np.testing.assert_allclose(lattice.azimuths, columns, atol=error)
    np.testing.assert_allclose(lattice.elevations, rows, atol=error)


def test_two_blocks_far_apart_are_one_lattice() -> None:
    columns = np.concatenate([np.arange(0.0, 11.0), np.arange(100.0, 111.0)])
    azimuth, elevation = (axis.ravel() for axis in np.meshgrid(columns, np.arange(20.0, 31.0)))
    lattice = find_lattice(azimuth, elevation)
    assert lattice is not None
    assert lattice.azimuths.tolist() == columns.tolist()


def test_missing_cells_stay_missing() -> None:
    azimuth, elevation = visited(ScanGrid((0, 30), (10, 30), 1.0))
    kept = RNG(3).permutation(azimuth.size)[: azimuth.size // 2]
    lattice = find_lattice(azimuth[kept], elevation[kept])
    assert lattice is not None
    assert (lattice.azimuths.size, lattice.elevations.size) == (31, 21)
    np.testing.assert_array_equal(lattice.azimuths[lattice.columns], azimuth[kept])
    np.testing.assert_array_equal(lattice.elevations[lattice.rows], elevation[kept])


def test_a_whole_turn_opens_at_north_even_where_its_first_column_scatters_about_it() -> None:
    for step in (1.0, 2.0, 15.0, 45.0):
        azimuth, elevation = visited(ScanGrid((0, 360), (-70, -70 + 3 * step), step, "serpentine"))
        measured = wrap_azimuth(scattered(azimuth, 0.05, 0.01, int(step)))
        lattice = find_lattice(measured, scattered(elevation, 0.05, 0.01, 9))
        assert lattice is not None
        assert lattice.azimuths.tolist() == np.arange(0.0, 360.0, step).tolist()


@pytest.mark.parametrize("across", [(350, 20), (359, 1), (300, 60)])
def test_a_scan_across_north_keeps_counting(across) -> None:
    grid = ScanGrid(across, (10, 20), 1.0)
    azimuth, elevation = visited(grid)
    lattice = find_lattice(wrap_azimuth(azimuth), elevation)
    assert lattice is not None
    assert lattice.azimuths.tolist() == grid.azimuths.tolist()


@pytest.mark.parametrize(
    ("azimuth", "elevation", "shape"),
    [
        ([123.4], [45.6], (1, 1)),
        ([10, 11], [20, 20], (1, 2)),
        ([10, 10], [20, 21], (2, 1)),
        ([10, 11, 10], [20, 20, 21], (2, 2)),
        ([10, 37.3], [20, 55.1], None),
        ([10, 20, 30], [20, 30, 40], None),
        (np.arange(40), np.full(40, 33.3), (1, 40)),
        (np.full(40, 33.3), np.arange(40), (40, 1)),
        (np.arange(300), [10.0] * 100 + [11.0] * 100 + [12.0] * 100, None),
        ([10.02, 10.98, 12.01, 13, 14.03, 14.96], np.full(6, 20.0), (1, 6)),
    ],
)
def test_small_lattices(azimuth, elevation, shape) -> None:
    lattice = find_lattice(np.array(azimuth, float), np.array(elevation, float))
    found = None if lattice is None else (lattice.elevations.size, lattice.azimuths.size)
    assert found == shape


def test_encoder_ticks_within_a_single_line_are_one_line() -> None:
    azimuth = np.tile([10.0, 10.01], 20)
    lattice = find_lattice(azimuth, np.arange(20.0, 60.0))
    assert lattice is not None
    assert lattice.azimuths.size == 1
    assert lattice.elevations.tolist() == np.arange(20.0, 60.0).tolist()


def test_nominal_positions_are_kept_as_written_where_they_recur() -> None:
    rows = np.array([10.0, 15.0, 17.0, 30.0])
    thirds = np.arange(20) / 3
    azimuth, elevation = (axis.ravel() for axis in np.meshgrid(thirds, rows))
    lattice = find_lattice(azimuth, elevation)
    assert lattice is not None
    assert lattice.elevations.tolist() == rows.tolist()
    np.testing.assert_allclose(lattice.azimuths, thirds, atol=1e-9)


def spiral(count: int) -> tuple[np.ndarray, np.ndarray]:
    turn = np.linspace(0.0, 20.0 * np.pi, count)
    return 180.0 + turn * np.cos(turn) / 3.0, 45.0 + turn * np.sin(turn) / 3.0


def daisy(count: int) -> tuple[np.ndarray, np.ndarray]:
    turn = np.linspace(0.0, 2.0 * np.pi, count, endpoint=False)
    radius = 10.0 * np.sin(4.5 * turn)
    return 180.0 + radius * np.cos(turn), 45.0 + radius * np.sin(turn)


@pytest.mark.parametrize("points", [spiral(400), spiral(50), daisy(400), daisy(60)])
def test_free_form_scans_are_no_lattice(points) -> None:
    assert find_lattice(*points) is None


def test_an_on_the_fly_scan_is_no_lattice() -> None:
    rng = RNG(5)
    azimuth = np.concatenate([np.sort(rng.uniform(0.0, 50.0, 200)) for _ in range(20)])
    assert find_lattice(azimuth, np.repeat(np.arange(20.0, 40.0), 200)) is None
    assert find_lattice(np.round(azimuth, 1), np.repeat(np.arange(20.0, 40.0), 200)) is None


def test_a_point_measured_twice_has_no_cell_of_its_own() -> None:
    azimuth, elevation = visited(ScanGrid((0, 10), (10, 20), 1.0))
    assert find_lattice(np.append(azimuth, 3.0), np.append(elevation, 15.0)) is None


def test_scattered_points_rarely_pass_for_a_lattice() -> None:
    rng = RNG(6)
    passed = 0
    for _ in range(2000):
        count = int(rng.integers(2, 30))
        passed += find_lattice(rng.uniform(0, 360, count), rng.uniform(0, 90, count)) is not None
    assert passed <= 2


@pytest.mark.parametrize(("share", "found"), [(0.1, False), (0.4, True)])
def test_a_lattice_is_not_mostly_invented(share, found) -> None:
    azimuth, elevation = visited(ScanGrid(az=(100, 129), el=(20, 49), step=1))
    kept = RNG(5).permutation(azimuth.size)[: round(share * azimuth.size)]
    assert (find_lattice(azimuth[kept], elevation[kept]) is not None) == found


def test_no_points_are_no_lattice() -> None:
    assert find_lattice(np.empty(0), np.empty(0)) is None


@settings(max_examples=300)
@given(st.lists(st.floats(-720, 720), min_size=1, max_size=40))
def test_unrolled_azimuths_are_the_same_directions_within_one_turn(azimuths) -> None:
    given_ones = np.array(azimuths)
    unrolled = unroll_azimuth(given_ones)
    assert np.max(np.abs(azimuth_difference(unrolled, given_ones))) < 1e-9
    assert np.ptp(unrolled) <= 360.0
    assert unrolled.min() >= -1e-9


@settings(max_examples=300)
@given(
    st.lists(st.integers(-50, 50), min_size=1, max_size=20, unique=True),
    st.lists(st.floats(-60, 60), min_size=1, max_size=20),
)
def test_the_nearest_line_is_the_nearest(lines, values) -> None:
    axis, points = np.array(sorted(lines), float), np.array(values)
    distance = np.abs(points[:, None] - axis)
    np.testing.assert_array_equal(
        distance[np.arange(points.size), nearest(axis, points)], distance.min(axis=1)
    )
