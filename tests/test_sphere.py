"""Truth: astropy's SkyCoord, Rodrigues' formula, and series that are exact for tiny angles."""

import math
from fractions import Fraction

import astropy.units as u
import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from hypothesis import given, settings
from hypothesis import strategies as st

from skyscan_lab.errors import InvalidInput
from skyscan_lab.sphere import (
    azimuth_difference,
    direction,
    from_plane,
    offset,
    position_angle,
    rotate,
    separation,
    to_plane,
    unit_vector,
    wrap_azimuth,
)

NANO = 1e-9  # degrees; 4 µas


def directions(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Uniform on the sphere, with the awkward places in front."""
    rng = np.random.default_rng(seed)
    azimuth = rng.uniform(-360.0, 720.0, count)
    elevation = np.degrees(np.arcsin(rng.uniform(-1.0, 1.0, count)))
    azimuth[:8] = [0, 360, -0.0, 359.9999999, 90, 180, 270, 12.5]
    elevation[:8] = [90, 90, -90, 0, 89.9999999, -89.9999999, 0, 45]
    return azimuth, elevation


def sky(azimuth, elevation) -> SkyCoord:
    return SkyCoord(np.asarray(azimuth) * u.deg, np.asarray(elevation) * u.deg)


def test_separation_and_position_angle_agree_with_astropy() -> None:
    first, second = directions(5000, 1), directions(5000, 2)
    second = tuple(np.roll(axis, 3) for axis in second)
    peer = sky(*first).separation(sky(*second)).deg
    np.testing.assert_allclose(separation(*first, *second), peer, atol=1e-12)
    angle = sky(*first).position_angle(sky(*second)).deg
    apart = (peer > 1e-6) & (peer < 180 - 1e-6) & (np.abs(first[1]) < 89.99)
    difference = azimuth_difference(position_angle(*first, *second), angle)
    assert np.max(np.abs(difference[apart])) < NANO
    assert apart.sum() > 4900


def test_offset_agrees_with_astropy_and_undoes_the_measurement() -> None:
    start = directions(5000, 3)
    rng = np.random.default_rng(4)
    angle, distance = rng.uniform(-180, 540, 5000), rng.uniform(0, 180, 5000)
    there = offset(*start, angle, distance)
    peer = sky(*start).directional_offset_by(angle * u.deg, distance * u.deg)
    near_pole = np.abs(start[1]) > 89.9
    miss = separation(*there, peer.ra.deg, peer.dec.deg)
    assert np.max(miss[~near_pole]) < NANO
    np.testing.assert_allclose(separation(*start, *there), distance, atol=1e-12)
    assert np.all((there[0] >= 0) & (there[0] < 360))
    back = position_angle(*start, *there)
    clear = (distance > 1e-3) & (distance < 179.999)
    assert np.max(np.abs(azimuth_difference(back, angle)[clear])) < 1e-8


@pytest.mark.parametrize("elevation", [0.0, 30.0, 45.0, 60.0, 89.0, 89.9999, -77.0])
@pytest.mark.parametrize("tiny", [1e-3, 1e-6, 1e-9, 1e-10])
def test_tiny_separations_keep_their_digits(elevation, tiny) -> None:
    # What the floats say, exactly; then a plane triangle, whose error is of order tiny².
    for azimuth1, azimuth2 in ((200.0, 200.0 + tiny), (0.0, 360.0 - tiny), (-tiny, 0.0)):
        other = elevation - tiny / 2
        turn = (Fraction(azimuth2) - Fraction(azimuth1)) % 360
        turn = float(min(turn, 360 - turn))
        rise = float(Fraction(other) - Fraction(elevation))
        cosines = math.sin(math.radians(90 - elevation)) * math.sin(math.radians(90 - other))
        exact = math.hypot(rise, turn * math.sqrt(cosines))
        measured = float(separation(azimuth1, elevation, azimuth2, other))
        assert measured == pytest.approx(exact, rel=1e-12 + math.radians(tiny) ** 2)


@pytest.mark.parametrize("azimuth", [0.0, 123.0, 359.0, -45.0, 720.0])
def test_the_zenith_is_one_point_and_exactly_so(azimuth) -> None:
    assert unit_vector(azimuth, 90.0).tolist() == [0.0, 0.0, 1.0]
    assert separation(0.0, 90.0, azimuth, 90.0) == 0.0
    assert separation(azimuth, 90.0, 77.0, 60.0) == pytest.approx(30.0, abs=1e-14)
    assert separation(azimuth, 80.0, azimuth + 180.0, 80.0) == pytest.approx(20.0, abs=1e-14)


def test_north_is_nothing_special() -> None:
    for turn in (-720.0, -360.0, 0.0, 360.0):
        assert separation(359.0, 0.0, 1.0 + turn, 0.0) == pytest.approx(2.0, rel=1e-15)
        assert position_angle(359.0, 0.0, 1.0 + turn, 0.0) == 90.0
        assert azimuth_difference(1.0 + turn, 359.0) == 2.0


def test_opposite_directions_are_180_degrees_apart() -> None:
    azimuth, elevation = directions(1000, 5)
    np.testing.assert_allclose(
        separation(azimuth, elevation, azimuth + 180.0, -elevation), 180.0, atol=1e-7
    )


@settings(max_examples=500)
@given(st.floats(-1e4, 1e4), st.floats(-1e4, 1e4))
def test_wrapping_is_modular_arithmetic(to, base) -> None:
    assert 0.0 <= wrap_azimuth(to) < 360.0
    turn = float(azimuth_difference(to, base))
    assert -180.0 <= turn < 180.0
    exact = (Fraction(to) - Fraction(base) - Fraction(turn)) % 360
    assert min(exact, 360 - exact) < Fraction(1, 10**11)


@pytest.mark.parametrize(
    ("to", "base", "turn"),
    [(180, 0, -180), (0, 180, -180), (-180, 0, -180), (540, 0, -180), (90, 270, -180), (5, 365, 0)],
)
def test_half_a_turn_is_always_written_the_same_way(to, base, turn) -> None:
    assert azimuth_difference(to, base) == turn


@pytest.mark.parametrize(("projection", "reach"), [("tan", 89.0), ("arc", 179.0)])
def test_plane_coordinates_come_back(projection, reach) -> None:
    rng = np.random.default_rng(6)
    centre = directions(3000, 7)
    there = offset(*centre, rng.uniform(0, 360, 3000), rng.uniform(0, reach, 3000))
    x, y = to_plane(*there, *centre, projection=projection)
    assert np.max(separation(*from_plane(x, y, *centre, projection=projection), *there)) < NANO


def test_the_gnomonic_plane_is_the_tangent_of_the_separation() -> None:
    centre, there = directions(2000, 8), directions(2000, 9)
    distance = separation(*centre, *there)
    x, y = to_plane(*there, *centre)
    reached = distance < 89.99
    np.testing.assert_allclose(
        np.hypot(x, y)[reached], np.degrees(np.tan(np.radians(distance[reached]))), rtol=1e-8
    )
    assert np.isnan(x[distance > 90.0]).all()
    assert np.isnan(y[distance > 90.0]).all()
    assert np.isnan(to_plane(90.0, 0.0, 0.0, 0.0)).all()


def test_plane_axes_point_to_increasing_azimuth_and_to_the_zenith() -> None:
    for projection in ("tan", "arc"):
        x, y = to_plane([350.01, 349.99, 350, 350], [40, 40, 40.01, 39.99], 350, 40, projection)
        assert x == pytest.approx([0.01 * math.cos(math.radians(40)), -0.00766044, 0, 0], rel=1e-6)
        assert y[2:] == pytest.approx([0.01, -0.01], rel=1e-6)


def test_the_equidistant_plane_holds_the_centre_and_its_opposite() -> None:
    assert to_plane(33.0, 20.0, 33.0, 20.0, projection="arc") == (0.0, 0.0)
    assert np.hypot(*to_plane(213.0, -20.0, 33.0, 20.0, projection="arc")) == pytest.approx(180.0)
    assert np.abs(to_plane(0.0, -90.0, 0.0, 90.0, projection="arc")).tolist() == [0.0, 180.0]


def rodrigues(vectors: np.ndarray, rotation_deg: np.ndarray) -> np.ndarray:
    """Rotation of vectors by the formula, on (north, east, up)."""
    angle = math.radians(float(np.linalg.norm(rotation_deg)))
    axis = rotation_deg / np.linalg.norm(rotation_deg)
    return (
        vectors * math.cos(angle)
        + np.cross(axis, vectors) * math.sin(angle)
        + np.outer(vectors @ axis, axis) * (1.0 - math.cos(angle))
    )


@pytest.mark.parametrize(
    "rotation", [(1.69, -1.21, -1.36), (0.0, 0.0, 20.0), (90.0, 0.0, 0.0), (-100.0, 150.0, 300.0)]
)
def test_rotation_is_rodrigues_formula_and_keeps_separations(rotation) -> None:
    first, second = directions(2000, 10), directions(2000, 11)
    turned = rotate(*first, rotation)
    expected = rodrigues(unit_vector(*first), np.array(rotation))
    np.testing.assert_allclose(unit_vector(*turned), expected, atol=1e-14)
    np.testing.assert_allclose(
        separation(*turned, *rotate(*second, rotation)), separation(*first, *second), atol=1e-7
    )
    back = rotate(*turned, -np.array(rotation))
    assert np.max(separation(*back, *first)) < 1e-12


def test_rotation_about_each_axis_turns_the_next_axis_into_the_one_after() -> None:
    north, east, up = (0.0, 0.0), (90.0, 0.0), (0.0, 90.0)
    for about, start, end in (
        ((0, 0, 90), north, east),
        ((90, 0, 0), east, up),
        ((0, 90, 0), up, north),
    ):
        assert separation(*rotate(*start, about), *end) < 1e-13
    assert rotate(10.0, 20.0, [0, 0, 0]) == pytest.approx((10.0, 20.0))


def test_vectors_and_directions_are_inverse() -> None:
    azimuth, elevation = directions(2000, 12)
    vectors = unit_vector(azimuth, elevation)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=-1), 1.0, rtol=1e-15)
    again = direction(7.5 * vectors)
    assert np.max(separation(*again, azimuth, elevation)) < 1e-13
    assert direction([0.0, 0.0, 3.0]) == (0.0, 90.0)


FUNCTIONS = [
    (separation, 4),
    (position_angle, 4),
    (offset, 4),
    (to_plane, 4),
    (from_plane, 4),
    (azimuth_difference, 2),
]


@pytest.mark.parametrize(("function", "arity"), FUNCTIONS)
def test_arguments_broadcast_and_scalars_stay_scalars(function, arity) -> None:
    scalars = [10.0, 20.0, 11.0, 21.0][:arity]
    single = function(*scalars)
    parts = single if isinstance(single, tuple) else (single,)
    assert all(np.ndim(part) == 0 and isinstance(part, float) for part in parts)
    shaped = [np.full((3, 1), scalars[0]), np.full(4, scalars[1]), *scalars[2:]]
    many = function(*shaped)
    many = many if isinstance(many, tuple) else (many,)
    for one, all_of_them in zip(parts, many, strict=True):
        assert all_of_them.shape == (3, 4)
        assert (all_of_them == one).all()
    empty = function(*[np.empty(0) for _ in range(arity)])
    assert all(np.shape(part) == (0,) for part in (empty if isinstance(empty, tuple) else (empty,)))


def test_shapes_of_vectors() -> None:
    assert unit_vector(np.zeros((3, 1)), np.zeros(4)).shape == (3, 4, 3)
    assert direction(np.ones((3, 4, 3)))[0].shape == (3, 4)
    assert rotate(np.zeros((3, 1)), np.zeros(4), [1, 2, 3])[1].shape == (3, 4)
    assert rotate(0.0, 0.0, [1, 2, 3])[0].shape == ()


def test_missing_directions_stay_missing() -> None:
    assert np.isnan(separation([np.nan, 0.0], [0.0, np.nan], 1.0, 1.0)).all()
    assert np.isnan(offset(np.nan, 0.0, 0.0, 1.0)[0])


@pytest.mark.parametrize("vector", [[1, 2], 5.0, [1, 2, float("nan")], [[1, 2, 3]]])
def test_a_rotation_vector_is_three_finite_angles(vector) -> None:
    with pytest.raises(InvalidInput, match="three finite angles"):
        rotate(0.0, 0.0, vector)


@pytest.mark.parametrize("function", [to_plane, from_plane])
def test_an_unknown_projection_is_refused_with_the_known_ones(function) -> None:
    with pytest.raises(InvalidInput, match=r"projection = 'sin': must be 'tan' or 'arc'"):
        function(0.0, 0.0, 0.0, 0.0, projection="sin")


def test_vectors_need_three_components() -> None:
    with pytest.raises(InvalidInput, match="north, east, up"):
        direction([1.0, 2.0])
