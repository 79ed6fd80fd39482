"""What is known to be on the sky: the geostationary arc, Sun and Moon, lists from a file."""

from skyscan_lab.catalogs.geostationary import arc, look_angles
from skyscan_lab.catalogs.sun_moon import body_direction
from skyscan_lab.catalogs.table import read_catalog

__all__ = ["arc", "body_direction", "look_angles", "read_catalog"]
