"""Truth: what the API lists, counted by hand; and a parser of Prometheus's own."""

import pytest
from prometheus_client.parser import text_string_to_metric_families

pytestmark = pytest.mark.system


@pytest.fixture
def figures(hub):
    async def figures():
        async with hub.session.get(f"{hub.url}/metrics") as response:
            assert response.status == 200
            families = list(text_string_to_metric_families(await response.text()))
        samples = [sample for family in families for sample in family.samples]
        return {(one.name, *sorted(one.labels.values())): one.value for one in samples}

    return figures


async def test_sessions_points_and_nodes_are_counted(ask, until, figures, session_id):
    before = await figures()
    number = (
        await ask(
            "POST",
            "/api/skyscan/start",
            json={"rotor_id": 1, "az_start": 0, "az_end": 8, "el_start": 30, "el_end": 30},
        )
    )["id"]
    await until(number, "completed")
    after = await figures()
    listed = await ask("GET", "/api/skyscan/sessions")
    for status in ("pending", "running", "paused", "completed", "cancelled"):
        counted = sum(session["status"] == status for session in listed)
        assert after["skyscan_sessions", status] == counted
    committed = ("skyscan_points_committed_total",)
    assert after[committed] - before[committed] == 5
    assert after["skyscan_commit_seconds_count",] > before["skyscan_commit_seconds_count",]
    assert after["skyscan_commit_seconds_sum",] > before["skyscan_commit_seconds_sum",]
    assert after["skyscan_connected_nodes",] == 1
    assert after["skyscan_writer_queue",] == 0
    assert not [name for name, *_ in after if name.endswith("_created")]
