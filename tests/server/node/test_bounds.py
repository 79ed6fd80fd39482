"""Truth: whatever a hub says, a node connects only to what its own file names."""

import pytest

from skyscan_lab.errors import OutOfLimits
from skyscan_lab.protocol.graph import GraphRotor
from skyscan_lab.station import Limits, Station
from skyscan_server.node.bounds import Bounds, NotAllowed

BOUNDS = Bounds(
    hosts=frozenset({"127.0.0.1", "roof.example"}),
    serial_ports=frozenset({"/dev/ttyUSB0"}),
    limits={"roof": Limits(azimuth_deg=(0, 360), elevation_deg=(10, 80))},
)


def rotor(key="roof", **sections):
    return GraphRotor(key=key, name="Roof dish", station=Station.model_validate(sections))


def rotctld(host, **settings):
    return {"driver": "rotctld", "host": host} | settings


OWN = {"driver": "rotor"}


@pytest.mark.parametrize("host", ["127.0.0.1", "roof.example", "ROOF.example"])
def test_hosts_of_the_file_may_be_dialled(host):
    BOUNDS.apply(rotor(rotor=rotctld(host), receiver=OWN))


@pytest.mark.parametrize("host", ["10.0.0.1", "127.0.0.2", "roof.example.evil", "localhost", "::1"])
def test_other_hosts_may_not(host):
    with pytest.raises(NotAllowed, match=r"Roof dish: host = .*127\.0\.0\.1, roof\.example;"):
        BOUNDS.apply(rotor(rotor=rotctld(host), receiver=OWN))
    receiver = {"driver": "rtl_tcp", "host": host, "frequency_hz": 1e9}
    with pytest.raises(NotAllowed, match=r"receiver\.host = "):
        BOUNDS.apply(rotor(rotor=rotctld("127.0.0.1"), receiver=receiver))


def test_only_serial_ports_of_the_file_are_opened():
    dish = {"driver": "winegard", "device": "/dev/ttyUSB0"}
    BOUNDS.apply(rotor(rotor=dish, receiver=OWN))
    with pytest.raises(NotAllowed, match=r"device = '/dev/mem'.*/dev/ttyUSB0;"):
        BOUNDS.apply(rotor(rotor=dish | {"device": "/dev/mem"}, receiver=OWN))
    with pytest.raises(NotAllowed, match="may open: none;"):
        Bounds().apply(rotor(rotor=dish, receiver=OWN))


def test_hard_limits_narrow_what_the_hub_allows():
    wide = {"limits": {"azimuth_deg": [-180, 450], "elevation_deg": [0, 60]}}
    limits = BOUNDS.apply(rotor(rotor=wide)).rotor.limits
    assert limits.azimuth_deg == (0, 360)
    assert limits.elevation_deg == (10, 60)
    assert BOUNDS.apply(rotor()).rotor.limits.elevation_deg == (10, 80)
    assert BOUNDS.apply(rotor("other")).rotor.limits is None
    nothing = {"limits": {"elevation_deg": [81, 90]}}
    with pytest.raises(OutOfLimits, match="nothing in common"):
        BOUNDS.apply(rotor(rotor=nothing))


def test_what_is_wrong_is_said_by_field_before_anybody_connects():
    assert BOUNDS.wrong(rotor(rotor=rotctld("127.0.0.1"), receiver=OWN)) is None
    receiver = {"driver": "rtl_tcp", "host": "10.0.0.1", "frequency_hz": 1e9}
    for field, value, described in (
        ("host", "10.0.0.1", rotor(rotor=rotctld("10.0.0.1"), receiver=OWN)),
        ("receiver.host", "10.0.0.1", rotor(rotor=rotctld("127.0.0.1"), receiver=receiver)),
        (
            "device",
            "/dev/mem",
            rotor(rotor={"driver": "winegard", "device": "/dev/mem"}, receiver=OWN),
        ),
    ):
        wrong = BOUNDS.wrong(described)
        assert (wrong.field, wrong.value) == (field, value)
        assert "in its node.toml" in wrong.allowed
    outside = {"limits": {"elevation_deg": [81, 90]}}
    wrong = BOUNDS.wrong(rotor(rotor=outside))
    assert wrong.field == "limits"
    assert wrong.value["elevation_deg"] == [81, 90]
    assert wrong.allowed.endswith("hard limits of its node: az 0…360°, el 10…80°")
    assert BOUNDS.wrong(rotor("other", rotor=outside)) is None
