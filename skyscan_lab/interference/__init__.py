"""Find what radiates in a map, and name it."""

from skyscan_lab.interference.detect import local_maxima
from skyscan_lab.interference.identify import nearest_in_catalog

__all__ = ["local_maxima", "nearest_in_catalog"]
