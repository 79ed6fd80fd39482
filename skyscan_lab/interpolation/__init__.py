"""Values between the samples of a session, with their errors: one method a file."""

from skyscan_lab.interpolation.covariance import Covariance
from skyscan_lab.interpolation.interpolate import DEFAULT, METHODS, interpolate

__all__ = ["DEFAULT", "METHODS", "Covariance", "interpolate"]
