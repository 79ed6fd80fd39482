"""From where the dish says it points to where its beam is on the sky, and back.

Three frames, one after the other:

- **sky**: true azimuth and elevation, the frame of catalogues;
- **frame**: of the mount as it was set up: tilted against the sky, then turned by the zero of its
  azimuth;
- **dials**: what the encoders show, which differ from the beam's direction in the mount's
  frame by an offset in elevation and by collimation, a beam that leaves the dish sideways.

Backlash is not here: it depends on how a position was reached (`skyscan_lab.simulation`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from skyscan_lab.errors import InvalidInput
from skyscan_lab.sphere import Angles, rotate, wrap_azimuth


@dataclass(frozen=True)
class Mount:
    """How a mount was set up.

    Parameters
    ----------
    tilt_north_deg, tilt_east_deg : float
        Tilt of the mount about true north and true east: together one rotation vector.
    azimuth_zero_deg : float
        What the dial shows in azimuth where it should show 0: a turn about the mount's own axis.
    elevation_offset_deg : float
        What the elevation dial shows above the elevation of the beam.
    collimation_deg : float
        Angle between the beam and the plane in which the dish moves in elevation, positive
        to the right of the dish (towards increasing azimuth).

    Raises
    ------
    InvalidInput
        For angles that are not finite, and collimation of 90° or more.

    Notes
    -----
    First the tilt, then the turn: so the tilt is about true north and east however the azimuth was
    zeroed, and another zero leaves it as it is.

    Examples
    --------
    >>> mount = Mount(azimuth_zero_deg=-1.5)
    >>> azimuth, elevation = mount.to_dial(200.0, 30.0)
    >>> azimuth.round(9), elevation.round(9)
    (np.float64(198.5), np.float64(30.0))
    """

    tilt_north_deg: float = 0.0
    tilt_east_deg: float = 0.0
    azimuth_zero_deg: float = 0.0
    elevation_offset_deg: float = 0.0
    collimation_deg: float = 0.0

    def __post_init__(self) -> None:
        for field, value in vars(self).items():
            if not np.isfinite(value):
                raise InvalidInput(field, value, "a finite angle in degrees")
        if not abs(self.collimation_deg) < 90.0:
            raise InvalidInput("collimation_deg", self.collimation_deg, "within (-90°, 90°)")

    def to_frame(self, azimuth_deg: ArrayLike, elevation_deg: ArrayLike) -> tuple[Angles, Angles]:
        """True directions in the frame of the mount, degrees."""
        azimuth, elevation = rotate(azimuth_deg, elevation_deg, self._tilt_deg)
        return wrap_azimuth(azimuth + self.azimuth_zero_deg)[()], elevation

    def from_frame(self, azimuth_deg: ArrayLike, elevation_deg: ArrayLike) -> tuple[Angles, Angles]:
        """Invert `to_frame`."""
        turned = np.asarray(azimuth_deg, dtype=float) - self.azimuth_zero_deg
        return rotate(turned, elevation_deg, -self._tilt_deg)

    @property
    def _tilt_deg(self) -> Angles:
        return np.array([self.tilt_north_deg, self.tilt_east_deg, 0.0])

    def beam(
        self, dial_azimuth_deg: ArrayLike, dial_elevation_deg: ArrayLike
    ) -> tuple[Angles, Angles]:
        """Direction of the beam in the frame of the mount, for what the dials show.

        Parameters
        ----------
        dial_azimuth_deg, dial_elevation_deg : array_like
            Degrees; azimuth on any turn.

        Returns
        -------
        azimuth_deg, elevation_deg : ndarray
            Degrees; azimuth within [0, 360).
        """
        collimation = np.radians(self.collimation_deg)
        axis = np.radians(np.asarray(dial_elevation_deg, dtype=float) - self.elevation_offset_deg)
        ahead = np.cos(collimation) * np.cos(axis)
        turned = np.degrees(np.arctan2(np.sin(collimation), ahead))
        up = np.cos(collimation) * np.sin(axis)
        elevation = np.degrees(np.arctan2(up, np.hypot(np.sin(collimation), ahead)))
        azimuth = np.asarray(dial_azimuth_deg, dtype=float) + turned
        azimuth, elevation = np.broadcast_arrays(azimuth, elevation)
        return wrap_azimuth(azimuth)[()], elevation[()]

    def to_sky(
        self, dial_azimuth_deg: ArrayLike, dial_elevation_deg: ArrayLike
    ) -> tuple[Angles, Angles]:
        """True direction of the beam, for what the dials show.

        Parameters
        ----------
        dial_azimuth_deg, dial_elevation_deg : array_like
            Degrees; azimuth on any turn.

        Returns
        -------
        azimuth_deg, elevation_deg : ndarray
            True direction, degrees; azimuth within [0, 360).
        """
        return self.from_frame(*self.beam(dial_azimuth_deg, dial_elevation_deg))

    def to_dial(self, azimuth_deg: ArrayLike, elevation_deg: ArrayLike) -> tuple[Angles, Angles]:
        """What the dials show when the beam is on a true direction: the inverse of `to_sky`.

        Of the two settings that reach a direction, this is the one that does not lean over
        the zenith.

        Parameters
        ----------
        azimuth_deg, elevation_deg : array_like
            True directions, degrees.

        Returns
        -------
        dial_azimuth_deg, dial_elevation_deg : ndarray
            Degrees; azimuth within [0, 360). NaN for directions nearer to the mount's zenith
            than its collimation, which no setting reaches.
        """
        azimuth, elevation = self.to_frame(azimuth_deg, elevation_deg)
        collimation = np.radians(self.collimation_deg)
        beam = np.radians(elevation)
        # The part of the beam along the dish's own plane: cos c cos E, from Pythagoras and
        # without the cancellation of an arcsine near the zenith.
        with np.errstate(invalid="ignore"):
            ahead = np.sqrt(
                (np.cos(beam) - np.sin(collimation)) * (np.cos(beam) + np.sin(collimation))
            )
        axis = np.degrees(np.arctan2(np.sin(beam), ahead))
        turned = np.degrees(np.arctan2(np.sin(collimation), ahead))
        return wrap_azimuth(azimuth - turned)[()], np.asarray(axis + self.elevation_offset_deg)[()]
