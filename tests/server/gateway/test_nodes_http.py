"""What a node may do over HTTP.

Truth: the same rules as over its socket, seen in the store; statuses as the routes declare them.
"""

import pytest

from skyscan_lab.protocol.node_link import Ack, Claim, Granted, GraphUpdate, Task
from skyscan_lab.protocol.rotors import RotorFields
from skyscan_server.auth.principal import Principal
from skyscan_server.auth.scopes import Scope
from skyscan_server.domain.errors import Forbidden
from skyscan_server.gateway.installations import installation_of
from skyscan_server.web.protected import protected_routes
from tests.server.gateway.hub import ROOF, ended, point, records_json, running

HELLO = {"kind": "hello", "graph": ROOF.model_dump(mode="json")}


async def ask(hub, method, path, *, installation="roof", status=200, headers=None, **given):
    """Ask, and return what was answered, with its headers."""
    headers = hub.bearer(installation) | (headers or {})
    async with hub.client.request(method, path, headers=headers, **given) as response:
        text = await response.text()
        assert response.status == status, text
        return (await response.json() if text else None), response.headers


async def registered(hub, installation="roof", graph=HELLO):
    known, _ = await ask(hub, "POST", "/v1/nodes/register", json=graph, installation=installation)
    return known["node_id"]


async def session_of(hub):
    """A session of the node roof, which is connected meanwhile."""
    async with hub.node() as node:
        row = await hub.scan(node)
        return node.welcome.node_id, row.id


async def test_registering_brings_the_graph_once(hub):
    known, _ = await ask(hub, "POST", "/v1/nodes/register", json=HELLO)
    assert known["graph"]["rotors"][0]["key"] == "roof"
    again, _ = await ask(hub, "POST", "/v1/nodes/register", json={"kind": "hello"})
    assert again == known
    assert [rotor.key for rotor in await hub.rotors.everyone()] == ["roof"]


async def test_registering_does_not_take_the_place_of_a_socket(hub):
    async with hub.node() as node:
        known = await registered(hub)
        assert known == node.welcome.node_id
        await hub.add_rotor(node)
        await node.hear(GraphUpdate)
        assert await hub.nodes.online(known)


async def test_register_of_another_version_is_refused_in_words(hub):
    hello = {"kind": "hello", "version": 2, "graph": {"antennas": []}}
    answer, _ = await ask(hub, "POST", "/v1/nodes/register", json=hello, status=422)
    assert answer["detail"].startswith("version = 2: must be 1: install the same version")


async def test_heartbeat_is_noted(hub):
    node_id = await registered(hub)
    before = (await hub.nodes.everyone())[0].seen_at
    await ask(hub, "POST", f"/v1/nodes/{node_id}/heartbeat", status=204)
    assert (await hub.nodes.everyone())[0].seen_at > before


async def test_graph_is_sent_only_where_it_is_not_known(hub):
    node_id = await registered(hub)
    path = f"/v1/nodes/{node_id}/graph"
    graph, headers = await ask(hub, "GET", path)
    assert [rotor["key"] for rotor in graph["rotors"]] == ["roof"]
    known = {"If-None-Match": headers["ETag"]}
    nothing, headers = await ask(hub, "GET", path, headers=known, status=304)
    assert nothing is None
    assert headers["ETag"] == known["If-None-Match"]
    await hub.rotors.add(RotorFields(name="Mast", driver="simulated"))
    graph, headers = await ask(hub, "GET", path, headers=known)
    assert len(graph["rotors"]) == 2
    assert headers["ETag"] != known["If-None-Match"]


async def test_scan_over_http_alone(hub):
    node_id, session_id = await session_of(hub)
    tasks, _ = await ask(hub, "GET", f"/v1/nodes/{node_id}/tasks")
    assert [Task.model_validate(task).session_id for task in tasks] == [session_id]
    path = f"/v1/nodes/{node_id}/tasks/{session_id}"
    granted, _ = await ask(hub, "POST", f"{path}/claim")
    assert granted["granted"]
    total = tasks[0]["plan"]["grid"]
    assert total["step"] == 10
    batch = records_json(session_id, 1, running(), *map(point, range(12)))
    ack, _ = await ask(hub, "POST", f"{path}/records", json=batch)
    assert Ack.model_validate(ack).number == 13
    refusal, _ = await ask(hub, "POST", f"{path}/complete", status=409)
    assert refusal["detail"].endswith("committed up to 13")
    gap, _ = await ask(hub, "POST", f"{path}/records", json=records_json(session_id, 15, ended()))
    assert gap["number"] == 13
    last = records_json(session_id, 14, ended())
    ack, _ = await ask(hub, "POST", f"{path}/records", json=last)
    assert ack["number"] == 14
    again, _ = await ask(hub, "POST", f"{path}/records", json=last)
    assert again["number"] == 14
    done, _ = await ask(hub, "POST", f"{path}/complete")
    assert done["number"] == 14
    assert (await hub.sessions.get(session_id)).status == "completed"
    assert (await ask(hub, "GET", f"/v1/nodes/{node_id}/tasks"))[0] == []
    late = records_json(session_id, 15, point(12))
    refusal, _ = await ask(hub, "POST", f"{path}/records", json=late, status=400)
    assert "nothing can follow" in refusal["detail"]


