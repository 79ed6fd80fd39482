"""Truth: means of powers, worked out by hand."""

import numpy as np
import pytest

from skyscan_lab.session import GRID_DIMS, units_of, validate
from skyscan_lab.session.channels import band_average
from tests.session.parts import NAN, scanned, with_channels


@pytest.mark.parametrize(("units", "mean"), [("dB", 7.404), ("counts", 5.0)])
def test_a_band_is_averaged_as_power_where_the_units_say_how(units, mean) -> None:
    ds = with_channels(scanned(units=units)).isel(polarization=0, drop=True)
    for name in ("rssi", "rssi_last"):
        ds[name].values[:] = np.where(np.isnan(ds[name]), NAN, [[[0.0]], [[10.0]]])
    ds.rssi.values[0, 0, 1] = NAN  # one channel of one cell was not read
    band = validate(band_average(ds))
    assert band.rssi.dims == GRID_DIMS
    assert band.rssi.values[0, :2] == pytest.approx([mean, 10.0], abs=1e-3)
    assert np.isnan(band.rssi.sel(azimuth=370, elevation=30))
    assert np.isnan(band.rssi_std).all()
    assert units_of(band) == units


def test_a_session_without_channels_is_its_own_average() -> None:
    ds = scanned()
    assert band_average(ds) is ds
