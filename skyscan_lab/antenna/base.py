"""What an antenna pattern is, and the ellipse that its families share.

Offsets are those of `skyscan_lab.sphere.to_plane` with ``projection="arc"``: degrees towards
increasing azimuth (cross-elevation) and towards the zenith, whose length is the angle from
the axis of the beam. They reach all round the sphere, so a pattern is defined behind the
antenna too.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skyscan_lab.errors import InvalidInput

Values = NDArray[np.float64]
Gradient = tuple[Values, Values, Values]


class AntennaPattern(Protocol):
    """Gain of an antenna around the axis of its beam; immutable."""

    def __hash__(self) -> int:
        """Patterns with equal parameters are the same: what costs time is kept for them."""

    @property
    def hpbw_deg(self) -> tuple[float, float]:
        """Full widths at half power along the two axes of the beam, degrees.

        The first axis is cross-elevation and the second elevation when the position angle
        of the beam is 0.
        """

    def gain(
        self, cross_elevation_deg: ArrayLike, elevation_offset_deg: ArrayLike
    ) -> NDArray[np.float64]:
        """Gain relative to the peak.

        Parameters
        ----------
        cross_elevation_deg, elevation_offset_deg : array_like
            Offsets from the axis of the beam in degrees, broadcast against each other.

        Returns
        -------
        ndarray
            Power ratio: 1 at the peak, never negative. The peak is on the axis, except of a
            family whose parameters can move it, which says where it is.
        """

    def gradient(self, cross_elevation_deg: ArrayLike, elevation_offset_deg: ArrayLike) -> Gradient:
        """Gain relative to the peak, and how it changes.

        Parameters
        ----------
        cross_elevation_deg, elevation_offset_deg : array_like
            As for `gain`.

        Returns
        -------
        gain : ndarray
            As `gain` returns it, or equal to rounding.
        per_cross_elevation, per_elevation : ndarray
            Its derivatives to both offsets, per degree. Where a pattern has an edge, the slope
            on one side of it.
        """


def check_hpbw(hpbw_deg: object, widest_deg: float = 90.0) -> tuple[float, float]:
    """Return the widths of a beam on its two axes, given one or both.

    Raises
    ------
    InvalidInput
        For a width that is not greater than 0 and at most the widest.

    Examples
    --------
    >>> check_hpbw(5.0)
    (5.0, 5.0)
    """
    try:
        widths = np.broadcast_to(np.asarray(hpbw_deg, dtype=float), (2,))
    except (TypeError, ValueError):
        widths = np.array([np.nan, np.nan])
    if not np.all((widths > 0.0) & (widths <= widest_deg)):
        raise InvalidInput(
            "hpbw_deg", hpbw_deg, f"one width or two, greater than 0° and ≤ {widest_deg:g}°"
        )
    return float(widths[0]), float(widths[1])


def along_beam_axes(
    cross_elevation_deg: ArrayLike, elevation_offset_deg: ArrayLike, position_angle_deg: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Components of offsets along the axes of a turned elliptical beam.

    Parameters
    ----------
    cross_elevation_deg, elevation_offset_deg : array_like
        Offsets in degrees.
    position_angle_deg : float
        Where the second axis of the beam points: degrees from up to increasing azimuth.

    Returns
    -------
    first_deg, second_deg : ndarray
        Along the first and the second axis.

    Examples
    --------
    >>> first, second = along_beam_axes(1.0, 0.0, 90.0)  # the second axis lies along azimuth
    >>> first.round(12), second.round(12)
    (np.float64(0.0), np.float64(1.0))
    """
    x = np.asarray(cross_elevation_deg, dtype=float)
    y = np.asarray(elevation_offset_deg, dtype=float)
    angle = np.radians(position_angle_deg)
    return x * np.cos(angle) - y * np.sin(angle), x * np.sin(angle) + y * np.cos(angle)


def off_beam_axes(
    per_first: Values, per_second: Values, position_angle_deg: float
) -> tuple[Values, Values]:
    """Derivatives to the offsets from those along the axes of a turned beam.

    The inverse of the turn in `along_beam_axes`.

    Examples
    --------
    >>> x, y = off_beam_axes(np.array(0.0), np.array(1.0), 90.0)
    >>> x.round(12), y.round(12)
    (np.float64(1.0), np.float64(0.0))
    """
    cosine, sine = np.cos(np.radians(position_angle_deg)), np.sin(np.radians(position_angle_deg))
    return (
        np.asarray(per_first * cosine + per_second * sine),
        np.asarray(per_second * cosine - per_first * sine),
    )


def radial_gradient(x_deg: Values, y_deg: Values, slope: Values) -> tuple[Values, Values]:
    """Derivatives to the offsets of what depends on their length alone.

    Parameters
    ----------
    x_deg, y_deg : ndarray
        Offsets, degrees.
    slope : ndarray
        Derivative to the angle from the axis, per degree.
    """
    angle = np.hypot(x_deg, y_deg)
    per_angle = slope / np.where(angle > 0.0, angle, np.inf)
    return np.asarray(x_deg * per_angle), np.asarray(y_deg * per_angle)
