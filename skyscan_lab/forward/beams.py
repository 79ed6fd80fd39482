"""Beams that can be fitted: a few numbers each, and how the power of a source follows from them.

An ellipse is given by the symmetric matrix ``L`` that maps an offset to the family's own radius:
at a round beam it has derivatives in every direction, where a position angle has none, and a
fit that starts round would stop at a wrong answer.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skyscan_lab.antenna.airy import half_power_argument
from skyscan_lab.antenna.base import check_hpbw
from skyscan_lab.errors import InvalidInput
from skyscan_lab.forward.frames import Frames, source_vectors
from skyscan_lab.forward.gaussian import gaussian_powers
from skyscan_lab.forward.kernels import ELLIPSE, aperture_powers
from skyscan_lab.forward.normal import APERTURE, GAUSSIAN
from skyscan_lab.forward.radial import radial_table

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_ELLIPSE_NAMES = ("beam_xx", "beam_xy", "beam_yy")
_MOST_BLOCKED = 0.5
_SMALL = 1e-4
_NO_TABLES, _NO_MODES = np.zeros((1, 1, 2)), np.zeros((0, 4), dtype=np.int64)


class Beam(ABC):
    """A family of beams; the parameters of one are an array, the ellipse first."""

    @property
    @abstractmethod
    def names(self) -> tuple[str, ...]:
        """Name of each parameter."""

    @abstractmethod
    def start(self, hpbw_deg: float | tuple[float, float]) -> Floats:
        """Parameters of the family's plain beam of some width, upright."""

    @property
    def bounds(self) -> tuple[Floats, Floats]:
        """Least and largest value of each parameter."""
        least = np.full(len(self.names), -np.inf)
        least[[0, 2]] = 1e-3
        return least, np.full(len(self.names), np.inf)

    @property
    def prior_sigma(self) -> Floats:
        """Standard deviation of a prior at 0 for each parameter; infinite where there is none."""
        return np.full(len(self.names), np.inf)

    @property
    def compiled(self) -> tuple[int, Floats, Integers] | None:
        """What `normal_equations` takes for it: family, tables, modes; None if it knows it not."""
        return None

    def powers(
        self, frames: Frames, sources: Floats, parameters: Floats, *, derivatives: bool = True
    ) -> tuple[Floats, Floats]:
        """Power that each sample receives from all sources, and its derivatives.

        Parameters
        ----------
        frames : Frames
            Of n boresights.
        sources : ndarray, shape (s, 3)
            Log power, azimuth and elevation of each source, radians, in the frame of the mount.
        parameters : ndarray
            Of the beam.
        derivatives : bool
            Whether they are wanted.

        Returns
        -------
        received : ndarray, shape (n,)
            Power.
        derivatives : ndarray, shape (n, 3 s + number of parameters)
            By log power, azimuth and elevation of each source, then by the beam's parameters;
            without rows where they are not wanted.
        """
        samples = frames.across.shape[0]
        received = np.empty(samples)
        columns = 3 * len(sources) + len(self.names)
        slopes = np.empty((samples if derivatives else 0, columns))
        vectors = source_vectors(sources[:, 1], sources[:, 2])
        self._run(frames, vectors, np.exp(sources[:, 0]), parameters, received, slopes, derivatives)
        return received, slopes

    def gain(self, across_deg: ArrayLike, along_deg: ArrayLike, parameters: Floats) -> Floats:
        """Gain relative to the axis.

        Parameters
        ----------
        across_deg, along_deg : array_like
            Offsets from the axis, degrees (arc projection), broadcast against each other.
        parameters : ndarray
            Of the beam.
        """
        shape = np.broadcast_shapes(np.shape(across_deg), np.shape(along_deg))
        frames = Frames.around_source(across_deg, along_deg)
        received, _ = self.powers(frames, np.zeros((1, 3)), parameters, derivatives=False)
        return received.reshape(shape)

    def gradient(
        self, across_deg: ArrayLike, along_deg: ArrayLike, parameters: Floats
    ) -> tuple[Floats, Floats, Floats]:
        """Gain, and its derivatives by both offsets, per degree; arguments as for `gain`."""
        x, y = np.broadcast_arrays(np.radians(across_deg), np.radians(along_deg))
        frames = Frames.around_source(across_deg, along_deg)
        received, slopes = self.powers(frames, np.zeros((1, 3)), parameters)
        by_c, by_d = (slopes[:, place].reshape(x.shape) for place in (1, 2))
        angle = np.hypot(x, y)
        shrink = np.sinc(angle / np.pi)
        # The direction cosines are shrink · (x, y); bend is the derivative of shrink by half the
        # angle squared.
        small = angle < _SMALL
        safe = np.where(small, 1.0, angle)
        bend = np.where(small, -1.0 / 3.0, (np.cos(safe) - shrink) / safe**2)
        inward = bend * (by_c * x + by_d * y)
        return (
            received.reshape(x.shape),
            np.radians(shrink * by_c + inward * x),
            np.radians(shrink * by_d + inward * y),
        )

    @abstractmethod
    def _run(
        self,
        frames: Frames,
        vectors: Floats,
        powers: Floats,
        parameters: Floats,
        received: Floats,
        derivatives: Floats,
        wanted: bool,
    ) -> None: ...


