"""What of a model is free, and what follows from something else.

A fit moves a few free numbers; the parameters of the model follow from them: some are the same as
another, some stay as they are, and directions of listed sources follow from the mount.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from skyscan_lab.forward.mounting import MOUNT_NAMES, dial_directions

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Listed:
    """Sources whose directions follow from the mount.

    Attributes
    ----------
    azimuth, elevation : ndarray of int, shape (s,)
        Places of their directions among the parameters.
    vectors : ndarray, shape (s, 3)
        Their true directions (north, east, up).
    free : tuple of str
        Which terms of the mount are free, of `MOUNT_NAMES`; the others stay as they start.
    """

    azimuth: NDArray[np.intp]
    elevation: NDArray[np.intp]
    vectors: Floats
    free: tuple[str, ...] = MOUNT_NAMES[:3]


@dataclass(frozen=True, eq=False)
class Ties:
    """From free numbers to parameters.

    Parameters
    ----------
    start : ndarray
        Parameters before the fit; what is not free stays.
    free : ndarray of bool
        Which of them are free.
    same : mapping of int to int
        Parameters that are the same as another one, which is free.
    listed : Listed, optional
        Sources whose directions follow from the mount, radians.
    mount : ndarray, optional
        Its terms before the fit.
    believed, doubt : ndarray, optional
        What the terms of the mount are taken to be beforehand, and how surely: mean and standard
        deviation of a prior, radians.
    """

    start: Floats
    free: NDArray[np.bool_]
    same: Mapping[int, int] = field(default_factory=dict)
    listed: Listed | None = None
    mount: Floats = field(default_factory=lambda: np.zeros(len(MOUNT_NAMES)))
    believed: Floats = field(default_factory=lambda: np.zeros(len(MOUNT_NAMES)))
    doubt: Floats = field(default_factory=lambda: np.full(len(MOUNT_NAMES), np.inf))

    @property
    def mount_sigma(self) -> Floats:
        """Standard deviations of the prior of the mount's free terms."""
        return self.doubt[self._moves]

    @property
    def prior_mean(self) -> Floats:
        """Mean of the prior of each free number: 0 but for the mount's."""
        return np.concatenate([np.zeros(int(self.free.sum())), self.believed[self._moves]])

    @property
    def begin(self) -> Floats:
        """Free numbers before the fit."""
        own = self.start[self.free]
        return own if self.listed is None else np.concatenate([own, self.mount[self._moves]])

    @property
    def _moves(self) -> NDArray[np.intp]:
        names = () if self.listed is None else self.listed.free
        return np.array([MOUNT_NAMES.index(name) for name in names], dtype=np.intp)

    def mount_of(self, numbers: Floats) -> Floats:
        """Terms of the mount."""
        mount = self.mount.copy()
        if self._moves.size:
            mount[self._moves] = numbers[-self._moves.size :]
        return mount

    def names(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """Name of each free number, given those of the parameters."""
        own = tuple(name for name, free in zip(names, self.free, strict=True) if free)
        return own if self.listed is None else own + self.listed.free

    @property
    def selects(self) -> NDArray[np.intp] | None:
        """Places of the free numbers among the parameters, where nothing follows from them."""
        return None if self.same or self.listed is not None else np.flatnonzero(self.free)

    def expand(self, numbers: Floats) -> tuple[Floats, Floats]:
        """Parameters, and their derivatives by the free numbers.

        Returns
        -------
        parameters : ndarray, shape (p,)
            Of the model.
        derivatives : ndarray, shape (p, f)
            By each free number.
        """
        places = np.flatnonzero(self.free)
        parameters = self.start.copy()
        parameters[places] = numbers[: places.size]
        slopes = np.zeros((parameters.size, numbers.size))
        slopes[places, np.arange(places.size)] = 1.0
        for follower, leader in self.same.items():
            parameters[follower] = parameters[leader]
            slopes[follower] = slopes[leader]
        if self.listed is not None:
            mount = self.mount_of(numbers)
            azimuth, elevation, by_mount = dial_directions(self.listed.vectors, mount)
            parameters[self.listed.azimuth] = azimuth
            parameters[self.listed.elevation] = elevation
            columns = places.size + np.arange(self._moves.size)
            slopes[np.ix_(self.listed.azimuth, columns)] = by_mount[:, 0][:, self._moves]
            slopes[np.ix_(self.listed.elevation, columns)] = by_mount[:, 1][:, self._moves]
        return parameters, slopes
