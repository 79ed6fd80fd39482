"""Truth: random fields and scans made with scipy, counted and measured directly."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, maximum_filter

from skyscan_lab.interference.bursts import bursts
from skyscan_lab.interference.excursions import Extent, expected_peaks, extent_of, threshold_for
from skyscan_lab.interference.mesh import mesh_of
from skyscan_lab.interference.scan_noise import ScanNoise, fit_scan_noise, noise_along


def test_peaks_of_smooth_noise_are_as_many_as_expected() -> None:
    rng = np.random.default_rng(1)
    sigma, size, margin = 4.0, 160, 20
    counts = {2.75: 0, 3.25: 0}
    fields = 150
    for _ in range(fields):
        field = gaussian_filter(rng.standard_normal((size + 2 * margin,) * 2), sigma)
        field *= 2.0 * np.sqrt(np.pi) * sigma
        inside = slice(margin, -margin)
        # Of a field that goes on, a peak on the rim is one only where it rises inwards.
        part = field[inside, inside]
        peaks = part[part == maximum_filter(part, 3, mode="nearest")]
        for threshold in counts:
            counts[threshold] += int(np.sum(peaks > threshold))
    side = (size - 1) / (np.sqrt(2.0) * sigma)
    extent = Extent(1.0, 2.0 * side, side**2)
    for threshold, count in counts.items():
        expected = fields * expected_peaks(threshold, extent, 1e9)
        assert count == pytest.approx(expected, abs=4.0 * np.sqrt(expected) + 0.05 * expected)


def test_a_spread_that_is_hardly_known_asks_for_more() -> None:
    extent = Extent(1.0, 20.0, 300.0)
    thresholds = [threshold_for(0.1, extent, freedom) for freedom in (1e9, 100.0, 10.0)]
    assert thresholds == sorted(thresholds)
    rng = np.random.default_rng(2)
    spread = np.sqrt(rng.chisquare(10, 20_000) / 10)
    mean = np.mean([expected_peaks(3.0 * s, extent, 1e9) for s in spread])
    assert expected_peaks(3.0, extent, 10.0) == pytest.approx(mean, rel=0.02)


def test_the_size_of_a_patch_of_the_sphere() -> None:
    az, el = (a.ravel() for a in np.meshgrid(np.arange(100.0, 141), np.arange(30.0, 51)))
    mesh = mesh_of(az, el)
    size = extent_of(mesh, az, el, np.broadcast_to(np.eye(2), (az.size, 2, 2)))
    solid = np.degrees(
        np.degrees(np.radians(40) * (np.sin(np.radians(50)) - np.sin(np.radians(30))))
    )
    assert size.euler == 1
    assert size.area == pytest.approx(solid, rel=0.01)
    rim = 2 * 20 + 40 * (np.cos(np.radians(30)) + np.cos(np.radians(50)))
    assert 2 * size.half_rim == pytest.approx(rim, rel=0.02)


@pytest.mark.parametrize("points", [1, 2])
def test_a_handful_of_directions_has_no_triangles(points: int) -> None:
    assert mesh_of(np.arange(points) * 1.0, np.full(points, 10.0)).triangles.shape == (0, 3)


def scans_with_drift(rng, drift: float, length: float) -> tuple[np.ndarray, list[np.ndarray]]:
    kernel = np.exp(-0.5 * (np.arange(-60, 61) / length) ** 2)
    kernel /= np.sqrt(np.sum(kernel**2))
    rows = [
        drift * np.convolve(rng.standard_normal(220), kernel, "valid") + rng.normal(0, 2.0, 100)
        for _ in range(40)
    ]
    return np.concatenate(rows), [np.arange(k, k + 100) for k in range(0, 4000, 100)]


def test_noise_and_drift_along_scans_are_told_apart() -> None:
    values, scans = scans_with_drift(np.random.default_rng(3), 3.0, 12.0)
    noise = fit_scan_noise(values, scans, np.ones(values.size, bool), 1e-6)
    assert noise.sigma == pytest.approx(2.0, rel=0.05)
    # The autocorrelation of smoothed noise is √2 times as wide as what it was smoothed with.
    assert noise.smooth
    assert noise.length == pytest.approx(12.0 * np.sqrt(2.0), rel=0.3)
    assert noise.drift == pytest.approx(3.0, rel=0.4)
    assert noise_along(values, scans) == pytest.approx(2.0, rel=0.06)


def test_the_inverse_leaves_out_what_does_not_count() -> None:
    noise = ScanNoise(1.0, 0.5, 2.0, 5.0)
    kept = np.ones(20, bool)
    kept[[3, 14]] = False
    precision = noise.precision([np.arange(10), np.arange(10, 20)], kept)
    unit = np.eye(20)
    matrix = precision.times(unit)
    assert (matrix[3] == 0).all()
    assert (matrix[:, 14] == 0).all()
    lag = np.abs(np.subtract.outer(np.arange(10), np.arange(10)))
    covariance = (
        0.25 + 4.0 * (1 + np.sqrt(3) * lag / 5) * np.exp(-np.sqrt(3) * lag / 5) + np.eye(10)
    )
    there = np.delete(np.arange(10), 3)
    assert matrix[np.ix_(there, there)] @ covariance[np.ix_(there, there)] == pytest.approx(
        np.eye(9), abs=1e-9
    )


def test_bursts_stand_out_and_a_beam_does_not() -> None:
    rng = np.random.default_rng(5)
    az, el = (a.ravel() for a in np.meshgrid(np.arange(0.0, 30), np.arange(0.0, 30)))
    readings = 200.0 * 2.0 ** (-4.0 * ((az - 10.3) ** 2 + (el - 12.4) ** 2) / 9.0)
    readings += rng.standard_normal(az.size)
    hit = [100, 555, 556, 777]
    readings[hit] += 12.0
    graph = mesh_of(az, el).graph(az.size)
    bad = bursts(az, el, readings, (el + 0.5).astype(int), graph, 3.0, 1.0)
    assert bad[hit].all()
    beam = np.hypot(az - 10.3, el - 12.4) < 3.0
    assert not bad[beam].any()
    assert bad.sum() <= len(hit) + 0.01 * az.size
