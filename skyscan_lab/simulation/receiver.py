"""The simulated receiver: antenna temperature becomes readings.

The power at the detector is ``G(t) k B (T_A + T_rx)``. A reading averages it over B·τ
independent looks, so that it scatters by 1/√(B·τ) (the radiometer equation), and shows it
through the response of the detector, rounded to its smallest step.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skyscan_lab.errors import InvalidInput
from skyscan_lab.power import DECIBEL, LogResponse, Units, check_units, mw_to_dbm
from skyscan_lab.simulation.drift import GainDrift
from skyscan_lab.simulation.noise import Purpose, radiometer_factor, uniforms
from skyscan_lab.simulation.sources import BOLTZMANN_J_K


@dataclass(frozen=True)
class Impulses:
    """Interference that comes and goes within a reading: ignition, radar, a switched lamp.

    Parameters
    ----------
    probability : float
        Share of the readings that one hits, within [0, 1].
    mean_k : float
        Mean of its antenna temperature, kelvin; exponentially distributed.
    """

    probability: float = 0.0
    mean_k: float = 1000.0

    def __post_init__(self) -> None:
        if not 0.0 <= self.probability <= 1.0:
            raise InvalidInput("probability", self.probability, "within [0, 1]")
        if not 0.0 <= self.mean_k < np.inf:
            raise InvalidInput("mean_k", self.mean_k, "finite and at least 0")


@dataclass(frozen=True)
class ReceiverModel:
    """What a receiver does to the power it gets.

    Parameters
    ----------
    noise_temperature_k : float
        Its own noise, referred to the antenna.
    bandwidth_hz : float
        Bandwidth of the detector.
    integration_s : float
        How long the detector averages for one reading; infinite for readings without noise.
    reading_s : float
        How long a reading takes: a detector that is polled slowly uses a part of it.
    gain_db : float
        From the antenna to the detector.
    frequency_hz : float
        What it is tuned to.
    units : {"dBm", "dBFS", "dB", "counts"}
        Units of its readings.
    response : LogResponse
        Reading for a power in mW at the detector; decibels by default.
    resolution : float
        Smallest step of a reading, in its units; 0 for none.
    full_scale_dbm : float
        Level of a tone that just fills the range of its samples.
    drift : GainDrift
        How its gain wanders.
    impulses : Impulses
        Interference.

    Raises
    ------
    InvalidInput
        For values out of range.
    """

    noise_temperature_k: float = 80.0
    bandwidth_hz: float = 36e6
    integration_s: float = 2e-4
    reading_s: float = 0.02
    gain_db: float = 60.0
    frequency_hz: float = 11.7e9
    units: Units = "dBm"
    response: LogResponse = DECIBEL
    resolution: float = 0.0
    full_scale_dbm: float = -20.0
    drift: GainDrift = field(default_factory=GainDrift)
    impulses: Impulses = field(default_factory=Impulses)

    def __post_init__(self) -> None:
        check_units(self.units)
        for name in ("noise_temperature_k", "resolution"):
            if not 0.0 <= getattr(self, name) < np.inf:
                raise InvalidInput(name, getattr(self, name), "finite and at least 0")
        for name in ("bandwidth_hz", "reading_s", "frequency_hz"):
            if not 0.0 < getattr(self, name) < np.inf:
                raise InvalidInput(name, getattr(self, name), "finite and greater than 0")
        if not self.integration_s > 0.0:
            raise InvalidInput("integration_s", self.integration_s, "greater than 0")

    @property
    def looks(self) -> float:
        """Independent looks in a reading: bandwidth × integration time."""
        return self.bandwidth_hz * self.integration_s

    def with_relative_noise(self, rms: float) -> Self:
        """Same receiver, with readings that scatter by a given share of the power.

        Parameters
        ----------
        rms : float
            1/√(B·τ): 0.01 is one per cent, or 0.043 dB; 0 is no noise.
        """
        if not 0.0 <= rms < np.inf:
            raise InvalidInput("noise", rms, "a share of the power, finite and at least 0")
        integration = 1.0 / (rms**2 * self.bandwidth_hz) if rms else float("inf")
        return replace(self, integration_s=integration)

    def with_response(self, response: LogResponse) -> Self:
        """Same receiver behind another detector."""
        return replace(self, response=response)

    def mean_power_mw(self, antenna_k: ArrayLike) -> NDArray[np.float64]:
        """Mean power at the detector at the mean gain, milliwatt."""
        system_k = np.asarray(antenna_k, dtype=float) + self.noise_temperature_k
        gain = 10.0 ** (self.gain_db / 10.0)
        return np.asarray(1e3 * BOLTZMANN_J_K * self.bandwidth_hz * system_k * gain)

    def power_mw(self, antenna_k: ArrayLike, unix_s: ArrayLike, seed: int) -> NDArray[np.float64]:
        """Mean power at the detector.

        Parameters
        ----------
        antenna_k : array_like
            Antenna temperature, kelvin.
        unix_s : array_like
            When, seconds since 1970-01-01 UTC.
        seed : int
            Seed of the station, which its drift belongs to.

        Returns
        -------
        ndarray
            Milliwatt.
        """
        drift = 10.0 ** (self.drift.gain_db(unix_s, seed) / 10.0)
        return np.asarray(self.mean_power_mw(antenna_k) * drift)

    def level_dbfs(self, power_mw: ArrayLike) -> NDArray[np.float64]:
        """Level of a power at the detector, relative to a full-scale tone."""
        return mw_to_dbm(power_mw) - self.full_scale_dbm

    def readings(
        self,
        antenna_k: NDArray[np.float64],
        unix_s: NDArray[np.float64],
        seed: int,
        session: str,
        sequence: int,
    ) -> NDArray[np.float64]:
        """Readings at one point.

        Parameters
        ----------
        antenna_k, unix_s : ndarray, shape (n,)
            Antenna temperature during each reading, and when that is.
        seed, session, sequence
            Whose noise: see `skyscan_lab.simulation.noise`.

        Returns
        -------
        ndarray, shape (n,)
            In the units of the receiver.
        """
        numbers = self.draw(seed, session, sequence, antenna_k.size)
        return self.shown(antenna_k, unix_s, seed, numbers)

    def draw(self, seed: int, session: str, sequence: int, reads: int) -> NDArray[np.float64]:
        """Random numbers of the readings at one point.

        Returns
        -------
        ndarray, shape (3, reads)
            For the scatter of each reading, whether an impulse hits it, and how hard; those of
            what the receiver does not have are not drawn.
        """
        numbers = np.full((3, reads), 0.5)
        if np.isfinite(self.looks):
            numbers[0] = uniforms(seed, session, sequence, Purpose.RADIOMETER, reads)
        if self.impulses.probability:
            numbers[1] = uniforms(seed, session, sequence, Purpose.IMPULSE, reads)
            numbers[2] = uniforms(seed, session, sequence, Purpose.IMPULSE_POWER, reads)
        return numbers

    def shown(
        self,
        antenna_k: NDArray[np.float64],
        unix_s: NDArray[np.float64],
        seed: int,
        numbers: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        """Readings made of given random numbers, of any number of points at once.

        Parameters
        ----------
        antenna_k, unix_s : ndarray, shape S
            Antenna temperature during each reading, and when that is.
        seed : int
            Seed of the station.
        numbers : ndarray, shape (3,) + S
            Random numbers of each reading, as `draw` returns them, stacked.
        """
        scatter, hit, size = numbers
        impulse_k = np.where(
            hit < self.impulses.probability, -self.impulses.mean_k * np.log(size), 0.0
        )
        power = self.power_mw(antenna_k + impulse_k, unix_s, seed)
        if np.isfinite(self.looks):
            power = power * radiometer_factor(scatter, self.looks)
        reading = self.response.to_reading(power)
        if self.resolution:
            reading = np.rint(reading / self.resolution) * self.resolution
        return reading
