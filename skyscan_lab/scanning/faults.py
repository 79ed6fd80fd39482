"""What the engine puts up with, and for how long."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from skyscan_lab.errors import InvalidInput
from skyscan_lab.station import RotorSettings


@dataclass(frozen=True, kw_only=True)
class FaultPolicy:
    """Limits of patience. Durations are real seconds: they guard against hanging.

    Anything wrong with the rotor holds the scan at once: it is steel that moves. A reading
    that fails is tried again, then its point is given up and the scan goes on; several points
    in a row without a reading mean that the receiver is gone, and hold the scan.

    Parameters
    ----------
    tolerance_deg : float
        How far from its target a rotor may say it has settled, on either axis.
    read_attempts : int
        How often a reading is tried at one point.
    retry_s : float
        Pause between two tries.
    missing_in_row : int
        Points given up in a row that hold the scan.
    move_limit_s, read_limit_s, stop_limit_s : float
        After which a driver that has not returned is given up. Longer than the drivers' own
        time limits, which say better what went wrong.
    """

    tolerance_deg: float = 0.5
    read_attempts: int = 3
    retry_s: float = 0.5
    missing_in_row: int = 5
    move_limit_s: float = 300.0
    read_limit_s: float = 300.0
    stop_limit_s: float = 30.0

    def __post_init__(self) -> None:
        for field in ("read_attempts", "missing_in_row"):
            if getattr(self, field) < 1:
                raise InvalidInput(field, getattr(self, field), "at least 1")
        for field in ("tolerance_deg", "move_limit_s", "read_limit_s", "stop_limit_s"):
            if not getattr(self, field) > 0:
                raise InvalidInput(field, getattr(self, field), "greater than 0")
        if not self.retry_s >= 0:
            raise InvalidInput("retry_s", self.retry_s, "at least 0")

    @classmethod
    def of_rotor(cls, rotor: RotorSettings) -> Self:
        """Policy that fits the settings of a station's rotor: wider and slower than its driver.

        Examples
        --------
        >>> from skyscan_lab.station import load_station
        >>> FaultPolicy.of_rotor(load_station().rotor).move_limit_s
        240.0
        """
        return cls(
            tolerance_deg=max(cls.tolerance_deg, 2.0 * rotor.tolerance_deg),
            # A driver may first reconnect for half a minute.
            move_limit_s=rotor.move_timeout_s + 60.0,
        )
