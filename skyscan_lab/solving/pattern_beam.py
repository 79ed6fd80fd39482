"""A beam that is known: an antenna pattern in the forward model, as wide as it may be."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skyscan_lab.antenna import AntennaPattern
from skyscan_lab.forward import Beam
from skyscan_lab.forward.frames import Frames

Floats = NDArray[np.float64]

_SMALL = 1e-4
_WIDEST = float(np.log(2.0))


@dataclass(frozen=True, eq=False)
class PatternBeam(Beam):
    """Beam of an antenna pattern, times a factor in width that is 1 within its error.

    Parameters
    ----------
    pattern : AntennaPattern
        The pattern.
    width_error : float
        Standard deviation of the logarithm of the factor, the same on both axes.

    Examples
    --------
    >>> from skyscan_lab.antenna import GaussianPattern
    >>> beam = PatternBeam(GaussianPattern(4.0), 0.01)
    >>> beam.gain([0.0, 2.0], [0.0, 0.0], beam.start(4.0)).round(9)
    array([1. , 0.5])
    """

    pattern: AntennaPattern
    width_error: float

    @property
    def names(self) -> tuple[str, ...]:
        """Name of each parameter."""
        return ("log_width",)

    def start(self, hpbw_deg: float | tuple[float, float]) -> Floats:
        """Parameters with which the geometric mean of the widths is as asked for."""
        wanted, own = (np.mean(np.log(np.broadcast_to(w, 2))) for w in (hpbw_deg, self._widths))
        return np.array([wanted - own])

    @property
    def _widths(self) -> tuple[float, float]:
        return self.pattern.hpbw_deg

    @property
    def bounds(self) -> tuple[Floats, Floats]:
        """Least and largest value of each parameter."""
        return np.array([-_WIDEST]), np.array([_WIDEST])

    @property
    def prior_sigma(self) -> Floats:
        """Standard deviation of a prior at 0 for each parameter."""
        return np.array([self.width_error])

    def _run(
        self,
        frames: Frames,
        vectors: Floats,
        powers: Floats,
        parameters: Floats,
        received: Floats,
        derivatives: Floats,
        wanted: bool,
    ) -> None:
        received[:] = 0.0
        if wanted:
            derivatives[:] = 0.0
        shrink = np.degrees(np.exp(-parameters[0]))
        for place, (source, power) in enumerate(zip(vectors, powers, strict=True)):
            # Direction cosines of the source about each boresight, and their two derivatives.
            across, along, ahead = (
                axes @ source.T for axes in (frames.across, frames.along, frames.ahead)
            )
            sine = np.hypot(across[:, 0], along[:, 0])
            angle = np.arctan2(sine, ahead[:, 0])
            near = sine < _SMALL
            safe = np.where(near, 1.0, sine)
            stretch = np.where(near & (ahead[:, 0] > 0.0), 1.0, angle / safe)
            x, y = shrink * stretch * across[:, 0], shrink * stretch * along[:, 0]
            if not wanted:
                received += power * self.pattern.gain(x, y)
                continue
            gain, by_x, by_y = self.pattern.gradient(x, y)
            received += power * gain
            # Of angle over sine by the cosine of the angle.
            bend = np.where(near, -1.0 / 3.0, (ahead[:, 0] * stretch - 1.0) / safe**2)
            derivatives[:, 3 * place] = power * gain
            for column in (1, 2):
                moved = bend * ahead[:, column]
                derivatives[:, 3 * place + column] = (power * shrink) * (
                    by_x * (stretch * across[:, column] + moved * across[:, 0])
                    + by_y * (stretch * along[:, column] + moved * along[:, 0])
                )
            derivatives[:, -1] -= power * (by_x * x + by_y * y)
