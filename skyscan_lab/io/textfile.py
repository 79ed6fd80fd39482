"""Text recordings: lines with their numbers, so that every complaint can name one."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skyscan_lab.errors import FileError, SkyscanWarning


class Record(NamedTuple):
    """A row of a text file.

    Attributes
    ----------
    line : int
        Its number, from 1.
    text : str
        All of it.
    fields : list of str
        Its parts, without the space around them.
    """

    line: int
    text: str
    fields: list[str]


@dataclass(frozen=True)
class TextFile:
    """A text file in memory.

    Attributes
    ----------
    path : Path
        Where it is.
    lines : tuple of str
        Its lines, without their ends.
    ended : bool
        Whether the last line has an end; a file that was cut off usually has not.
    """

    path: Path
    lines: tuple[str, ...]
    ended: bool

    @classmethod
    def read(cls, path: str | Path) -> TextFile:
        """Read a file of UTF-8 text.

        Raises
        ------
        FileError
            For a file that cannot be opened, is empty or is not text.
        """
        path = Path(path)
        data = read_bytes(path)
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise FileError(path, "not UTF-8 text", data.count(b"\n", 0, error.start) + 1) from None
        if "\0" in text:
            raise FileError(path, "binary, not text", text[: text.index("\0")].count("\n") + 1)
        if not text.strip():
            raise FileError(path, "empty")
        lines = split_lines(text)
        ended = not lines[-1]
        return cls(path, tuple(lines[:-1] if ended else lines), ended)

    def rows(self) -> Iterator[tuple[int, str]]:
        """Lines that hold something, with their numbers from 1; ``#`` opens a comment."""
        for number, line in enumerate(self.lines, start=1):
            stripped = line.strip()
            if stripped and not stripped.startswith("#"):
                yield number, stripped

    def is_open(self, number: int) -> bool:
        """Whether a line is the last one and has no end."""
        return not self.ended and number == len(self.lines)

    def records(self, separator: str | None = None) -> Iterator[Record]:
        """Rows split into fields; one that the file ends within is left out, with a warning.

        Files written by hand often lack the last line end. So the last row counts as cut only
        where it has fewer fields than the rows before, or its last field is shorter than in
        any of them.
        """
        for number, text in self.rows():
            if self.is_open(number) and self._is_cut(separator):
                self.dropped(f"left out {text[:60]!r}: the file ends within this line", number)
            else:
                yield Record(number, text, [field.strip() for field in text.split(separator)])

    def _is_cut(self, separator: str | None) -> bool:
        *before, last = (text.split(separator) for _, text in self.rows())
        if not before:
            return False
        alike = [len(fields[-1]) for fields in before if len(fields) == len(last)]
        return not alike or len(last[-1]) < min(alike)

    def error(self, reason: str, line: int | None = None) -> FileError:
        """An error about this file."""
        return FileError(self.path, reason, line)

    def numbers(self, fields: Sequence[str], line: int) -> list[float]:
        """The fields of a line as numbers; NaN and infinities pass, since readings have them."""
        try:
            return [_number(field) for field in fields]
        except ValueError:
            bad = next(field for field in fields if not is_number(field))
            raise self.error(f"{bad!r} is not a number", line) from None

    def dropped(self, what: str, line: int | None = None) -> None:
        """Warn that a part of this file was left out."""
        warn_dropped(self.path, what, line)


def read_bytes(path: Path) -> bytes:
    """Bytes of a file; a FileError where it cannot be read or is empty."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise FileError(path, error.strerror or str(error)) from error
    if not data:
        raise FileError(path, "empty")
    return data


def warn_dropped(path: str | Path, what: str, line: int | None = None) -> None:
    """Warn that a part of a file was left out."""
    # Worded as an error would be, so that file and line stand where the reader looks for them.
    warnings.warn(SkyscanWarning(str(FileError(path, what, line))), stacklevel=3)


def finite_or_missing(file: TextFile, readings: NDArray[np.float64]) -> NDArray[np.float64]:
    """Readings with NaN for what is not finite, and a warning that says how many those are."""
    bad = ~np.isfinite(readings)
    if bad.any():
        warn_dropped(file.path, f"{int(bad.sum())} readings are not finite: kept as missing")
    return np.where(bad, np.nan, readings)


def is_direction(azimuth_deg: float, elevation_deg: float) -> bool:
    """Whether two numbers are a finite azimuth and elevation that a mount can have."""
    return (
        math.isfinite(azimuth_deg)
        and math.isfinite(elevation_deg)
        and -720.0 <= azimuth_deg <= 720.0
        and -90.0 <= elevation_deg <= 90.0
    )


def is_number(text: str) -> bool:
    """Whether a field is a number."""
    try:
        _number(text)
    except ValueError:
        return False
    return True


def split_lines(text: str) -> list[str]:
    """Lines of a text, each ended by LF, CR LF or CR; the last is empty where it has an end."""
    # str.splitlines would also split at form feeds, and hide whether the last line has an end.
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _number(text: str) -> float:
    # Python also reads 1_000 and the digits of every script, which no recorder writes.
    if "_" in text or not text.isascii():
        raise ValueError(text)
    return float(text)
