"""Truth: rotations by scipy, spherical trigonometry, and the mount being its own inverse."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from skyscan_lab.errors import InvalidInput
from skyscan_lab.mount import Mount
from skyscan_lab.sphere import direction, separation, unit_vector

small = st.floats(-5.0, 5.0)
mounts = st.builds(
    Mount,
    tilt_north_deg=small,
    tilt_east_deg=small,
    azimuth_zero_deg=st.floats(-180.0, 180.0),
    elevation_offset_deg=small,
    collimation_deg=small,
)


@given(mount=mounts, azimuth=st.floats(0.0, 360.0), elevation=st.floats(-80.0, 78.0))
def test_dials_and_sky_are_an_exact_inverse_pair(
    mount: Mount, azimuth: float, elevation: float
) -> None:
    dial = mount.to_dial(azimuth, elevation)
    assert separation(azimuth, elevation, *mount.to_sky(*dial)) < 1e-10


@given(mount=mounts, azimuth=st.floats(-180.0, 450.0), elevation=st.floats(0.0, 80.0))
def test_sky_and_dials_are_an_exact_inverse_pair(
    mount: Mount, azimuth: float, elevation: float
) -> None:
    dial_azimuth, dial_elevation = mount.to_dial(*mount.to_sky(azimuth, elevation))
    assert dial_elevation == pytest.approx(elevation, abs=1e-9)
    assert separation(dial_azimuth, dial_elevation, azimuth, elevation) < 1e-9


def test_the_dish_is_tilted_against_the_catalogue_and_then_turned() -> None:
    # As large as in the real recording, with an azimuth that nobody has zeroed.
    mount = Mount(tilt_north_deg=1.69, tilt_east_deg=-1.21, azimuth_zero_deg=-161.36)
    catalogue = unit_vector([124.0, 174.2, 210.0], [27.0, 43.0, 39.0])
    turn = Rotation.from_euler("z", -161.36, degrees=True)
    tilt = Rotation.from_rotvec([1.69, -1.21, 0.0], degrees=True)
    expected = direction((turn * tilt).apply(catalogue))
    found = mount.to_dial([124.0, 174.2, 210.0], [27.0, 43.0, 39.0])
    np.testing.assert_allclose(found, expected, atol=1e-10)


def test_an_elevation_offset_is_what_the_dial_shows_too_much() -> None:
    azimuth, elevation = Mount(elevation_offset_deg=0.7).to_sky(10.0, 40.0)
    assert (float(azimuth), float(elevation)) == pytest.approx((10.0, 39.3))


@given(collimation=st.floats(-3.0, 3.0), elevation=st.floats(0.0, 85.0))
def test_a_collimated_beam_leaves_the_dish_sideways_by_its_angle(
    collimation: float, elevation: float
) -> None:
    sky = Mount(collimation_deg=collimation).to_sky(100.0, elevation)
    assert separation(*sky, 100.0, elevation) == pytest.approx(abs(collimation), abs=1e-9)
    assert (float(sky[0]) - 100.0) * collimation >= 0.0


def test_where_no_setting_reaches_the_dial_is_not_a_number() -> None:
    _, elevation = Mount(collimation_deg=1.0).to_dial(30.0, [89.5, 88.0])
    assert np.isnan(elevation[0])
    assert np.isfinite(elevation[1])


def test_a_perfect_mount_changes_nothing() -> None:
    azimuth, elevation = Mount().to_sky([0.0, 359.0, 370.0], [0.0, 45.0, 80.0])
    np.testing.assert_allclose(azimuth, [0.0, 359.0, 10.0], atol=1e-12)
    np.testing.assert_allclose(elevation, [0.0, 45.0, 80.0], atol=1e-12)


@pytest.mark.parametrize("field", ["tilt_north_deg", "azimuth_zero_deg", "collimation_deg"])
def test_angles_that_are_not_finite_are_refused_by_name(field: str) -> None:
    with pytest.raises(InvalidInput, match=field):
        Mount(**{field: float("nan")})


def test_a_beam_at_a_right_angle_to_its_dish_is_refused() -> None:
    with pytest.raises(InvalidInput, match="collimation_deg"):
        Mount(collimation_deg=90.0)
