"""Truth: the example in the module's own documentation, and each setting made wrong once."""

import inspect
import re
import textwrap
from pathlib import Path

import pytest
from pydantic import BaseModel

from skyscan_lab import station as module
from skyscan_lab.errors import SkyscanError, StationError
from skyscan_lab.station import Station, load_station


def load(tmp_path: Path, text: str) -> Station:
    path = tmp_path / "station.toml"
    path.write_text(textwrap.dedent(text), encoding="utf-8")
    return load_station(path)


HARDWARE = '[rotor]\ndriver = "rotctld"\n[receiver]\ndriver = "rotor"\n'
RTL = '[rotor]\ndriver = "rotctld"\n[receiver]\ndriver = "rtl_tcp"\nfrequency_hz = 1e9\n'
RIG = '[rotor]\ndriver = "rotctld"\n[receiver]\ndriver = "rigctld"\n'
DISH = '[rotor]\ndriver = "winegard"\n[receiver]\ndriver = "rotor"\n'


def test_without_a_file_the_station_is_simulated_and_stands_in_the_middle_north() -> None:
    station = load_station()
    assert station.rotor.driver == station.receiver.driver == "simulated"
    assert 40.0 < station.site.latitude_deg < 52.0


@pytest.mark.parametrize("text", ["", "[site]", "[rotor]", "[rotor]\nsettle_s = 0.5", "seed = 7"])
def test_what_a_file_leaves_out_has_its_default(tmp_path, text) -> None:
    station = load(tmp_path, text)
    assert station.rotor.driver == station.receiver.driver == "simulated"
    assert station.site == load_station().site


def test_the_documented_example_loads(tmp_path) -> None:
    documented = inspect.getdoc(module)
    assert documented is not None
    example = re.search(r"::\n\n((?:    .*\n|\n)+)", documented)
    assert example is not None
    station = load(tmp_path, example[1])
    assert station.site.name == "Roof"
    assert station.site.horizon == ((0, 5), (90, 12), (180, 3), (270, 8))
    assert (station.rotor.driver, station.receiver.driver) == ("rotctld", "rtl_tcp")
    assert station.rotor.limits is not None
    assert station.rotor.limits.azimuth_deg == (0, 450)
    assert station.receiver.frequency_hz == 1420.4e6


@pytest.mark.parametrize("text", [HARDWARE, RTL, RIG, DISH])
def test_every_driver_loads_with_its_defaults(tmp_path, text) -> None:
    station = load(tmp_path, text)
    assert Station.model_validate(station.model_dump()) == station


WRONG = [
    ("[site]\nname = 5", "site.name", "5", "string"),
    ("[site]\nlatitude_deg = 91", "site.latitude_deg", "91", "less than or equal to 90"),
    ("[site]\nlatitude_deg = nan", "site.latitude_deg", "nan", "finite"),
    ("[site]\nlongitude_deg = -181", "site.longitude_deg", "-181", "-180"),
    ("[site]\nheight_m = inf", "site.height_m", "inf", "finite"),
    ("[site]\nhorizon = [[0, 91]]", "site.horizon.0.1", "91", "90"),
    ("[site]\nhorizon = [[0]]", "site.horizon.0.1", "", "required"),
    ("[site]\nhorizon = [[0, 1], [360, 2]]", "site.horizon", "[0.0, 0.0]", "once"),
    ("[site]\nlat = 47", "site.lat", "47", "latitude_deg"),
    ("[rotor]\nazimuth_speed_deg_s = 0", "rotor.azimuth_speed_deg_s", "0", "greater than 0"),
    ("[rotor]\nelevation_speed_deg_s = nan", "rotor.elevation_speed_deg_s", "nan", "finite"),
    ("[rotor]\nacceleration_deg_s2 = -1", "rotor.acceleration_deg_s2", "-1", "greater than 0"),
    ("[rotor]\nbacklash_deg = 11", "rotor.backlash_deg", "11", "10"),
    ("[rotor]\nazimuth_zero_deg = 181", "rotor.azimuth_zero_deg", "181", "180"),
    ("[rotor]\ntilt_north_deg = 46", "rotor.tilt_north_deg", "46", "45"),
    ("[rotor]\ntilt_east_deg = -46", "rotor.tilt_east_deg", "-46", "-45"),
    ("[receiver]\nhpbw_deg = 0", "receiver.hpbw_deg", "0", "greater than 0"),
    ("[receiver]\nblockage = 1", "receiver.blockage", "1", "0.9"),
    ("[receiver]\nunits = 'volt'", "receiver.units", "volt", "'dBm', 'dBFS', 'dB' or 'counts'"),
    ("[receiver]\nresolution = -1", "receiver.resolution", "-1", "greater than or equal to 0"),
    ("[receiver]\nreading_s = 0", "receiver.reading_s", "0", "greater than 0"),
    ("[receiver]\ngain_drift_db = 11", "receiver.gain_drift_db", "11", "10"),
    ("[receiver]\nimpulse_share = 2", "receiver.impulse_share", "2", "less than or equal to 1"),
    ("[rotor]\ndriver = 'yaesu'", "rotor", "yaesu", "'rotctld', 'winegard'"),
    ("[rotor]\npark = [0, 91]", "rotor.park.1", "91", "90"),
    ("[rotor]\npark = [0]", "rotor.park.1", "", "required"),
    ("[rotor]\ntolerance_deg = 0", "rotor.tolerance_deg", "0", "greater than 0"),
    ("[rotor]\nsettle_s = 61", "rotor.settle_s", "61", "60"),
    ("[rotor]\nmove_timeout_s = 0", "rotor.move_timeout_s", "0", "greater than 0"),
    (
        "[rotor]\nlimits = { azimuth_deg = [450, 0] }",
        "rotor.limits.azimuth_deg",
        "450.0",
        "the lower",
    ),
    (
        "[rotor]\nlimits = { elevation_deg = [9, 9] }",
        "rotor.limits.elevation_deg",
        "9.0",
        "the lower",
    ),
    (
        "[rotor]\nlimits = { elevation = [0, 9] }",
        "rotor.limits.elevation",
        "[0, 9]",
        "elevation_deg",
    ),
    (
        "[rotor]\npark = [0, 5]\nlimits = { elevation_deg = [18, 65] }",
        "rotor.park",
        "(0.0, 5.0)",
        "(18.0, 65.0)",
    ),
    ("[rotor]\nhost = 'x'", "rotor.host", "'x'", "tolerance_deg"),
    (HARDWARE.replace("[rec", "host = 3\n[rec"), "rotor.host", "3", "string"),
    (HARDWARE.replace("[rec", "port = 65536\n[rec"), "rotor.port", "65536", "65535"),
    (HARDWARE + "frequency_hz = 0", "receiver.frequency_hz", "0", "greater than 0"),
    (DISH.replace("[rec", "device = 3\n[rec"), "rotor.device", "3", "string"),
    ("[receiver]\ndriver = 'sdr'", "receiver", "sdr", "'rigctld', 'rtl_tcp'"),
    (RIG + "host = 1", "receiver.host", "1", "string"),
    (RIG + "port = 0", "receiver.port", "0", "greater than or equal to 1"),
    (RIG + "level = 1", "receiver.level", "1", "string"),
    (RIG + "frequency_hz = -1", "receiver.frequency_hz", "-1", "greater than 0"),
    (RTL.replace("frequency_hz = 1e9", ""), "receiver.frequency_hz", "", "required"),
    (RTL + "host = 1", "receiver.host", "1", "string"),
    (RTL + "port = 1.5", "receiver.port", "1.5", "integer"),
    (RTL + "sample_rate_hz = 0", "receiver.sample_rate_hz", "0", "greater than 0"),
    (RTL + "gain_db = 61", "receiver.gain_db", "61", "60"),
    (RTL + "correction_ppm = 1e9", "receiver.correction_ppm", "1000000000.0", "less than"),
    (RTL + "integration_s = inf", "receiver.integration_s", "inf", "finite"),
    ("seed = -1", "seed", "-1", "greater than or equal to 0"),
    ("rotor = 3", "rotor", "3", "dictionary"),
    ("[antenna]\n", "antenna", "{}", "site, rotor, receiver, seed"),
    ("[rotor]\ndriver = 'rotctld'", "", "'rotctld'", "both must be simulated, or neither"),
]


