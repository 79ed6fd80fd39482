"""What the antenna could have seen: the fitted forward model, and kriging of what that leaves.

Between samples a sky seen through a beam cannot do what it likes: it is a sum of sources, each with
the shape of the beam. So the readings are modelled first (`skyscan_lab.solving.buildup`: sources,
beam, floor and the receiver's response, all from the readings alone), and only the residual, which
is small and as smooth as the beam, is kriged (`skyscan_lab.interpolation.residual`).

Where the samples are few for what the model has, other models explain them as well: the result is
then the mean of several (`skyscan_lab.solving.alternatives`), and their spread is part of the
error. The error is scaled to what the samples say when left out one by one
(`skyscan_lab.interpolation.calibration`).
"""

from __future__ import annotations

import numpy as np

from skyscan_lab.interpolation.calibration import error_scale
from skyscan_lab.interpolation.conditioned import Conditioned, jacobian_of, share_of_sources
from skyscan_lab.interpolation.estimate import Estimate
from skyscan_lab.interpolation.kriging import kriging
from skyscan_lab.interpolation.residual import fit_residual
from skyscan_lab.interpolation.samples import Samples, Values
from skyscan_lab.interpolation.targets import Targets
from skyscan_lab.solving.alternatives import alternatives
from skyscan_lab.solving.buildup import Sky, build_up
from skyscan_lab.solving.samples import samples_for_fit
from skyscan_lab.sphere import unit_vector

# A model with more numbers for its samples is one of several.
_FEW_SAMPLES = 12.0
_ALTERNATIVES = 6


def beam(samples: Samples, targets: Targets, /, *, most_parameters: int = 85) -> Estimate:
    """Forward model and kriging of its residual.

    Parameters
    ----------
    samples, targets
        As for every method; at least ten samples.
    most_parameters : int
        The model has no more of them.
    """
    if not np.ptp(samples.values) > 0.0:
        return kriging(samples, targets)  # there is nothing that a beam could have seen
    sky = build_up(samples_for_fit(samples.session), most_parameters=most_parameters)
    skies = [sky]
    if sky.fit.numbers.size * _FEW_SAMPLES > samples.values.size:
        skies += alternatives(sky, _ALTERNATIVES, most_parameters=most_parameters)
    return _mean_of(skies, float(np.sqrt(samples.measured_variance)), targets)


def _mean_of(skies: list[Sky], least_noise: float, targets: Targets) -> Estimate:
    """Mean over skies, each with what it leaves; the first one has the error of each."""
    first = skies[0]
    azimuth, elevation = first.samples.azimuth_deg, first.samples.elevation_deg
    field = fit_residual(
        unit_vector(azimuth, elevation),
        share_of_sources(first, azimuth, elevation),
        first.fit.residual,
        jacobian_of(first, azimuth, elevation),
        float(np.radians(first.hpbw_deg)),
        least_noise,
    )
    conditioned = [Conditioned(sky, field, targets.azimuth.size) for sky in skies]
    left_out = [one.left_out() for one in conditioned]
    residuals = np.stack([one.residual for one in left_out])
    variance = left_out[0].variance + _spread(residuals)
    z = residuals.mean(axis=0) / np.sqrt(variance)
    there = [
        one.at(targets.azimuth, targets.elevation, error=one is conditioned[0])
        for one in conditioned
    ]
    values = np.stack([one.values for one in there])
    scale = error_scale(conditioned[0].share[left_out[0].places], z, there[0].share)
    of_map = there[0].variance + _spread(values)
    return Estimate(
        values.mean(axis=0),
        scale * np.sqrt(of_map),
        {"reading_error": scale * np.sqrt(of_map + field.noise**2)},
    )


def _spread(values: Values) -> Values:
    """Variance between skies, shape (k,), of values of shape (skies, k)."""
    if len(values) == 1:
        return np.zeros(values.shape[1])
    return np.asarray(values.var(axis=0, ddof=1))
