"""Truth: the beam and the noise that were asked for, and the station that works in time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
import xarray as xr

import skyscan_lab as sky
from skyscan_lab.antenna import AiryPattern, GaussianPattern
from skyscan_lab.errors import InvalidInput
from skyscan_lab.grid import ScanGrid
from skyscan_lab.mount import Mount
from skyscan_lab.power import DECIBEL
from skyscan_lab.session import location_of, validate
from skyscan_lab.simulation.axis import AxisModel
from skyscan_lab.simulation.defaults import default_model
from skyscan_lab.simulation.drive import RotorModel
from skyscan_lab.simulation.kinematics import move_duration_s
from skyscan_lab.simulation.receiver import ReceiverModel
from skyscan_lab.simulation.session import EPOCH, record_session, simulate_session
from skyscan_lab.simulation.sky import DiffuseSky
from skyscan_lab.simulation.sources import MovingSource, PointSource
from skyscan_lab.simulation.station import SimulatedStation
from skyscan_lab.sphere import to_plane
from skyscan_lab.station import SimulatedReceiver, Station

GRID = ScanGrid(az=(90, 110), el=(30, 50), step=1)
EMITTER = PointSource(101.3, 39.6, 800.0)
NO_SKY = DiffuseSky(background_k=0.0, zenith_opacity=0.0, atmosphere_k=0.0, ground_k=0.0)
ONE = {"grid": GRID, "sources": [EMITTER], "sky": NO_SKY, "spillover": 0.0, "reads": 1}


def kelvin(ds: xr.Dataset) -> np.ndarray:
    """Antenna temperature that the readings mean."""
    model = ReceiverModel()
    floor = float(model.mean_power_mw(0.0))
    return model.noise_temperature_k * (DECIBEL.to_power(ds.rssi.values) / floor - 1.0)


def test_without_noise_it_is_the_beam_itself() -> None:
    beam = AiryPattern((4.0, 6.0), 0.2, 30.0)
    ds = simulate_session(**ONE, pattern=beam, noise=0.0)
    offsets = to_plane(
        101.3, 39.6, ds.azimuth.values, ds.elevation.values[:, None], projection="arc"
    )
    np.testing.assert_allclose(kelvin(ds), 800.0 * beam.gain(*offsets), atol=1e-6)


def test_it_is_the_public_name_and_a_valid_session() -> None:
    ds = sky.simulate_session(GRID, sources=[EMITTER], pattern=GaussianPattern(5.0), noise=0.01)
    assert validate(ds) is ds
    assert ds.attrs["averaging"] == "linear power"
    assert ds.attrs["frequency_hz"] == 11.7e9
    assert location_of(ds).latitude_deg == pytest.approx(46.95)
    assert int(ds.rssi_reads.min()) == 10


def test_noise_has_the_size_that_was_asked_for() -> None:
    exact = simulate_session(**ONE, pattern=GaussianPattern(5.0), noise=0.0)
    noisy = simulate_session(**{**ONE, "reads": 4}, pattern=GaussianPattern(5.0), noise=0.05)
    ratio = 10.0 ** ((noisy.rssi - exact.rssi).values / 10.0)
    assert ratio.std() == pytest.approx(0.05 / 2.0, rel=0.15)
    assert ratio.mean() == pytest.approx(1.0, abs=4.0 * 0.025 / np.sqrt(ratio.size))


def test_seed_and_session_decide_the_noise_and_nothing_else_does() -> None:
    first = simulate_session(**ONE, noise=0.01, seed=1)
    assert first.rssi.identical(simulate_session(**ONE, noise=0.01, seed=1).rssi)
    for other in ({"seed": 2}, {"session": "another"}):
        changed = simulate_session(**ONE, noise=0.01, **other)
        difference = (first.rssi - changed.rssi).values
        assert np.all(difference != 0.0)
        assert difference.std() == pytest.approx(0.0434 * np.sqrt(2.0), rel=0.2)


def test_a_tilted_mount_moves_the_peak() -> None:
    mount = Mount(azimuth_zero_deg=3.0, elevation_offset_deg=-2.0)
    ds = simulate_session(**ONE, mount=mount, noise=0.0)
    peak = ds.rssi.where(ds.rssi == ds.rssi.max(), drop=True)
    assert (float(peak.azimuth[0]), float(peak.elevation[0])) == (104.0, 38.0)


def test_backlash_shows_as_a_zig_zag_in_a_serpentine() -> None:
    axis = AxisModel(backlash_deg=1.0)
    rotor = RotorModel(azimuth=axis, elevation=AxisModel())
    grid = ScanGrid(az=(90, 110), el=(36, 43), step=1, order="serpentine")
    ds = simulate_session(**{**ONE, "grid": grid}, rotor=rotor, noise=0.0)
    power = kelvin(ds)
    centre = (power * ds.azimuth.values).sum(axis=1) / power.sum(axis=1)
    shift = np.diff(centre)[1:] * np.array([1, -1, 1, -1, 1, -1])
    assert np.abs(shift).mean() == pytest.approx(1.0, abs=0.15)
    assert np.all(np.sign(shift) == np.sign(shift[0]))
    np.testing.assert_allclose(ds.azimuth_measured, ds.azimuth.broadcast_like(ds.rssi), atol=1e-9)


def test_times_are_those_of_an_ideal_scan() -> None:
    ds = simulate_session(GRID, [EMITTER], reads=5)
    order = np.argsort(ds.sequence.values.ravel())
    times = ds.time.values.ravel()[order]
    path = np.array([(p.azimuth_deg, p.elevation_deg) for p in GRID.visits()])
    steps = np.abs(np.diff(path, axis=0)).max(axis=1)
    expected = move_duration_s(steps, 65.0, 400.0) + 0.2 + 5 * 0.02
    np.testing.assert_allclose(np.diff(times) / np.timedelta64(1, "s"), expected, atol=2e-6)
    assert times[0] > np.datetime64(EPOCH.replace(tzinfo=None))


def test_moving_sources_move_with_the_time_of_the_scan() -> None:
    grid = ScanGrid(az=(90, 110), el=(30, 30), step=1)
    times = simulate_session(grid, [EMITTER], reads=1).time.values.ravel()
    half = (times[10] - np.datetime64(EPOCH.replace(tzinfo=None))) / np.timedelta64(1, "s")
    # It crosses az 100 just when the rotor looks there, moving up at 2° a second.
    plane = MovingSource(100.0, 30.0, EPOCH.timestamp() + float(half), 0.0, 2.0, 800.0)
    moving = simulate_session(grid, [plane], sky=NO_SKY, noise=0.0, reads=1)
    still = simulate_session(
        grid, [PointSource(100.0, 30.0, 800.0)], sky=NO_SKY, noise=0.0, reads=1
    )
    assert float(moving.rssi[0, 10]) == pytest.approx(float(still.rssi[0, 10]), abs=0.02)
    assert float(moving.rssi[0, 8]) < float(still.rssi[0, 8]) - 0.3


@pytest.mark.parametrize("units", ["dBm", "counts"])
def test_it_is_what_the_station_records_in_time(units: str) -> None:
    """Point by point through the station's hardware, against all at once."""
    model = default_model(Station(receiver=SimulatedReceiver(units=units, resolution=0)))
    grid = ScanGrid(az=(150, 170), el=(30, 34), step=2, order="serpentine")
    ds = record_session(model, grid, reads=4, session="s")
    station = SimulatedStation(model, EPOCH)
    now = 0.0
    for point in grid.visits():
        station.drive.command(now, point.azimuth_deg, point.elevation_deg)
        begin = max(station.drive.end_s, now) + model.rotor.settle_s
        values = station.readings(begin, 4, "s", point.sequence)
        cell = ds.isel(elevation=point.row, azimuth=point.column)
        assert float(cell.rssi_last) == pytest.approx(values[-1], abs=1e-9)
        assert float(cell.azimuth_measured) == station.drive.reported(begin).azimuth_deg
        if units == "counts":
            assert float(cell.rssi) == pytest.approx(values.mean(), abs=1e-9)
        now = begin + 4 * model.receiver.reading_s
    last = ds.time.max().values
    end = np.datetime64((EPOCH + timedelta(seconds=now - 0.04)).replace(tzinfo=None))
    assert abs(last - end) <= np.timedelta64(2, "us")


