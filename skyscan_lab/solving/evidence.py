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
    residuals [1]_.

    References
    ----------
    .. [1] G. Schwarz, "Estimating the dimension of a model", Ann. Statist. 6, 461 (1978).
    """
    count = _count(after, samples, hpbw_deg)
    added = after.numbers.size - before.numbers.size
    return float(_deviance(before, after, samples, count) - added * np.log(count))


def beam_gain(before: Fit, after: Fit, samples: Samples, hpbw_deg: float) -> float:
    """By how much a richer beam lowers Akaike's information criterion; above 0 it pays [1]_.

    Every real beam has all modes, so the question is not which are there, as for sources, but
    which help to say what other readings will be.

    References
    ----------
    .. [1] H. Akaike, "A new look at the statistical model identification", IEEE Trans. Automat.
       Contr. 19, 716 (1974).
    """
    count = _count(after, samples, hpbw_deg)
    added = after.numbers.size - before.numbers.size
    return float(_deviance(before, after, samples, count) - 2.0 * added)


_FEWEST_SQUARES = 2.0


def _count(fit: Fit, samples: Samples, hpbw_deg: float) -> float:
    # At least so many that a number more costs something.
    return max(independent_readings(samples, fit.rms, hpbw_deg), float(np.exp(_FEWEST_SQUARES)))


def _deviance(before: Fit, after: Fit, samples: Samples, count: float) -> float:
    """Twice the gain in log likelihood; what is below the noise of rounding is no gain."""
    least = _LEAST_SHARE * samples.noise
    return float(2.0 * count * np.log(max(before.rms, least) / max(after.rms, least)))


# The noise of a map holds some of its sources; the reading's own is not that much smaller.
_LEAST_SHARE = 0.1
