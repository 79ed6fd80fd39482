"""skyscan-lab: see the sky through your own antenna.

The public names are listed here and loaded when first used, so that importing the package
costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from skyscan_lab.grid import ScanGrid as ScanGrid
    from skyscan_lab.session import session_from_points as session_from_points
    from skyscan_lab.session import validate as validate
    from skyscan_lab.station import load_station as load_station

_HOME = {
    "ScanGrid": "grid",
    "load_station": "station",
    "session_from_points": "session",
    "validate": "session",
}

__all__ = ["ScanGrid", "load_station", "session_from_points", "validate"]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
