"""Truth: what was to be scanned, point by point; the short versions of three campaigns."""

import pytest

from tests.campaigns import faulty_bus, faulty_link, kill_server

pytestmark = [pytest.mark.campaign, pytest.mark.system]


@pytest.mark.timeout(300)
async def test_node_and_hub_are_killed_and_nothing_is_lost(tmp_path):
    result = await kill_server.campaign(tmp_path, kills=4, seed=5, database=None)
    assert result["kills"] == 4
    assert result["connections of the follower"] > 1
    assert kill_server.passed(result), result


@pytest.mark.timeout(300)
async def test_a_link_holds_up_drops_doubles_and_reorders_and_nothing_is_lost(
    tmp_path, monkeypatch
):
    monkeypatch.setenv("SKYSCAN_TIME_SCALE", "1000")
    often = faulty_link.Faults(10, delayed=1, dropped=1, doubled=1, reordered=1, dead=0, cut=0)
    result = await faulty_link.campaign(tmp_path, sessions=2, seed=2, faults=often)
    assert result["messages dropped"]
    assert result["messages doubled"]
    assert result["messages reordered"]
    assert result["messages delayed"]
    assert faulty_link.passed(result), result


@pytest.mark.timeout(300)
async def test_a_bus_drops_doubles_delays_and_reorders_and_nothing_is_lost(tmp_path, monkeypatch):
    monkeypatch.setenv("SKYSCAN_TIME_SCALE", "300")
    often = faulty_bus.Faults(5, dropped=1, doubled=1, delayed=1, reordered=1)
    result = await faulty_bus.campaign(tmp_path, sessions=3, seed=3, faults=often)
    for fate in ("dropped", "doubled", "delayed", "reordered"):
        assert result[f"wakes {fate}"]
    assert result["wishes"]
    assert faulty_bus.passed(result), result
