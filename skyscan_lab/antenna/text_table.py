"""A CSV file of numbers, with a header that names its columns or without one."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from skyscan_lab.antenna.base import Values
from skyscan_lab.errors import FileError


def read_text(path: str | Path) -> str:
    """Text of a file; a FileError where it cannot be read or is no text."""
    try:
        return Path(path).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise FileError(path, error.strerror or str(error)) from error
    except UnicodeDecodeError as error:
        raise FileError(path, "not text (UTF-8)") from error


def read_numbers(path: str | Path, columns: Sequence[str]) -> Values:
    """Rows of numbers; empty lines and lines that start with ``#`` are skipped.

    Returns
    -------
    ndarray, shape (n, len(columns))
        In the order of the file.

    Raises
    ------
    FileError
        Naming the first line that is not such a row.
    """
    rows: list[list[float]] = []
    for line, text in enumerate(read_text(path).splitlines(), start=1):
        if not text.strip() or text.lstrip().startswith("#"):
            continue
        fields = [field.strip() for field in next(csv.reader([text]))]
        if not rows and [field.lower() for field in fields] == list(columns):
            continue
        if len(fields) != len(columns):
            raise FileError(
                path, f"{len(fields)} fields, expected {len(columns)}: {','.join(columns)}", line
            )
        rows.append([_finite(path, line, *pair) for pair in zip(columns, fields, strict=True)])
    if not rows:
        raise FileError(path, f"holds no row: expected lines of {','.join(columns)}")
    return np.array(rows)


def _finite(path: str | Path, line: int, name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise FileError(path, f"{name} {text!r} is not a number", line) from None
    if not np.isfinite(value):
        raise FileError(path, f"{name} {text} is not finite", line)
    return value
