"""Values between the samples of a session, with their errors: one method a file.

And what has to go before: the background along scans, and interference.
"""

from skyscan_lab.interpolation.background import subtract_background
from skyscan_lab.interpolation.covariance import Covariance
from skyscan_lab.interpolation.impulses import reject_impulses
from skyscan_lab.interpolation.interpolate import DEFAULT, METHODS, interpolate

__all__ = [
    "DEFAULT",
    "METHODS",
    "Covariance",
    "interpolate",
    "reject_impulses",
    "subtract_background",
]
