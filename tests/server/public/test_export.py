"""Truth: what ``/data`` lists of the same session, and what the node measured."""

import csv
import io
import json

import numpy as np
import pytest
import xarray as xr
from astropy.io import fits

from skyscan_lab.io import load_session
from skyscan_lab.session import samples_of

pytestmark = pytest.mark.system

# Below the rotor's lowest elevation: what is asked for with clip is missing there.
ASKED = {
    "rotor_id": 1,
    "az_start": 10,
    "az_end": 16,
    "el_start": 26,
    "el_end": 32,
    "rssi_iterations": 3,
    "clip": True,
    "notes": "wind from the south\nüber 5 °",
}


@pytest.fixture
async def exported(hub, ask, until, rotor, tmp_path):
    """A session with points that are missing: its ``/data``, and its file of every format."""
    fields = {"name": "Clipped", "driver": "simulated", "min_elevation": 29}
    async with rotor(**fields) as number:
        session_id = (await ask("POST", "/api/skyscan/start", json=ASKED | {"rotor_id": number}))[
            "id"
        ]
        await until(session_id, "completed")
    points = await ask("GET", f"/api/skyscan/{session_id}/data")
    assert len(points) == 8
    files = {}
    for name, suffix in (("netcdf", "nc"), ("fits", "fits"), ("csv", "csv"), ("json", "json")):
        files[name] = tmp_path / f"a.{suffix}"
        url = f"{hub.url}/api/skyscan/{session_id}/export?format={name}"
        async with hub.session.get(url) as response:
            assert response.status == 200
            wanted = f'attachment; filename="session-{session_id}.{suffix}"'
            assert response.headers["Content-Disposition"] == wanted
            content = await response.read()
            assert int(response.headers["Content-Length"]) == len(content)
        files[name].write_bytes(content)
    return points, files


def as_data(ds):
    """The points of a session, as ``/data`` has them."""
    taken = samples_of(ds)
    return [
        {
            "azimuth": float(azimuth) % 360,
            "elevation": float(elevation),
            "rssi_reads": int(reads),
            "rssi_average": round(float(mean)),
            "rssi_current": round(float(last)),
            "measured_at": str(np.datetime_as_string(time, unit="s")),
        }
        for azimuth, elevation, reads, mean, last, time in zip(
            taken["azimuth_measured"].values,
            taken["elevation_measured"].values,
            taken["rssi_reads"].values,
            taken["rssi"].values,
            taken["rssi_last"].values,
            taken["time"].values,
            strict=True,
        )
    ]


async def test_every_format_holds_what_data_lists(exported):
    points, files = exported
    exact = load_session(files["netcdf"])
    for name, file in files.items():
        ds = load_session(file)
        assert as_data(ds) == points, name
        if name != "json":
            assert ds.identical(exact), name
            assert ds.attrs["notes"] == ASKED["notes"]
    assert int(np.isnan(exact["rssi"]).sum()) == 8
    assert not np.array_equal(exact["rssi"], np.round(exact["rssi"]))


async def test_other_programs_open_them(exported):
    points, files = exported
    with xr.open_dataset(files["netcdf"]) as ds:
        assert np.isfinite(ds["rssi"]).sum() == len(points)
    with fits.open(files["fits"]) as hdus:
        hdus.verify("exception")
        assert np.isfinite(hdus["SAMPLES"].data["rssi"]).sum() == len(points)
    rows = [row for row in files["csv"].read_text().splitlines() if not row.startswith("#")]
    table = list(csv.DictReader(io.StringIO("\n".join(rows))))
    assert len(table) == 16
    assert sum(row["rssi"] != "" for row in table) == len(points)


async def test_json_has_the_exact_readings_and_the_missing_points(exported):
    points, files = exported
    listed = json.loads(files["json"].read_text(), parse_constant=pytest.fail)
    measured = [point for point in listed if point["missing"] is None]
    assert [{name: point[name] for name in points[0]} for point in measured] == points
    taken = samples_of(load_session(files["netcdf"]))
    for name, exact in (("rssi_mean", "rssi"), ("rssi_std", "rssi_std"), ("rssi_last",) * 2):
        assert [point[name] for point in measured] == taken[exact].values.tolist()
    missing = [point for point in listed if point["missing"] is not None]
    assert len(missing) == 8
    assert {point["missing"] for point in missing} == {"out_of_limits"}
    assert {point["elevation"] for point in missing} == {26.0, 28.0}
    assert {point["rssi_mean"] for point in missing} == {None}


async def test_nothing_is_left_of_a_file_and_a_slow_reader_holds_nobody_up(
    hub, ask, session_id, process
):
    url = f"{hub.url}/api/skyscan/{session_id}/export"
    async with hub.session.get(url) as first, hub.session.get(url) as second:
        assert (first.status, second.status) == (200, 200)
        assert list(process.data.glob("export-*")) == []
        async with hub.session.get(url) as third:
            content = await third.read()
        assert await first.read() == content
