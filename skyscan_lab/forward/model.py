"""The one model of a reading: ``response(floor(direction) + Σ power · pattern(offset))``.

Fits, deblending, interpolation and pointing all use it: a value for each sample, its derivative
by each parameter, and so what the readings can tell of each parameter at all (`fisher`).

Parameters are one array, in blocks: response, floor, sources (log power, azimuth and elevation of
each, radians, in the frame of the mount), beam. `names` has the name of each.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skyscan_lab.forward.beams import Beam
from skyscan_lab.forward.frames import Frames
from skyscan_lab.forward.reading import NAMES as RESPONSE_NAMES
from skyscan_lab.forward.reading import Kind, read
from skyscan_lab.lattice import unroll_azimuth
from skyscan_lab.sphere import azimuth_difference

Floats = NDArray[np.float64]

FloorTerm = Literal["elevation", "azimuth", "elevation²"]
"""What the floor may depend on; each runs from −1 to 1 over the extent."""

PER_SOURCE = ("log_power", "azimuth", "elevation")

_ALL_ROUND_DEG = 300.0


class Evaluation(NamedTuple):
    """What the samples should read.

    Attributes
    ----------
    value : ndarray, shape (n,)
        Readings.
    jacobian : ndarray, shape (n, parameters)
        Their derivatives; without rows where they were not asked for.
    """

    value: Floats
    jacobian: Floats


@dataclass(frozen=True, eq=False)
class ForwardModel:
    """Readings of some samples.

    Parameters
    ----------
    azimuth_deg, elevation_deg : ndarray, shape (n,)
        Where each was taken, as the dials showed it.
    beam : Beam
        Family of the beam.
    kind : {"logarithmic", "linear"}
        How the receiver responds.
    floor : sequence of str
        What the floor depends on beside its level.
    extent_deg : ((float, float), (float, float)), optional
        Azimuths and elevations between which its terms run from −1 to 1; by default those of the
        samples.

    Examples
    --------
    >>> from skyscan_lab.forward.beams import GaussianBeam
    >>> model = ForwardModel(np.array([10.0, 12.0]), np.array([30.0, 30.0]), GaussianBeam())
    >>> parameters = model.join(
    ...     response=[0.0, 10.0, 0.0],
    ...     floor=[1.0],
    ...     sources=[[np.log(9.0), np.radians(10.0), np.radians(30.0)]],
    ...     beam=model.beam.start(2.0),
    ... )
    >>> model.evaluate(parameters).value.round(2)  # on the source: 10 log10(1 + 9)
    array([10.  ,  3.27])
    """

    azimuth_deg: Floats
    elevation_deg: Floats
    beam: Beam
    kind: Kind = "logarithmic"
    floor: tuple[FloorTerm, ...] = ()
    extent_deg: tuple[tuple[float, float], tuple[float, float]] | None = None

    def at(self, azimuth_deg: Floats, elevation_deg: Floats) -> ForwardModel:
        """The same model for other samples: parameters mean the same there."""
        return replace(
            self,
            azimuth_deg=azimuth_deg,
            elevation_deg=elevation_deg,
            extent_deg=self._extent_deg,
        )

    @property
    def _extent_deg(self) -> tuple[tuple[float, float], tuple[float, float]]:
        if self.extent_deg is not None:
            return self.extent_deg
        azimuth, elevation = unroll_azimuth(self.azimuth_deg), self.elevation_deg
        return (
            (float(azimuth.min()), float(azimuth.max())),
            (float(elevation.min()), float(elevation.max())),
        )

    @cached_property
    def frames(self) -> Frames:
        """Boresights of the samples."""
        return Frames.of(self.azimuth_deg, self.elevation_deg)

    @cached_property
    def floor_terms(self) -> Floats:
        """What the floor is a sum of, shape (n, 1 + terms)."""
        across, along = self._extent_deg
        elevation = _spread(self.elevation_deg, *along)
        terms = {
            "elevation": elevation,
            "azimuth": _across(self.azimuth_deg, *across),
            "elevation²": elevation**2,
        }
        return np.stack([np.ones_like(elevation), *(terms[name] for name in self.floor)], axis=1)

    @cached_property
    def arranged_floor(self) -> Floats:
        """The same in the order of the frames' tiles, shape (1 + terms, m)."""
        return self.frames.tiles.arranged(np.ascontiguousarray(self.floor_terms.T))

    def blocks(self, sources: int) -> dict[str, slice]:
        """Where each block of the parameters lies, for so many sources."""
        sizes = {
            "response": len(RESPONSE_NAMES),
            "floor": 1 + len(self.floor),
            "sources": len(PER_SOURCE) * sources,
            "beam": len(self.beam.names),
        }
        ends = accumulate(sizes.values())
        return {
            name: slice(end - size, end)
            for (name, size), end in zip(sizes.items(), ends, strict=True)
        }

    def names(self, sources: int) -> tuple[str, ...]:
        """Name of each parameter, for so many sources."""
        each = (f"{name}[{place}]" for place in range(sources) for name in PER_SOURCE)
        floor = ("floor", *(f"floor_{term}" for term in self.floor))
        return (*RESPONSE_NAMES, *floor, *each, *self.beam.names)

    def join(
        self, *, response: ArrayLike, floor: ArrayLike, sources: ArrayLike, beam: ArrayLike
    ) -> Floats:
        """Put the blocks together."""
        parts = (response, floor, np.ravel(sources), beam)
        return np.concatenate([np.asarray(part, dtype=float) for part in parts])

    def count(self, parameters: Floats) -> int:
        """Number of sources in an array of parameters."""
        others = len(RESPONSE_NAMES) + 1 + len(self.floor) + len(self.beam.names)
        return (parameters.size - others) // len(PER_SOURCE)

    def sources_of(self, parameters: Floats) -> Floats:
        """The sources, shape (s, 3)."""
        block = self.blocks(self.count(parameters))["sources"]
        return parameters[block].reshape(-1, len(PER_SOURCE))

    def power(self, parameters: Floats) -> Floats:
        """Power of each sample, floor included."""
        blocks = self.blocks(self.count(parameters))
        received, _ = self.beam.powers(
            self.frames,
            self.sources_of(parameters),
            parameters[blocks["beam"]],
            derivatives=False,
        )
        return np.asarray(self.floor_terms @ parameters[blocks["floor"]] + received)

    def evaluate(self, parameters: Floats, *, jacobian: bool = True) -> Evaluation | None:
        """What the samples should read; None where no receiver shows such a power.

        Parameters
        ----------
        parameters : ndarray
            All of them, as `join` makes it.
        jacobian : bool
            Whether the derivatives are wanted.
        """
        blocks = self.blocks(self.count(parameters))
        received, slopes = self.beam.powers(
            self.frames,
            self.sources_of(parameters),
            parameters[blocks["beam"]],
            derivatives=jacobian,
        )
        power = self.floor_terms @ parameters[blocks["floor"]] + received
        reading = read(self.kind, power, parameters[blocks["response"]])
        if reading is None:
            return None
        if not jacobian:
            return Evaluation(reading.value, np.empty((0, parameters.size)))
        matrix = np.empty((power.size, parameters.size))
        matrix[:, blocks["response"]] = reading.by_response
        by_power = reading.by_power[:, None]
        matrix[:, blocks["floor"]] = self.floor_terms * by_power
        matrix[:, blocks["sources"].start :] = slopes * by_power
        return Evaluation(reading.value, matrix)


