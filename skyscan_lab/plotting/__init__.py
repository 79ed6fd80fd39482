"""Draw what the other parts found. Everything here returns a matplotlib Figure."""

from skyscan_lab.plotting.maps import plot_map
from skyscan_lab.plotting.polar import plot_polar

__all__ = ["plot_map", "plot_polar"]
