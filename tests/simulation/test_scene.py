"""Truth: published airmasses, radiative transfer in a slab, and integrals over the sphere."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skyscan_lab.antenna import AiryPattern, GaussianPattern, solid_angle_sr
from skyscan_lab.errors import InvalidInput
from skyscan_lab.mount import Mount
from skyscan_lab.session import Location
from skyscan_lab.simulation.dish import Dish
from skyscan_lab.simulation.scene import Scene
from skyscan_lab.simulation.sky import DiffuseSky, airmass
from skyscan_lab.simulation.sources import GeostationarySatellite, PointSource, Sun
from skyscan_lab.sphere import from_plane, separation, unit_vector

BERN = Location(46.95, 7.44, 550.0)
T0 = 1.78e9
NO_SKY = DiffuseSky(background_k=0.0, zenith_opacity=0.0, atmosphere_k=0.0, ground_k=0.0)


def whole_sphere() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Directions and their shares of the sphere."""
    sine, weight = np.polynomial.legendre.leggauss(2000)
    azimuth = np.arange(0.0, 360.0, 2.0)
    azimuth, sine = np.broadcast_arrays(azimuth, sine[:, np.newaxis])
    share = np.broadcast_to(weight[:, np.newaxis] / 2.0 / azimuth.shape[1], azimuth.shape)
    return azimuth, np.degrees(np.arcsin(sine)), share


def test_airmass_is_that_of_an_independent_formula() -> None:
    # A. T. Young, "Air mass and refraction", Applied Optics 33, 1108 (1994), for true zenith
    # distance, which refraction keeps from the apparent one close to the horizon only.
    elevation = np.linspace(10.0, 90.0, 81)
    c = np.sin(np.radians(elevation))
    top = 1.002432 * c**2 + 0.148386 * c + 0.0096467
    young = top / (c**3 + 0.149864 * c**2 + 0.0102963 * c + 0.000303978)
    np.testing.assert_allclose(airmass(elevation), young, rtol=1e-2)
    assert airmass(0.0) == pytest.approx(37.92, abs=0.005)  # as Kasten and Young say


def test_airmass_is_finite_and_falls_towards_the_zenith() -> None:
    elevation = np.linspace(-90.0, 90.0, 1801)
    assert np.all(np.isfinite(airmass(elevation)))
    assert np.all(np.diff(airmass(elevation)) <= 0.0)


def test_high_up_the_sky_is_a_plane_parallel_slab() -> None:
    sky = DiffuseSky(background_k=2.7, zenith_opacity=0.05, atmosphere_k=270.0)
    elevation = np.array([35.0, 50.0, 90.0])
    through = np.exp(-0.05 / np.sin(np.radians(elevation)))
    expected = 2.7 * through + 270.0 * (1.0 - through)
    np.testing.assert_allclose(sky.brightness_k(0.0, elevation), expected, rtol=3e-3)


def test_skyline_is_straight_from_point_to_point_across_north() -> None:
    sky = DiffuseSky(horizon=((350.0, 10.0), (10.0, 2.0), (180.0, 4.0)))
    np.testing.assert_allclose(sky.skyline_deg([350, 0, 10, 95, 370]), [10, 6, 2, 3, 2])
    assert sky.brightness_k(0.0, 5.0) == pytest.approx(290.0)
    assert sky.brightness_k(0.0, 7.0) < 100.0


@pytest.mark.parametrize("field", ["background_k", "zenith_opacity", "ground_k"])
def test_a_sky_that_cannot_be_is_refused_by_name(field: str) -> None:
    with pytest.raises(InvalidInput, match=field):
        DiffuseSky(**{field: -1.0})
    with pytest.raises(InvalidInput, match="softness_deg"):
        DiffuseSky(softness_deg=0.0)


