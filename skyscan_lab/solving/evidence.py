"""Whether readings ask for a richer model."""

from __future__ import annotations

import numpy as np

from skyscan_lab.forward import Fit
from skyscan_lab.solving.samples import Samples


def independent_readings(samples: Samples, rms: float, hpbw_deg: float) -> float:
    """How many readings of a residual say something of their own.

    Where a model leaves only noise, each does. Where it leaves more, its errors are as smooth as
    the beam, and neighbours repeat each other.

    Parameters
    ----------
    samples : Samples
        What was fitted.
    rms : float
        Root mean square of the residual, in the session's units.
    hpbw_deg : float
        Width of the beam.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> samples = SimpleNamespace(readings=np.zeros(10_000), noise=0.5, spacing_deg=1.0)
    >>> independent_readings(samples, 0.5, 5.0), round(independent_readings(samples, 5.0, 5.0))
    (10000.0, 400)
    """
    share = min(1.0, (samples.noise / max(rms, 1e-12)) ** 2)
    per_beam = max(1.0, (hpbw_deg / samples.spacing_deg) ** 2)
    return samples.readings.size * max(share, 1.0 / per_beam)


def information_gain(before: Fit, after: Fit, samples: Samples, hpbw_deg: float) -> float:
    """By how much one more source lowers the Bayesian information criterion; above 0 it pays.

    ``n ln(s²/s′²) − Δp ln n`` with n the `independent_readings` and s, s′ the rms of the
    residuals, both floored at the noise [1]_.

    References
    ----------
    .. [1] G. Schwarz, "Estimating the dimension of a model", Ann. Statist. 6, 461 (1978).
    """
    count = independent_readings(samples, after.rms, hpbw_deg)
    ratio = before.rms / max(after.rms, 1e-12)
    added = after.numbers.size - before.numbers.size
    return float(2.0 * count * np.log(max(ratio, 1e-12)) - added * np.log(count))


def beam_gain(before: Fit, after: Fit, samples: Samples, hpbw_deg: float) -> float:
    """By how much a richer beam lowers Akaike's information criterion; above 0 it pays [1]_.

    Every real beam has all modes, so the question is not which are there, as for sources, but
    which help to say what other readings will be.

    References
    ----------
    .. [1] H. Akaike, "A new look at the statistical model identification", IEEE Trans. Automat.
       Contr. 19, 716 (1974).
    """
    count = independent_readings(samples, after.rms, hpbw_deg)
    added = after.numbers.size - before.numbers.size
    return float(2.0 * count * np.log(before.rms / max(after.rms, 1e-12)) - 2.0 * added)
