"""Find what radiates in a map, and name it."""

from skyscan_lab.interference.detect import local_maxima
from skyscan_lab.interference.identify import candidates, identify, nearest_in_catalog
from skyscan_lab.interference.triangulate import triangulate

__all__ = ["candidates", "identify", "local_maxima", "nearest_in_catalog", "triangulate"]
