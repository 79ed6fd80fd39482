"""skyscan-lab: see the sky through your own antenna.

The public names are listed here and loaded when first used, so that importing the package
costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from skyscan_lab import datasets as datasets
    from skyscan_lab.client.skyscan import SkyScanClient as SkyScanClient
    from skyscan_lab.devices.factory import open_station as open_station
    from skyscan_lab.grid import ScanGrid as ScanGrid
    from skyscan_lab.interference import identify as identify
    from skyscan_lab.interference import triangulate as triangulate
    from skyscan_lab.io import load_session as load_session
    from skyscan_lab.io import save_session as save_session
    from skyscan_lab.scanning import scan as scan
    from skyscan_lab.session import session_from_points as session_from_points
    from skyscan_lab.session import validate as validate
    from skyscan_lab.simulation.session import simulate_session as simulate_session
    from skyscan_lab.station import load_station as load_station

_HOME = {
    "ScanGrid": "skyscan_lab.grid:ScanGrid",
    "SkyScanClient": "skyscan_lab.client.skyscan:SkyScanClient",
    "datasets": "skyscan_lab.datasets",
    "identify": "skyscan_lab.interference:identify",
    "load_session": "skyscan_lab.io:load_session",
    "load_station": "skyscan_lab.station:load_station",
    "open_station": "skyscan_lab.devices.factory:open_station",
    "save_session": "skyscan_lab.io:save_session",
    "scan": "skyscan_lab.scanning:scan",
    "session_from_points": "skyscan_lab.session:session_from_points",
    "simulate_session": "skyscan_lab.simulation.session:simulate_session",
    "triangulate": "skyscan_lab.interference:triangulate",
    "validate": "skyscan_lab.session:validate",
}

_GIVES_SESSIONS = {
    "SkyScanClient",
    "load_session",
    "scan",
    "session_from_points",
    "simulate_session",
    "validate",
}

__all__ = [
    "ScanGrid",
    "SkyScanClient",
    "datasets",
    "identify",
    "load_session",
    "load_station",
    "open_station",
    "save_session",
    "scan",
    "session_from_points",
    "simulate_session",
    "triangulate",
    "validate",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name in _GIVES_SESSIONS:
        import_module("skyscan_lab.accessor")  # registers ds.sky
    value = globals()[name] = resolve_name(_HOME[name])
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