@dataclass(frozen=True)
class GaussianBeam(Beam):
    """Elliptical Gaussian.

    Examples
    --------
    >>> beam = GaussianBeam()
    >>> beam.gain([0.0, 2.0, 0.0], [0.0, 0.0, 1.0], beam.start((4.0, 2.0))).round(12)
    array([1. , 0.5, 0.5])
    """

    @property
    def names(self) -> tuple[str, ...]:
        """Name of each parameter."""
        return _ELLIPSE_NAMES

    @property
    def compiled(self) -> tuple[int, Floats, Integers]:
        """What `normal_equations` takes for it."""
        return GAUSSIAN, _NO_TABLES, _NO_MODES

    def start(self, hpbw_deg: float | tuple[float, float]) -> Floats:
        """Parameters of an upright beam of some width."""
        first, second = np.radians(check_hpbw(hpbw_deg)) / 2.0
        return np.array([1.0 / first, 0.0, 1.0 / second])

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
        gaussian_powers(
            frames.columns,
            vectors,
            powers,
            parameters,
            received,
            derivatives,
            wanted,
        )


class Mode(NamedTuple):
    """A Zernike mode of the aperture's field.

    Attributes
    ----------
    n, m : int
        Its order: ``R_n^m(ρ)``, with m ≤ n and n − m even, not 0, 0.
    sine : bool
        Whether it goes with sin mφ rather than cos mφ.
    imaginary : bool
        Whether it is in the imaginary part of the far field. Of even m that is a phase across
        the aperture (defocus, astigmatism), of odd m an amplitude; in the real part the other
        way round (taper; coma).
    """

    n: int
    m: int
    sine: bool = False
    imaginary: bool = False

    @property
    def name(self) -> str:
        """Name of its parameter."""
        part = "im" if self.imaginary else "re"
        return f"mode_{self.n}{self.m}{'s' if self.sine else 'c'}_{part}"


def modes_up_to(order: int) -> tuple[Mode, ...]:
    """Modes of orders 2 to `order` that a beam may have beside ellipse and blockage.

    Those of order 1 are left out: one moves the beam, which a position does, the other is too
    close to coma to be told apart.

    Examples
    --------
    >>> [mode.name for mode in modes_up_to(2)][:2]
    ['mode_20c_re', 'mode_20c_im']
    >>> len(modes_up_to(2)), len(modes_up_to(3))
    (6, 14)
    """
    return tuple(
        Mode(n, m, sine, imaginary)
        for n in range(2, order + 1)
        for m in range(n % 2, n + 1, 2)
        for sine in ((False,) if m == 0 else (False, True))
        for imaginary in (False, True)
    )


@dataclass(frozen=True)
class ApertureBeam(Beam):
    """Far field of an elliptical aperture with a blocked centre, and Zernike modes in its field.

    Without modes it is the Airy pattern of `skyscan_lab.antenna.AiryPattern`.

    Parameters
    ----------
    modes : tuple of Mode
        Which ones.

    Examples
    --------
    >>> from skyscan_lab.antenna import AiryPattern
    >>> beam = ApertureBeam()
    >>> x = np.linspace(-20, 20, 81)
    >>> ours = beam.gain(x, 0.5 * x, beam.start(5.0))
    >>> bool(np.allclose(ours, AiryPattern(5.0).gain(x, 0.5 * x), atol=1e-9))
    True
    """

    modes: tuple[Mode, ...] = ()

    def __post_init__(self) -> None:
        for mode in self.modes:
            if not (0 <= mode.m <= mode.n and mode.n > 0 and (mode.n - mode.m) % 2 == 0):
                raise InvalidInput("modes", mode, "of 0 ≤ m ≤ n, n − m even and n > 0")

    @property
    def names(self) -> tuple[str, ...]:
        """Name of each parameter."""
        return (*_ELLIPSE_NAMES, "blocked_area", *(mode.name for mode in self.modes))

    @property
    def bounds(self) -> tuple[Floats, Floats]:
        """Least and largest value of each parameter."""
        least, most = super().bounds
        least[ELLIPSE], most[ELLIPSE] = 0.0, _MOST_BLOCKED
        return least, most

    @property
    def prior_sigma(self) -> Floats:
        """Standard deviation of a prior at 0 for each parameter."""
        # Fields beyond this are no small deviation from an aperture any more.
        sigma = super().prior_sigma
        sigma[ELLIPSE + 1 :] = 1.0
        return sigma

    def start(self, hpbw_deg: float | tuple[float, float], blockage: float = 0.0) -> Floats:
        """Parameters of an upright beam of some width, without modes."""
        first, second = np.sin(np.radians(check_hpbw(hpbw_deg)) / 2.0)
        radius = half_power_argument(blockage)
        ellipse = [radius / first, 0.0, radius / second]
        return np.array([*ellipse, blockage**2, *np.zeros(len(self.modes))])

    @property
    def compiled(self) -> tuple[int, Floats, Integers]:
        """What `normal_equations` takes for it."""
        return APERTURE, *self._tables

    @cached_property
    def _tables(self) -> tuple[Floats, Integers]:
        orders = [(0, 0)]
        orders += sorted({(mode.n, mode.m) for mode in self.modes} - {(0, 0)})
        rows = [
            (orders.index((mode.n, mode.m)), mode.m, mode.sine, mode.imaginary)
            for mode in self.modes
        ]
        tables = np.stack([radial_table(n, m) for n, m in orders])
        return tables, np.array(rows, dtype=np.int64).reshape(-1, 4)

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
        tables, modes = self._tables
        aperture_powers(
            frames.across,
            frames.along,
            frames.ahead,
            vectors,
            powers,
            parameters[:ELLIPSE].copy(),
            float(parameters[ELLIPSE]),
            tables,
            modes,
            parameters[ELLIPSE + 1 :].copy(),
            received,
            derivatives,
            wanted,
        )
