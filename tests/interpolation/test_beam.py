"""Truth: skies made by other code (`tests.solving.skies`), read where no sample was given away."""

import numpy as np
import pytest

from skyscan_lab import datasets
from skyscan_lab.interpolation import interpolate
from skyscan_lab.io import load_session
from skyscan_lab.session import session_from_points
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
def test_a_real_sky_from_every_third_point():
    ds = load_session(datasets.fetch("winegard-g2")["scan_data.txt"])
    az, el = np.meshgrid(ds.azimuth.values, ds.elevation.values)
    kept = np.zeros(az.shape, dtype=bool)
    kept[::3, ::3] = True
    some = session_from_points(az[kept], el[kept], ds.rssi.values[kept], units="counts")
    inside = ~kept & (az <= az[kept].max()) & (el <= el[kept].max())
    found = interpolate(some, points=(az[inside], el[inside]), method="beam")
    residual = ds.rssi.values[inside] - found.rssi.values
    # The best method that knows nothing of beams leaves 2.04.
    assert np.sqrt(np.nanmean(residual**2)) < 0.85
