"""What fitting an antenna pattern has found."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from astropy.table import QTable
from numpy.typing import NDArray

from skyscan_lab.antenna import BeamFigures
from skyscan_lab.power import LogResponse
from skyscan_lab.solving.fitted_beam import FittedBeam

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Measured:
    """A number, how well the readings hold it, and how much hangs on the choice of a model.

    Attributes
    ----------
    value : float
        The number.
    error : float
        Its standard error under the model, from the readings.
    low, high : float
        Least and largest value among the models that the readings admit; of a direction, which
        no model moves, the value itself.
    """

    value: float
    error: float
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class PatternFit:
    """An antenna pattern, fitted to a session.

    Attributes
    ----------
    model : str
        Which family.
    values, errors : dict
        Every free number of the fit by its name, and its standard error. Angles are radians, powers
        natural logarithms, as in `skyscan_lab.forward`.
    covariance : ndarray, shape (f, f)
        Of the same numbers, in the same order.
    pattern : FittedBeam
        The beam.
    figures : BeamFigures
        Its figures: sidelobes, nulls, solid angle, efficiency.
    hpbw_deg : (Measured, Measured)
        Full widths at half power along the two axes.
    sidelobe_db : Measured
        Highest first sidelobe; NaN where the family has none.
    boresight_deg : (Measured, Measured)
        Azimuth and elevation of the source that was asked for, as the dials show them.
    peak_db : Measured
        Its power over the floor.
    response : LogResponse
        The receiver's response, fitted or known.
    models : QTable
        Every model that was tried: ``model``, ``slope`` (free, or held at what), ``rms``,
        ``hpbw_first``, ``hpbw_second``, ``peak``, ``sidelobe``, ``aic``, ``bic``, ``admitted``.
    residual : DataArray
        Readings minus model where they were used, NaN elsewhere.
    outliers : DataArray of bool
        Readings that no beam explains, and that were left out.
    undetermined : tuple of str
        What the readings cannot tell, and why.
    """

    model: str
    values: dict[str, float]
    errors: dict[str, float]
    covariance: Floats
    pattern: FittedBeam
    figures: BeamFigures
    hpbw_deg: tuple[Measured, Measured]
    sidelobe_db: Measured
    boresight_deg: tuple[Measured, Measured]
    peak_db: Measured
    response: LogResponse
    models: QTable
    residual: xr.DataArray
    outliers: xr.DataArray
    undetermined: tuple[str, ...]

    @property
    def hpbw(self) -> tuple[float, float]:
        """Full widths at half power along the two axes, degrees."""
        return self.hpbw_deg[0].value, self.hpbw_deg[1].value

    @property
    def boresight(self) -> tuple[float, float]:
        """Azimuth and elevation of the source as the dials show them, degrees."""
        return self.boresight_deg[0].value, self.boresight_deg[1].value

    @property
    def rms(self) -> float:
        """Root mean square of the residual of the readings that were used."""
        used = np.isfinite(self.residual.values) & ~self.outliers.values
        return float(np.sqrt(np.mean(self.residual.values[used] ** 2)))

    def to_table(self) -> QTable:
        """What a data sheet would say: quantity, value, standard error, least and largest."""
        rows = [
            (name, one.value, one.error, one.low, one.high, unit)
            for name, one, unit in (
                ("HPBW, first axis", self.hpbw_deg[0], "deg"),
                ("HPBW, second axis", self.hpbw_deg[1], "deg"),
                ("first sidelobe", self.sidelobe_db, "dB"),
                ("boresight azimuth", self.boresight_deg[0], "deg"),
                ("boresight elevation", self.boresight_deg[1], "deg"),
                ("peak over floor", self.peak_db, "dB"),
            )
        ]
        return QTable(rows=rows, names=("quantity", "value", "error", "low", "high", "unit"))

    def to_json(self) -> str:
        """The same, with every free number, as JSON; what is not known is null."""
        table = self.to_table()
        content: dict[str, Any] = {
            "model": self.model,
            "quantities": [dict(zip(table.colnames, row, strict=True)) for row in table],
            "parameters": {
                name: {"value": value, "error": self.errors[name]}
                for name, value in self.values.items()
            },
            "rms": self.rms,
            "outliers": int(self.outliers.sum()),
            "undetermined": list(self.undetermined),
        }
        return json.dumps(_plain(content), indent=2, ensure_ascii=False)


def _plain(value: Any) -> Any:
    """As JSON has it: no numpy, no NaN."""
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not np.isfinite(value) else value
