"""Truth: what node.toml says, and that every mistake in it is named in words."""

import pytest

from skyscan_lab.station import load_station
from skyscan_server.node import Credentials, NodeConfigError, NodeError, RotorSection, load_node
from skyscan_server.node.config import NodeConfig, NodeSection
from skyscan_server.node.credentials import keep_credentials, known_credentials

WHOLE = """
[node]
name = "Roof"
hub = "https://hub.example:5002/"
data = "state"
dial = ["192.168.1.20"]
credentials = "secret.json"

[[rotors]]
key = "roof"
name = "Roof dish"
min_elevation_deg = 5
rotor = { driver = "rotctld", host = "192.168.1.21", port = 4534, park = [0, 20] }
receiver = { driver = "rotor" }
site = { name = "Roof", latitude_deg = 47.37, longitude_deg = 8.54, height_m = 440 }
hard_limits = { azimuth_deg = [0, 360], elevation_deg = [10, 90] }

[[rotors]]
key = "dish"
name = "Dish"
rotor = { driver = "winegard", device = "/dev/ttyUSB3" }
receiver = { driver = "rotor" }
"""

ROTOR = "[[rotors]]\nkey = 'a'\nname = 'A'\n"


def load(tmp_path, text):
    path = tmp_path / "node.toml"
    path.write_text(text)
    return load_node(path)


def test_without_a_file_there_is_a_simulated_rotor():
    config = load_node()
    (rotor,) = config.graph.rotors
    assert (rotor.key, rotor.name, rotor.station.rotor.driver) == (
        "simulated",
        "Simulated rotor",
        "simulated",
    )
    assert config.node.hub == "http://127.0.0.1:5002"
    assert config.node.dial == ("127.0.0.1", "localhost", "::1")


def test_data_goes_where_skyscan_home_says(tmp_path, monkeypatch):
    monkeypatch.setenv("SKYSCAN_HOME", str(tmp_path))
    assert load_node().node.data == tmp_path / "node"


def test_a_whole_file(tmp_path):
    config = load(tmp_path, WHOLE)
    assert config.node.hub == "https://hub.example:5002"
    assert config.node.data == tmp_path / "state"
    assert config.node.credentials == tmp_path / "secret.json"
    roof, dish = config.graph.rotors
    assert roof.min_elevation_deg == 5.0
    assert roof.station.site.name == "Roof"
    # Limits that are not set apart are the hard ones, so that people at the hub see them.
    assert roof.station.rotor.limits.elevation_deg == (10.0, 90.0)
    assert dish.station.rotor.limits is None
    bounds = config.bounds
    assert bounds.hosts == {"192.168.1.20", "192.168.1.21"}
    assert bounds.serial_ports == {"/dev/ttyUSB3"}
    assert set(bounds.limits) == {"roof"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[node]\nhubb = 1", "node: 'hubb' is no setting; known are name, hub, data"),
        ("[hub]\na = 1", "'hub' is no setting; known are node, rotors"),
        ("[node]\nhub = 'hub.example'", "node.hub: 'hub.example' must be an address like https"),
        ("[node]\nhub = 'ftp://a'", "node.hub: 'ftp://a' must be an address like https"),
        ("[node]\nname = ''", "node.name = '': String should have at least 1 character"),
        ("[node]\nclient_id = 'a'", "client_id and client_secret go together"),
        ("[[rotors]]\nname = 'A'", "rotors[0].key is required"),
        ("[[rotors]]\nkey = 'a b'\nname = 'A'", "rotors[0].key = 'a b': String should match"),
        (
            ROTOR + "[rotors.rotor]\nsettle_s = -1",
            "rotors[0].rotor.settle_s = -1: Input should be greater than or equal to 0",
        ),
        (
            ROTOR
            + "rotor = { driver = 'rotctld' }\nreceiver = { driver = 'rotor', frequency_hz = 0 }",
            "rotors[0].receiver.frequency_hz = 0: Input should be greater than 0",
        ),
        (
            ROTOR + "[rotors.rotor]\ndriver = 'rotctld'",
            "rotors[0]: rotor.driver is 'rotctld' and receiver.driver is 'simulated'",
        ),
        (
            ROTOR + "[rotors.hard_limits]\nelevation_deg = [50, 20]",
            "rotors[0].hard_limits.elevation_deg = (50.0, 20.0): must be the lower limit and then",
        ),
        (
            ROTOR + "[[rotors]]\nkey = 'a'\nname = 'B'",
            "rotors: each key must come once, not 'a' again",
        ),
        (
            ROTOR + "rotor = { park = [0, 5] }\nhard_limits = { elevation_deg = [10, 90] }",
            "rotors[0]: with hard_limits: park = (0.0, 5.0): must be within",
        ),
        (
            ROTOR + "rotor = { limits = { elevation_deg = [0, 20] }, park = [0, 0] }\n"
            "hard_limits = { elevation_deg = [30, 90] }",
            "rotors[0]: rotor.limits, hard_limits: A: ",
        ),
        ("[node", "not TOML"),
    ],
)
def test_mistakes_are_named(tmp_path, text, words):
    with pytest.raises(NodeConfigError) as refused:
        load(tmp_path, text)
    assert words in str(refused.value)
    assert str(refused.value).startswith(str(tmp_path / "node.toml"))


def test_hard_limits_move_where_a_rotor_parks_by_default(tmp_path):
    config = load(tmp_path, ROTOR + "hard_limits = { elevation_deg = [10, 90] }")
    (rotor,) = config.graph.rotors
    assert rotor.station.rotor.park == (0.0, 10.0)


def test_secrets_are_in_no_message_and_no_representation(tmp_path):
    for setting in ("client_secret", "enrol"):
        with pytest.raises(NodeConfigError) as refused:
            load(tmp_path, f"[node]\n{setting} = [12345]")
        assert f"node.{setting}: " in str(refused.value)
        assert "12345" not in str(refused.value)
    config = load(tmp_path, "[node]\nclient_id = 'a'\nclient_secret = 's3cret'\nenrol = 'c0de'")
    assert "s3cret" not in repr(config)
    assert "c0de" not in repr(config)
    assert "s3cret" not in repr(Credentials("a", "s3cret"))


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(NodeConfigError, match="No such file"):
        load_node(tmp_path / "node.toml")


def test_a_station_file_becomes_a_rotor():
    rotor = RotorSection.of_station(load_station(), "a", "A")
    assert rotor.graph.station == load_station()


def test_credentials_are_for_their_owners_eyes(tmp_path):
    node = NodeSection(data=tmp_path)
    assert known_credentials(node) is None
    path = tmp_path / "credentials.json"
    keep_credentials(path, Credentials("a", "b"))
    assert path.stat().st_mode & 0o777 == 0o600
    assert known_credentials(node) == Credentials("a", "b")
    path.chmod(0o640)
    with pytest.raises(NodeError, match="chmod 600"):
        known_credentials(node)
    path.chmod(0o600)
    path.write_text("{}")
    with pytest.raises(NodeError, match="holds no credentials"):
        known_credentials(node)


def test_credentials_may_stand_in_the_file():
    node = NodeSection(client_id="a", client_secret="b")  # noqa: S106 -- of a test
    assert known_credentials(node) == Credentials("a", "b")
    assert NodeConfig(node=node).node.client_id == "a"
