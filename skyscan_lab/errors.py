"""Every error that skyscan-lab raises on purpose.

::

    SkyscanError
    ├── InvalidInput (ValueError)        a field, its value, what is allowed
    │   ├── GridError                    bounds or step of a ScanGrid
    │   ├── UnitsError                   units that are unknown or would be mixed
    │   └── SessionError                 a Dataset that is not a session
    ├── FileError (ValueError)           a file that cannot be read: path, line, reason
    ├── ExportRefused (ValueError)       a product that the data cannot support
    ├── DatasetUnavailable               a recording that cannot be had here
    ├── StationError (ValueError)        a station.toml that does not describe a station
    ├── InvalidTransition                a lifecycle step that is not in the table
    ├── JournalError                     the record on disk
    │   ├── JournalCorrupt               damaged before its end: not a torn tail
    │   └── JournalWriteError            a write or fsync failed: nothing was announced
    └── DeviceError                      the hardware
        ├── DeviceUnreachable            no connection, or a lost one
        ├── DeviceTimeout                connected, but no answer in time
        ├── DeviceRefused                the device answered with an error
        ├── DeviceProtocolError          the device answered nonsense
        ├── OutOfLimits (ValueError)     a target the mount must not be sent to
        ├── RotorStalled                 accepted the move and does not arrive
        ├── PositionMismatch             reports a position it cannot have
        └── NoSignalSource               the device measures no signal strength

    SkyscanWarning (UserWarning)         part of a file was left out; the rest is good

Messages name the field or device, the value it had, and what would be right, because they
are read by somebody who stands beside an antenna and cannot see the code.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_MOST_SHOWN = 100


class SkyscanError(Exception):
    """Base of every error that skyscan-lab raises on purpose."""


class InvalidInput(SkyscanError, ValueError):
    """An argument that cannot be used.

    Parameters
    ----------
    field : str
        Name of the argument or setting, with its unit where it has one.
    value : object
        What was given.
    allowed : str
        What would be right, in words.
    """

    def __init__(self, field: str, value: object, allowed: str) -> None:
        self.field = field
        self.value = value
        self.allowed = allowed
        super().__init__(field, value, allowed)

    def __str__(self) -> str:
        return f"{self.field} = {_shown(self.value)}: must be {self.allowed}"


def _shown(value: object) -> str:
    """A value as Python writes it, as far as somebody wants to read it."""
    if isinstance(value, str | bytes):
        value = value[:_MOST_SHOWN]
    try:
        text = repr(value)
    except ValueError:  # Python writes no integer of more than some thousand digits
        return "a number of thousands of digits"
    return text if len(text) <= _MOST_SHOWN else f"{text[: _MOST_SHOWN - 1]}…"


class GridError(InvalidInput):
    """Bounds or step from which no scan grid can be made."""


class UnitsError(InvalidInput):
    """Units that are unknown, or that would be mixed."""


class SessionError(InvalidInput):
    """A Dataset that is not a sky-scan session."""


class FileError(SkyscanError, ValueError):
    """A file that cannot be read as what it claims, or seems, to be.

    Parameters
    ----------
    path : str or Path
        The file.
    reason : str
        What is wrong with it.
    line : int, optional
        Line number, counted from 1, for text files.
    """

    def __init__(self, path: str | Path, reason: str, line: int | None = None) -> None:
        self.path = Path(path)
        self.reason = reason
        self.line = line
        super().__init__(path, reason, line)

    def __str__(self) -> str:
        where = f"{self.path}" if self.line is None else f"{self.path}, line {self.line}"
        return f"{where}: {self.reason}"


class SkyscanWarning(UserWarning):
    """Part of a file was left out, and what was kept is good; it says which part and why."""


class ExportRefused(SkyscanError, ValueError):
    """A product that the data of this session cannot support, with the reason."""


class DatasetUnavailable(SkyscanError):
    """A recording that is neither on this machine nor reachable from it."""


class StationError(SkyscanError, ValueError):
    """A station file that does not describe a station."""


class InvalidTransition(SkyscanError):
    """A lifecycle step that the table of transitions does not have."""


class JournalError(SkyscanError):
    """Something is wrong with a scan's journal."""


class JournalCorrupt(JournalError):
    """The journal is damaged before its end, which no torn write explains."""


class JournalWriteError(JournalError):
    """A record could not be made durable, so nothing was announced."""


class DeviceError(SkyscanError):
    """Something is wrong with a device.

    Parameters
    ----------
    device : str
        Which device, as the user knows it (``"rotctld 127.0.0.1:4533"``).
    reason : str
        What happened, and what to do about it where that is known.
    """

    def __init__(self, device: str, reason: str) -> None:
        self.device = device
        self.reason = reason
        super().__init__(device, reason)

    def __str__(self) -> str:
        return f"{self.device}: {self.reason}"


class DeviceUnreachable(DeviceError):
    """No connection to the device, or the connection was lost."""


class DeviceTimeout(DeviceError):
    """The device is connected and did not answer in time."""


class DeviceRefused(DeviceError):
    """The device answered with an error.

    Parameters
    ----------
    device, reason : str
        As for `DeviceError`.
    code : int, optional
        The device's own error code (for rotctld and rigctld: hamlib's ``RPRT`` number).
    """

    def __init__(self, device: str, reason: str, code: int | None = None) -> None:
        super().__init__(device, reason)
        self.code = code


class DeviceProtocolError(DeviceError):
    """The device answered something that its protocol does not have."""


class OutOfLimits(DeviceError, ValueError):
    """A target that the mount must not be sent to."""


class RotorStalled(DeviceError):
    """The rotor accepted a move and does not arrive."""


class PositionMismatch(DeviceError):
    """The rotor reports a position that it cannot have."""


class NoSignalSource(DeviceError):
    """The device measures no signal strength."""


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Let an error of the system say which file it is about: one of a write or a sync does not.

    Parameters
    ----------
    path : Path
        The file.

    Examples
    --------
    >>> with naming(Path("/the/disk/file")):
    ...     raise OSError(28, "No space left on device")
    Traceback (most recent call last):
    OSError: [Errno 28] No space left on device: '/the/disk/file'
    """
    try:
        yield
    except OSError as error:
        if error.filename is None:
            error.filename = str(path)
        raise
