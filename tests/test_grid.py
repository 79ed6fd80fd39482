"""Truth: decimal arithmetic done apart on integers, over thousands of bounds and steps."""

from collections import Counter
from decimal import Decimal
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from skyscan_lab.errors import GridError, SkyscanError
from skyscan_lab.grid import MAX_POINTS, GridPoint, ScanGrid

# Bounds and steps as integers in units of 10^-digits degrees: what a person types.
digits = st.integers(0, 4)


@st.composite
def decimal_grids(draw, *, across_north: bool = False):
    """(az start, az end, el start, el end, step) as integers, and their number of decimals."""
    places = draw(digits)
    unit = 10**places
    step = draw(st.integers(1, 40 * unit))
    az_start = draw(st.integers(0, 359 * unit))
    widest = min(360 * unit - 1, 300 * step)
    az_span = draw(st.integers(0, widest))
    el_start = draw(st.integers(-90 * unit, 90 * unit))
    el_span = draw(st.integers(0, min(90 * unit - el_start, 300 * step)))
    return az_start, az_start + az_span, el_start, el_start + el_span, step, places


def degrees(integer: int, places: int) -> float:
    return float(Decimal(integer).scaleb(-places))


def expected_axis(start: int, end: int, step: int, places: int) -> list[float]:
    count = (end - start) // step + 1
    return [degrees(start + k * step, places) for k in range(count)]


@settings(max_examples=1500)
@given(decimal_grids())
@example((0, 3, 0, 3, 1, 1))  # 0.3 / 0.1 is 2.9999999999999996
@example((0, 700, 0, 0, 7, 3))
def test_decimal_bounds_give_every_decimal_point_and_no_other(case) -> None:
    az_start, az_end, el_start, el_end, step, places = case
    bounds = [degrees(value, places) for value in case[:5]]
    # A span that ends past 360 is typed as one across north.
    end = bounds[1] if az_end < 360 * 10**places else degrees(az_end - 360 * 10**places, places)
    grid = ScanGrid(az=(bounds[0], end), el=(bounds[2], bounds[3]), step=bounds[4])
    assert grid.azimuths.tolist() == expected_axis(az_start, az_end, step, places)
    assert grid.elevations.tolist() == expected_axis(el_start, el_end, step, places)
    # The end is a point exactly where the step lands on it.
    lands = (az_end - az_start) % step == 0
    assert (grid.azimuths[-1] == degrees(az_end, places)) == lands


@settings(max_examples=600)
@given(st.integers(-3600, 0), st.integers(1, 400), st.integers(0, 900))
def test_computed_bounds_count_as_the_decimals_they_stand_for(start, step, count) -> None:
    # Hundreds of additions leave an error of many ulp: all of it belongs to the same point.
    low, width = start / 40.0, step / 100.0
    count = min(count, int(90.0 / width))
    end = low
    for _ in range(count):
        end += width
    assert ScanGrid(az=(0, 0), el=(low, end), step=width).shape == (count + 1, 1)


