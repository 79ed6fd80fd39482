"""Geostationary slots with strong Ku-band satellites, for a sky that looks real.

Powers are typical of such satellites in the middle of their beam, rounded; do not plan a link
with them.
"""

from __future__ import annotations

from typing import NamedTuple


class Slot(NamedTuple):
    """A place on the arc and what radiates from it.

    Attributes
    ----------
    name : str
        A satellite there.
    longitude_deg : float
        Degrees east.
    eirp_dbw : float
        Equivalent isotropic radiated power in one transponder of 36 MHz, dBW.
    """

    name: str
    longitude_deg: float
    eirp_dbw: float


SLOTS: tuple[Slot, ...] = (
    Slot("INTELSAT 10-02", -1.0, 50.0),
    Slot("EUTELSAT 5 WEST B", -5.0, 50.0),
    Slot("HISPASAT 30W-5", -30.0, 48.0),
    Slot("ECHOSTAR 16", -61.5, 51.0),
    Slot("NIMIQ 5", -72.7, 50.0),
    Slot("NIMIQ 4", -82.0, 50.0),
    Slot("GALAXY 17", -91.0, 49.0),
    Slot("GALAXY 19", -97.0, 49.0),
    Slot("DIRECTV 15", -101.0, 51.0),
    Slot("ANIK F1R", -107.3, 49.0),
    Slot("ECHOSTAR 11", -110.0, 51.0),
    Slot("DIRECTV 14", -119.0, 50.0),
    Slot("GALAXY 30", -125.0, 48.0),
    Slot("EUTELSAT 7B", 7.0, 49.0),
    Slot("HOTBIRD 13F", 13.0, 53.0),
    Slot("EUTELSAT 16A", 16.0, 50.0),
    Slot("ASTRA 1KR", 19.2, 52.0),
    Slot("ASTRA 3B", 23.5, 51.0),
    Slot("ASTRA 2E", 28.2, 49.0),
    Slot("EUTELSAT 36B", 36.0, 48.0),
    Slot("TURKSAT 4A", 42.0, 51.0),
    Slot("YAMAL 402", 54.9, 48.0),
    Slot("INTELSAT 20", 68.5, 47.0),
    Slot("NSS-12", 57.0, 47.0),
    Slot("MEASAT 3A", 91.5, 49.0),
    Slot("ASIASAT 7", 105.5, 49.0),
    Slot("JCSAT-110A", 110.0, 52.0),
    Slot("KOREASAT 6", 116.0, 51.0),
    Slot("JCSAT-4B", 124.0, 50.0),
    Slot("OPTUS D1", 160.0, 49.0),
    Slot("OPTUS D3", 156.0, 49.0),
)
