"""Beams of pyuvdata, which radio interferometers use for their antennas; needs extra ``beams``.

References
----------
.. [1] B. Hazelton et al., "pyuvdata: an interface for astronomical interferometric datasets in
   python", JOSS 2, 140 (2017), and its UVBeam attributes: ``data_array`` over component of the
   field, feed, frequency, zenith angle and azimuth.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from skyscan_lab.antenna.base import Values
from skyscan_lab.antenna.polar_table import PolarTablePattern
from skyscan_lab.errors import FileError, InvalidInput

# AIPS numbers of the powers of one feed: XX, YY, RR, LL; and of their half sum, I.
_AUTOS = (-5, -6, -1, -2, 1)


def read_uvbeam(beam: Any, frequency_hz: float | None = None) -> PolarTablePattern:
    """Pattern of a UVBeam for unpolarised radiation: the mean power of its feeds [1]_.

    Parameters
    ----------
    beam : UVBeam, str or Path
        A beam of pixels in azimuth and zenith angle, or a file that pyuvdata reads as one.
    frequency_hz : float, optional
        Frequency; the nearest one that the beam has. May be left out where it has one only.

    Returns
    -------
    PolarTablePattern
        With the beam's zenith as its axis. A UVBeam has azimuth from east to north, seen with
        the zenith up; for an antenna tipped from the zenith to the south, its north is upwards
        here and its east is towards decreasing azimuth.

    Raises
    ------
    FileError
        For a file that pyuvdata does not read, or where it is not installed.
    InvalidInput
        For a beam of other pixels, without powers, or without that frequency.
    """
    if isinstance(beam, str | Path):
        beam = _read(Path(beam))
    if beam.pixel_coordinate_system != "az_za":
        raise InvalidInput("beam", beam.pixel_coordinate_system, "of pixels az_za")
    frequencies = np.ravel(beam.freq_array)
    if frequency_hz is None and frequencies.size > 1:
        raise InvalidInput("frequency_hz", None, f"given: the beam has {frequencies.size}")
    wanted = frequencies[0] if frequency_hz is None else frequency_hz
    if not frequencies.min() <= wanted <= frequencies.max():
        raise InvalidInput(
            "frequency_hz", wanted, f"within [{frequencies.min():g}, {frequencies.max():g}] Hz"
        )
    power = _power(beam, int(np.argmin(np.abs(frequencies - wanted))))
    azimuth, zenith_angle = np.degrees(beam.axis1_array), np.degrees(beam.axis2_array)
    if np.isclose(azimuth[-1] - azimuth[0], 360.0):  # some write the first azimuth again
        azimuth, power = azimuth[:-1], power[:, :-1]
    # East to the left and north up: around from −x, through +y.
    around = np.mod(180.0 - azimuth, 360.0)
    order = np.argsort(around)
    with np.errstate(divide="ignore"):
        level = 10.0 * np.log10(power[:, order])
    return PolarTablePattern(zenith_angle, around[order], level)


def _read(path: Path) -> Any:
    try:
        from pyuvdata import UVBeam
    except ImportError:
        raise FileError(path, "needs pyuvdata: pip install 'skyscan-lab[beams]'") from None
    try:
        return UVBeam.from_file(path)
    except (OSError, ValueError, KeyError) as error:
        raise FileError(path, f"pyuvdata does not read it: {error}") from error


def _power(beam: Any, channel: int) -> Values:
    data = beam.data_array[:, :, channel]
    if beam.beam_type == "efield":
        return np.asarray((np.abs(data) ** 2).sum(axis=0).mean(axis=0))
    chosen = np.isin(beam.polarization_array, _AUTOS)
    if not chosen.any():
        raise InvalidInput("beam", list(beam.polarization_array), "of one feed's power or more")
    return np.asarray(np.abs(data[0][chosen]).mean(axis=0))
