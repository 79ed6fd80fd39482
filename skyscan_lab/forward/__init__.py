"""The one model of a reading, its derivatives, and its least squares."""

from skyscan_lab.forward.beams import ApertureBeam, Beam, GaussianBeam, Mode, modes_up_to
from skyscan_lab.forward.fitting import CannotBegin, Fit, least_squares
from skyscan_lab.forward.model import ForwardModel, fisher, source_rows
from skyscan_lab.forward.ties import Listed, Ties

__all__ = [
    "ApertureBeam",
    "Beam",
    "CannotBegin",
    "Fit",
    "ForwardModel",
    "GaussianBeam",
    "Listed",
    "Mode",
    "Ties",
    "fisher",
    "least_squares",
    "modes_up_to",
    "source_rows",
]
