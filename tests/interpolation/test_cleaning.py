"""Truth: backgrounds, impulses and sources by formula; the short campaign of cleaning."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from skyscan_lab.errors import InvalidInput, SessionError
from skyscan_lab.interpolation import reject_impulses, subtract_background
from skyscan_lab.session import Flag, samples_of, session_from_points, validate
from skyscan_lab.session.scans import scans_of

_SPEC = importlib.util.spec_from_file_location(
    "cleaning", Path(__file__).parents[1] / "campaigns" / "cleaning.py"
)
assert _SPEC
assert _SPEC.loader
campaign = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(campaign)


@pytest.mark.campaign
@pytest.mark.parametrize(("scale", "published"), [(6.0, 0.5), (12.0, 0.25), (24.0, 0.125)])
def test_half_of_a_map_may_be_contaminated(scale, published):
    """The published bias, half of it contaminated, begins at these."""
    pairs = [campaign.background_error(seed, scale, share=0.5) for seed in range(3)]
    error, claimed = (np.array(part) for part in zip(*pairs, strict=True))
    assert abs(error.mean()) < published
    assert error.std() / np.sqrt(np.mean(claimed**2)) == pytest.approx(1.0, abs=0.15)


@pytest.mark.campaign
def test_a_background_with_nothing_on_top_is_found_without_bias():
    error, claimed = campaign.background_error(1, 12.0)
    assert abs(error.mean()) < 0.05
    assert error.std() / np.sqrt(np.mean(claimed**2)) == pytest.approx(1.0, abs=0.2)


@pytest.mark.campaign
@pytest.mark.parametrize("beam", [campaign.gaussian, campaign.airy])
def test_impulses_are_found_and_sources_are_kept(beam):
    found, lost = campaign.impulses(3, 10.0, 0.02, beam, 1.03)
    assert found > 0.98
    assert lost <= 1


@pytest.mark.campaign
def test_without_impulses_nothing_is_rejected():
    assert sum(campaign.impulses(seed, 0.0, 0.0, campaign.airy, 1.0)[1] for seed in range(2)) <= 1


def serpentine():
    rows = [np.arange(0.0, 60), np.arange(0.0, 60)[::-1]] * 5
    az = np.concatenate(rows)
    el = np.repeat(np.arange(10.0), 60)
    return az, el


def test_scans_are_the_lines_that_were_measured():
    az, el = serpentine()
    rng = np.random.default_rng(1)
    gridded = session_from_points(az, el, az, units="counts")
    lines = scans_of(gridded)
    assert [line.size for line in lines] == [60] * 10
    np.testing.assert_array_equal(np.sort(np.concatenate(lines)), np.arange(600))
    columns = session_from_points(el, az, az, units="counts")
    assert [
        np.ptp(samples_of(columns).azimuth_measured.values[line]) for line in scans_of(columns)
    ] == [0.0] * 10
    free = session_from_points(
        az + rng.uniform(-0.4, 0.4, 600), 2 * el + rng.uniform(-0.05, 0.05, 600), az, units="counts"
    )
    assert free["rssi"].dims == ("sample",)
    lines = scans_of(free)
    assert np.concatenate(lines).size == 600
    assert 10 <= len(lines) <= 20
    assert sorted(line.size for line in lines)[-10] >= 58


def test_a_background_is_taken_from_samples_on_the_fly_as_well():
    az, el = serpentine()
    rng = np.random.default_rng(2)
    az, el = az + rng.uniform(-0.4, 0.4, 600), 2 * el + rng.uniform(-0.05, 0.05, 600)
    drift = 400 + np.arange(600) * 0.05
    ds = session_from_points(az, el, drift + rng.normal(0, 0.5, 600), units="counts")
    flat = subtract_background(ds, 2.0)
    np.testing.assert_allclose(flat.background, drift, atol=1.5)
    assert flat.attrs["background_noise"] == pytest.approx(0.5, rel=0.15)
    validate(flat)


def test_missing_cells_stay_missing():
    rng = np.random.default_rng(3)
    az, el = serpentine()
    level = rng.normal(400, 1, 600)
    level[rng.random(600) < 0.2] = np.nan
    ds = session_from_points(az, el, level, units="counts")
    flat = subtract_background(ds, 3.0)
    np.testing.assert_array_equal(np.isnan(flat.rssi), np.isnan(ds.rssi))
    clean = reject_impulses(ds, 3.0)
    np.testing.assert_array_equal(np.isnan(clean.rssi) & (ds.flag == 2), np.isnan(ds.rssi))


def test_rejected_readings_say_so_and_keep_their_place_in_the_order():
    rng = np.random.default_rng(4)
    az, el = serpentine()
    level = 400 + rng.normal(0, 1, 600)
    level[333] += 40
    ds = session_from_points(az, el, level, units="counts")
    clean = reject_impulses(ds, 5.0)
    hit = clean.where(clean.sequence == 333, drop=True)
    assert hit.flag.item() == Flag.REJECTED
    assert np.isnan(hit.rssi.item())
    assert int((clean.flag == Flag.REJECTED).sum()) == 1
    validate(clean)


def test_negative_outliers_are_left_alone():
    rng = np.random.default_rng(5)
    az, el = serpentine()
    level = 400 + rng.normal(0, 1, 600)
    level[333] -= 40
    clean = reject_impulses(session_from_points(az, el, level, units="counts"), 5.0)
    assert int((clean.flag == Flag.REJECTED).sum()) == 0


def test_few_or_equal_readings_are_no_reason_to_fail():
    for count in (1, 2, 3, 20):
        az = np.arange(float(count))
        ds = session_from_points(az, np.full(count, 30.0), np.full(count, 7.0), units="dB")
        np.testing.assert_allclose(subtract_background(ds, 5.0).rssi, 0.0, atol=1e-6)
        np.testing.assert_array_equal(reject_impulses(ds, 5.0).rssi, ds.rssi)


def test_what_cannot_be_done_is_said():
    az, el = serpentine()
    ds = session_from_points(az, el, az, units="counts")
    for function in (subtract_background, reject_impulses):
        with pytest.raises(InvalidInput, match="hpbw_deg"):
            function(ds, 0.0)
        band = ds.copy()
        for name in ("rssi", "rssi_std", "rssi_last"):
            band[name] = ds[name].expand_dims(frequency=[1e9]).assign_attrs(ds[name].attrs)
        with pytest.raises(SessionError, match="one channel"):
            function(band, 5.0)
    with pytest.raises(InvalidInput, match="scale"):
        subtract_background(ds, 5.0, scale=1.0)
    with pytest.raises(InvalidInput, match="false_alarm"):
        reject_impulses(ds, 5.0, false_alarm=0.0)