def test_spillover_holds_its_share_of_the_power_and_nothing_on_the_axis() -> None:
    dish = Dish(GaussianPattern(20.0), spillover=0.1)
    assert dish.gain(0.0, 0.0) == pytest.approx(1.0, abs=1e-12)
    azimuth, elevation, share = whole_sphere()
    angle = separation(azimuth, elevation, 0.0, 90.0)
    total = np.sum(dish.gain(angle, 0.0) * share) * 4.0 * np.pi
    beam = solid_angle_sr(dish.pattern)
    assert (total - beam) / total == pytest.approx(0.1, rel=1e-3)


@pytest.mark.parametrize("elevation", [0.0, 30.0, 90.0])
def test_half_the_spillover_and_a_quarter_of_the_sine_fall_on_the_ground(elevation: float) -> None:
    azimuth, height, share = whole_sphere()
    leak = 1.0 - unit_vector(azimuth, height) @ unit_vector(0.0, elevation)
    on_ground = np.sum(leak * share * (height < 0.0))
    warm = DiffuseSky(background_k=0.0, zenith_opacity=0.0, ground_k=100.0)
    high = Dish(GaussianPattern(1.0), spillover=0.5).diffuse_k(warm, 0.0, max(elevation, 5.0))
    if elevation >= 5.0:
        assert high == pytest.approx(50.0 * on_ground, rel=1e-3)
    assert on_ground == pytest.approx(0.5 + np.sin(np.radians(elevation)) / 4.0, abs=1e-3)


def test_the_beam_averages_the_sky_under_it() -> None:
    sky = DiffuseSky(zenith_opacity=0.1)
    beam = AiryPattern(5.0)
    cross, up = np.meshgrid(np.linspace(-6.2, 6.2, 401), np.linspace(-6.2, 6.2, 401))
    gain = np.where(np.hypot(cross, up) < 6.2, beam.gain(cross, up), 0.0)
    for elevation in (7.0, 20.0, 60.0):
        around = from_plane(cross, up, 10.0, elevation, projection="arc")
        expected = np.sum(sky.brightness_k(*around) * gain) / gain.sum()
        found = Dish(beam, spillover=0.0).diffuse_k(sky, 10.0, elevation)
        assert found == pytest.approx(expected, rel=5e-3)


def test_crossing_the_horizon_goes_smoothly_from_ground_to_sky() -> None:
    temperature = Dish(AiryPattern(5.0)).diffuse_k(DiffuseSky(), 0.0, np.linspace(-8.0, 8.0, 321))
    assert np.all(np.diff(temperature) < 0.5)
    assert temperature[0] > 270.0
    assert temperature[-1] < 50.0
    assert np.abs(np.diff(temperature)).max() < 6.0


@given(azimuth=st.floats(0.0, 360.0), elevation=st.floats(10.0, 80.0), offset=st.floats(0.0, 8.0))
def test_a_source_is_seen_through_the_beam(azimuth: float, elevation: float, offset: float) -> None:
    beam = AiryPattern((4.0, 6.0), blockage=0.2, position_angle_deg=30.0)
    scene = Scene((PointSource(azimuth, elevation, 700.0),), NO_SKY, Dish(beam, spillover=0.0))
    # Pointing so that the source lies at a known offset in the plane around the beam.
    pointing = from_plane(-offset, 0.0, azimuth, elevation, projection="arc")
    found = float(scene.sources_k(*pointing, T0))
    apart = float(separation(*pointing, azimuth, elevation))
    widest, narrowest = (float(700.0 * beam.gain(*axis)) for axis in ((0, apart), (apart, 0)))
    assert apart == pytest.approx(offset, abs=1e-9)
    if offset < 2.0:  # inside both axes of the main lobe
        turned = 700.0 * AiryPattern(6.0, 0.2).gain(apart, 0.0)
        tight = 700.0 * AiryPattern(4.0, 0.2).gain(apart, 0.0)
        assert tight * 0.999 <= found <= turned * 1.001
        assert tight * 0.999 <= min(widest, narrowest)
    assert 0.0 <= found <= 700.0


