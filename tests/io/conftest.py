"""Sessions to write and read back."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from skyscan_lab.session import AXES, session_from_points, variable_attributes

SITE = (46.95, 7.44, 550.0)
START = np.datetime64("2024-02-29T23:59:59.123456789", "ns")


def build_session(
    units="dBm",
    *,
    location=SITE,
    duration_s=0.5,
    azimuths=tuple(range(350, 371, 4)),
    elevations=tuple(range(20, 33, 4)),
    scatter_deg=0.0,
    **attrs,
):
    """A session across north with everything in it: gaps, failed readings, exact times."""
    random = np.random.default_rng(7)
    elevation, azimuth = (axis.ravel() for axis in np.meshgrid(elevations, azimuths, indexing="ij"))
    kept = np.arange(azimuth.size) != 5  # one cell that no point fell into
    azimuth, elevation = azimuth[kept], elevation[kept]
    readings = random.normal(-90.0, 3.0, azimuth.size)
    readings[3] = np.nan
    step_ns = round(duration_s * 1e9) // (azimuth.size - 1)
    return session_from_points(
        azimuth + random.uniform(-scatter_deg, scatter_deg, azimuth.size),
        elevation + random.uniform(-scatter_deg, scatter_deg, azimuth.size),
        readings,
        time=START + np.arange(azimuth.size) * np.timedelta64(step_ns, "ns"),
        reads=random.integers(1, 20, azimuth.size),
        std=random.uniform(0.1, 1.0, azimuth.size),
        last=readings + 0.25,
        units=units,
        location=location,
        averaging="linear power",
        attrs=attrs,
    )


def add_channels(ds, frequencies=(1.42e9, 1.421e9, 1.422e9), polarizations=("H", "V")):
    """The same session as a receiver with channels would have made it."""
    random = np.random.default_rng(8)
    units = ds["rssi"].attrs["units"]
    axes = {row.name: row for row in AXES}
    channels = (len(frequencies), len(polarizations))
    for name in ("rssi", "rssi_std", "rssi_last"):
        values = ds[name].values + random.normal(size=(*channels, *ds[name].shape))
        ds[name] = (("frequency", "polarization", *ds[name].dims), values, ds[name].attrs)
    return ds.assign_coords(
        frequency=("frequency", list(frequencies), variable_attributes(axes["frequency"], units)),
        polarization=(
            "polarization",
            list(polarizations),
            variable_attributes(axes["polarization"], units),
        ),
    )


def compare(first: xr.Dataset, second: xr.Dataset) -> None:
    """Same values to the bit, types, dims, coordinates and attributes."""
    xr.testing.assert_identical(first, second)
    for name, variable in first.variables.items():
        assert variable.dtype == second[name].dtype, name
        assert variable.values.tobytes() == second[name].values.tobytes(), name


# Tests cannot import a conftest: they are given its functions.
@pytest.fixture
def make_session():
    return build_session


@pytest.fixture
def with_channels():
    return add_channels


@pytest.fixture
def assert_same():
    return compare


@pytest.fixture
def gridded():
    return build_session(rotor="test rotor", numbers=np.array([1.5, 2.5]), empty="")


@pytest.fixture
def samples():
    ds = build_session("counts", scatter_deg=1.9)
    assert ds["rssi"].dims == ("sample",)
    return ds


@pytest.fixture
def channelled():
    return add_channels(build_session("dBFS"))


@pytest.fixture(params=["gridded", "samples", "channelled"])
def any_session(request):
    return request.getfixturevalue(request.param)