def fisher(jacobian: Floats, sigma: Floats | float) -> Floats:
    """Fisher matrix of readings with independent normal errors: ``Jᵀ σ⁻² J``.

    Its inverse bounds the covariance of every unbiased estimate (Cramér and Rao).

    Parameters
    ----------
    jacobian : ndarray, shape (n, p)
        Derivatives of the readings.
    sigma : ndarray, shape (n,), or float
        Standard deviation of each; a reading rounded to steps of q has q²/12 more variance.

    Examples
    --------
    >>> fisher(np.ones((4, 1)), 2.0)
    array([[1.]])
    """
    scaled = jacobian / np.reshape(np.broadcast_to(sigma, jacobian.shape[:1]), (-1, 1))
    return np.asarray(scaled.T @ scaled)


def _spread(values: Floats, low: float, high: float) -> Floats:
    return np.asarray((2.0 * values - low - high) / max(high - low, 1e-9))


def _across(azimuth_deg: Floats, low: float, high: float) -> Floats:
    """From −1 to 1 over a part of the circle; all round it, a sine that closes."""
    from_middle = azimuth_difference(azimuth_deg, (low + high) / 2.0)
    if high - low > _ALL_ROUND_DEG:
        return np.asarray(np.sin(np.radians(from_middle)))
    return np.asarray(2.0 * from_middle / max(high - low, 1e-9))


def source_rows(power: ArrayLike, azimuth_deg: ArrayLike, elevation_deg: ArrayLike) -> Floats:
    """Block of the sources from powers and directions in degrees, shape (s, 3).

    Examples
    --------
    >>> source_rows([1.0], [180.0], [0.0]).round(4)
    array([[0.    , 3.1416, 0.    ]])
    """
    columns = (
        np.log(np.asarray(power, dtype=float)),
        np.radians(azimuth_deg),
        np.radians(elevation_deg),
    )
    return np.stack(columns, axis=-1).reshape(-1, len(PER_SOURCE))
