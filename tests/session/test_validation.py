"""Truth: each rule of the schema, broken once."""

import numpy as np
import pytest
import xarray as xr

from skyscan_lab.errors import SessionError, UnitsError
from skyscan_lab.session import Flag, units_of, validate
from tests.session.parts import NAN, free_form, scanned, with_channels


@pytest.mark.parametrize("build", [scanned, free_form, lambda: with_channels(scanned()),
                                   lambda: with_channels(free_form())])  # fmt: skip
def test_sessions_are_valid(build) -> None:
    ds = build()
    assert validate(ds) is ds
    assert validate(ds.isel({dim: slice(0, 2) for dim in ds.dims}))


def test_one_channel_dimension_alone_is_valid() -> None:
    ds = with_channels(scanned())
    assert validate(ds.isel(polarization=0, drop=True))
    assert validate(ds.isel(frequency=0, drop=True))


def put(ds: xr.Dataset, name: str, value, cell=(0, 0)) -> xr.Dataset:
    ds[name].values[cell] = value
    return ds


def renamed_units(ds: xr.Dataset, name: str, units) -> xr.Dataset:
    ds[name].attrs["units"] = units
    return ds


BROKEN = {
    "a variable is missing": (lambda ds: ds.drop_vars("rssi_last"), "rssi_last"),
    "another dim": (lambda ds: ds.expand_dims(beam=2), "dims of rssi"),
    "a dim that only others have": (lambda ds: ds.assign(x=("beam", [1, 2])), "dim"),
    "transposed": (lambda ds: ds.transpose("azimuth", "elevation"), "dims of rssi"),
    "samples and a grid": (lambda ds: ds.assign(x=("sample", [1])), "dim"),
    "only one axis": (lambda ds: ds.isel(azimuth=0), "dims of rssi"),
    "channels where none belong": (
        lambda ds: ds.assign(flag=ds.flag.expand_dims(frequency=[1e9])),
        "dims of flag",
    ),
    "an axis without values": (lambda ds: ds.drop_vars("azimuth"), "coordinate azimuth"),
    "a falling axis": (lambda ds: ds.isel(azimuth=slice(None, None, -1)), "coordinate azimuth"),
    "an axis with a hole": (lambda ds: ds.assign_coords(elevation=[20, NAN, 40]),
                            "coordinate elevation"),
    "an axis of words": (lambda ds: ds.assign_coords(elevation=["a", "b", "c"]),
                         "coordinate elevation"),
    "below the ground": (lambda ds: ds.assign_coords(elevation=[-100, 0, 40]),
                         "coordinate elevation"),
    "beyond every cable": (lambda ds: ds.assign_coords(azimuth=[700, 710, 715, 721]),
                           "coordinate azimuth"),
    "more than a turn": (lambda ds: ds.assign_coords(azimuth=[0, 100, 200, 360]),
                         "span of azimuth"),
    "whole numbers for levels": (lambda ds: ds.assign(rssi=ds.rssi.fillna(0).astype(int)),
                                 "type of rssi"),
    "nothing on an axis": (lambda ds: ds.isel(azimuth=slice(0)), "coordinate azimuth"),
    "levels of another byte order": (
        lambda ds: ds.assign(rssi=ds.rssi.astype(">f8", keep_attrs=True)),
        "type of rssi",
    ),
    "an axis of another byte order": (
        lambda ds: ds.assign_coords(azimuth=ds.azimuth.astype(">f8")),
        "type of coordinate azimuth",
    ),
    "times in other units": (lambda ds: ds.assign(time=ds.time.astype("datetime64[us]")),
                             "type of time"),
    "times as text": (lambda ds: ds.assign(time=ds.time.astype(str)), "type of time"),
    "floats for flags": (lambda ds: ds.assign(flag=ds.flag.astype(float)), "type of flag"),
    "no units": (lambda ds: renamed_units(ds, "rssi", None), "units of rssi"),
    "unknown units": (lambda ds: renamed_units(ds, "rssi", "V"), "units of rssi"),
    "mixed units": (lambda ds: renamed_units(ds, "rssi_std", "counts"), "units of rssi_std"),
    "mixed units of the last": (lambda ds: renamed_units(ds, "rssi_last", "dBFS"),
                                "units of rssi_last"),
    "an unknown flag": (lambda ds: put(ds, "flag", 77), "flag"),
    "a level where none was measured": (lambda ds: put(ds, "flag", Flag.REJECTED), "rssi"),
    "a place in the order for what was not": (lambda ds: put(ds, "sequence", 5, (1, 2)),
                                              "sequence"),
    "no place in the order": (lambda ds: put(ds, "sequence", -1), "sequence"),
    "below every order": (lambda ds: put(ds, "sequence", -7, (1, 2)), "sequence"),
    "two first points": (lambda ds: put(ds, "sequence", 1), "sequence"),
    "measured nowhere": (lambda ds: put(ds, "azimuth_measured", NAN), "azimuth_measured"),
    "measured at no height": (lambda ds: put(ds, "elevation_measured", np.inf),
                              "elevation_measured"),
    "a negative number of readings": (lambda ds: put(ds, "rssi_reads", -1), "rssi_reads"),
    "averaged over something": (lambda ds: ds.assign_attrs(averaging="mode"), "averaging"),
    "half a place": (lambda ds: ds.assign_attrs(site_latitude_deg=47.0), "site"),
    "a place in words": (
        lambda ds: ds.assign_attrs(site_latitude_deg="Bern", site_longitude_deg="?"),
        "site",
    ),
    "a place off the Earth": (
        lambda ds: ds.assign_attrs(site_latitude_deg=97.0, site_longitude_deg=8.0),
        "site",
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", BROKEN)
def test_what_is_no_session_is_refused_by_the_name_of_its_fault(fault) -> None:
    spoil, field = BROKEN[fault]
    with pytest.raises(SessionError) as refusal:
        validate(spoil(scanned()))
    assert refusal.value.field == field
    assert isinstance(refusal.value, ValueError)


def test_any_dataset_is_not_a_session() -> None:
    with pytest.raises(SessionError, match="rssi"):
        validate(xr.Dataset({"x": 1}))


@pytest.mark.parametrize(
    ("spoil", "field"),
    [
        (lambda ds: ds.drop_vars("frequency"), "coordinate frequency"),
        (lambda ds: renamed_units(ds, "frequency", "MHz"), "units of frequency"),
        (lambda ds: ds.assign_coords(frequency=[2e9, 1e9]), "coordinate frequency"),
        (lambda ds: ds.assign_coords(frequency=[0.0, 1e9]), "coordinate frequency"),
        (lambda ds: ds.assign_coords(polarization=["H", "H"]), "coordinate polarization"),
        (lambda ds: ds.transpose("polarization", "frequency", ...), "dims of rssi"),
    ],
)
def test_channels_have_their_rules_too(spoil, field) -> None:
    with pytest.raises(SessionError) as refusal:
        validate(spoil(with_channels(scanned())))
    assert refusal.value.field == field


def test_a_refusal_names_the_cell() -> None:
    with pytest.raises(SessionError, match=r"elevation 20.0, azimuth 350.0"):
        validate(put(scanned(), "azimuth_measured", NAN))
    with pytest.raises(SessionError, match="sample 3"):
        validate(put(free_form(), "azimuth_measured", NAN, 3))


def test_what_was_rejected_keeps_its_place_in_the_order() -> None:
    ds = put(put(scanned(), "flag", Flag.REJECTED), "rssi", NAN)
    assert validate(ds).sequence.values[0, 0] == 0


def test_units_are_asked_for_by_name() -> None:
    assert units_of(scanned(units="counts")) == "counts"
    with pytest.raises(UnitsError):
        units_of(renamed_units(scanned(), "rssi", "dBW"))
