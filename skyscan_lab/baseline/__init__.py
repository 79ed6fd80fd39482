"""What a session shows where there is no source: sky, atmosphere, ground and receiver."""

from skyscan_lab.baseline.difference import difference
from skyscan_lab.baseline.sky_level import Baseline, baseline
from skyscan_lab.baseline.tipping import TippingCurve, tipping_curve
from skyscan_lab.baseline.y_factor import YFactor, y_factor

__all__ = [
    "Baseline",
    "TippingCurve",
    "YFactor",
    "baseline",
    "difference",
    "tipping_curve",
    "y_factor",
]