def test_the_default_sky_looks_like_something_real() -> None:
    ds = simulate_session(ScanGrid(az=(100, 260), el=(18, 64), step=2), noise=0.01)
    empty, peak = float(ds.rssi.quantile(0.05)), float(ds.rssi.max())
    assert 5.0 < peak - empty < 15.0  # as bright over the floor as the Winegard's sky
    south = ds.sel(azimuth=slice(140, 196))
    arc = south.elevation.values[south.rssi.argmax("elevation").values]
    assert np.all(np.abs(arc - 34.0) < 8.0)


def test_a_full_turn_goes_the_short_way_round_the_cable() -> None:
    grid = ScanGrid(az=(350, 20), el=(30, 30), step=10)
    rotor = RotorModel(start=(-20.0, 30.0))
    ds = simulate_session(grid, [EMITTER], rotor=rotor)
    np.testing.assert_allclose(ds.azimuth_measured.values.ravel(), [-10.0, 0.0, 10.0, 20.0])


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"reads": 0}, "reads"),
        ({"noise": -1.0}, "noise"),
        ({"spillover": 0.6}, "spillover"),
        ({"epoch": datetime(2026, 1, 1)}, "epoch"),  # noqa: DTZ001 (that is the mistake)
        ({"rotor": RotorModel(), "grid": ScanGrid(az=(0, 10), el=(-20, 0), step=5)}, "grid"),
    ],
)
def test_what_cannot_be_is_refused_by_name(changes: dict, field: str) -> None:
    with pytest.raises(InvalidInput, match=field):
        simulate_session(**{**ONE, **changes})


def test_any_epoch_is_honoured() -> None:
    epoch = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)
    ds = simulate_session(**ONE, epoch=epoch)
    assert ds.time.min().values > np.datetime64("2030-01-02T03:04:05")
