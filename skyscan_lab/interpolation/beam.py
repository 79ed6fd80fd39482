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

from dataclasses import dataclass, replace

import numpy as np

from skyscan_lab.interpolation.calibration import error_scale
from skyscan_lab.interpolation.conditioned import (
    MOST_LEFT_OUT,
    Conditioned,
    jacobian_of,
    share_of_sources,
)
from skyscan_lab.interpolation.estimate import Estimate
from skyscan_lab.interpolation.kriging import kriging
from skyscan_lab.interpolation.left_out import kriging_left_out
from skyscan_lab.interpolation.likelihood import fit_covariance
from skyscan_lab.interpolation.residual import fit_residual
from skyscan_lab.interpolation.samples import Samples, Values
from skyscan_lab.interpolation.targets import Targets
from skyscan_lab.solving.alternatives import alternatives
from skyscan_lab.solving.buildup import Sky, build_up, refit
from skyscan_lab.solving.samples import Samples as SamplesForFit
from skyscan_lab.solving.samples import samples_for_fit
from skyscan_lab.sphere import unit_vector

# A model with more numbers for its samples is one of several.
_FEW_SAMPLES = 12.0
_ALTERNATIVES = 6
# Fewer say nothing of a beam.
_FEWEST = 30
# Of more, some are enough to find what is there.
_MOST_SEARCHED = 6000
_LAST_STEPS = 10
_SEED = 20_190_402
# A model that was chosen by the samples foretells them a little too well.
_CHOSEN = 0.95


def beam(samples: Samples, targets: Targets, /, *, most_parameters: int = 85) -> Estimate:
    """Forward model and kriging of its residual.

    Ordinary kriging where that is as good: of fewer than 30 samples, and where it foretells
    samples that are left out within 5 % as well. There is nothing then that a beam has seen, or
    the antenna's is none that the model has.

    Beside the value and its error there is ``reading_error``, the standard error of the value as a
    prediction of one more reading.

    Parameters
    ----------
    samples, targets
        As for every method.
    most_parameters : int
        The model has no more of them.
    """
    covariance = fit_covariance(samples)
    count = samples.values.size
    if count >= _FEWEST and np.ptp(samples.values) > 0.0:
        sky = _sky(samples_for_fit(samples.session), most_parameters)
        least_noise = float(np.sqrt(samples.measured_variance))
        modelled = _Modelled.of([sky], least_noise, targets.azimuth.size)
        places = np.unique(np.linspace(0, count - 1, MOST_LEFT_OUT).astype(np.intp))
        without = kriging_left_out(samples.vectors, samples.values, places, covariance)
        if _rms(modelled.residual) < _CHOSEN * _rms(without):
            if sky.fit.numbers.size * _FEW_SAMPLES > count:
                others = alternatives(sky, _ALTERNATIVES, most_parameters=most_parameters)
                modelled = _Modelled.of([sky, *others], least_noise, targets.azimuth.size)
            return modelled.at(targets)
    found = kriging(samples, targets, covariance=covariance)
    of_reading = np.hypot(found.error, covariance.noise)
    return Estimate(found.values, found.error, {"reading_error": of_reading})


def _sky(samples: SamplesForFit, most_parameters: int) -> Sky:
    """Model the samples; of very many, some say what is there, and all where."""
    count = samples.readings.size
    if count <= _MOST_SEARCHED:
        return build_up(samples, most_parameters=most_parameters)
    some = np.zeros(count, dtype=bool)
    some[np.random.default_rng(_SEED).choice(count, _MOST_SEARCHED, replace=False)] = True
    found = build_up(samples.take(some), most_parameters=most_parameters)
    model = found.model.at(samples.azimuth_deg, samples.elevation_deg)
    everything = replace(found, samples=samples)
    return refit(everything, found.fit.parameters, model=model, steps=_LAST_STEPS)


@dataclass(frozen=True, eq=False)
class _Modelled:
    """The mean of skies, each with what it leaves; the first one has the error of each."""

    skies: list[Conditioned]
    share: Values
    residual: Values
    z: Values

    @classmethod
    def of(cls, skies: list[Sky], least_noise: float, targets: int) -> _Modelled:
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
        conditioned = [Conditioned(sky, field, targets) for sky in skies]
        left_out = [one.left_out() for one in conditioned]
        residuals = np.stack([one.residual for one in left_out])
        residual = residuals.mean(axis=0)
        error = np.sqrt(left_out[0].variance + _spread(residuals))
        share = conditioned[0].share[left_out[0].places]
        return cls(conditioned, share, residual, residual / error)

    def at(self, targets: Targets) -> Estimate:
        """Values at targets."""
        first = self.skies[0]
        there = [
            one.at(targets.azimuth, targets.elevation, error=one is first) for one in self.skies
        ]
        values = np.stack([one.values for one in there])
        scale = error_scale(self.share, self.z, there[0].share)
        of_map = there[0].variance + _spread(values)
        of_reading = of_map + first.field.noise**2
        return Estimate(
            values.mean(axis=0),
            scale * np.sqrt(of_map),
            {"reading_error": scale * np.sqrt(of_reading)},
        )


def _rms(values: Values) -> float:
    return float(np.sqrt(np.mean(values**2)))


def _spread(values: Values) -> Values:
    """Variance between skies, shape (k,), of values of shape (skies, k)."""
    if len(values) == 1:
        return np.zeros(values.shape[1])
    return np.asarray(values.var(axis=0, ddof=1))
