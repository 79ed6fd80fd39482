"""What solving a session against a catalogue has found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import xarray as xr
from astropy.table import QTable
from numpy.typing import NDArray

from skyscan_lab.mount import Mount
from skyscan_lab.power import LogResponse
from skyscan_lab.solving.fitted_beam import FittedBeam

Floats = NDArray[np.float64]

Status = Literal["unique", "ambiguous", "failed"]


@dataclass(frozen=True, eq=False)
class Alternative:
    """Another way in which the mount may have been set up.

    Attributes
    ----------
    mount : Mount
        How.
    rms : float
        What the readings then leave, in the session's units, with the beam held still.
    evidence : float
        How much less likely it is than the best one: difference of the log likelihoods, as far as
        the readings are independent.
    """

    mount: Mount
    rms: float
    evidence: float


@dataclass(frozen=True, eq=False)
class Solution:
    """Mount, beam, response and sources that explain a session.

    Attributes
    ----------
    status : {"unique", "ambiguous", "failed"}
        Whether one way of setting up the mount explains the readings, or several do (or one, but
        with a list that had better be slid along the arc), or none.
    alternatives : tuple of Alternative
        The other ways that were looked at, likeliest first.
    pointing : QTable
        Each term of the mount: ``term``, ``value``, ``error`` (both degrees), ``status``
        (``determined``, ``fixed`` or ``undetermined``).
    mount : Mount
        The same, ready for use.
    pattern : FittedBeam
        The beam.
    response : LogResponse
        The receiver's response, as far as a beam that is fitted with it can tell.
    sources : QTable
        ``name`` (empty for what is on no list), ``azimuth``, ``elevation`` (as the dials show
        them), ``power``, ``power_error``, ``upper_limit`` (95 %; NaN where the source is seen),
        ``listed``. Powers are in units of the floor, or of the session's decibels.
    residual : DataArray
        Readings minus model, in the session's units, where the readings lie.
    parameters : int
        How many numbers the model has.
    free_rms, free_parameters : float, int
        What the same readings leave, and with how many numbers, where no list ties the positions.
    undetermined : tuple of str
        What the readings cannot tell, and why.
    """

    status: Status
    alternatives: tuple[Alternative, ...]
    pointing: QTable
    mount: Mount
    pattern: FittedBeam
    response: LogResponse
    sources: QTable
    residual: xr.DataArray
    parameters: int
    free_rms: float
    free_parameters: int
    undetermined: tuple[str, ...]

    @property
    def rms(self) -> float:
        """Root mean square of the residual, in the session's units."""
        return float(np.sqrt(np.nanmean(self.residual.values**2)))
