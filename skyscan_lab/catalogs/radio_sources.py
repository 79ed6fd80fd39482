"""Bright radio sources beyond the solar system: where they are, and how strong.

References
----------
.. [1] R. A. Perley and B. J. Butler, "An Accurate Flux Density Scale from 50 MHz to 50 GHz",
   ApJS 230, 7 (2017): positions (table 1) and log₁₀ S = Σ aᵢ (log₁₀ ν/GHz)ⁱ (table 6), S in
   jansky, for 2016.
.. [2] J. W. M. Baars, R. Genzel, I. I. K. Pauliny-Toth and A. Witzel, "The absolute spectrum of
   Cas A", A&A 61, 99 (1977): table 5, log₁₀ S = a + b log₁₀ ν/MHz, where the first scale has
   ended; of Cas A for 1980.0, fading by (0.97 − 0.30 log₁₀ ν/GHz) % a year (eq. 16).
.. [3] A. S. Trotter et al., "The fading of Cassiopeia A, and improved models for the absolute
   spectrum of primary radio calibration sources", MNRAS 469, 1299 (2017): 0.670 % a year.
.. [4] SIMBAD, for the sources that have no spectrum here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from astropy import units as u
from astropy.coordinates import AltAz, SkyCoord
from astropy.time import Time
from numpy.typing import ArrayLike, NDArray

from skyscan_lab.catalogs.catalog import Catalog
from skyscan_lab.earth import bundled_earth_orientation
from skyscan_lab.errors import InvalidInput
from skyscan_lab.session import Location
from skyscan_lab.sphere import Angles


@dataclass(frozen=True)
class _Spectrum:
    """A power series of logarithms, and between which frequencies it holds."""

    coefficients: tuple[float, ...]
    low_ghz: float
    high_ghz: float
    unit_ghz: float = 1.0


@dataclass(frozen=True)
class _Source:
    name: str
    position: str
    spectra: tuple[_Spectrum, ...] = ()


def _older(a: float, b: float, low_ghz: float, high_ghz: float) -> _Spectrum:
    return _Spectrum((a, b), low_ghz, high_ghz, unit_ghz=1e-3)


_SOURCES = (
    _Source(
        "Cas A",
        "23h23m27.94s +58d48m42.4s",
        (
            _Spectrum((3.3584, -0.7518, -0.0347, -0.0705), 0.2, 4.0),
            _older(5.745, -0.770, 0.3, 31.0),
        ),
    ),
    _Source(
        "Cyg A",
        "19h59m28.3s +40d44m02s",
        (
            _Spectrum((3.3498, -1.0022, -0.2246, 0.0227, 0.0425), 0.05, 12.0),
            _older(7.161, -1.244, 2.0, 31.0),
        ),
    ),
    _Source(
        "Tau A",
        "05h34m32.0s +22d00m52s",
        (
            _Spectrum((2.9516, -0.2173, -0.0473, -0.0674), 0.05, 4.0),
            _older(3.915, -0.299, 1.0, 35.0),
        ),
    ),
    _Source(
        "Vir A",
        "12h30m49.4s +12d23m28s",
        (_Spectrum((2.4466, -0.8116, -0.0483), 0.05, 3.0), _older(5.023, -0.856, 0.4, 25.0)),
    ),
    _Source(
        "Her A", "16h51m08.15s +04d59m33.3s", (_Spectrum((1.8298, -1.0247, -0.0951), 0.2, 12.0),)
    ),
    _Source(
        "Hya A",
        "09h18m05.7s -12d05m44s",
        (_Spectrum((1.7795, -0.9176, -0.0843, -0.0139, 0.0295), 0.05, 12.0),),
    ),
    _Source("Pic A", "05h19m49.7s -45d46m45s", (_Spectrum((1.9380, -0.7470, -0.0739), 0.2, 4.0),)),
    _Source("For A", "03h22m41.7s -37d12m30s", (_Spectrum((2.2175, -0.6606), 0.2, 0.5),)),
    _Source("Cen A", "13h25m27.6s -43d01m09s"),
    _Source("Sgr A", "17h45m40.0s -29d00m28s"),
    _Source("Ori A", "05h35m17.3s -05d23m28s"),
)
_FADING = "Cas A"


def _faded(spectrum: _Spectrum, frequency_ghz: float, year: float) -> float:
    """What is left of Cas A [3]_, by its own rule on the older scale [2]_."""
    if spectrum.unit_ghz == 1.0:
        return float((1.0 - 0.0067) ** (year - 2016.0))
    rate = 0.01 * (0.97 - 0.30 * np.log10(frequency_ghz))
    return float((1.0 - rate) ** (year - 1980.0))


class RadioSources(Catalog):
    """The brightest radio sources beyond the solar system [1]_ [4]_.

    Examples
    --------
    >>> sky = RadioSources()
    >>> len(sky), round(float(sky.flux_jy(1.4)[1]))  # of Cyg A
    (11, 1580)
    """

    def __init__(self) -> None:
        self.names = np.array([source.name for source in _SOURCES], dtype=str)
        self._positions = SkyCoord([source.position for source in _SOURCES], frame="icrs")

    def flux_jy(self, frequency_ghz: float, year: float = 2016.0) -> NDArray[np.float64]:
        """Flux density of each source [1]_, [2]_ beyond its range.

        Parameters
        ----------
        frequency_ghz : float
            GHz.
        year : float
            For Cas A, which fades [3]_.

        Returns
        -------
        ndarray, shape (n,)
            Jansky; NaN where neither scale holds.
        """
        if not (np.isfinite(frequency_ghz) and frequency_ghz > 0.0):
            raise InvalidInput("frequency_ghz", frequency_ghz, "greater than 0")
        flux = np.full(len(_SOURCES), np.nan)
        for row, source in enumerate(_SOURCES):
            for spectrum in source.spectra:
                if spectrum.low_ghz <= frequency_ghz <= spectrum.high_ghz:
                    decades = np.log10(frequency_ghz / spectrum.unit_ghz)
                    flux[row] = 10.0 ** np.polyval(spectrum.coefficients[::-1], decades)
                    if source.name == _FADING:
                        flux[row] *= _faded(spectrum, frequency_ghz, year)
                    break
        return flux

    def _geometric(self, times: Time, site: Location) -> tuple[Angles, Angles]:
        return _seen(self._positions, times, site)


class Celestial(Catalog):
    """Sources by right ascension and declination.

    Parameters
    ----------
    names : array_like of str, shape (n,)
        One a source.
    ra_deg, dec_deg : array_like, shape (n,)
        ICRS, degrees.

    Examples
    --------
    >>> pole = Celestial(["north pole"], [0.0], [90.0])
    >>> round(float(pole.table("2000-01-01", (52.0, 8.0))["elevation"][0].value), 1)
    52.0
    """

    def __init__(self, names: ArrayLike, ra_deg: ArrayLike, dec_deg: ArrayLike) -> None:
        self.names = np.asarray(names, dtype=str).reshape(-1)
        self._positions = SkyCoord(
            np.reshape(ra_deg, -1) * u.deg, np.reshape(dec_deg, -1) * u.deg, frame="icrs"
        )
        if len(self._positions) != len(self.names):
            raise InvalidInput("names", len(self.names), f"{len(self._positions)}, as positions")

    def _geometric(self, times: Time, site: Location) -> tuple[Angles, Angles]:
        return _seen(self._positions, times, site)


def _seen(positions: SkyCoord, times: Time, site: Location) -> tuple[Angles, Angles]:
    with bundled_earth_orientation():
        frame = AltAz(obstime=times[:, None], location=site.to_earth_location())
        found = positions[None, :].transform_to(frame)
    return np.asarray(found.az.to_value(u.deg)), np.asarray(found.alt.to_value(u.deg))
