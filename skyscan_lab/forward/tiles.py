"""Samples in blocks, near ones together: how the compiled kernels want them.

A source that is far from all of a block is no work there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

Floats = NDArray[np.float64]

BLOCK = 128
"""Samples of a block: their derivatives fit into the nearest cache."""


@dataclass(frozen=True, eq=False)
class Tiles:
    """Frames of some samples, in blocks.

    Attributes
    ----------
    order : ndarray of int, shape (n,)
        Which sample is where.
    columns : ndarray, shape (9, m)
        North, east, up of across, along and ahead; m is a multiple of `BLOCK`, and what fills the
        last block is its last sample.
    centres : ndarray, shape (m / `BLOCK`, 3)
        Middle direction of each block.
    radii : ndarray, shape (m / `BLOCK`,)
        Angle from it to the farthest sample, radians.
    """

    order: NDArray[np.intp]
    columns: Floats
    centres: Floats
    radii: Floats

    @classmethod
    def near_together(cls, across: Floats, along: Floats, ahead: Floats) -> Tiles:
        """Sorted by direction.

        Parameters
        ----------
        across, along, ahead : ndarray, shape (n, 3)
            As `Frames` has them.
        """
        order = KDTree(ahead, leafsize=BLOCK // 4).indices
        columns = _columns(order, across, along, ahead)
        blocks = columns[6:].T.reshape(-1, BLOCK, 3)
        centres = blocks.mean(axis=1)
        centres /= np.maximum(np.linalg.norm(centres, axis=1), 1e-12)[:, None]
        # From the chord: a cosine says little about small angles.
        chords = np.linalg.norm(blocks - centres[:, None], axis=2).max(axis=1)
        radii = 2.0 * np.arcsin(np.minimum(0.5 * chords + 1e-9, 1.0))
        return cls(order, columns, np.ascontiguousarray(centres), radii)

    @classmethod
    def as_they_are(cls, across: Floats, along: Floats, ahead: Floats) -> Tiles:
        """In the order in which they come, and every block everywhere; arguments as above."""
        order = np.arange(len(ahead))
        columns = _columns(order, across, along, ahead)
        count = columns.shape[1] // BLOCK
        return cls(order, columns, np.zeros((count, 3)), np.full(count, np.pi))

    def arranged(self, values: Floats, fill: float | None = None) -> Floats:
        """Values of the samples, last axis, in this order; filled up with the last or a number."""
        missing = self.columns.shape[1] - self.order.size
        arranged = np.empty((*values.shape[:-1], self.columns.shape[1]))
        arranged[..., : self.order.size] = values[..., self.order]
        if missing:
            arranged[..., -missing:] = values[..., self.order[-1:]] if fill is None else fill
        return arranged

    def put_back(self, arranged: Floats) -> Floats:
        """Values in the order of the samples, shape (n,)."""
        values = np.empty(self.order.size)
        values[self.order] = arranged[: self.order.size]
        return values


def _columns(order: NDArray[np.intp], across: Floats, along: Floats, ahead: Floats) -> Floats:
    missing = -order.size % BLOCK
    filled = np.concatenate([order, np.repeat(order[-1:], missing)])
    return np.ascontiguousarray(np.concatenate([across, along, ahead], axis=1)[filled].T)
