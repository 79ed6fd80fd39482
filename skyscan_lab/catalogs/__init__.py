"""What is known to be on the sky: satellites, solar system, radio sources, lists from a file."""

from skyscan_lab.catalogs.catalog import Catalog, Combined, Directions
from skyscan_lab.catalogs.elements import ElementSet, read_elements
from skyscan_lab.catalogs.geostationary import Geostationary, arc, look_angles
from skyscan_lab.catalogs.opening import CatalogLike, as_catalog
from skyscan_lab.catalogs.radio_sources import Celestial, RadioSources
from skyscan_lab.catalogs.refraction import Refraction
from skyscan_lab.catalogs.satellites import Satellites, read_satellites
from skyscan_lab.catalogs.solar_system import SolarSystem, body_direction
from skyscan_lab.catalogs.table import read_catalog
from skyscan_lab.catalogs.times import TimeLike, as_time

__all__ = [
    "Catalog",
    "CatalogLike",
    "Celestial",
    "Combined",
    "Directions",
    "ElementSet",
    "Geostationary",
    "RadioSources",
    "Refraction",
    "Satellites",
    "SolarSystem",
    "TimeLike",
    "arc",
    "as_catalog",
    "as_time",
    "body_direction",
    "look_angles",
    "read_catalog",
    "read_elements",
    "read_satellites",
]
