"""Samples in blocks, near ones together: how the compiled kernels want them.

A source that is far from all of a block is no work there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

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
    columns : ndarray, shape (b, 9, `BLOCK`)
        North, east, up of across, along and ahead of each; what fills the last block is its last
        sample.
    centres : ndarray, shape (b, 3)
        Middle direction of each block.
    radii : ndarray, shape (b,)
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
        order = _near_together(ahead)
        columns = _columns(order, across, along, ahead)
        blocks = columns[:, 6:].transpose(0, 2, 1)
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
        count = len(columns)
        return cls(order, columns, np.zeros((count, 3)), np.full(count, np.pi))

    def arranged(self, values: Floats, fill: float | None = None) -> Floats:
        """Values of the samples, last axis, in this order; filled up with the last or a number."""
        size = BLOCK * len(self.columns)
        missing = size - self.order.size
        arranged = np.empty((*values.shape[:-1], size))
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
    rows = np.concatenate([across, along, ahead], axis=1)[filled]
    return np.ascontiguousarray(rows.reshape(-1, BLOCK, 9).transpose(0, 2, 1))


def _near_together(ahead: Floats) -> NDArray[np.intp]:
    """An order in which the samples of each block are near each other: halved again and again."""
    whole, parts = [], [np.arange(len(ahead))]
    while parts:
        part = parts.pop()
        blocks = -(-part.size // BLOCK)
        if blocks <= 1:
            whole.append(part)
            continue
        axis = int(np.argmax(np.ptp(ahead[part], axis=0)))
        middle = blocks // 2 * BLOCK
        ranks = np.argpartition(ahead[part, axis], middle)
        parts += [part[ranks[middle:]], part[ranks[:middle]]]
    return np.concatenate(whole)