async def test_session_of_the_body_must_be_that_of_the_path(hub):
    node_id, session_id = await session_of(hub)
    path = f"/v1/nodes/{node_id}/tasks/{session_id}/records"
    batch = records_json(session_id + 1, 1, running())
    refusal, _ = await ask(hub, "POST", path, json=batch, status=422)
    assert (
        refusal["detail"] == f"session_id = {session_id + 1}: must be {session_id}, as in the path"
    )


async def test_claim_over_http_and_over_the_socket_are_one(hub):
    async with hub.node() as node:
        row = await hub.scan(node)
        path = f"/v1/nodes/{node.welcome.node_id}/tasks/{row.id}/claim"
        over_http, _ = await ask(hub, "POST", path)
        await node.say(Claim(session_id=row.id))
        assert await node.hear(Granted) == Granted.model_validate(over_http)


def bound_routes(hub):
    """Every route where things of an installation are."""
    return [
        (needs.method, needs.path)
        for needs in protected_routes(hub.application())
        if needs.installation_bound
    ]


async def test_things_of_another_installation_are_not_there(hub):
    """A table of all routes, so that no new one can be forgotten."""
    node_id, session_id = await session_of(hub)
    own = await registered(hub, "cellar", {"kind": "hello"})
    asset, _ = await ask(
        hub,
        "POST",
        f"/v1/nodes/{node_id}/assets",
        json={"label": "a", "media_type": "text/plain", "size": 1, "sha256": "0" * 64},
        status=201,
    )
    routes = bound_routes(hub)
    assert len(routes) == 10
    for method, path in routes:
        for node in (node_id, own, 4711):
            ids = {"node_id": node, "session_id": session_id, "asset_id": asset["id"]}
            if node == own and "_id}" not in path.replace("{node_id}", ""):
                continue  # that one is theirs
            body = None
            if path.endswith("/records"):
                body = records_json(session_id, 1, running())
            elif method == "POST" and path.endswith("/assets"):
                body = {"label": "a", "media_type": "a/b", "size": 1, "sha256": "0" * 64}
            answer, _ = await ask(
                hub, method, path.format(**ids), json=body, installation="cellar", status=404
            )
            assert answer is None or "not found" in answer["detail"]
    session = {"label": "a", "media_type": "a/b", "size": 1, "sha256": "0" * 64}
    await ask(
        hub,
        "POST",
        f"/v1/nodes/{own}/assets",
        json=session | {"session_id": session_id},
        installation="cellar",
        status=404,
    )
    assert not (await hub.sessions.get(session_id)).claimed


async def test_every_route_of_nodes_needs_the_scope_of_a_node(hub):
    routes = [r for r in protected_routes(hub.application()) if r.path.startswith("/v1/")]
    assert {route.scope for route in routes} == {Scope.NODE}
    ids = {"node_id": 1, "session_id": 1, "asset_id": "a"}
    for route in routes:
        for headers, status in (({}, 401), (hub.bearer(scope=Scope.ADMIN), 403)):
            path = route.path.format(**ids)
            if route.is_socket:
                headers = headers | {"Upgrade": "websocket"}
            async with hub.client.request(route.method, path, headers=headers) as response:
                assert response.status == status, path


def test_token_without_installation_sees_nothing():
    """An outside issuer may make such a token; ours would not."""
    with pytest.raises(Forbidden, match="installation"):
        installation_of(Principal("a program", None, frozenset({Scope.NODE}), "1", None))


async def test_code_is_good_once(hub):
    code = await hub.enrolling.invite("roof")
    answer, headers = await ask(
        hub, "POST", "/v1/nodes/enrol", json={"code": code.code.lower()}, status=201
    )
    assert answer["installation"] == "roof"
    assert set(answer) == {"installation", "client_id", "client_secret"}
    assert headers["Cache-Control"] == "no-store"
    for wrong in (code.code, "0000-0000-0000-0000", "x"):
        refusal, _ = await ask(hub, "POST", "/v1/nodes/enrol", json={"code": wrong}, status=403)
        assert "not good" in refusal["detail"]
        assert wrong not in refusal["detail"]


async def test_codes_cannot_be_tried_at_will(hub_of):
    hub = await hub_of(attempts=3)
    wrong = {"code": "0000-0000-0000-0000"}
    for _ in range(3):
        await ask(hub, "POST", "/v1/nodes/enrol", json=wrong, status=403)
    refusal, headers = await ask(hub, "POST", "/v1/nodes/enrol", json=wrong, status=429)
    assert headers["Retry-After"] == "20"
    assert "wait 20 s" in refusal["detail"]
