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

    ``(n − p′) ln(s²/s′²) − Δp ln n`` with n the `independent_readings`, s, s′ the rms of the
    residuals and p′ the numbers of the richer model [1]_: the noise is not known but taken from
    what the model leaves, of which its numbers take their part.

    References
    ----------
    .. [1] G. Schwarz, "Estimating the dimension of a model", Ann. Statist. 6, 461 (1978).
    """
    count = _count(after, samples, hpbw_deg)
    added = after.numbers.size - before.numbers.size
    freedom = max(count - after.numbers.size, _LEAST_FREEDOM)
    return float(_deviance(before, after, samples, freedom) - added * np.log(count))


def beam_gain(before: Fit, after: Fit, samples: Samples, hpbw_deg: float) -> float:
    """By how much a richer beam lowers Akaike's corrected criterion; above 0 it pays [1]_.

    Every real beam has all modes, so the question is not which are there, as for sources, but
    which help to say what other readings will be.

    References
    ----------
    .. [1] C. M. Hurvich and C.-L. Tsai, "Regression and time series model selection in small
       samples", Biometrika 76, 297 (1989).
    """
    count = _count(after, samples, hpbw_deg)

    def price(numbers: int) -> float:
        return 2.0 * numbers * count / max(count - numbers - 1.0, _LEAST_FREEDOM)

    dearer = price(after.numbers.size) - price(before.numbers.size)
    return float(_deviance(before, after, samples, count) - dearer)


_FEWEST_SQUARES = 2.0
_LEAST_FREEDOM = 8.0


def _count(fit: Fit, samples: Samples, hpbw_deg: float) -> float:
    # At least so many that a number more costs something.
    return max(independent_readings(samples, fit.rms, hpbw_deg), float(np.exp(_FEWEST_SQUARES)))


def _deviance(before: Fit, after: Fit, samples: Samples, count: float) -> float:
    """Twice the gain in log likelihood; what is below the noise of rounding is no gain."""
    least = _LEAST_SHARE * samples.noise
    return float(2.0 * count * np.log(max(before.rms, least) / max(after.rms, least)))


# The noise of a map holds some of its sources; the reading's own is not that much smaller.
_LEAST_SHARE = 0.1
