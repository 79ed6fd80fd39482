"""Fit an antenna pattern: from one source, several, or a whole session.

The readings near a source are modelled with everything that is in them (`build_up`): its
neighbours, the floor, the receiver's response. Then every family is tried, and where nothing
calibrates the receiver, every slope of its response that the readings admit: what changes with
that choice is said as a range beside the standard error.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
import xarray as xr
from astropy.table import QTable
from numpy.typing import NDArray

from skyscan_lab.antenna import beam_figures
from skyscan_lab.errors import InvalidInput, SessionError
from skyscan_lab.forward import (
    ApertureBeam,
    Beam,
    Fit,
    GaussianBeam,
    Ties,
    least_squares,
    modes_up_to,
)
from skyscan_lab.power import LogResponse
from skyscan_lab.solving.buildup import Sky, begin_with_beam, build_up, free_ties
from skyscan_lab.solving.evidence import independent_readings
from skyscan_lab.solving.fitted_beam import FittedBeam
from skyscan_lab.solving.pattern_fit import Measured, PatternFit
from skyscan_lab.solving.samples import Samples, samples_for_fit
from skyscan_lab.solving.widths import beam_axes, first_sidelobe_db, widths_along
from skyscan_lab.sphere import separation

Floats = NDArray[np.float64]

Model = Literal["gaussian", "airy", "blocked airy", "aperture"]
"""Elliptical Gaussian; far field of an elliptical aperture, clear or blocked; the same with taper,
astigmatism and defocus."""

_BEAMS: dict[str, Beam] = {
    "gaussian": GaussianBeam(),
    "airy": ApertureBeam(),
    "blocked airy": ApertureBeam(),
    "aperture": ApertureBeam(modes_up_to(2)),
}
# Which one the sources are looked for with.
_FAMILIES = {
    "gaussian": "gaussian",
    "airy": "blocked airy",
    "blocked airy": "blocked airy",
    "aperture": "blocked airy",
}
_HELD = {"airy": ("blocked_area",)}

_FIRST_RADIUS_SPACINGS = 12.0
_RADIUS_HPBW = 3.0
_FEWEST = 25
_OUTLIER = 5.0
_MAD_TO_SIGMA = 1.4826
_ROUNDS = 4
_MOST_SOURCES = 24
_SLOPES = (0.5, 0.7, 0.85, 0.95, 1.05, 1.2, 1.4, 2.0)
# Half of twice a difference of log likelihoods: odds of one in a hundred and fifty.
_ADMITTED = 10.0
_STEP = 1e-4
_LOOSE = 0.1
_LEAST_SNR = 5.0
# χ² of two degrees of freedom that noise exceeds once in a hundred.
_ROUND = 9.21


def fit_pattern(
    ds: xr.Dataset,
    model: Model = "blocked airy",
    near: tuple[float, float] | None = None,
    *,
    radius_deg: float | None = None,
) -> PatternFit:
    """Fit an antenna pattern to a session.

    Parameters
    ----------
    ds : Dataset
        A session of one channel.
    model : {"gaussian", "airy", "blocked airy", "aperture"}
        Family of the beam. The others are fitted, too, to see what hangs on it.
    near : (float, float), optional
        Azimuth and elevation of the source to fit, degrees; by default the strongest one.
    radius_deg : float, optional
        Readings within that angle of it are used; by default three beam widths.

    Returns
    -------
    PatternFit
        With a standard error and a range for each figure, and a list of what is undetermined.

    Raises
    ------
    InvalidInput
        For a model that is not known, or a direction or radius without readings.
    SessionError
        As `samples_for_fit`, and where no source stands out of the noise.
    """
    if model not in get_args(Model):
        raise InvalidInput("model", model, f"one of {', '.join(get_args(Model))}")
    everything = samples_for_fit(ds)
    if not np.ptp(everything.readings) > 0.0:
        raise SessionError("readings", everything.readings[0], "not all the same: nothing is seen")
    samples, skies = _surroundings(everything, near, radius_deg)
    starts = {
        name: _Start(samples, sky, _nearest(sky, near))
        for name, sky in zip(_BEAMS, (skies[_FAMILIES[name]] for name in _BEAMS), strict=True)
    }
    tried: dict[tuple[str, float | None], _Fitted] = {
        (name, None): starts[name].fitted(name) for name in _BEAMS
    }
    chosen = tried[(model, None)]
    _check_seen(chosen)
    if not samples.response_known:
        slope = float(chosen.sky.block("response")[1])
        for name in _BEAMS:
            for factor in _SLOPES:
                tried[(name, factor * slope)] = starts[name].fitted(name, slope=factor * slope)
    table = _compare(tried, chosen)
    return _result(ds, model, chosen, table, samples)


@dataclass(frozen=True, eq=False)
class _Fitted:
    """One model, fitted."""

    sky: Sky
    place: int
    used: NDArray[np.bool_]

    @property
    def fit(self) -> Fit:
        return self.sky.fit

    @property
    def rms(self) -> float:
        return float(np.sqrt(np.mean(self.fit.residual[self.used] ** 2)))

    def covariance(self) -> Floats:
        """Of the free numbers, for errors of the size of what the model leaves."""
        return self.fit.covariance() * (self.fit.scatter / self.sky.samples.noise) ** 2


@dataclass(frozen=True, eq=False)
class _Start:
    """Where every model begins."""

    samples: Samples
    sky: Sky
    place: int

    def fitted(self, name: str, *, slope: float | None = None) -> _Fitted:
        """Fit a model, leaving out what no beam explains, which it says."""
        model, parameters = begin_with_beam(self.sky, _BEAMS[name])
        # The first model may lack what no beam explains; this one has every sample.
        model = model.at(self.samples.azimuth_deg, self.samples.elevation_deg)
        ties = free_ties(model, parameters, self.samples)
        names = model.names(len(self.sky.sources))
        free, values = ties.free.copy(), parameters.copy()
        for held in _HELD.get(name, ()):
            free[names.index(held)] = False
            values[names.index(held)] = 0.0
        if slope is not None:
            free[names.index("slope")] = False
            values[names.index("slope")] = slope
        ties = Ties(values, free)
        there = self.sky.predict(self.samples.azimuth_deg, self.samples.elevation_deg)
        used = _explained(self.samples.readings - there, self.samples.noise)
        weight = self.samples.noise**-2.0
        for _ in range(_ROUNDS):
            fit = least_squares(model, self.samples.readings, weight * used, ties, steps=100)
            again = _explained(fit.residual, self.samples.noise)
            ties = replace(ties, start=fit.parameters)
            if np.array_equal(again, used):
                break
            used = again
        return _Fitted(Sky(self.samples, model, fit), self.place, used)


def _surroundings(
    everything: Samples, near: tuple[float, float] | None, radius_deg: float | None
) -> tuple[Samples, dict[str, Sky]]:
    """Readings around the source, and a first model of them with each family of beams."""
    if near is None:
        top = int(np.argmax(everything.readings))
        near = (float(everything.azimuth_deg[top]), float(everything.elevation_deg[top]))
    if radius_deg is None:
        first = _around(everything, near, _FIRST_RADIUS_SPACINGS * everything.spacing_deg)
        rough = build_up(first, orders=(), most_sources=6)
        radius_deg = _RADIUS_HPBW * rough.hpbw_deg
    samples = _around(everything, near, radius_deg)
    return samples, {name: _first_model(samples, name) for name in set(_FAMILIES.values())}


def _first_model(samples: Samples, family: str) -> Sky:
    beam = _BEAMS[family]
    sky = build_up(samples, orders=(), most_sources=_MOST_SOURCES, family=beam)
    kept = _explained(sky.fit.residual, samples.noise)
    if kept.all():
        return sky
    # Bursts draw sources to them: begin again without.
    return build_up(samples.take(kept), orders=(), most_sources=_MOST_SOURCES, family=beam)


def _check_seen(fitted: _Fitted) -> None:
    """Refuse a beam of nothing: a width of noise would be a confident wrong number."""
    names = fitted.fit.ties.names(fitted.sky.model.names(len(fitted.sky.sources)))
    place = names.index(f"log_power[{fitted.place}]")
    snr = float(np.diag(fitted.covariance())[place] ** -0.5)
    if not snr >= _LEAST_SNR:
        raise SessionError("source, power over its error", f"{snr:.1f}", f"at least {_LEAST_SNR:g}")


def _explained(residual: Floats, noise: float) -> NDArray[np.bool_]:
    spread = _MAD_TO_SIGMA * float(np.median(np.abs(residual)))
    return np.asarray(np.abs(residual) <= _OUTLIER * max(spread, noise))


def _around(samples: Samples, near: tuple[float, float], radius_deg: float) -> Samples:
    if not radius_deg > 0.0:
        raise InvalidInput("radius_deg", radius_deg, "greater than 0")
    within = samples.near(*near, radius_deg)
    if within.readings.size < _FEWEST:
        raise SessionError(
            f"readings within {radius_deg:.1f}° of azimuth {near[0]:g}°, elevation {near[1]:g}°",
            within.readings.size,
            f"at least {_FEWEST}",
        )
    return within


def _nearest(sky: Sky, near: tuple[float, float] | None) -> int:
    """Which source was meant."""
    sources = sky.sources
    if near is None:
        return int(np.argmax(sources[:, 0]))
    distance = separation(*near, np.degrees(sources[:, 1]), np.degrees(sources[:, 2]))
    # A strong source a little farther is meant rather than a weak one beside the point.
    return int(np.argmax(sources[:, 0] - 4.0 * np.log(2.0) * (distance / sky.hpbw_deg) ** 2))


def _peak_db(sky: Sky, place: int) -> float:
    """Power of a source over the level of the floor."""
    return float(10.0 * np.log10(np.exp(sky.sources[place, 0]) / abs(sky.block("floor")[0])))


def _compare(tried: dict[tuple[str, float | None], _Fitted], chosen: _Fitted) -> QTable:
    # All on the readings that the chosen model explains: who leaves out more is not better.
    rms = {
        key: max(float(np.sqrt(np.mean(one.fit.residual[chosen.used] ** 2))), 1e-9)
        for key, one in tried.items()
    }
    best = min(rms.values())
    count = independent_readings(chosen.sky.samples, best, chosen.sky.hpbw_deg)
    rows = []
    for (name, slope), one in tried.items():
        beam = FittedBeam.of(one.sky.model.beam, one.sky.beam)
        deviance = 2.0 * count * np.log(rms[(name, slope)] / best)
        size = one.fit.numbers.size
        rows.append(
            (
                name,
                "free" if slope is None else f"{slope:.4g}",
                rms[(name, slope)],
                *beam.hpbw_deg,
                _peak_db(one.sky, one.place),
                first_sidelobe_db(beam.family, beam.parameters),
                deviance + 2.0 * size,
                deviance + size * np.log(count),
                bool(deviance <= _ADMITTED),
            )
        )
    names = (
        "model",
        "slope",
        "rms",
        "hpbw_first",
        "hpbw_second",
        "peak",
        "sidelobe",
        "aic",
        "bic",
        "admitted",
    )
    return QTable(rows=rows, names=names)


def _result(
    ds: xr.Dataset, model: str, chosen: _Fitted, table: QTable, samples: Samples
) -> PatternFit:
    sky, fit = chosen.sky, chosen.fit
    names = fit.ties.names(sky.model.names(len(sky.sources)))
    covariance = chosen.covariance()
    sigma = np.sqrt(np.diag(covariance))
    admitted = table[table["admitted"]]
    beam = FittedBeam.of(sky.model.beam, sky.beam)
    round_beam = _is_round(sky, names, covariance)
    axes = np.eye(2) if round_beam else beam_axes(sky.beam)

    def measured(
        of_sky: Callable[[Sky], float], column: str | None = None, turn: float | None = None
    ) -> Measured:
        value = of_sky(sky)
        error = _error(of_sky, sky, covariance)
        others = [value] if column is None else [value, *admitted[column]]
        low, high = float(np.nanmin(others)), float(np.nanmax(others))
        if turn is not None:
            value, low, high = value % turn, low % turn, high % turn
        return Measured(value, error, low, high)

    row = chosen.place
    sidelobe = first_sidelobe_db(beam.family, beam.parameters)
    return PatternFit(
        model=model,
        values=dict(zip(names, fit.numbers.tolist(), strict=True)),
        errors=dict(zip(names, sigma.tolist(), strict=True)),
        covariance=covariance,
        pattern=beam,
        figures=beam_figures(beam),
        hpbw_deg=(
            measured(lambda one: widths_along(one.model.beam, one.beam, axes)[0], "hpbw_first"),
            measured(lambda one: widths_along(one.model.beam, one.beam, axes)[1], "hpbw_second"),
        ),
        sidelobe_db=measured(lambda one: first_sidelobe_db(one.model.beam, one.beam), "sidelobe")
        if np.isfinite(sidelobe)
        else Measured(*[float("nan")] * 4),
        boresight_deg=(
            measured(lambda one: float(np.degrees(one.sources[row, 1])), turn=360.0),
            measured(lambda one: float(np.degrees(one.sources[row, 2]))),
        ),
        peak_db=measured(lambda one: _peak_db(one, row), "peak"),
        response=LogResponse(*(float(value) for value in sky.block("response")[:2])),
        models=table,
        residual=samples.as_map(fit.residual, ds).rename("residual"),
        outliers=samples.as_map((~chosen.used).astype(float), ds).rename("outliers") == 1.0,
        undetermined=_undetermined(samples, admitted, names, covariance, round_beam=round_beam),
    )


def _is_round(sky: Sky, names: Sequence[str], covariance: Floats) -> bool:
    """Whether the ellipse of the beam is no more than its error: then it has no axes."""
    places = [names.index(name) for name in ("beam_xx", "beam_xy", "beam_yy")]
    difference = np.array([[1.0, 0.0, -1.0], [0.0, 2.0, 0.0]])
    value = difference @ sky.beam[:3]
    scatter = difference @ covariance[np.ix_(places, places)] @ difference.T
    return bool(value @ np.linalg.solve(scatter, value) < _ROUND)


def _error(of_sky: Callable[[Sky], float], sky: Sky, covariance: Floats) -> float:
    """Standard error of something that follows from the free numbers, to first order."""
    fit = sky.fit
    sigma = np.sqrt(np.diag(covariance))
    slope = np.zeros(fit.numbers.size)
    for place, step in enumerate(_STEP * sigma):
        if step > 0.0:
            ends = []
            for sign in (1.0, -1.0):
                numbers = fit.numbers.copy()
                numbers[place] += sign * step
                parameters, _ = fit.ties.expand(numbers)
                ends.append(
                    of_sky(Sky(sky.samples, sky.model, replace(fit, parameters=parameters)))
                )
            slope[place] = (ends[0] - ends[1]) / (2.0 * step)
    return float(np.sqrt(np.maximum(slope @ covariance @ slope, 0.0)))


def _undetermined(
    samples: Samples,
    admitted: QTable,
    names: Sequence[str],
    covariance: Floats,
    *,
    round_beam: bool,
) -> tuple[str, ...]:
    found = []
    if round_beam:
        found.append(
            "position angle: the beam is round; widths are in cross-elevation and elevation"
        )
    if not samples.response_known:
        found.append(
            "slope of the response: nothing calibrates it, and another beam takes its place"
        )
    for column, words in (("hpbw_first", "HPBW"), ("hpbw_second", "HPBW")):
        values = np.asarray(admitted[column], dtype=float)
        if np.ptp(values) > _LOOSE * np.median(values):
            found.append(
                f"{words}, {column.partition('_')[2]} axis: {values.min():.2f}° to "
                f"{values.max():.2f}°, by model and response"
            )
    sigma = np.sqrt(np.diag(covariance))
    for place, name in enumerate(names):
        if name.startswith("beam_") and not np.isfinite(sigma[place]):
            found.append(f"{name}: the readings do not hold it")
    return tuple(found)
