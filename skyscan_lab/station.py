"""station.toml: one description of a station for the command line, nodes and notebooks.

::

    [site]
    name = "Roof"
    latitude_deg = 47.37
    longitude_deg = 8.54
    height_m = 440.0
    horizon = [[0, 5], [90, 12], [180, 3], [270, 8]]   # azimuth, elevation of the skyline

    [rotor]
    driver = "rotctld"            # or "winegard", "simulated"
    host = "192.168.1.20"
    port = 4533
    limits = { azimuth_deg = [0, 450], elevation_deg = [0, 90] }

    [receiver]
    driver = "rtl_tcp"            # or "rotor", "rigctld", "simulated"
    host = "192.168.1.20"
    port = 1234
    frequency_hz = 1420.4e6

Everything that can be guessed has a default: with no file at all the station is simulated.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails

from skyscan_lab.errors import InvalidInput, StationError
from skyscan_lab.power import Units

Azimuth = Annotated[float, Field(ge=-720, le=720, allow_inf_nan=False)]
Elevation = Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)]
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Port = Annotated[int, Field(ge=1, le=65535)]


class _Settings(BaseModel):
    # The sentence under each setting is its description in the documentation's table.
    model_config = ConfigDict(frozen=True, allow_inf_nan=False, use_attribute_docstrings=True)

    @model_validator(mode="before")
    @classmethod
    def _known(cls, table: Any) -> Any:
        # pydantic's own refusal of unknown names does not say which are known.
        for name in table if isinstance(table, dict) else ():
            if name not in cls.model_fields:
                known = ", ".join(cls.model_fields)
                allowed = f"left out, as it is no setting; known are {known}"
                raise InvalidInput(name, table[name], allowed)
        return table


class Site(_Settings):
    """Where the station stands (WGS-84), and its skyline."""

    name: str = "Simulated site"
    """What people call it; goes into every session."""
    latitude_deg: float = Field(default=46.95, ge=-90, le=90)
    """Geodetic latitude, north positive."""
    longitude_deg: float = Field(default=7.44, ge=-180, le=360)
    """Longitude, east positive."""
    height_m: float = 550.0
    """Height above the ellipsoid."""
    horizon: tuple[tuple[Azimuth, Elevation], ...] = ()
    """Skyline as pairs of azimuth and elevation in degrees; flat where there are none."""

    @field_validator("horizon")
    @classmethod
    def _one_height_a_direction(
        cls, horizon: tuple[tuple[float, float], ...]
    ) -> tuple[tuple[float, float], ...]:
        azimuths = [azimuth % 360.0 for azimuth, _ in horizon]
        if len(set(azimuths)) < len(azimuths):
            raise ValueError(f"each azimuth must come once, not {azimuths}")
        return horizon


class Limits(_Settings):
    """Hard limits that no target may leave, degrees; azimuth is a cable range."""

    azimuth_deg: tuple[Azimuth, Azimuth] = (-180.0, 450.0)
    """Lowest and highest azimuth that the cable allows."""
    elevation_deg: tuple[Elevation, Elevation] = (0.0, 90.0)
    """Lowest and highest elevation."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        for name, (low, high) in (
            ("azimuth_deg", self.azimuth_deg),
            ("elevation_deg", self.elevation_deg),
        ):
            if low >= high:
                raise InvalidInput(name, (low, high), "the lower limit and then the upper")
        return self


