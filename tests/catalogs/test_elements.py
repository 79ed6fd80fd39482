"""Truth: one element set in each format, which must give the same orbit, and broken files."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
from sgp4.exporter import export_omm

from skyscan_lab.catalogs import read_elements
from skyscan_lab.catalogs.elements import parse_elements
from skyscan_lab.errors import FileError

ONE = "1 25544U 98067A   08264.51782528 -.00002182  00000-0 -11606-4 0  2927"
TWO = "2 25544  51.6416 247.4627 0006703 130.5360 325.0288 15.72125391563537"
TLE = f"ISS (ZARYA)\n{ONE}\n{TWO}\n"


def message() -> dict[str, object]:
    """As an OMM, by sgp4's own exporter."""
    (element,) = parse_elements(TLE, "-")
    fields = export_omm(element.orbit, "ISS (ZARYA)")
    fields["EPOCH"] = str(fields["EPOCH"])
    return fields


def as_csv(fields: dict[str, object]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, fields)
    writer.writeheader()
    writer.writerow(fields)
    return text.getvalue()


def as_kvn(fields: dict[str, object]) -> str:
    lines = "".join(f"{key:<20} = {value}\n" for key, value in fields.items())
    return f"CCSDS_OMM_VERS = 2.0\nCOMMENT made by hand\n\n{lines}"


def as_xml(fields: dict[str, object]) -> str:
    def group(name: str, *keys: str) -> str:
        return f"<{name}>{''.join(f'<{k}>{fields[k]}</{k}>' for k in keys)}</{name}>"

    metadata = group("metadata", "OBJECT_NAME", "OBJECT_ID")
    mean = group(
        "meanElements", "EPOCH", "MEAN_MOTION", "ECCENTRICITY", "INCLINATION", "RA_OF_ASC_NODE",
        "ARG_OF_PERICENTER", "MEAN_ANOMALY",
    )  # fmt: skip
    tle = group(
        "tleParameters", "EPHEMERIS_TYPE", "CLASSIFICATION_TYPE", "NORAD_CAT_ID", "ELEMENT_SET_NO",
        "REV_AT_EPOCH", "BSTAR", "MEAN_MOTION_DOT", "MEAN_MOTION_DDOT",
    )  # fmt: skip
    return (
        f'<?xml version="1.0"?><ndm><omm><body><segment>{metadata}<data>{mean}{tle}</data>'
        "</segment></body></omm></ndm>"
    )


FORMATS = {
    "json": lambda fields: json.dumps([fields]),
    "json of one": json.dumps,
    "csv": as_csv,
    "kvn": as_kvn,
    "xml": as_xml,
}


@pytest.mark.parametrize("form", FORMATS)
def test_each_format_gives_the_orbit_of_the_tle(form: str, tmp_path: Path) -> None:
    path = tmp_path / "satellites"
    path.write_text(FORMATS[form](message()))
    (element,) = read_elements(path)
    (expected,) = parse_elements(TLE, "-")
    assert (element.name, element.number) == ("ISS (ZARYA)", 25544)
    for minutes in (0.0, 1440.0):
        jd, fraction = expected.orbit.jdsatepoch, expected.orbit.jdsatepochF + minutes / 1440
        np.testing.assert_allclose(
            element.orbit.sgp4(jd, fraction)[1], expected.orbit.sgp4(jd, fraction)[1], atol=1e-3
        )


@pytest.mark.parametrize("form", ["csv", "kvn", "json"])
def test_several_messages_are_several_satellites(form: str) -> None:
    one, other = message(), message() | {"OBJECT_NAME": "OTHER", "NORAD_CAT_ID": 99}
    if form == "json":
        text = json.dumps([one, other])
    elif form == "csv":
        text = as_csv(one) + as_csv(other).splitlines()[1] + "\n"
    else:
        text = as_kvn(one) + as_kvn(other)
    found = parse_elements(text, "-")
    assert [(e.name, e.number) for e in found] == [("ISS (ZARYA)", 25544), ("OTHER", 99)]


@pytest.mark.parametrize(
    "text",
    [
        TLE,
        f"0 ISS (ZARYA)\r\n{ONE}\r\n{TWO}\r\n",
        f"\n# from somewhere\nISS (ZARYA)   \n{ONE}\n{TWO}",
    ],
)
def test_a_tle_is_read_however_it_was_saved(text: str) -> None:
    assert [e.name for e in parse_elements(text, "-")] == ["ISS (ZARYA)"]


def test_a_satellite_without_a_name_is_called_by_its_number() -> None:
    assert [e.name for e in parse_elements(f"{ONE}\n{TWO}\n" * 2, "-")] == ["25544", "25544"]


def test_what_has_no_bearing_on_the_orbit_may_be_missing() -> None:
    fields = message()
    for key in ("CLASSIFICATION_TYPE", "REV_AT_EPOCH", "OBJECT_ID", "ELEMENT_SET_NO"):
        del fields[key]
    assert parse_elements(json.dumps(fields), "-")[0].number == 25544
    fields["EPOCH"] = "2008-09-20T12:25:40Z"
    assert parse_elements(json.dumps(fields), "-")[0].number == 25544


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        (TLE.replace("2927", "2928"), 2, "its checksum is 7, and it says '8'"),
        (f"{ONE}\n{TWO.replace('25544', '25545', 1)[:-1]}8", 2, "belongs to 25545, and line 1"),
        (f"A\nB\n{ONE}\n{TWO}", 2, "'B' is no line 1"),
        (f"A\n{TWO}", 2, "line 2 of an element set without its line 1"),
        (f"{ONE}\nA\n", 2, "'A' is no line 2"),
        (ONE, None, "ends in the middle"),
        ("", None, "holds no element set"),
        ("[]", None, "holds no element set"),
        ("[1]", None, "no list of orbit mean-elements messages"),
        ("{", None, "not JSON"),
        ("<ndm>", None, "XML, but no orbit"),
        ("<ndm><segment/></ndm>", None, "XML, but no orbit"),
        ("CCSDS_OMM_VERS = 2.0\nwhat is this", 2, "'what is this' is no KEYWORD"),
        ('{"OBJECT_NAME": "A"}', None, r"message 1 \(A\) has no MEAN_MOTION"),
        (json.dumps(message() | {"ECCENTRICITY": "much"}), None, "ECCENTRICITY 'much' is not"),
        (json.dumps(message() | {"MEAN_MOTION": "nan"}), None, "MEAN_MOTION 'nan' is not"),
        (json.dumps(message() | {"EPOCH": "yesterday"}), None, "EPOCH 'yesterday' is not a time"),
        (json.dumps(message() | {"EPOCH": "2008-13-20T12:00:00"}), None, r"message 1 \(ISS"),
        (json.dumps(message() | {"NORAD_CAT_ID": 1.5}), None, r"message 1 \(ISS"),
    ],
)  # fmt: skip
def test_says_what_is_wrong_and_where(text: str, line: int | None, reason: str) -> None:
    with pytest.raises(FileError, match=reason) as caught:
        parse_elements(text, "elements.txt")
    assert caught.value.line == line


def test_a_file_that_cannot_be_read_is_a_file_error(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="No such file"):
        read_elements(tmp_path / "absent.tle")
    (tmp_path / "picture").write_bytes(b"\x89PNG\xff\x00")
    with pytest.raises(FileError, match="not text"):
        read_elements(tmp_path / "picture")
