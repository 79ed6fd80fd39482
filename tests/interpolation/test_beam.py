"""Truth: skies made by other code (`tests.solving.skies`), read where no sample was given away."""

import numpy as np
import pytest

from skyscan_lab import datasets
from skyscan_lab.interpolation import beam as beam_module
from skyscan_lab.interpolation import conditioned, interpolate
from skyscan_lab.io import load_session
from skyscan_lab.session import session_from_points
from tests.campaigns import filling_in
from tests.solving import skies


def test_between_sparse_samples_it_knows_what_the_beam_allows():
    truth = skies.Truth(
        np.array([200.3, 205.0, 213.0]),
        np.array([40.2, 43.0, 37.0]),
        np.array([6.0, 3.0, 2.0]),
        5.0,
        400.0,
        160.0,
    )
    azimuth, elevation = np.arange(185.0, 226.0, 1.0), np.arange(28.0, 53.0, 1.0)
    ideal = skies.session(truth, azimuth, elevation, noise=0.0)
    read = skies.session(truth, azimuth[::3], elevation[::3], noise=0.4, step=1.0)
    az, el = np.meshgrid(azimuth[1:-1], elevation[1:-1])
    wanted = ideal.rssi.values[1:-1, 1:-1].ravel()
    rms = {}
    for method in ("beam", "kriging"):
        found = interpolate(read, points=(az.ravel(), el.ravel()), method=method)
        rms[method] = float(np.sqrt(np.nanmean((found.rssi.values - wanted) ** 2)))
    # Less than the noise of a reading, though the readings are 3° apart in a beam of 5°.
    assert rms["beam"] < 0.35
    assert rms["beam"] < 0.3 * rms["kriging"]


@pytest.mark.recording
@pytest.mark.timeout(300)
def test_a_real_sky_from_every_fourth_point():
    ds = load_session(datasets.fetch("winegard-g2")["scan_data.txt"])
    phase = filling_in.one_phase(ds, 4, 0, 0, peers=["thin_plate"])
    pool = filling_in.Pool.of([phase])
    # A quarter of what the best method leaves that knows nothing of beams, and it knows it.
    assert pool.rms <= 1.05
    assert pool.rms < 0.25 * phase.peer_rms
    assert pool.faint == pytest.approx((0.68, 0.95), abs=0.08)
    assert pool.bright[0] > 0.6
    assert pool.bright[1] > 0.9


def same(one, other):
    return all(
        np.array_equal(one[name], other[name], equal_nan=True) for name in ("rssi", "rssi_error")
    )


@pytest.mark.parametrize("shape", [(4, 4), (14, 14)])
def test_where_no_beam_has_seen_anything_it_is_kriging(shape):
    azimuth, elevation = (100.0 + 2.0 * np.arange(size) for size in shape)
    az, el = (axis.ravel() for axis in np.meshgrid(azimuth, elevation - 70.0))
    noise = np.random.default_rng(4).normal(450.0, 1.0, az.size)
    ds = session_from_points(az, el, noise, units="counts")
    found = interpolate(ds, step=1.0, method="beam")
    assert same(found, interpolate(ds, step=1.0, method="kriging"))
    assert np.all(found.reading_error > found.rssi_error)


def test_a_reading_is_less_sure_than_the_map():
    truth = skies.Truth(np.array([205.0]), np.array([40.0]), np.array([5.0]), 5.0, 400.0, 160.0)
    read = skies.session(truth, np.arange(195.0, 216.0), np.arange(30.0, 51.0), noise=0.5, step=1.0)
    found = interpolate(read, step=2.5, method="beam")
    more = np.sqrt(found.reading_error.values**2 - found.rssi_error.values**2)
    assert np.median(more) == pytest.approx(np.hypot(0.5, 12.0**-0.5), rel=0.2)


def test_of_many_samples_some_are_searched_and_all_are_used(monkeypatch):
    truth = skies.Truth(np.array([205.0]), np.array([40.0]), np.array([5.0]), 5.0, 400.0, 160.0)
    axes = np.arange(190.0, 220.0, 1.0), np.arange(25.0, 55.0, 1.0)
    read = skies.session(truth, *axes, noise=0.5, step=1.0)
    ideal = skies.session(truth, *axes, noise=0.0)
    monkeypatch.setattr(beam_module, "_MOST_SEARCHED", 400)
    monkeypatch.setattr(conditioned, "_MOST_AT_ONCE", 300)
    found = interpolate(read, step=1.0, method="beam")
    off = (found.rssi - ideal.rssi).values
    assert np.sqrt(np.mean(off**2)) < 0.25
    assert np.mean(np.abs(off) < 1.96 * found.rssi_error.values) > 0.9
