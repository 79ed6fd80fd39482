"""Tipping curve: the sky against airmass.

``P = g (T_rx + T_bg e^−τA + T_atm (1 − e^−τA))``, with the airmass A, the opacity τ at the zenith,
the physical temperature T_atm of the atmosphere and that of the background behind it [1]_. T_rx
is that of the receiver and of what its antenna picks up from the ground alike.

Without a calibration the scale g has to come from the bend of the curve alone. A thin atmosphere
hardly bends it: then T_rx and τ are said to be undetermined, and only their product with the scale
is known.

References
----------
.. [1] R. H. Dicke et al., "Atmospheric absorption measurements with a microwave radiometer",
   Phys. Rev. 70, 340 (1946).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from astropy.table import QTable
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import least_squares

from skyscan_lab.airmass import airmass
from skyscan_lab.baseline.y_factor import YFactor
from skyscan_lab.errors import InvalidInput

Values = NDArray[np.float64]

# A parameter with an error of more than this share of itself is not determined.
_DETERMINED = 0.5
_OUTLIER = 5.0
_ROUNDS = 5
_FEWEST = 4
_NAMES = ("gain", "receiver_k", "opacity")


@dataclass(frozen=True)
class TippingCurve:
    """What a tipping curve tells.

    Attributes
    ----------
    opacity, opacity_error : float
        At the zenith, neper.
    receiver_k, receiver_error_k : float
        Temperature of receiver and spillover, kelvin.
    gain, gain_error : float
        Power for a kelvin.
    covariance : ndarray, shape (3, 3)
        Of gain, receiver_k and opacity.
    undetermined : tuple of str
        Which of the three the curve does not tell.
    chi2 : float
        Reduced chi-square of the fit. Where it is above 1 the errors are widened to match.
    curve : QTable
        ``elevation``, ``airmass``, ``power``, ``error``, ``model`` and ``used``.
    atmosphere_k, background_k : float
        Temperatures that were assumed.
    """

    opacity: float
    opacity_error: float
    receiver_k: float
    receiver_error_k: float
    gain: float
    gain_error: float
    covariance: Values
    undetermined: tuple[str, ...]
    chi2: float
    curve: QTable
    atmosphere_k: float
    background_k: float

    def power(self, elevation_deg: ArrayLike) -> Values:
        """Power of the sky without sources at elevations in degrees."""
        found = np.array([np.log(self.gain), self.receiver_k, np.log(self.opacity)])
        return _model(found, airmass(elevation_deg), self.atmosphere_k, self.background_k)


def tipping_curve(
    elevation_deg: ArrayLike,
    power: ArrayLike,
    error: ArrayLike,
    *,
    calibration: YFactor | None = None,
    atmosphere_k: float = 270.0,
    background_k: float = 2.725,
) -> TippingCurve:
    """Fit a tipping curve.

    Parameters
    ----------
    elevation_deg, power, error : array_like, shape (n,)
        Elevations in degrees, linear powers of the empty sky there, and their standard errors; at
        least 4.
    calibration : YFactor, optional
        Scale of the receiver; its error is carried through.
    atmosphere_k : float
        Physical temperature of the atmosphere, kelvin.
    background_k : float
        Temperature of what is behind it: the cosmic background by default.

    Returns
    -------
    TippingCurve
        Points far off the curve, as where the ground is in the beam, are not used.

    Raises
    ------
    InvalidInput
        For too few points, powers or errors that are not above zero, or temperatures in disorder.

    Examples
    --------
    >>> elevation = np.arange(20.0, 91.0, 5.0)
    >>> through = np.exp(-0.1 * airmass(elevation))
    >>> kelvin = 80.0 + 2.725 * through + 270.0 * (1 - through)
    >>> fit = tipping_curve(elevation, 1e-3 * kelvin, np.full(15, 1e-6))
    >>> round(fit.opacity, 4), round(fit.receiver_k, 2), fit.undetermined
    (0.1, 80.0, ())
    """
    elevation, level, spread = (
        np.asarray(values, dtype=float).ravel() for values in (elevation_deg, power, error)
    )
    if not elevation.size == level.size == spread.size >= _FEWEST:
        sizes = (elevation.size, level.size, spread.size)
        raise InvalidInput("lengths of elevation_deg, power, error", sizes, "equal, at least 4")
    if not (np.all(level > 0.0) and np.all(spread > 0.0)):
        raise InvalidInput("power, error", float(min(level.min(), spread.min())), "above zero")
    if not 0.0 <= background_k < atmosphere_k < np.inf:
        allowed = "0 ≤ background < atmosphere, kelvin"
        raise InvalidInput("background_k, atmosphere_k", (background_k, atmosphere_k), allowed)
    air = airmass(elevation)
    prior = None
    if calibration is not None:
        share = max(calibration.kelvin_per_power_error / calibration.kelvin_per_power, 1e-9)
        prior = (-np.log(calibration.kelvin_per_power), share)

    def residuals(x: Values, used: NDArray[np.bool_]) -> Values:
        model = _model(x, air[used], atmosphere_k, background_k)
        off = (level[used] - model) / spread[used]
        return off if prior is None else np.append(off, (x[0] - prior[0]) / prior[1])

    used = np.ones(level.size, dtype=bool)
    start = _start(air, level, prior, atmosphere_k, background_k)
    for _ in range(_ROUNDS):
        fit = least_squares(
            residuals,
            start,
            args=(used,),
            loss="soft_l1",
            x_scale=[1.0, max(abs(start[1]), 1.0), 1.0],
            xtol=1e-12,
            ftol=1e-12,
            gtol=1e-12,
            max_nfev=2000,
        )
        off = (level - _model(fit.x, air, atmosphere_k, background_k)) / spread
        freedom = max(int(used.sum()) - 3 + (prior is not None), 1)
        chi2 = float(np.sum(residuals(fit.x, used) ** 2)) / freedom
        limit = _OUTLIER * max(1.4826 * float(np.median(np.abs(off[used]))), 1.0)
        kept = np.abs(off) <= limit
        start = fit.x
        if np.array_equal(kept, used) or kept.sum() < _FEWEST:
            break
        used = kept
    inverse = np.linalg.pinv(fit.jac.T @ fit.jac, hermitian=True)
    weak = np.linalg.matrix_rank(fit.jac, tol=1e-6 * np.abs(fit.jac).max()) < 3
    gain, receiver, opacity = float(np.exp(fit.x[0])), float(fit.x[1]), float(np.exp(fit.x[2]))
    scale = np.array([gain, 1.0, opacity])
    covariance = inverse * np.outer(scale, scale) * max(chi2, 1.0)
    errors = np.sqrt(np.diagonal(covariance))
    values = np.array([gain, receiver, opacity])
    wrong = (errors > _DETERMINED * np.abs(values)) | weak
    table = QTable(
        {
            "elevation": elevation,
            "airmass": air,
            "power": level,
            "error": spread,
            "model": _model(fit.x, air, atmosphere_k, background_k),
            "used": used,
        }
    )
    return TippingCurve(
        opacity=opacity,
        opacity_error=float(errors[2]),
        receiver_k=receiver,
        receiver_error_k=float(errors[1]),
        gain=gain,
        gain_error=float(errors[0]),
        covariance=covariance,
        undetermined=tuple(name for name, bad in zip(_NAMES, wrong, strict=True) if bad),
        chi2=chi2,
        curve=table,
        atmosphere_k=atmosphere_k,
        background_k=background_k,
    )


def _model(x: Values, air: Values, atmosphere_k: float, background_k: float) -> Values:
    through = np.exp(-np.exp(x[2]) * air)
    kelvin = x[1] + background_k * through + atmosphere_k * (1.0 - through)
    return np.asarray(np.exp(x[0]) * kelvin)


def _start(
    air: Values,
    level: Values,
    prior: tuple[float, float] | None,
    atmosphere_k: float,
    background_k: float,
) -> Values:
    """A thin atmosphere: power rises in proportion to airmass."""
    low = np.argsort(air)[: max(air.size // 2, 2)]
    slope, first = np.polyfit(air[low], level[low], 1)
    scale = first / (100.0 + background_k) if prior is None else float(np.exp(prior[0]))
    rise = max(slope / scale / (atmosphere_k - background_k), 1e-4)
    return np.array(
        [np.log(max(scale, np.finfo(float).tiny)), first / scale, np.log(min(rise, 1.0))]
    )
