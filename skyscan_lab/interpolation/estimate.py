"""What every method of interpolation is given, and what it gives."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from skyscan_lab.interpolation.samples import Samples
from skyscan_lab.interpolation.targets import Targets

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Estimate:
    """Values at targets.

    Attributes
    ----------
    values : ndarray, shape (m,)
        In the units of the session; NaN where the method has none.
    error : ndarray, shape (m,)
        Their standard error, in the same units.
    more : dict of ndarray, shape (m,)
        What else the method has to say, by the name it has in the result.
    """

    values: Values
    error: Values
    more: dict[str, Values] = field(default_factory=dict)


class Method(Protocol):
    """A method of interpolation: a function of samples and targets, and of its own options."""

    def __call__(self, samples: Samples, targets: Targets, /) -> Estimate:
        """Values at the targets."""
