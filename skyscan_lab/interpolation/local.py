"""Local weighted modelling: at each direction a small model of the sky, fitted to what is around.

``cubic`` is the surface of the Skynet mapping algorithm [1]_: a cubic polynomial within a beam
width, weighted by ``cos(πr/2θ_b)^α``. The exponent makes the weights a fraction ``θ_w`` of the beam
wide at half height, ``α = ln ½ / ln cos(πθ_w/4)``, ``θ_w = max(θ_min, min(4/3 θ_gap, 1))``, where
θ_gap is the distance between the lines of samples there.

``beam`` fits what the sky can look like through the beam: a source here, its first and second
derivatives (it may stand beside, or the beam be wider or narrower than thought), and a sloping
background. A polynomial cuts the top off a source; this does not, so that it may average over a
wider neighbourhood, with less noise.

References
----------
.. [1] J. R. Martin et al., "Skynet algorithm for single-dish radio mapping I", ApJS 240, 12
   (2019), 3.7.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from skyscan_lab.antenna import AntennaPattern, GaussianPattern
from skyscan_lab.errors import InvalidInput
from skyscan_lab.interpolation.estimate import Estimate
from skyscan_lab.interpolation.levels import Levels
from skyscan_lab.interpolation.likelihood import fit_covariance
from skyscan_lab.interpolation.samples import Samples
from skyscan_lab.interpolation.targets import Targets
from skyscan_lab.sphere import to_plane, unit_vector

Values = NDArray[np.float64]
Surface = Literal["beam", "cubic"]

# Within this many beam widths, weighted by cos(πr/2R): the least noise at the peak of a source
# whose width is 3 % off, for a bias of 0.06 %.
_BEAM_REACH = 1.75
# Derivatives of the beam are differences over this share of its width.
_SHIFT = 0.25
_CHUNK_ELEMENTS = 4_000_000
# A fit that does not reproduce its own model to this was not determined by its samples.
_DETERMINED = 1e-5
# Twice the variance of a single reading: the samples do not surround the direction. A simpler
# model is taken there, as where there are too few of them.
_MOST_GAIN = 2.0
# Width of cos(πr/2R) at half its height, over R.
_COSINE_WIDTH = 4.0 / 3.0


def local(
    samples: Samples,
    targets: Targets,
    /,
    *,
    beam: float | AntennaPattern | None = None,
    surface: Surface = "beam",
    weighting: float = 0.5,
    noise: float | None = None,
) -> Estimate:
    """Local weighted modelling; of powers where the units say what they are.

    Its error is the noise that it lets through.

    Parameters
    ----------
    samples, targets
        As for every method.
    beam : float or AntennaPattern, optional
        Width of the beam at half power, degrees, or the beam; by default the width is taken from
        the map's own covariance.
    surface : {"beam", "cubic"}
        What is fitted.
    weighting : float
        θ_min of ``cubic``, in beam widths, within [0.2, 1].
    noise : float, optional
        Standard deviation of a reading; by default as in a fitted covariance.

    Returns
    -------
    Estimate
        With ``weighting_scale``: width of the weights at half their height, degrees.
    """
    if surface not in ("beam", "cubic"):
        raise InvalidInput("surface", surface, "'beam' or 'cubic'")
    if not 0.2 <= weighting <= 1.0:
        raise InvalidInput("weighting", weighting, "within [0.2, 1] beam widths")
    if noise is None or beam is None:
        fit = fit_covariance(samples, ("gaussian",))
        noise = fit.noise if noise is None else noise
        beam = fit.hpbw_deg if beam is None else beam
    pattern = GaussianPattern(beam) if isinstance(beam, (int, float)) else beam
    width = float(np.sqrt(np.prod(pattern.hpbw_deg)))
    if surface == "beam":
        reach = _BEAM_REACH * width
        exponent = np.ones(targets.azimuth.size)
        scale = np.full(targets.azimuth.size, _COSINE_WIDTH * reach)
        models = [_beam_model(pattern), _polynomial(1), _polynomial(0)]
    else:
        reach = width
        gap = _gaps(samples, targets) / width
        share = np.maximum(weighting, np.minimum(4.0 / 3.0 * gap, 1.0))
        exponent = np.log(0.5) / np.log(np.cos(np.pi * share / 4.0))
        scale = share * width
        models = [_polynomial(order) for order in (3, 2, 1, 0)]
    levels = Levels.of(samples.values, samples.units, noise)
    values, variance = _fits(samples, targets, models, reach, exponent, levels)
    read, error = levels.reading(values, np.sqrt(variance))
    return Estimate(read, error, {"weighting_scale": np.where(np.isfinite(read), scale, np.nan)})


Model = Callable[[Values, Values], Values]


def _polynomial(order: int) -> Model:
    def terms(x: Values, y: Values) -> Values:
        powers = [(i, j) for i in range(order + 1) for j in range(order + 1 - i)]
        return np.stack([x**i * y**j for i, j in powers], axis=-1)

    return terms


def _beam_model(pattern: AntennaPattern) -> Model:
    """Source at the origin, its derivatives, and a sloping background."""
    dx, dy = (_SHIFT * width for width in pattern.hpbw_deg)

    def terms(x: Values, y: Values) -> Values:
        here = pattern.gain(x, y)
        right, left = pattern.gain(x - dx, y), pattern.gain(x + dx, y)
        above, below = pattern.gain(x, y - dy), pattern.gain(x, y + dy)
        cross = pattern.gain(x - dx, y - dy) + pattern.gain(x + dx, y + dy)
        cross -= pattern.gain(x - dx, y + dy) + pattern.gain(x + dx, y - dy)
        bent = right + left - 2.0 * here, above + below - 2.0 * here
        flat = np.ones_like(here), x / dx, y / dy
        return np.stack([here, right - left, above - below, *bent, cross, *flat], axis=-1)

    return terms


def _gaps(samples: Samples, targets: Targets) -> Values:
    """Distance between the lines of samples around each target, degrees."""
    triangle, _, _ = samples.triangles.find(targets.azimuth, targets.elevation)
    sides = samples.triangles.edges_deg
    if not len(sides):
        return np.full(triangle.size, samples.step_deg)
    return np.where(triangle >= 0, sides[np.maximum(triangle, 0), 1], samples.step_deg)


def _fits(
    samples: Samples,
    targets: Targets,
    models: list[Model],
    reach_deg: float,
    exponent: Values,
    levels: Levels,
) -> tuple[Values, Values]:
    """Value and variance of the local model at each target; of the first that is determined."""
    wanted = unit_vector(targets.azimuth, targets.elevation)
    tree = KDTree(samples.vectors)
    chord = 2.0 * np.sin(np.radians(min(reach_deg, 180.0)) / 2.0)
    most = int(tree.query_ball_point(wanted, chord, return_length=True).max(initial=0))
    values = np.full(len(wanted), np.nan)
    variance = np.full(len(wanted), np.nan)
    if not most:
        return values, variance
    centre = models[0](np.zeros(1), np.zeros(1)).shape[-1]
    chunk = max(_CHUNK_ELEMENTS // (most * centre), 1)
    for begin in range(0, len(wanted), chunk):
        part = np.arange(begin, min(begin + chunk, len(wanted)))
        distance, index = tree.query(
            wanted[part], k=np.arange(1, most + 1), distance_upper_bound=chord
        )
        there = np.isfinite(distance)
        index = np.where(there, index, 0)
        x, y = to_plane(
            samples.azimuth[index],
            samples.elevation[index],
            targets.azimuth[part, None],
            targets.elevation[part, None],
            projection="arc",
        )
        r = np.minimum(np.hypot(x, y) / reach_deg, 1.0)
        weights = np.where(there, np.cos(np.pi / 2.0 * r) ** exponent[part, None], 0.0)
        left = np.arange(part.size)
        for model in models:
            sums = _sums(model, x[left], y[left], weights[left])
            gain = np.einsum("mk,mk->m", sums, sums)
            good = np.isfinite(gain) & (gain <= _MOST_GAIN)
            done, taken = part[left[good]], index[left[good]]
            values[done] = np.einsum("mk,mk->m", sums[good], levels.level[taken])
            variance[done] = np.einsum("mk,mk->m", sums[good] ** 2, levels.error[taken] ** 2)
            left = left[~good]
            if not left.size:
                break
    return values, variance


def _sums(model: Model, x: Values, y: Values, weights: Values) -> Values:
    """What the value of a model at the origin takes of each sample; NaN where undetermined."""
    terms = model(x, y)
    here = model(np.zeros(1), np.zeros(1))[0]
    weighted = terms * weights[..., None]
    normal = np.einsum("mkp,mkq->mpq", weighted, terms, optimize=True)
    size = np.sqrt(np.maximum(np.einsum("mpp->mp", normal), np.finfo(float).tiny))
    normal /= size[:, :, None] * size[:, None, :]
    normal += 1e-13 * np.eye(here.size)
    solved = np.linalg.solve(normal, (here / size)[..., None])[..., 0] / size
    sums = np.einsum("mkp,mp->mk", weighted, solved, optimize=True)
    again = np.einsum("mk,mkp->mp", sums, terms, optimize=True)
    off = np.abs(again - here).max(axis=1) / np.abs(here).max()
    return np.where((off < _DETERMINED)[:, None], sums, np.nan)