@settings(max_examples=300)
@given(st.integers(-3600, 3600), st.integers(10, 18000))
def test_a_full_circle_leaves_its_end_out(start, step) -> None:
    az = (degrees(start, 1), degrees(start + 3600, 1))
    grid = ScanGrid(az=az, el=(30, 30), step=degrees(step, 2))
    assert grid.full_circle
    assert grid.shape == (1, -(-36000 // step))
    expected = [degrees(start % 3600 * 10 + k * step, 2) for k in range(grid.size)]
    assert grid.azimuths.tolist() == expected
    assert grid.azimuths[-1] - grid.azimuths[0] < 360.0


@pytest.mark.parametrize(
    "az", [(0, 360), (-180, 180), (10, 370), (350, 710), (-360, 0), (360, 720)]
)
def test_every_way_to_write_a_full_circle_is_one(az) -> None:
    grid = ScanGrid(az=az, el=(18, 65), step=2.0)
    assert grid.full_circle
    assert grid.size == 4320
    assert sorted(grid.azimuths % 360.0) == list(range(0, 360, 2))
    assert grid.elevations[-1] == 64.0


def test_a_full_circle_whose_end_was_computed_is_one() -> None:
    assert ScanGrid(az=(0.1 + 0.2, 360.3), el=(0, 0), step=0.3).shape == (1, 1200)
    assert ScanGrid(az=(0.3, 0.1 + 0.2 + 360), el=(0, 0), step=0.3).shape == (1, 1200)


@pytest.mark.parametrize(
    ("az", "azimuths"),
    [
        ((350, 20), [350, 360, 370, 380]),
        ((-10, 20), [350, 360, 370, 380]),
        ((350, 380), [350, 360, 370, 380]),
        ((350, 359), [350]),
        ((355, 5), [355, 365]),
        ((350, 0), [350, 360]),
        ((360, 370), [0, 10]),
        ((0, 350), list(range(0, 351, 10))),
        ((0, 359), list(range(0, 351, 10))),
        ((7, 7), [7]),
        ((360, 0), [0]),
    ],
)
def test_spans_and_north(az, azimuths) -> None:
    grid = ScanGrid(az=az, el=(20, 20), step=10)
    assert grid.azimuths.tolist() == azimuths
    assert not grid.full_circle


@pytest.mark.parametrize(
    ("start", "end", "azimuths"),
    [
        (-360 - 1e-13, -359, [0, 1]),
        (-1e-17, 1, [0, 1]),  # not 360, 361
        (0.1 + 0.2, 0.3, [0.3]),  # not a turn across north
        (360 - 1e-13, 1, [0, 1]),
    ],
)
def test_a_start_that_misses_by_rounding_is_not_another_start(start, end, azimuths) -> None:
    grid = ScanGrid(az=(start, end), el=(0, 0), step=1)
    assert grid.azimuths == pytest.approx(azimuths, abs=1e-12)


def test_single_precision_means_the_decimal_that_was_written() -> None:
    grid = ScanGrid(az=(0, 0), el=(np.float32(18.0), np.float32(65.1)), step=np.float32(0.1))
    assert grid.shape == (472, 1)
    assert grid.elevations[-1] == 65.1


def test_the_specification_s_own_grid() -> None:
    assert ScanGrid().size == 4320
    assert ScanGrid(az=(0, 100), el=(18, 65), step=0.1).shape == (471, 1001)


@settings(max_examples=150)
@given(
    st.integers(0, 359),
    st.integers(0, 12),
    st.integers(0, 12),
    st.sampled_from(["raster", "serpentine"]),
    st.sampled_from(["azimuth", "elevation"]),
)
def test_every_cell_is_visited_once_and_numbered_without_a_gap(
    start, width, height, order, fast_axis
) -> None:
    grid = ScanGrid(
        az=(start, start + width), el=(10, 10 + height), step=1, order=order, fast_axis=fast_axis
    )
    stops = list(grid.visits())
    assert [stop.sequence for stop in stops] == list(range(grid.size))
    cells = Counter((stop.row, stop.column) for stop in stops)
    assert set(cells.values()) == {1}
    assert len(cells) == grid.size
    assert all(stop.azimuth_deg == grid.azimuths[stop.column] for stop in stops)
    assert all(stop.elevation_deg == grid.elevations[stop.row] for stop in stops)
    fast, slow = ("column", "row") if fast_axis == "azimuth" else ("row", "column")
    for here, there in pairwise(stops):
        along = getattr(there, fast) - getattr(here, fast)
        across = getattr(there, slow) - getattr(here, slow)
        if order == "serpentine":
            assert abs(along) + abs(across) == 1
        else:
            assert (along, across) in {(1, 0), (-getattr(here, fast), 1)}


def test_points_are_plain_python_numbers() -> None:
    first = next(ScanGrid(az=(350, 20), el=(10, 20), step=10).visits())
    assert first == GridPoint(0, 0, 0, 350.0, 10.0)
    assert [type(part) for part in first] == [int, int, int, float, float]


NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("change", "field", "value", "allowed"),
    [
        ({"az": (NAN, 10)}, "az start", "nan", "finite"),
        ({"az": (0, INF)}, "az end", "inf", "finite"),
        ({"el": (18, -INF)}, "el end", "-inf", "finite"),
        ({"step": NAN}, "step", "nan", "finite"),
        ({"step": 0}, "step", "0", "180"),
        ({"step": -2.0}, "step", "-2.0", "180"),
        ({"step": 1e-7}, "step", "1e-07", "1e-06"),
        ({"step": 181}, "step", "181", "180"),
        ({"step": "2"}, "step", "'2'", "a number"),
        ({"step": None}, "step", "None", "a number"),
        ({"step": 10**400}, "step", "1000", "a number"),
        ({"az": (-361, 0)}, "az start", "-361", "[-360°, 720°]"),
        ({"az": (0, 721)}, "az end", "721", "[-360°, 720°]"),
        ({"az": (0, 361)}, "az", "(0.0, 361.0)", "at most 360°"),
        ({"az": (700, 10)}, "az", "(700.0, 10.0)", "at most 360°"),
        ({"az": 5}, "az", "5", "pair"),
        ({"az": (1, 2, 3)}, "az", "(1, 2, 3)", "pair"),
        ({"az": "05"}, "az start", "'0'", "a number"),
        ({"el": (18, 91)}, "el end", "91", "[-90°, 90°]"),
        ({"el": (-91, 0)}, "el start", "-91", "[-90°, 90°]"),
        ({"el": (65, 18)}, "el end", "18.0", "at least el start (65.0°)"),
        ({"order": "spiral"}, "order", "'spiral'", "'serpentine'"),
        ({"fast_axis": "az"}, "fast_axis", "'az'", "'elevation'"),
        ({"step": 0.05}, "grid size", "6775200", f"{MAX_POINTS} points"),
    ],
)
def test_a_refusal_names_the_field_its_value_and_what_is_allowed(
    change, field, value, allowed
) -> None:
    with pytest.raises(GridError) as refusal:
        ScanGrid(**change)
    assert isinstance(refusal.value, ValueError)
    assert isinstance(refusal.value, SkyscanError)
    assert refusal.value.field == field
    message = str(refusal.value)
    assert message.startswith(f"{field} = ")
    assert value in message
    assert allowed in message


def test_the_largest_grid_is_made_and_one_more_row_is_not() -> None:
    largest = ScanGrid(az=(0, 99.9), el=(0, 9.99), step=0.1)
    assert largest.size == 1000 * 100
    assert ScanGrid(az=(0, 9.99), el=(0, 9.99), step=0.01).size == MAX_POINTS
    with pytest.raises(GridError, match="1001000"):
        ScanGrid(az=(0, 9.99), el=(0, 10), step=0.01)


def test_an_absurd_number_of_points_is_refused_without_counting_them() -> None:
    with pytest.raises(GridError, match="grid size"):
        ScanGrid(step=1e-6)  # 10^16 points: listing them would end this test
    with pytest.raises(GridError, match="grid size"):
        ScanGrid(az=(5e-324, 360), step=1.000000000000001e-6)


def test_a_grid_is_a_value() -> None:
    grid = ScanGrid(az=(-10, 20), el=(10, 20), step=5)
    assert grid == ScanGrid(az=(350, 380), el=(10, 20), step=5)
    assert hash(grid) == hash(ScanGrid(az=(350, 20), el=(10, 20), step=5))
    assert ScanGrid(az=grid.az, el=grid.el, step=grid.step) == grid
    with pytest.raises(AttributeError):
        grid.step = 2.0
