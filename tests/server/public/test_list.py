"""Truth: the list of sessions that the hub gives whole, against its parts."""

import pytest

pytestmark = pytest.mark.system

SMALL = {"rotor_id": 1, "az_start": 10, "az_end": 12, "el_start": 30, "el_end": 30, "step_deg": 2}
ENDS = ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "1677-12-31T23:59:59Z"]


@pytest.fixture
async def everything(ask, until):
    """All sessions there are, three at least, each with when it was made."""
    for _ in range(3 - len(await ask("GET", "/api/skyscan/sessions"))):
        session = await ask("POST", "/api/skyscan/start", json=SMALL)
        await until(session["id"], "completed")
    listed = await ask("GET", "/api/skyscan/sessions")
    details = [await ask("GET", f"/api/skyscan/{one['id']}/detail") for one in listed]
    return [
        one | {"created_at": detail["created_at"]}
        for one, detail in zip(listed, details, strict=True)
    ]


def numbers(sessions):
    return [session["id"] for session in sessions]


async def test_a_page_is_a_part_of_the_list_and_says_how_long_that_is(hub, everything):
    for offset in range(len(everything) + 2):
        query = {"limit": "2", "offset": str(offset)}
        async with hub.session.get(f"{hub.url}/api/skyscan/sessions", params=query) as response:
            listed = await response.json()
            assert response.headers["X-Total-Count"] == str(len(everything))
        assert numbers(listed) == numbers(everything)[offset : offset + 2]
    async with hub.session.get(f"{hub.url}/api/skyscan/sessions?offset=1") as response:
        assert numbers(await response.json()) == numbers(everything)[1:]


async def test_sessions_of_a_status_and_of_a_rotor(ask, everything):
    for status in ("completed", "cancelled", "running"):
        listed = await ask("GET", f"/api/skyscan/sessions?status={status}")
        assert numbers(listed) == [one["id"] for one in everything if one["status"] == status]
    of_one = [one["id"] for one in everything if one["rotor_id"] == 1]
    assert numbers(await ask("GET", "/api/skyscan/sessions?rotor_id=1")) == of_one
    assert await ask("GET", "/api/skyscan/sessions?rotor_id=999999") == []


@pytest.mark.parametrize("zone", ["", "Z", "+00:00"])
async def test_a_time_is_asked_for_as_the_api_writes_it(ask, everything, zone):
    when = everything[1]["created_at"]
    query = {"created_after": when + zone}
    after = await ask("GET", "/api/skyscan/sessions", params=query)
    assert numbers(after) == [one["id"] for one in everything if one["created_at"] >= when]
    query = {"created_before": when + zone}
    before = await ask("GET", "/api/skyscan/sessions", params=query)
    assert numbers(before) == [one["id"] for one in everything if one["created_at"] < when]
    assert len(after) + len(before) == len(everything)


@pytest.mark.parametrize("field", ["created_after", "created_before"])
@pytest.mark.parametrize("text", [*ENDS, "1700000000", "2026-02-14", "2026-02-30T00:00:00", "now"])
async def test_what_is_no_time_is_refused_in_words(ask, field, text):
    said = await ask("GET", "/api/skyscan/sessions", 422, params={field: text})
    assert said["detail"].startswith(f'{field} = "{text}": must be a')


@pytest.mark.parametrize("text", ["1.0", "+1", "1_0", " 1", "1e0"])
async def test_a_number_is_written_as_one(ask, text):
    said = await ask("GET", "/api/skyscan/sessions", 422, params={"limit": text})
    assert said["detail"] == f'limit = "{text}": must be an integer'
