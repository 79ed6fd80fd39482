"""A whole scan at once: the session that a simulated station would record.

The same rotor, sky and receiver as in `skyscan_lab.simulation.station`, the same noise for the
same point, but all readings in one pass and no time to wait for.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import xarray as xr

from skyscan_lab.antenna import AiryPattern, AntennaPattern
from skyscan_lab.errors import InvalidInput
from skyscan_lab.grid import GridPoint, ScanGrid
from skyscan_lab.mount import Mount
from skyscan_lab.power import average, response_of
from skyscan_lab.session import Location, LocationLike, as_location, session_from_points
from skyscan_lab.simulation.axis import AxisModel
from skyscan_lab.simulation.defaults import default_sources
from skyscan_lab.simulation.dish import Dish
from skyscan_lab.simulation.drive import Drive, RotorModel
from skyscan_lab.simulation.receiver import ReceiverModel
from skyscan_lab.simulation.scene import Scene
from skyscan_lab.simulation.sky import DiffuseSky
from skyscan_lab.simulation.sources import Source
from skyscan_lab.simulation.station import StationModel
from skyscan_lab.station import Limits, Site

EPOCH = datetime(2026, 6, 1, 9, 0, tzinfo=UTC)
"""When a simulated session begins unless it is told: always the same, to be repeatable."""

_SITE = Site()
_HOME = Location(_SITE.latitude_deg, _SITE.longitude_deg, _SITE.height_m)
# A rotor without play, ringing or limits, that stands exactly where it was sent.
_EXACT = RotorModel(
    azimuth=AxisModel(),
    elevation=AxisModel(),
    limits=Limits(azimuth_deg=(-720.0, 720.0), elevation_deg=(-90.0, 90.0)),
)


def simulate_session(
    grid: ScanGrid,
    sources: Sequence[Source] | None = None,
    pattern: AntennaPattern | None = None,
    noise: float | None = None,
    seed: int = 1,
    *,
    reads: int = 10,
    receiver: ReceiverModel | None = None,
    sky: DiffuseSky | None = None,
    mount: Mount | None = None,
    rotor: RotorModel | None = None,
    spillover: float = 0.05,
    location: LocationLike | None = None,
    epoch: datetime = EPOCH,
    session: str = "simulated",
) -> xr.Dataset:
    """Session that a simulated station records on a grid.

    Parameters
    ----------
    grid : ScanGrid
        Where it points, and in which order.
    sources : sequence of Source, optional
        What is in the sky (`skyscan_lab.simulation.sources`); by default the geostationary arc
        over the site, the Sun and an interferer on the ground.
    pattern : AntennaPattern, optional
        Beam of the antenna; by default an Airy pattern 5° wide with some blockage.
    noise : float, optional
        Scatter of one reading as a share of its power: 0.01 is 1 %, 0 is none. By default the
        receiver's.
    seed : int
        Seed of the noise.
    reads : int
        Readings at each point.
    receiver, sky, mount, rotor
        Models of the rest; by default a receiver in dBm without rounding, drift or interference,
        a level horizon, and a mount and a rotor without errors.
    spillover : float
        Share of the antenna's power that comes from past its rim, within [0, 0.5].
    location : Location, EarthLocation or (latitude, longitude[, height]), optional
        The site; by default that of the unconfigured station.
    epoch : datetime
        When the station's time begins, timezone-aware.
    session : str
        Names the session: another name, other noise.

    Returns
    -------
    Dataset
        Gridded on the nominal grid, in the rotor's own azimuth and elevation.

    Raises
    ------
    InvalidInput
        For arguments out of range, or a grid that the rotor cannot reach.

    Examples
    --------
    >>> from skyscan_lab.simulation.sources import PointSource
    >>> grid = ScanGrid(az=(90, 110), el=(30, 50), step=2)
    >>> ds = simulate_session(grid, [PointSource(100, 40, temperature_k=500)], noise=0.01, seed=3)
    >>> peak = ds.rssi.where(ds.rssi == ds.rssi.max(), drop=True)
    >>> float(peak.azimuth[0]), float(peak.elevation[0])
    (100.0, 40.0)
    """
    site = _HOME if location is None else as_location(location)
    beam = AiryPattern(5.0, blockage=0.15) if pattern is None else pattern
    receives = ReceiverModel() if receiver is None else receiver
    if noise is not None:
        receives = receives.with_relative_noise(noise)
    if sources is None:
        sources = default_sources(site, beam, receives.frequency_hz)
    scene = Scene(tuple(sources), sky or DiffuseSky(), Dish(beam, spillover), mount or Mount())
    model = StationModel(scene, receives, rotor or _EXACT, seed)
    return record_session(model, grid, reads=reads, location=site, epoch=epoch, session=session)


def record_session(
    model: StationModel,
    grid: ScanGrid,
    *,
    reads: int = 10,
    location: LocationLike | None = None,
    epoch: datetime = EPOCH,
    session: str = "simulated",
) -> xr.Dataset:
    """Session that a station of a given model records on a grid.

    Parameters
    ----------
    model : StationModel
        The station.
    grid, reads, location, epoch, session
        As for `simulate_session`; without a location the session has none.

    Returns
    -------
    Dataset
        Gridded, as for `simulate_session`.

    Raises
    ------
    InvalidInput
        As for `simulate_session`.

    Examples
    --------
    >>> from skyscan_lab.simulation.defaults import default_model
    >>> from skyscan_lab.station import Station
    >>> ds = record_session(default_model(Station()), ScanGrid(az=(160, 180), el=(30, 40), step=5))
    >>> dict(ds.sizes), ds.rssi.attrs["units"]
    ({'elevation': 3, 'azimuth': 5}, 'dBm')
    """
    if reads < 1:
        raise InvalidInput("reads", reads, "at least 1")
    if epoch.tzinfo is None:
        raise InvalidInput("epoch", epoch, "a time with its time zone")
    receiver, drive = model.receiver, Drive(model.rotor)
    in_reading = (np.arange(reads) + 0.5) * receiver.reading_s
    points = list(grid.visits())
    # Where the axes truly stand in the middle of each reading, when, and its random numbers.
    azimuth, elevation, times = (np.empty((len(points), reads)) for _ in range(3))
    numbers = np.empty((3, len(points), reads))
    reported = np.empty((len(points), 2))
    now_s = 0.0
    for row, point in enumerate(points):
        drive.command(now_s, _turn(drive, now_s, point), point.elevation_deg)
        begin_s = max(drive.end_s, now_s) + model.rotor.settle_s
        times[row] = begin_s + in_reading
        azimuth[row], elevation[row] = drive.pointing(times[row].tolist())
        reported[row] = drive.reported(begin_s)
        numbers[:, row] = receiver.draw(model.seed, session, point.sequence, reads)
        now_s = begin_s + reads * receiver.reading_s

    unix_s = epoch.timestamp() + times
    antenna_k = model.scene.antenna_k(azimuth, elevation, unix_s)
    readings = receiver.shown(antenna_k, unix_s, model.seed, numbers)
    response = response_of(receiver.units)
    looks = receiver.looks if response is not None and np.isfinite(receiver.looks) else None
    averages = [average(row, response=response, looks=looks) for row in readings]
    return session_from_points(
        reported[:, 0],
        reported[:, 1],
        [result.value for result in averages],
        time=[epoch + timedelta(seconds=float(row.mean())) for row in times],
        reads=[result.reads for result in averages],
        units=receiver.units,
        location=location,
        std=[result.std for result in averages],
        last=readings[:, -1],
        grid=grid,
        averaging=averages[0].domain,
        attrs={
            "title": "Simulated sky scan",
            "rotor": "simulated rotor",
            "receiver": "simulated receiver",
            "frequency_hz": receiver.frequency_hz,
        },
    )


def _turn(drive: Drive, time_s: float, point: GridPoint) -> float:
    """Turn of the cable within the limits that is nearest to where the rotor stands."""
    limits = drive.model.limits
    here = drive.axes[0].motor(time_s)[0]
    turns = point.azimuth_deg + 360.0 * np.arange(-3, 4)
    low, high = limits.azimuth_deg
    reached = turns[(turns >= low) & (turns <= high)]
    if (
        not reached.size
        or not limits.elevation_deg[0] <= point.elevation_deg <= limits.elevation_deg[1]
    ):
        raise InvalidInput(
            "grid", (point.azimuth_deg, point.elevation_deg), f"within the rotor's limits: {limits}"
        )
    return float(reached[np.argmin(np.abs(reached - here))])
