"""What the antenna could have seen: the fitted forward model, and kriging of what that leaves.

Between samples a sky seen through a beam cannot do what it likes: it is a sum of sources, each with
the shape of the beam. So the readings are modelled first (`skyscan_lab.solving.buildup`: sources,
beam, floor and the receiver's response, all from the readings alone), and only the residual, which
is small and as smooth as the beam, is kriged.
"""

from __future__ import annotations

from dataclasses import replace

from skyscan_lab.interpolation.estimate import Estimate
from skyscan_lab.interpolation.kriging import kriging
from skyscan_lab.interpolation.samples import Samples
from skyscan_lab.interpolation.targets import Targets
from skyscan_lab.solving.buildup import build_up
from skyscan_lab.solving.samples import samples_for_fit


def beam(
    samples: Samples, targets: Targets, /, *, error: bool = True, most_parameters: int = 85
) -> Estimate:
    """Forward model and kriging of its residual.

    Parameters
    ----------
    samples, targets
        As for every method; at least ten samples.
    error : bool
        Whether the error is asked for; NaN where it is not.
    most_parameters : int
        The model has no more of them.
    """
    sky = build_up(samples_for_fit(samples.session), most_parameters=most_parameters)
    residual = samples.values - sky.predict(samples.azimuth, samples.elevation)
    rest = kriging(replace(samples, values=residual), targets, error=error)
    model = sky.predict(targets.azimuth, targets.elevation)
    return Estimate(model + rest.values, rest.error)
