"""Truth: the order of measurement."""

import pytest
import xarray as xr

from skyscan_lab.session import CHANNEL_DIMS, samples_of, units_of, validate
from tests.session.parts import free_form, scanned, with_channels


@pytest.mark.parametrize("channels", [False, True])
def test_samples_come_in_the_order_of_measurement_and_only_those_measured(channels) -> None:
    ds = with_channels(scanned(units="dB")) if channels else scanned(units="dB")
    samples = samples_of(ds)
    order = [0, 1, 2, 3, 4, 6, 7, 8, 9, 10, 11]
    assert samples.sequence.values.tolist() == order
    assert samples.rssi.values.reshape(-1, 11).tolist() == [order] * (4 if channels else 1)
    assert samples.rssi.dims[-1] == "sample"
    assert set(samples.coords) == (set(CHANNEL_DIMS) if channels else set())
    assert units_of(samples) == "dB"
    assert validate(samples) is samples


def test_samples_leave_out_what_was_masked_by_hand() -> None:
    ds = scanned()
    ds["rssi"] = ds.rssi.where(ds.rssi < 4)
    assert validate(ds) is ds
    assert samples_of(ds).sequence.values.tolist() == [0, 1, 2, 3]


def test_samples_of_samples_are_the_same() -> None:
    ds = free_form()
    xr.testing.assert_identical(samples_of(ds), ds)
