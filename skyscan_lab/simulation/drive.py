"""The rotor's hardware: two axes that move independently, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from skyscan_lab.simulation.axis import Axis, AxisModel
from skyscan_lab.simulation.faults import RotorFaults
from skyscan_lab.station import Limits

# Solid stops stand a little outside the limits that software keeps.
_STOPS_BEYOND_DEG = 5.0


class Dial(NamedTuple):
    """A setting of both axes, degrees; azimuth on the cable's own turn."""

    azimuth_deg: float
    elevation_deg: float


@dataclass(frozen=True)
class RotorModel:
    """What a rotor can do.

    Parameters
    ----------
    azimuth, elevation : AxisModel
        The axes.
    limits : Limits
        Range of motion; azimuth is a cable range.
    settle_s : float
        How long after an arrival a reading may start.
    start : tuple of float
        Azimuth and elevation at which it stands at first.
    """

    azimuth: AxisModel = field(default_factory=AxisModel)
    elevation: AxisModel = field(default_factory=AxisModel)
    limits: Limits = field(default_factory=Limits)
    settle_s: float = 0.2
    start: tuple[float, float] = (0.0, 0.0)


class Drive:
    """A rotor's hardware. Times are station seconds and never go back from call to call.

    Parameters
    ----------
    model : RotorModel
        What it can do.
    """

    def __init__(self, model: RotorModel) -> None:
        self.model = model
        self.axes = tuple(
            Axis(axis, start, (low - _STOPS_BEYOND_DEG, high + _STOPS_BEYOND_DEG))
            for axis, start, (low, high) in (
                (model.azimuth, model.start[0], model.limits.azimuth_deg),
                (model.elevation, model.start[1], model.limits.elevation_deg),
            )
        )
        self._faults = RotorFaults()
        self._frozen: Dial | None = None

    @property
    def end_s(self) -> float:
        """Time at which both motors come, or came, to rest."""
        return max(axis.end_s for axis in self.axes)

    def command(self, time_s: float, azimuth_deg: float, elevation_deg: float) -> None:
        """Send both axes to a target, from whatever they are doing."""
        self.command_axis(time_s, 0, azimuth_deg)
        self.command_axis(time_s, 1, elevation_deg)

    def command_axis(self, time_s: float, index: int, target_deg: float) -> None:
        """Send one axis to a target: 0 is azimuth, 1 elevation."""
        if self._faults.stalled:
            return
        axis = self.axes[index]
        way = target_deg - axis.motor(time_s)[0]
        overrun = self._faults.overrun_deg if way > 0.0 else -self._faults.overrun_deg
        axis.command(time_s, target_deg + (overrun if way else 0.0))

    def halt(self, time_s: float) -> None:
        """Brake both axes."""
        for axis in self.axes:
            axis.halt(time_s)

    def reported(self, time_s: float) -> Dial:
        """What the encoders say."""
        if self._frozen is not None:
            return self._frozen
        azimuth, elevation = (axis.encoder(time_s) for axis in self.axes)
        slipped = self._faults.report_offset_deg
        return Dial(azimuth + slipped[0], elevation + slipped[1])

    def pointing(self, times_s: Sequence[float]) -> tuple[list[float], list[float]]:
        """Azimuths and elevations to which the axes truly point, at times that do not go back."""
        azimuth, elevation = self.axes
        return azimuth.outputs(times_s), elevation.outputs(times_s)

    def inject(self, time_s: float, faults: RotorFaults) -> None:
        """Break it, or repair it, at a time."""
        frozen = self.reported(time_s) if faults.report_frozen else None
        azimuth, elevation = self.axes
        azimuth.jam(time_s, faults.jam_azimuth_deg)
        elevation.jam(time_s, faults.jam_elevation_deg)
        if faults.stalled:
            azimuth.seize(time_s)
            elevation.seize(time_s)
        self._faults, self._frozen = faults, frozen
