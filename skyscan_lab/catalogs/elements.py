"""Orbital elements from a file: two-line element sets (TLE) or orbit mean-elements messages (OMM).

Which of them a file holds is told by its content: TLE, with or without a line for the name; OMM
as JSON, CSV, XML or KVN, as CelesTrak and Space-Track hand them out.

References
----------
.. [1] F. R. Hoots and R. L. Roehrich, "Models for Propagation of NORAD Element Sets",
   Spacetrack Report No. 3 (1980): the columns of a TLE.
.. [2] CCSDS 502.0-B-3, "Orbit Data Messages" (2023): the keywords of an OMM.
"""

from __future__ import annotations

import csv
import json
import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError

from sgp4 import omm
from sgp4.api import WGS72, Satrec

from skyscan_lab.errors import FileError

_TLE_LENGTH = 69
# What has no bearing on where the satellite is, and is missing from some messages.
_NO_BEARING = {
    "CLASSIFICATION_TYPE": "U",
    "OBJECT_ID": "",
    "EPHEMERIS_TYPE": "0",
    "ELEMENT_SET_NO": "0",
    "REV_AT_EPOCH": "0",
    "MEAN_MOTION_DOT": "0",
    "MEAN_MOTION_DDOT": "0",
}
_NUMBERS = (
    "MEAN_MOTION",
    "ECCENTRICITY",
    "INCLINATION",
    "RA_OF_ASC_NODE",
    "ARG_OF_PERICENTER",
    "MEAN_ANOMALY",
    "BSTAR",
    "NORAD_CAT_ID",
    "MEAN_MOTION_DOT",
    "MEAN_MOTION_DDOT",
)
_EPOCH = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,6})\d*)?Z?")


@dataclass(frozen=True)
class ElementSet:
    """One element set.

    Attributes
    ----------
    name : str
        Of the satellite; its catalogue number where the file gives none.
    number : int
        NORAD catalogue number.
    orbit : Satrec
        sgp4's record.
    """

    name: str
    number: int
    orbit: Satrec


def looks_like_elements(text: str) -> bool:
    """Whether a text begins as one of the formats of `parse_elements`.

    Examples
    --------
    >>> looks_like_elements("OBJECT_NAME,OBJECT_ID,EPOCH,MEAN_MOTION")
    True
    >>> looks_like_elements("name,azimuth,elevation")
    False
    """
    start = text.lstrip()[:2000]
    return (
        start.startswith(("[", "{", "<"))
        or "CCSDS_OMM_VERS" in start
        or "MEAN_MOTION" in start
        or re.search(r"^1 .{66}", start, re.MULTILINE) is not None
    )


def read_elements(path: str | Path) -> list[ElementSet]:
    r"""Read the element sets of a file.

    Parameters
    ----------
    path : str or Path
        TLE, or OMM as JSON, CSV, XML or KVN.

    Returns
    -------
    list of ElementSet
        In the order of the file; of one satellite there may be several.

    Raises
    ------
    FileError
        For a file that cannot be read, with the line or the message that is wrong.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     file = Path(folder) / "vanguard.tle"
    ...     _ = file.write_text(
    ...         "VANGUARD 1\n"
    ...         "1 00005U 58002B   00179.78495062  .00000023  00000-0  28098-4 0  4753\n"
    ...         "2 00005  34.2682 348.7242 1859667 331.7664  19.3264 10.82419157413667\n"
    ...     )
    ...     read_elements(file)[0].name
    'VANGUARD 1'
    """
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise FileError(path, error.strerror or str(error)) from error
    except UnicodeDecodeError as error:
        raise FileError(path, "not text (UTF-8), so no element sets") from error
    return parse_elements(text, path)


def parse_elements(text: str, path: str | Path) -> list[ElementSet]:
    """Element sets of a text; `path` is for the errors. See `read_elements`."""
    start = text.lstrip()
    if start.startswith(("[", "{")):
        found = _from_messages(path, _json_messages(path, text))
    elif start.startswith("<"):
        found = _from_messages(path, _xml_messages(path, text))
    elif "CCSDS_OMM_VERS" in start.split("\n", 1)[0]:
        found = _from_messages(path, _kvn_messages(path, text))
    elif "MEAN_MOTION" in start.split("\n", 1)[0]:
        found = _from_messages(path, csv.DictReader(StringIO(start)))
    else:
        found = list(_from_lines(path, text))
    if not found:
        raise FileError(path, "holds no element set: expected TLE, or OMM as JSON, CSV, XML or KVN")
    return found