@pytest.mark.parametrize(("text", "setting", "value", "allowed"), WRONG)
def test_a_wrong_setting_is_named_with_its_value_and_what_is_allowed(
    tmp_path, text, setting, value, allowed
) -> None:
    with pytest.raises(StationError) as refusal:
        load(tmp_path, text)
    assert isinstance(refusal.value, ValueError)
    assert isinstance(refusal.value, SkyscanError)
    file, message = str(refusal.value).split(": ", 1)
    assert file == str(tmp_path / "station.toml")
    assert re.match(rf"{re.escape(setting)}( = |: | is )" if setting else "", message)
    assert value in message
    assert allowed in message


def test_a_park_position_within_the_limits_is_taken(tmp_path) -> None:
    station = load(tmp_path, "[rotor]\npark = [0, 65]\nlimits = { elevation_deg = [18, 65] }")
    assert station.rotor.park == (0.0, 65.0)


def test_a_rotor_parks_within_its_limits_where_nothing_else_is_said(tmp_path) -> None:
    limits = "limits = { azimuth_deg = [20, 300], elevation_deg = [-20, -5] }"
    station = load(tmp_path, f"[rotor]\n{limits}")
    assert station.rotor.park == (20.0, -5.0)
    # Whoever is told of it reads the same.
    assert type(station).model_validate_json(station.model_dump_json()) == station


def settings_of(model: type[BaseModel]) -> set[str]:
    return set(model.model_fields) - {"driver", "site", "rotor", "receiver", "limits"}


def test_every_setting_was_made_wrong_once() -> None:
    models = [
        member
        for _, member in inspect.getmembers(module, inspect.isclass)
        if issubclass(member, BaseModel) and member.__module__ == module.__name__
    ]
    settings = set().union(*(settings_of(model) for model in models))
    spoiled = " ".join(text for text, *_ in WRONG)
    assert not {name for name in settings if f"{name} =" not in spoiled}


def test_every_fault_of_a_file_is_told_at_once(tmp_path) -> None:
    with pytest.raises(StationError, match=r"latitude_deg = 91.*; seed = -1"):
        load(tmp_path, "seed = -1\n[site]\nlatitude_deg = 91")


@pytest.mark.parametrize(
    ("content", "says"),
    [(b"[site", "not TOML"), (b"\xff\xfe", "not TOML"), (b"seed = 1\nseed = 2", "not TOML")],
)
def test_a_file_that_is_not_toml_is_refused(tmp_path, content, says) -> None:
    path = tmp_path / "station.toml"
    path.write_bytes(content)
    with pytest.raises(StationError, match=says):
        load_station(path)


def test_a_file_that_cannot_be_read_is_named(tmp_path) -> None:
    with pytest.raises(StationError, match=r"none\.toml: No such file"):
        load_station(tmp_path / "none.toml")
    with pytest.raises(StationError, match="Is a directory"):
        load_station(tmp_path)


def test_a_station_does_not_change_once_it_is_made() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load_station().seed = 5