class _Rotor(_Settings):
    limits: Limits | None = None
    """Hard limits of the rotor; without them, those that the rotor itself reports."""
    park: tuple[Azimuth, Elevation] = (0.0, 0.0)
    """Azimuth and elevation to park at, degrees; by default as near to 0, 0 as the limits allow."""
    tolerance_deg: float = Field(default=0.2, gt=0, le=10)
    """How near to its target a move must end."""
    settle_s: float = Field(default=0.2, ge=0, le=60)
    """How long the position must stay within the tolerance to count as settled."""
    move_timeout_s: Seconds = 180.0
    """Longest time that one move may take."""

    @model_validator(mode="after")
    def _park_within_limits(self) -> Self:
        if self.limits is None:
            return self
        azimuth, elevation = self.limits.azimuth_deg, self.limits.elevation_deg
        if "park" not in self.model_fields_set:
            nearest = tuple(min(max(0.0, low), high) for low, high in (azimuth, elevation))
            object.__setattr__(self, "park", nearest)  # frozen, and not yet anybody's
        if not (
            azimuth[0] <= self.park[0] <= azimuth[1]
            and elevation[0] <= self.park[1] <= elevation[1]
        ):
            raise InvalidInput("park", self.park, f"within {azimuth} and {elevation}")
        return self


class SimulatedRotor(_Rotor):
    """Rotor of the simulated station; its speeds are those of a Winegard Carryout G2."""

    driver: Literal["simulated"] = "simulated"
    azimuth_speed_deg_s: float = Field(default=65.0, gt=0, le=1000)
    """Highest speed in azimuth, degrees a second."""
    elevation_speed_deg_s: float = Field(default=45.0, gt=0, le=1000)
    """Highest speed in elevation, degrees a second."""
    acceleration_deg_s2: float = Field(default=400.0, gt=0, le=1e5)
    """Acceleration and deceleration of both axes, degrees a second squared."""
    backlash_deg: float = Field(default=0.05, ge=0, le=10)
    """Play of the gear of each axis."""
    azimuth_zero_deg: float = Field(default=0.0, ge=-180, le=180)
    """What the dial shows in azimuth where it should show 0."""
    tilt_north_deg: float = Field(default=0.0, ge=-45, le=45)
    """Rotation of the mount about the north axis."""
    tilt_east_deg: float = Field(default=0.0, ge=-45, le=45)
    """Rotation of the mount about the east axis."""


class RotctldRotor(_Rotor):
    """Rotor behind hamlib's rotctld, or behind a server of its dialect with RSSI."""

    driver: Literal["rotctld"]
    host: str = "127.0.0.1"
    """Name or address of the computer it runs on."""
    port: Port = 4533
    """TCP port."""


class WinegardRotor(_Rotor):
    """Winegard Carryout G2 on its serial console."""

    driver: Literal["winegard"]
    device: str = "/dev/ttyUSB0"
    """Serial port of the console."""


class SimulatedReceiver(_Settings):
    """Receiver and antenna of the simulated station."""

    driver: Literal["simulated"] = "simulated"
    hpbw_deg: float = Field(default=5.0, gt=0, le=90)
    """Full width of the beam at half power."""
    blockage: float = Field(default=0.15, ge=0, le=0.9)
    """Diameter of the blocked centre of the aperture over its own."""
    frequency_hz: float = Field(default=11.7e9, gt=0)
    """What it is tuned to."""
    units: Units = "dBm"
    """Units of its readings: dBm, dBFS, dB or counts."""
    resolution: float | None = Field(default=None, ge=0)
    """Smallest step of a reading in its units, 0 for none; by default 1 count or 0.1 dB."""
    reading_s: Seconds = 0.02
    """How long a reading takes."""
    gain_drift_db: float = Field(default=0.1, ge=0, le=10)
    """How far the gain wanders over hours, rms."""
    impulse_share: float = Field(default=0.0005, ge=0, le=1)
    """Share of the readings that impulsive interference hits."""


class RotorReceiver(_Settings):
    """RSSI from the rotor itself: the rotctld dialect, or the Winegard console."""

    driver: Literal["rotor"]
    frequency_hz: float | None = Field(default=None, gt=0)
    """What it is tuned to, where that is known; goes into the session."""


class RigctldReceiver(_Settings):
    """Level from rigctld or gqrx."""

    driver: Literal["rigctld"]
    host: str = "127.0.0.1"
    """Name or address of the computer it runs on."""
    port: Port = 4532
    """TCP port."""
    level: str = "STRENGTH"
    """Which of the rig's levels to read."""
    frequency_hz: float | None = Field(default=None, gt=0)
    """What it is tuned to, where that is known; goes into the session."""


