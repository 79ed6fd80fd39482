"""The station that is there when nobody has configured one."""

from __future__ import annotations

from math import pi

import skyscan_lab.station as settings
from skyscan_lab.antenna import AiryPattern, AntennaPattern, effective_area_m2
from skyscan_lab.catalogs import look_angles
from skyscan_lab.mount import Mount
from skyscan_lab.power import LogResponse
from skyscan_lab.session import Location
from skyscan_lab.simulation.axis import AxisModel
from skyscan_lab.simulation.dish import Dish
from skyscan_lab.simulation.drift import GainDrift
from skyscan_lab.simulation.drive import RotorModel
from skyscan_lab.simulation.receiver import Impulses, ReceiverModel
from skyscan_lab.simulation.scene import Scene
from skyscan_lab.simulation.sky import DiffuseSky
from skyscan_lab.simulation.slots import SLOTS, Slot
from skyscan_lab.simulation.sources import (
    BOLTZMANN_J_K,
    SOLAR_FLUX_UNIT,
    GeostationarySatellite,
    PointSource,
    Source,
    Sun,
    temperature_of_flux,
)
from skyscan_lab.simulation.station import StationModel

_TRANSPONDER_HZ = 36e6
_QUIET_SUN_SFU = 370.0  # near 11 GHz, at the minimum of its cycle


# A receiver's own counts, as the Winegard's: 165 for ten times the power, which a round dish
# fits, and 450 on an empty sky of 20 K.
_COUNTS_PER_DECADE = 165.0
_COUNTS_ON_EMPTY_SKY = 450.0
_EMPTY_SKY_K = 20.0

_RINGING_HZ = 12.0
_ENCODER_STEP_DEG = 0.009  # 40 000 steps a turn


def default_model(station: settings.Station) -> StationModel:
    """Model of the simulated station that a description asks for.

    Parameters
    ----------
    station : Station
        The description. Where it names other drivers, the simulated ones' defaults count: that
        is what emulators of those drivers' hardware serve.

    Returns
    -------
    StationModel
        The geostationary arc, the Sun and an interferer on the ground, over the station's own
        horizon.

    Examples
    --------
    >>> from skyscan_lab.station import Station
    >>> model = default_model(Station())
    >>> names = [source.name for source in model.scene.sources]
    >>> "ASTRA 1KR" in names, "Sun" in names, "GALAXY 30" in names
    (True, True, False)
    """
    rotor, receiver = station.rotor, station.receiver
    if not isinstance(rotor, settings.SimulatedRotor):
        rotor = settings.SimulatedRotor(
            limits=rotor.limits, park=rotor.park, settle_s=rotor.settle_s
        )
    if not isinstance(receiver, settings.SimulatedReceiver):
        receiver = settings.SimulatedReceiver()
    location = Location(
        station.site.latitude_deg, station.site.longitude_deg, station.site.height_m
    )
    pattern = AiryPattern(receiver.hpbw_deg, receiver.blockage)
    scene = Scene(
        sources=default_sources(location, pattern, receiver.frequency_hz),
        sky=DiffuseSky(horizon=station.site.horizon),
        dish=Dish(pattern),
        mount=Mount(
            tilt_north_deg=rotor.tilt_north_deg,
            tilt_east_deg=rotor.tilt_east_deg,
            azimuth_zero_deg=rotor.azimuth_zero_deg,
        ),
    )
    return StationModel(scene, receiver_model(receiver), rotor_model(rotor), station.seed)


def default_sources(
    location: Location, pattern: AntennaPattern, frequency_hz: float
) -> tuple[Source, ...]:
    """Satellites above the site's horizon, the Sun, and an interferer on the ground.

    Parameters
    ----------
    location : Location
        The site.
    pattern : AntennaPattern
        Beam of the antenna, which decides how warm a source makes it.
    frequency_hz : float
        What the receiver is tuned to.
    """
    area = effective_area_m2(pattern, frequency_hz)
    sun = temperature_of_flux(_QUIET_SUN_SFU * SOLAR_FLUX_UNIT, area)
    satellites: list[Source] = []
    for slot in SLOTS:
        _, elevation, distance = look_angles(slot.longitude_deg, location)
        if elevation > 0.0:
            kelvin = satellite_temperature_k(slot, float(distance), area)
            satellites.append(
                GeostationarySatellite(slot.longitude_deg, kelvin, location, slot.name)
            )
    interferer = PointSource(62.0, 13.0, 900.0, name="microwave link")
    return (*satellites, Sun(sun, location), interferer)


def satellite_temperature_k(slot: Slot, distance_m: float, effective_area: float) -> float:
    """Antenna temperature that a satellite causes, its polarization matched, kelvin."""
    power_w = float(10.0 ** (slot.eirp_dbw / 10.0))
    flux = power_w / (4.0 * pi * distance_m * distance_m) / _TRANSPONDER_HZ
    return flux * effective_area / BOLTZMANN_J_K


def rotor_model(rotor: settings.SimulatedRotor) -> RotorModel:
    """Rotor's hardware, as its settings describe it."""
    limits = rotor.limits or settings.Limits()
    azimuth, elevation = (
        AxisModel(
            speed_deg_s=speed,
            acceleration_deg_s2=rotor.acceleration_deg_s2,
            backlash_deg=rotor.backlash_deg,
            ringing_hz=_RINGING_HZ,
            resolution_deg=_ENCODER_STEP_DEG,
        )
        for speed in (rotor.azimuth_speed_deg_s, rotor.elevation_speed_deg_s)
    )
    start_azimuth, start_elevation = rotor.park
    (az_low, az_high), (el_low, el_high) = limits.azimuth_deg, limits.elevation_deg
    return RotorModel(
        azimuth=azimuth,
        elevation=elevation,
        limits=limits,
        settle_s=rotor.settle_s,
        start=(
            min(max(start_azimuth, az_low), az_high),
            min(max(start_elevation, el_low), el_high),
        ),
    )


def receiver_model(receiver: settings.SimulatedReceiver) -> ReceiverModel:
    """Receiver as its settings describe it."""
    counts = receiver.units == "counts"
    resolution = receiver.resolution
    if resolution is None:
        resolution = 1.0 if counts else 0.1
    model = ReceiverModel(
        frequency_hz=receiver.frequency_hz,
        reading_s=receiver.reading_s,
        integration_s=min(receiver.reading_s, 2e-4),
        units=receiver.units,
        resolution=resolution,
        drift=GainDrift(rms_db=receiver.gain_drift_db),
        impulses=Impulses(probability=receiver.impulse_share),
    )
    if counts:
        return model.with_response(counts_response(model))
    if receiver.units == "dBFS":
        return model.with_response(LogResponse(offset=-model.full_scale_dbm))
    return model


def counts_response(model: ReceiverModel) -> LogResponse:
    """Logarithmic counts that read as a Winegard's do on an empty sky."""
    floor = float(model.mean_power_mw(_EMPTY_SKY_K))
    offset = _COUNTS_ON_EMPTY_SKY - float(
        LogResponse(per_decade=_COUNTS_PER_DECADE).to_reading(floor)
    )
    return LogResponse(offset=offset, per_decade=_COUNTS_PER_DECADE)
