"""Profile likelihood: what some numbers cost where they are held, all others being fitted again.

Where the errors are not small against what the model bends by, a region of numbers is not an
ellipse; those whose cost rises by less than a quantile of χ² are one all the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from skyscan_lab.forward.fitting import Fit, least_squares
from skyscan_lab.forward.model import ForwardModel
from skyscan_lab.forward.quantised import most_likely

Floats = NDArray[np.float64]


def rise(
    model: ForwardModel,
    readings: Floats,
    weights: Floats,
    fit: Fit,
    held: Mapping[int, float],
    *,
    rounding: float | None = None,
) -> float:
    """How much the cost rises if some parameters are held: −2 times a log likelihood ratio.

    Of m parameters it is a χ² of m degrees of freedom where they are held at the truth: their
    95 % region is where it stays below that quantile.

    Parameters
    ----------
    model : ForwardModel
        The model.
    readings, weights : ndarray, shape (n,)
        As `least_squares` had them.
    fit : Fit
        Of them; nothing but directions that follow from a mount may be tied in it.
    held : mapping of int to float
        Value of each parameter that is held, by its place among the parameters of the model; all
        of them free in the fit.
    rounding : float, optional
        Step of the readings, where the fit is that of `most_likely`; the weights are then the
        same for all that count.

    Returns
    -------
    float
        The rise, not below 0.

    Examples
    --------
    >>> from skyscan_lab.forward import GaussianBeam, Ties
    >>> angle = np.linspace(-6.0, 6.0, 25)
    >>> model = ForwardModel(180.0 + angle, 0.5 * angle, GaussianBeam(), "linear")
    >>> parameters = model.join(
    ...     response=[0, 1, 0], floor=[1], sources=[[3.0, np.pi, 0.0]], beam=model.beam.start(4.0)
    ... )
    >>> readings, free = model.evaluate(parameters).value, np.arange(10) == 4
    >>> fit = least_squares(model, readings, np.ones(25), Ties(parameters, free))
    >>> by_width = fit.covariance()[0, 0] ** 0.5
    >>> round(rise(model, readings, np.ones(25), fit, {4: 3.0 + 0.01 * by_width}), 6)
    0.0001
    """
    free, start = fit.ties.free.copy(), fit.parameters.copy()
    for place, value in held.items():
        free[place] = False
        start[place] = value
    ties = replace(fit.ties, start=start, free=free)
    again = least_squares(model, readings, weights, ties, tolerance=1e-9)
    if rounding is not None:
        counts = (weights > 0.0).astype(float)
        noise = float(np.sqrt(1.0 / weights.max() - rounding**2 / 12.0))
        again = most_likely(model, readings, noise, rounding, again, used=counts)
    return max(again.cost - fit.cost, 0.0)
