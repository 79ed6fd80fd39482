"""The whole simulated station, at times that are passed in."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from skyscan_lab.simulation.drive import Drive, RotorModel
from skyscan_lab.simulation.noise import Purpose, generator
from skyscan_lab.simulation.receiver import ReceiverModel
from skyscan_lab.simulation.scene import Scene

# Of the range of 8-bit samples: what a tuner's mixer leaks into its own centre.
_DC_SPIKE = (0.012, -0.007)


@dataclass(frozen=True)
class StationModel:
    """Everything that makes one simulated station.

    Parameters
    ----------
    scene : Scene
        What there is to receive.
    receiver : ReceiverModel
        What receives it.
    rotor : RotorModel
        What points there.
    seed : int
        Seed of its noise and its drift.
    """

    scene: Scene = field(default_factory=Scene)
    receiver: ReceiverModel = field(default_factory=ReceiverModel)
    rotor: RotorModel = field(default_factory=RotorModel)
    seed: int = 1


class SimulatedStation:
    """A station at work. Times are seconds since its epoch; the rotor's never go back.

    Parameters
    ----------
    model : StationModel
        What it is.
    epoch : datetime
        When its time began, timezone-aware.

    Examples
    --------
    >>> station = SimulatedStation(StationModel(), datetime(2026, 6, 1, tzinfo=UTC))
    >>> station.drive.command(0.0, azimuth_deg=180.0, elevation_deg=40.0)
    >>> start_s = station.drive.end_s + 0.2
    >>> station.readings(start_s, reads=3, session="a", sequence=0).shape
    (3,)
    """

    def __init__(self, model: StationModel, epoch: datetime) -> None:
        self.model = model
        self.drive = Drive(model.rotor)
        self._epoch_unix_s = epoch.astimezone(UTC).timestamp()

    def readings(
        self, start_s: float, reads: int, session: str, sequence: int
    ) -> NDArray[np.float64]:
        """Readings one after the other, while the rotor does what it was told.

        Parameters
        ----------
        start_s : float
            When the first one begins.
        reads : int
            How many, at least 1.
        session, sequence
            Whose noise: see `skyscan_lab.simulation.noise`.

        Returns
        -------
        ndarray, shape (reads,)
            In the units of the receiver.
        """
        receiver = self.model.receiver
        middles = np.asarray(start_s + (np.arange(reads) + 0.5) * receiver.reading_s)
        unix_s = self._epoch_unix_s + middles
        return receiver.readings(
            self._antenna_k(middles), unix_s, self.model.seed, session, sequence
        )

    def power_mw(self, time_s: float) -> float:
        """Mean power at the detector, without noise, milliwatt."""
        unix_s = self._epoch_unix_s + time_s
        antenna = self._antenna_k(np.array([time_s]))
        return float(self.model.receiver.power_mw(antenna, unix_s, self.model.seed)[0])

    def iq(
        self, time_s: float, samples: int, sample_rate_hz: float, session: str, sequence: int
    ) -> NDArray[np.uint8]:
        """Samples of the receiver as an 8-bit tuner delivers them.

        Parameters
        ----------
        time_s : float
            When; the power is taken to be constant while they last.
        samples : int
            How many complex ones.
        sample_rate_hz : float
            Their rate, which is also their bandwidth.
        session, sequence
            Whose noise: see `skyscan_lab.simulation.noise`.

        Returns
        -------
        ndarray of uint8, shape (2 · samples,)
            I and Q in turns, offset binary about 127.5, with the spike at the centre
            frequency that a tuner adds by itself.
        """
        receiver = self.model.receiver
        share = sample_rate_hz / receiver.bandwidth_hz
        level = 10.0 ** (float(receiver.level_dbfs(self.power_mw(time_s) * share)) / 20.0)
        bits = generator(self.model.seed, session, sequence, Purpose.SAMPLES)
        noise = Generator(bits).standard_normal((samples, 2), dtype=np.float32)
        # Both parts share the power of a complex sample.
        wave = noise * np.float32(level / np.sqrt(2.0)) + np.array(_DC_SPIKE, dtype=np.float32)
        return np.asarray(np.clip(np.rint(wave * 127.5 + 127.5), 0, 255), dtype=np.uint8).ravel()

    def _antenna_k(self, times_s: NDArray[np.float64]) -> NDArray[np.float64]:
        azimuth, elevation = self.drive.pointing(times_s.tolist())
        return self.model.scene.antenna_k(azimuth, elevation, self._epoch_unix_s + times_s)
