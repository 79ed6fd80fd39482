"""Antenna files of radio planning: ``.msi``, also named Planet, ``.pln`` and ``.ant``.

References
----------
.. [1] "MSI Planet antenna file format": keys with values, then ``HORIZONTAL 360`` and
   ``VERTICAL 360`` with a line of angle and attenuation for each degree. The horizontal cut runs
   clockwise from the main direction; on the vertical cut 0 is the horizon and 90 the ground. The
   gain is in dBd unless it says dBi.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from skyscan_lab.antenna.base import Values
from skyscan_lab.antenna.cuts import Combination, CutsPattern
from skyscan_lab.antenna.text_table import read_text
from skyscan_lab.errors import FileError

_DIPOLE_DBI = 2.15
_CUTS = ("HORIZONTAL", "VERTICAL")


def read_msi(
    path: str | Path, combination: Combination = "weighted", vertical_down: bool = True
) -> CutsPattern:
    r"""Read the two cuts of an MSI Planet file [1]_.

    Parameters
    ----------
    path : str or Path
        A ``.msi``, ``.pln`` or ``.ant`` file.
    combination : {"weighted", "sum"}
        What stands between the cuts: see `CutsPattern`.
    vertical_down : bool
        Whether angles of the vertical cut grow downwards, as the format has it; some makers'
        files grow upwards.

    Returns
    -------
    CutsPattern
        With ``peak_dbi`` from the file's GAIN, where it has one.

    Raises
    ------
    FileError
        For a file that cannot be read or is no such file, naming the line.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> loss = [min(12 * (min(a, 360 - a) / 30) ** 2, 25) for a in range(360)]
    >>> cut = "\n".join(f"{angle} {value:.2f}" for angle, value in enumerate(loss))
    >>> with TemporaryDirectory() as folder:
    ...     file = Path(folder) / "panel.msi"
    ...     head = "NAME Panel\nGAIN 10 dBd"
    ...     _ = file.write_text(f"{head}\nHORIZONTAL 360\n{cut}\nVERTICAL 360\n{cut}")
    ...     panel = read_msi(file)
    >>> panel.peak_dbi, [round(width, 1) for width in panel.hpbw_deg]
    (12.15, [30.1, 30.1])
    """
    lines = read_text(path).splitlines()
    cuts: dict[str, Values] = {}
    peak: float | None = None
    number = 0
    while number < len(lines):
        words = lines[number].split()
        number += 1
        key = words[0].upper() if words else ""
        if key == "GAIN" and len(words) > 1:
            peak = _gain_dbi(path, number, words[1:])
        elif key in _CUTS:
            count = _count(path, number, words)
            cuts[key] = _cut(path, number, lines[number : number + count], count)
            number += count
    missing = [key for key in _CUTS if key not in cuts]
    if missing:
        raise FileError(path, f"no {' and no '.join(missing)} cut: not an MSI Planet file")
    angle, horizontal = cuts["HORIZONTAL"]
    down, vertical = cuts["VERTICAL"]
    if vertical_down:
        down, vertical = -down[::-1], vertical[::-1]
    # The cuts may stand at other angles: the vertical one is put on those of the horizontal one.
    order = np.argsort(np.mod(down - angle[0], 360.0))
    grid = np.mod(down - angle[0], 360.0)[order]
    if grid.shape != angle.shape or not np.allclose(grid, angle - angle[0], atol=1e-6):
        raise FileError(path, "HORIZONTAL and VERTICAL stand at different angles")
    return CutsPattern(angle, -horizontal, -vertical[order], combination, peak)


def _gain_dbi(path: str | Path, line: int, words: list[str]) -> float:
    unit = words[1].lower() if len(words) > 1 else "dbd"
    text = words[0].lower()
    for ending in ("dbi", "dbd"):
        if text.endswith(ending):
            text, unit = text.removesuffix(ending), ending
    return _number(path, line, text) + (0.0 if unit == "dbi" else _DIPOLE_DBI)


def _count(path: str | Path, line: int, words: list[str]) -> int:
    if len(words) != 2 or not words[1].isdecimal() or int(words[1]) < 4:
        raise FileError(path, f"{' '.join(words)!r}: expected {words[0]} and a count", line)
    return int(words[1])


def _cut(path: str | Path, header: int, lines: list[str], count: int) -> Values:
    rows = []
    for line, text in enumerate(lines, start=header + 1):
        fields = text.split()
        if len(fields) != 2:
            raise FileError(path, f"{text.strip()!r}: expected angle and attenuation", line)
        rows.append([_number(path, line, field) for field in fields])
    if len(rows) < count:
        raise FileError(path, f"{len(rows)} of {count} angles of the cut: the file ends", header)
    table = np.array(rows)
    if not np.all(np.diff(table[:, 0]) > 0.0):
        raise FileError(path, "angles of the cut do not increase", header)
    return np.asarray(table.T)


def _number(path: str | Path, line: int, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise FileError(path, f"{text!r} is not a number", line) from None
    if not np.isfinite(value):
        raise FileError(path, f"{text} is not finite", line)
    return value