def _from_lines(path: str | Path, text: str) -> Iterator[ElementSet]:
    name = ""
    first = ""
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.rstrip()
        if not line or line.startswith("#"):
            continue
        if first:
            yield _from_pair(path, number, name, first, line)
            name = first = ""
        elif line.startswith("1 ") and len(line) >= _TLE_LENGTH:
            first = line
        elif line.startswith("2 ") and len(line) >= _TLE_LENGTH:
            raise FileError(path, "line 2 of an element set without its line 1", number)
        elif name:
            raise FileError(path, f"{line[:30]!r} is no line 1 of an element set", number)
        else:
            name = line.removeprefix("0 ").strip()
    if first or name:
        raise FileError(path, "ends in the middle of an element set")


def _from_pair(path: str | Path, number: int, name: str, first: str, second: str) -> ElementSet:
    """One element set; `number` is the line that the second stands on."""
    if not (second.startswith("2 ") and len(second) >= _TLE_LENGTH):
        raise FileError(path, f"{second[:30]!r} is no line 2 of an element set", number)
    for at, line in ((number - 1, first), (number, second)):
        body, stated = line[: _TLE_LENGTH - 1], line[_TLE_LENGTH - 1]
        checksum = sum(int(sign) if sign.isdigit() else sign == "-" for sign in body) % 10
        if stated != str(checksum):
            raise FileError(path, f"its checksum is {checksum}, and it says {stated!r}", at)
    if first[2:7] != second[2:7]:
        raise FileError(path, f"belongs to {second[2:7]}, and line 1 to {first[2:7]}", number)
    try:
        orbit = Satrec.twoline2rv(first[:_TLE_LENGTH], second[:_TLE_LENGTH])
    except ValueError as error:
        raise FileError(path, f"no element set: {error}", number) from error
    return ElementSet(name or str(orbit.satnum), orbit.satnum, orbit)


def _from_messages(path: str | Path, messages: Iterable[dict[str, Any]]) -> list[ElementSet]:
    return [_from_message(path, count, message) for count, message in enumerate(messages, 1)]


def _from_message(path: str | Path, count: int, message: dict[str, Any]) -> ElementSet:
    fields = _NO_BEARING | {
        key: str(value).strip() for key, value in message.items() if value not in (None, "")
    }
    name = fields.get("OBJECT_NAME", "")
    what = f"message {count}{f' ({name})' if name else ''}"
    for key in _NUMBERS:
        text = fields.get(key)
        if text is None:
            raise FileError(path, f"{what} has no {key}")
        try:
            usable = math.isfinite(float(text))
        except ValueError:
            usable = False
        if not usable:
            raise FileError(path, f"{what}: {key} {text!r} is not a number")
    epoch = _EPOCH.fullmatch(fields.get("EPOCH", ""))
    if epoch is None:
        raise FileError(path, f"{what}: EPOCH {fields.get('EPOCH')!r} is not a time in ISO 8601")
    fields["EPOCH"] = f"{epoch[1]}.{epoch[2] or '0'}"
    if not fields["OBJECT_ID"]:
        fields["OBJECT_ID"] = "0000-000"
    orbit = Satrec()
    try:
        omm.initialize(orbit, fields, WGS72)
    except ValueError as error:
        raise FileError(path, f"{what}: {error}") from error
    return ElementSet(name or str(orbit.satnum), orbit.satnum, orbit)


def _json_messages(path: str | Path, text: str) -> list[dict[str, Any]]:
    try:
        content = json.loads(text)
    except ValueError as error:
        raise FileError(path, f"not JSON: {error}") from error
    messages = content if isinstance(content, list) else [content]
    if not all(isinstance(message, dict) for message in messages):
        raise FileError(path, "JSON, but no list of orbit mean-elements messages")
    return messages


def _xml_messages(path: str | Path, text: str) -> list[dict[str, Any]]:
    try:
        return list(omm.parse_xml(StringIO(text.lstrip())))
    except (ParseError, AttributeError, TypeError) as error:
        raise FileError(path, f"XML, but no orbit mean-elements messages: {error}") from error


def _kvn_messages(path: str | Path, text: str) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = []
    fields: dict[str, Any] = {}
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if not line or line.startswith("COMMENT"):
            continue
        key, equals, value = (part.strip() for part in line.partition("="))
        if not equals:
            raise FileError(path, f"{line[:30]!r} is no KEYWORD = value", number)
        if key in ("CCSDS_OMM_VERS", "OBJECT_NAME") and key in fields:
            messages.append(fields)
            fields = {}
        fields[key] = value
    return [*messages, fields]