def test_a_beam_on_its_source_receives_it_all_through_any_mount() -> None:
    mount = Mount(1.69, -1.21, -1.36, elevation_offset_deg=0.4, collimation_deg=0.3)
    scene = Scene((PointSource(200.0, 38.0, 500.0),), NO_SKY, Dish(AiryPattern(5.0)), mount)
    dial = mount.to_dial(200.0, 38.0)
    assert scene.sources_k(*dial, T0) == pytest.approx(500.0, rel=1e-9)
    assert scene.sources_k(200.0, 38.0, T0) < 450.0


def test_cos_elevation_is_not_forgotten() -> None:
    scene = Scene((PointSource(100.0, 60.0, 1.0),), NO_SKY, Dish(GaussianPattern(4.0)))
    # Two degrees of azimuth at 60° are one degree on the sky: half of half a width.
    assert scene.sources_k(102.0, 60.0, T0) == pytest.approx(0.5**0.25, rel=1e-3)


def test_space_is_behind_atmosphere_and_horizon_and_emitters_are_not() -> None:
    satellite = GeostationarySatellite(19.2, 500.0, BERN)
    azimuth, elevation = satellite.direction(np.array([T0]))
    thick = DiffuseSky(0.0, zenith_opacity=0.2, atmosphere_k=0.0, ground_k=0.0)
    masked = DiffuseSky(0.0, 0.0, 0.0, 0.0, horizon=((0.0, float(elevation) + 2.0),))
    dish = Dish(AiryPattern(5.0))
    through = np.exp(-0.2 * airmass(elevation))
    beam = float(azimuth), float(elevation), T0
    assert Scene((satellite,), thick, dish).sources_k(*beam) == pytest.approx(500.0 * through)
    assert Scene((satellite,), masked, dish).sources_k(*beam) == 0.0
    mast = PointSource(float(azimuth), float(elevation), 500.0)
    assert Scene((mast,), thick, dish).sources_k(*beam) == pytest.approx(500.0)
    assert Scene((mast,), masked, dish).sources_k(*beam) == pytest.approx(500.0)


def test_a_narrow_beam_dilutes_the_disc_of_the_sun() -> None:
    """Against a fine sum over the disc, for beams from 1.2 discs wide on."""
    clear = DiffuseSky(0.0, 0.0, 0.0, 0.0)
    time = T0 + 0.45 * 86_400.0
    sun = Sun(1000.0, BERN)
    centre = tuple(float(angle) for angle in sun.direction(np.asarray(time)))
    radius = np.sqrt((np.arange(200) + 0.5) / 200.0) * sun.diameter_deg / 2.0
    for width in (0.65, 1.0, 3.0):
        beam = GaussianPattern(width)
        expected = 1000.0 * beam.gain(radius, 0.0).mean()
        found = Scene((sun,), clear, Dish(beam, 0.0)).sources_k(*centre, time)
        assert found == pytest.approx(expected, rel=5e-3)


def test_all_sources_together_are_their_sum() -> None:
    sources = (
        Sun(90.0, BERN),
        PointSource(100.0, 30.0, 500.0),
        GeostationarySatellite(13.0, 400.0, BERN),
        PointSource(110.0, 33.0, 300.0),
    )
    azimuth = np.linspace(90.0, 190.0, 40).reshape(8, 5)
    times = T0 + np.arange(40.0).reshape(8, 5) * 60.0
    together = Scene(sources).sources_k(azimuth, 35.0, times)
    apart = [Scene((source,)).sources_k(azimuth, 35.0, times) for source in sources]
    np.testing.assert_allclose(together, np.sum(apart, axis=0), rtol=1e-12)


def test_without_sources_there_is_only_the_sky() -> None:
    scene = Scene()
    np.testing.assert_array_equal(scene.sources_k([10.0, 20.0], 30.0, T0), [0.0, 0.0])
    run = np.array([10.0, 10.0, 10.0]), np.array([30.0, 30.0, 30.0])
    np.testing.assert_allclose(scene.antenna_k(*run, T0 + np.arange(3)), scene.diffuse_k(10, 30))
