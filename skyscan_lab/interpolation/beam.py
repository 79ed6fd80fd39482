"""What the antenna could have seen: the fitted forward model, and kriging of what that leaves.

Between samples a sky seen through a beam cannot do what it likes: it is a sum of sources, each with
the shape of the beam. So the readings are modelled first (`skyscan_lab.solving.buildup`: sources,
beam, floor and the receiver's response, all from the readings alone), and only the residual, which
is small and as smooth as the beam, is kriged (`skyscan_lab.interpolation.residual`).
"""

from __future__ import annotations

import numpy as np

from skyscan_lab.interpolation.estimate import Estimate
from skyscan_lab.interpolation.kriging import kriging
from skyscan_lab.interpolation.residual import fit_residual
from skyscan_lab.interpolation.samples import Samples, Values
from skyscan_lab.interpolation.targets import Targets
from skyscan_lab.solving.buildup import Sky, build_up
from skyscan_lab.solving.samples import samples_for_fit
from skyscan_lab.sphere import unit_vector


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
    residual = samples.values - sky.predict(samples.azimuth, samples.elevation)
    share = _share(sky, samples.azimuth, samples.elevation)
    least_noise = np.sqrt(samples.measured_variance)
    hpbw_rad = np.radians(sky.hpbw_deg)
    field = fit_residual(samples.vectors, share, residual, hpbw_rad, least_noise)
    rest, of_rest = field.estimate(
        samples.vectors,
        share,
        residual,
        unit_vector(targets.azimuth, targets.elevation),
        _share(sky, targets.azimuth, targets.elevation),
    )
    model = sky.predict(targets.azimuth, targets.elevation)
    of_model = sky.prediction_error(targets.azimuth, targets.elevation)
    return Estimate(model + rest, np.hypot(of_rest, of_model))


def _share(sky: Sky, azimuth: Values, elevation: Values) -> Values:
    """How much of the power comes from sources."""
    there = sky.model.at(azimuth, elevation)
    power = there.power(sky.fit.parameters)
    floor = there.floor_terms @ sky.block("floor")
    return np.asarray(np.clip(1.0 - floor / power, 0.0, 1.0))
