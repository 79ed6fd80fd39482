"""Other skies that explain the same readings about as well.

Where readings are few for what is in them, which sources there are and how rich the beam is hangs
on their noise: with other noise, other ones would have been found. So that noise is added once
more, a sky is built up from what this gives, and fitted to the readings themselves. The mean of
such skies foretells better than one of them, and their differences are what choosing one hides
[1]_.

References
----------
.. [1] L. Breiman, "Bagging predictors", Machine Learning 24, 123 (1996); the noise is that of the
   parametric bootstrap: B. Efron and R. J. Tibshirani, *An Introduction to the Bootstrap* (1993),
   6.5.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from skyscan_lab.solving.buildup import Sky, build_up, refit

_SEED = 20_190_402


def alternatives(sky: Sky, count: int, *, most_parameters: int) -> list[Sky]:
    """Skies found as the first one was, from readings with its noise added once more.

    Parameters
    ----------
    sky : Sky
        The first one.
    count : int
        How many.
    most_parameters : int
        None has more of them.

    Returns
    -------
    list of Sky
        Each fitted to the readings of the first; the same for the same readings.
    """
    samples = sky.samples
    rng = np.random.default_rng(_SEED)
    found = []
    for _ in range(count):
        noise = rng.normal(0.0, sky.fit.scatter, samples.readings.size)
        noisier = replace(samples, readings=samples.readings + noise)
        other = build_up(noisier, most_parameters=most_parameters)
        found.append(refit(replace(other, samples=samples), other.fit.parameters))
    return found
