"""World coordinates of an image of the sky as the antenna sees it.

The image lies in horizontal coordinates, named ``ALON``/``ALAT`` because wcslib knows a
longitude and a latitude of any name in that pattern, and not ``AZ``/``EL``. Two projections:

- ZEA, equal-area and centred on the zenith: north is up and east is left, as the sky looks to
  somebody who lies on his back. Azimuth is left-handed, so ``CDELT1`` is positive.
- CAR, a plain rectangle of azimuth by elevation.

The same pixels bear a second description, RA and declination at the middle of the session,
where one rotation can hold it. Its x axis runs the other way, since right ascension is
right-handed.

References
----------
.. [1] M. R. Calabretta and E. W. Greisen, "Representations of celestial coordinates in FITS",
   A&A 395, 1077 (2002): LONPOLE and LATPOLE (section 2.4), ZEA (5.1.7), CAR (5.2.3).
.. [2] A. H. Rots et al., "Representations of time coordinates in FITS", A&A 574, A36 (2015).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from astropy.io import fits
from astropy.wcs import WCS
from numpy.typing import NDArray

from skyscan_lab.errors import InvalidInput
from skyscan_lab.sphere import direction

Projection = Literal["ZEA", "CAR"]
Values = NDArray[np.float64]

# A map this wide is 34 MB a channel; finer pixels than that show no more of any antenna.
MAX_PIXELS = 2048
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Plane:
    """Pixels of an image in horizontal coordinates.

    Attributes
    ----------
    projection : {"ZEA", "CAR"}
        How the sky is laid out.
    pixel_deg : tuple of float
        Size of a pixel along x and y.
    shape : tuple of int
        Rows and columns.
    crpix : tuple of float
        Pixel of the reference point along x and y, from 1; it may lie outside of the image.
    reference_azimuth_deg : float
        Azimuth at the reference point of CAR; 0 for ZEA, whose reference is the zenith.
    """

    projection: Projection
    pixel_deg: tuple[float, float]
    shape: tuple[int, int]
    crpix: tuple[float, float]
    reference_azimuth_deg: float = 0.0

    def header(self, key: str = "") -> fits.Header:
        """Horizontal coordinates, as the description `key` (blank for the primary one)."""
        zenithal = self.projection == "ZEA"
        crval = (0.0, 90.0) if zenithal else (self.reference_azimuth_deg, 0.0)
        header = self._header(key, "Azimuth / elevation", ("ALON", "ALAT"), crval, handed=1)
        header[f"LONPOLE{key}"] = (0.0, "[deg] azimuth counts clockwise from north")
        header[f"LATPOLE{key}"] = 90.0
        return header

    def icrs_header(self, rotation: Values, key: str = "") -> fits.Header:
        """ICRS coordinates of the same pixels, for a rotation from native to ICRS."""
        reference = (0.0, 0.0, 1.0) if self.projection == "ZEA" else (1.0, 0.0, 0.0)
        right_ascension, declination = map(float, direction(rotation @ reference))
        pole_longitude, pole_latitude = direction(rotation.T @ (0.0, 0.0, 1.0))
        header = self._header(
            key, "ICRS at DATE-AVG", ("RA", "DEC"), (right_ascension, declination), handed=-1
        )
        header[f"LONPOLE{key}"] = (float(pole_longitude), "[deg] of the celestial pole")
        header[f"LATPOLE{key}"] = float(pole_latitude)
        header[f"RADESYS{key}"] = "ICRS"
        return header

    def directions(self) -> tuple[Values, Values]:
        """Azimuth and elevation of every pixel, degrees; NaN where the plane shows no sky."""
        return self._sky(*np.indices(self.shape, dtype=float))

    def corners(self) -> tuple[Values, Values]:
        """Azimuth and elevation of every corner of a pixel; even one pixel has four."""
        rows, columns = self.shape
        return self._sky(*(np.indices((rows + 1, columns + 1), dtype=float) - 0.5))

    def native_longitude(self, azimuth_deg: Values) -> Values:
        """Longitude of azimuths on the native sphere of the ICRS description."""
        return np.asarray(
            (180.0 if self.projection == "ZEA" else self.reference_azimuth_deg) - azimuth_deg
        )

    def _sky(self, rows: Values, columns: Values) -> tuple[Values, Values]:
        azimuth, elevation = WCS(self.header()).pixel_to_world_values(columns, rows)
        return np.asarray(azimuth), np.asarray(elevation)

    def _header(
        self,
        key: str,
        name: str,
        axes: tuple[str, str],
        crval: tuple[float, float],
        *,
        handed: int,
    ) -> fits.Header:
        header = fits.Header()
        header[f"WCSNAME{key}"] = name
        signed = (handed * self.pixel_deg[0], self.pixel_deg[1])
        for axis in (1, 2):
            # The standard's form is RA---ZEA: the name, dashes, and the projection at the end.
            header[f"CTYPE{axis}{key}"] = f"{axes[axis - 1]:-<4}-{self.projection}"
            header[f"CUNIT{axis}{key}"] = "deg"
            header[f"CRPIX{axis}{key}"] = self.crpix[axis - 1]
            header[f"CRVAL{axis}{key}"] = float(crval[axis - 1])
            header[f"CDELT{axis}{key}"] = signed[axis - 1]
        return header


def zenithal_plane(azimuth_deg: Values, elevation_deg: Values, pixel_deg: float) -> Plane:
    """Equal-area plane around the zenith that holds given directions.

    The zenith is the centre of a pixel.
    """
    radius = np.degrees(2.0 * np.sin(np.radians(90.0 - elevation_deg) / 2.0))
    x, y = -radius * np.sin(np.radians(azimuth_deg)), radius * np.cos(np.radians(azimuth_deg))
    (left, columns), (bottom, rows) = (_pixels(along, pixel_deg) for along in (x, y))
    return Plane("ZEA", (pixel_deg, pixel_deg), (rows, columns), (1.0 - left, 1.0 - bottom))


def rectangle(azimuths_deg: Values, elevations_deg: Values) -> Plane:
    """Plain rectangle whose pixels are the cells of two even axes, in degrees."""
    width, height = (even_step(axis) for axis in (azimuths_deg, elevations_deg))
    middle = float(azimuths_deg[0] + azimuths_deg[-1]) / 2.0
    return Plane(
        "CAR",
        (width, height),
        (elevations_deg.size, azimuths_deg.size),
        (1.0 + (middle - float(azimuths_deg[0])) / width, 1.0 - float(elevations_deg[0]) / height),
        middle,
    )


def _pixels(along: Values, pixel_deg: float) -> tuple[int, int]:
    """First pixel, counted from the zenith, and number of pixels."""
    first = int(np.floor(along.min() / pixel_deg + _ROUNDING))
    last = int(np.ceil(along.max() / pixel_deg - _ROUNDING))
    if last - first + 1 > MAX_PIXELS:
        raise InvalidInput(
            "pixel_deg", pixel_deg, f"large enough for {MAX_PIXELS} pixels across the map"
        )
    return first, last - first + 1


def is_even(axis: Values) -> bool:
    """Whether the values of an increasing axis are evenly spaced."""
    return bool(np.ptp(np.diff(axis)) <= 1e-6 * even_step(axis)) if axis.size > 1 else True


def even_step(axis: Values) -> float:
    """Step of an evenly spaced axis; 1 where a single value has none."""
    return float(axis[-1] - axis[0]) / (axis.size - 1) if axis.size > 1 else 1.0