class RtlTcpReceiver(_Settings):
    """Power from the I/Q samples of rtl_tcp."""

    driver: Literal["rtl_tcp"]
    host: str = "127.0.0.1"
    """Name or address of the computer it runs on."""
    port: Port = 1234
    """TCP port."""
    frequency_hz: float = Field(gt=0)
    """Centre frequency to tune to."""
    sample_rate_hz: float = Field(default=2.048e6, gt=0)
    """Complex samples in a second, which is also the bandwidth received."""
    gain_db: float = Field(default=30.0, ge=0, le=60)
    """Gain of the tuner; automatic gain is always off, or levels would mean nothing."""
    correction_ppm: int = Field(default=0, ge=-200, le=200)
    """Error of the dongle's crystal, parts per million."""
    integration_s: Seconds = 0.02
    """Length of samples in one reading."""


def _simulated_by_default(table: Any) -> Any:
    return {"driver": "simulated", **table} if isinstance(table, dict) else table


RotorSettings = Annotated[
    SimulatedRotor | RotctldRotor | WinegardRotor,
    Field(discriminator="driver"),
    BeforeValidator(_simulated_by_default),
]
ReceiverSettings = Annotated[
    SimulatedReceiver | RotorReceiver | RigctldReceiver | RtlTcpReceiver,
    Field(discriminator="driver"),
    BeforeValidator(_simulated_by_default),
]


class Station(_Settings):
    """A whole station; simulated unless a file says otherwise."""

    site: Site = Site()
    """Section ``[site]``."""
    rotor: RotorSettings = SimulatedRotor()
    """Section ``[rotor]``; its settings depend on the driver."""
    receiver: ReceiverSettings = SimulatedReceiver()
    """Section ``[receiver]``; its settings depend on the driver."""
    seed: int = Field(default=1, ge=0)
    """Seed of the noise of a simulated station."""

    @model_validator(mode="after")
    def _one_world(self) -> Self:
        if (self.rotor.driver == "simulated") != (self.receiver.driver == "simulated"):
            raise ValueError(
                f"rotor.driver is {self.rotor.driver!r} and receiver.driver is "
                f"{self.receiver.driver!r}: both must be simulated, or neither"
            )
        return self


def load_station(path: str | Path | None = None) -> Station:
    """Read a station file.

    Parameters
    ----------
    path : str or Path, optional
        A ``station.toml``; without one, the simulated station.

    Returns
    -------
    Station
        Frozen; every setting that the file leaves out at its default.

    Raises
    ------
    StationError
        Naming the file and each setting that is wrong, with its value and what is allowed.

    Examples
    --------
    >>> load_station().rotor.driver
    'simulated'
    """
    if path is None:
        return Station()
    try:
        table = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise StationError(f"{path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise StationError(f"{path}: not TOML: {error}") from error
    try:
        return Station.model_validate(table)
    except ValidationError as error:
        problems = "; ".join(_in_words(problem) for problem in error.errors())
        raise StationError(f"{path}: {problems}") from error


def _in_words(problem: ErrorDetails) -> str:
    # The driver that chose the model stands in the path, but not in the file.
    setting = ".".join(
        str(part)
        for depth, part in enumerate(problem["loc"])
        if not (depth == 1 and problem["loc"][0] in ("rotor", "receiver"))
    )
    if problem["type"] == "missing":
        return f"{setting} is required"
    if problem["type"] == "value_error":  # ours: it says the value itself
        error = problem["ctx"]["error"]
        if isinstance(error, InvalidInput):
            return f"{setting}.{error}" if setting else str(error)
        return f"{setting}: {error}" if setting else str(error)
    return f"{setting} = {problem['input']!r}: {problem['msg']}"
