"""Truth: directions from the library's catalogues, which have truths of their own, and files."""

import json
import os
from datetime import UTC, datetime

import pytest
from sgp4.exporter import export_omm

from skyscan_lab.catalogs import Satellites, body_direction, look_angles
from skyscan_lab.catalogs.elements import parse_elements
from skyscan_lab.protocol.rotors import PointRequest
from skyscan_lab.station import Site
from skyscan_server.domain.errors import Invalid, NotFound, Refused
from skyscan_server.domain.orbits import Orbits
from skyscan_server.domain.targets import target_now

ISS = """ISS (ZARYA)
1 25544U 98067A   08264.51782528 -.00002182  00000-0 -11606-4 0  2927
2 25544  51.6416 247.4627 0006703 130.5360 325.0288 15.72125391563537
"""
VANGUARD = """VANGUARD 1
1 00005U 58002B   00179.78495062  .00000023  00000-0  28098-4 0  4753
2 00005  34.2682 348.7242 1859667 331.7664  19.3264 10.82419157413667
"""
SITE = Site(latitude_deg=47.37, longitude_deg=8.54, height_m=440.0)
PLACE = (47.37, 8.54, 440.0)
# When the ISS of those days is above Zürich.
UP = datetime(2008, 9, 20, 19, 57, tzinfo=UTC)


def satellite(which):
    return PointRequest(target_type="satellite", target_id=which)


@pytest.mark.parametrize("which", ["25544", "iss (zarya)"])
def test_a_satellite_is_where_its_elements_put_it(tmp_path, which):
    (tmp_path / "satellites.tle").write_text(VANGUARD + ISS)
    target = target_now(satellite(which), SITE, Orbits(tmp_path), UP)
    azimuth, elevation = Satellites(parse_elements(ISS, "-")).directions(UP, PLACE)
    assert (target.name, target.azimuth_deg) == ("ISS (ZARYA)", azimuth[0, 0])
    assert target.elevation_deg == elevation[0, 0] > 5.0


def test_elements_come_from_every_file_and_a_newer_file_counts_at_once(tmp_path):
    orbits = Orbits(tmp_path)
    with pytest.raises(NotFound, match=rf"'25544' not found.*{tmp_path}/satellites.tle.*is none"):
        orbits.find("25544")
    (iss,) = parse_elements(ISS, "-")
    message = export_omm(iss.orbit, "ISS (ZARYA)")
    (tmp_path / "satellites.json").write_text(json.dumps([message], default=str))
    (tmp_path / "satellites.tle").write_text(VANGUARD)
    assert orbits.find("25544").names[0] == "ISS (ZARYA)"
    assert orbits.find("5").names[0] == "VANGUARD 1"
    with pytest.raises(NotFound, match=r"'99999' not found.*have 2 satellites"):
        orbits.find("99999")
    (tmp_path / "satellites.tle").write_text(VANGUARD.replace("VANGUARD 1", "VANGUARD I"))
    os.utime(tmp_path / "satellites.tle", (1, 1))
    assert orbits.find("5").names[0] == "VANGUARD I"


def test_a_broken_file_is_named_with_its_line(tmp_path):
    (tmp_path / "satellites.tle").write_text(ISS.replace("2927", "2928"))
    with pytest.raises(Refused, match=r"satellites\.tle, line 2: its checksum is 7"):
        target_now(satellite("25544"), SITE, Orbits(tmp_path), UP)


@pytest.mark.parametrize(
    ("when", "why"),
    [
        (UP.replace(hour=20, minute=45), "ISS .* is below the horizon: elevation -"),
        (UP.replace(month=12), "elements of ISS .* are 91 days old"),
    ],
)
def test_a_satellite_that_cannot_be_pointed_at_is_refused(tmp_path, when, why):
    (tmp_path / "satellites.tle").write_text(ISS)
    with pytest.raises(Refused, match=why):
        target_now(satellite("25544"), SITE, Orbits(tmp_path), when)


def test_a_satellite_that_has_come_down_is_refused(tmp_path):
    # Vallado's case of a decay within a day: 28872.
    (tmp_path / "satellites.tle").write_text(
        "1 28872U 05037B   05333.02012661  .25992681  00000-0  24476-3 0  1534\n"
        "2 28872  96.4736 157.9986 0303955 244.0492 110.6523 16.46015938 10708\n"
    )
    with pytest.raises(Refused, match="28872 has come down"):
        target_now(satellite("28872"), SITE, Orbits(tmp_path), datetime(2005, 12, 9, tzinfo=UTC))


def test_sun_moon_and_slots_need_no_file(tmp_path):
    orbits = Orbits(tmp_path)
    noon = datetime(2024, 6, 21, 11, tzinfo=UTC)
    sun = target_now(PointRequest(target_type="sun"), SITE, orbits, noon)
    assert (sun.azimuth_deg, sun.elevation_deg) == tuple(
        float(angle) for angle in body_direction("sun", noon, PLACE)
    )
    slot = target_now(PointRequest(target_type="geostationary", target_id="30W"), SITE, orbits)
    assert slot.azimuth_deg == float(look_angles(-30.0, PLACE)[0])
    with pytest.raises(Refused, match="sun is below the horizon"):
        target_now(PointRequest(target_type="sun"), SITE, orbits, noon.replace(hour=0))
    with pytest.raises(Invalid, match="target_id = 'there'"):
        target_now(PointRequest(target_type="geostationary", target_id="there"), SITE, orbits, noon)
