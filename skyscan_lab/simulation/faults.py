"""What can be wrong with the simulated hardware."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RotorFaults:
    """Faults of a rotor; the defaults are a sound one.

    Attributes
    ----------
    stalled : bool
        The motors stand still: moves are accepted and nothing happens.
    jam_azimuth_deg, jam_elevation_deg : float or None
        Something solid in the way: the axis does not get past it from either side.
    overrun_deg : float
        The drive cuts out late: every move ends that far past its target.
    report_offset_deg : tuple of float
        The encoders slipped: reported azimuth and elevation are that much too high.
    report_frozen : bool
        The encoders report what they last reported, whatever moves.
    """

    stalled: bool = False
    jam_azimuth_deg: float | None = None
    jam_elevation_deg: float | None = None
    overrun_deg: float = 0.0
    report_offset_deg: tuple[float, float] = (0.0, 0.0)
    report_frozen: bool = False
