"""Orbits of satellites, from files of element sets in the hub's data folder.

Nothing is downloaded: somebody puts a file there, and it counts from the next question on.
"""

from __future__ import annotations

from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from skyscan_lab.errors import FileError
from skyscan_server.domain.errors import NotFound, Refused

if TYPE_CHECKING:
    from skyscan_lab.catalogs import Satellites

ELEMENT_FILES = tuple(f"satellites.{form}" for form in ("tle", "json", "csv", "xml", "kvn"))
"""Names that are looked for; what is in a file is told by its content."""

MAX_AGE_DAYS = 30.0
"""Elements farther from now put a low satellite degrees from where it is."""


class Orbits:
    """Satellites that can be pointed at.

    Parameters
    ----------
    folder : Path
        Where the files are; every one of `ELEMENT_FILES` that is there is used.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = Lock()
        self._read: tuple[tuple[tuple[str, int, int], ...], Satellites] | None = None

    def find(self, which: str) -> Satellites:
        """One satellite alone, by catalogue number or name. Reads files: not on the event loop.

        Parameters
        ----------
        which : str
            Catalogue number or name.

        Raises
        ------
        NotFound
            Where no file has it, naming the file that would.
        Refused
            For a file that cannot be read, naming it and the line.
        """
        known = self._known()
        found = known.find(which) if known is not None else None
        if found is None:
            have = "there is none" if known is None else f"those there have {len(known)} satellites"
            raise NotFound(
                f"Satellite {which!r} not found: element sets (TLE, or OMM) are read from "
                f"{self._folder / ELEMENT_FILES[0]} (or .json, .csv, .xml, .kvn), and {have}; a "
                "geostationary one is also pointed at by its longitude (target_type geostationary)"
            )
        return found

    def _known(self) -> Satellites | None:
        # Late, because most hubs never need astropy, which takes a second to import.
        from skyscan_lab.catalogs import Satellites, read_elements

        with self._lock:
            state = tuple(self._states())
            if not state:
                return None
            if self._read is None or self._read[0] != state:
                try:
                    elements = [
                        element
                        for name, _, _ in state
                        for element in read_elements(self._folder / name)
                    ]
                except FileError as error:
                    raise Refused(f"the orbits cannot be read: {error}") from error
                self._read = (state, Satellites(elements))
            return self._read[1]

    def _states(self) -> list[tuple[str, int, int]]:
        """Which files are there, and by what a newer content is told."""
        found = []
        for name in ELEMENT_FILES:
            try:
                status = (self._folder / name).stat()
            except FileNotFoundError:
                continue
            except OSError as error:
                raise Refused(f"the orbits cannot be read: {error}") from error
            found.append((name, status.st_mtime_ns, status.st_size))
        return found
