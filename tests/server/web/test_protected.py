"""Truth: the router itself, which knows every route, however it got there."""

from __future__ import annotations

from datetime import timedelta

import pytest
from aiohttp import web

from skyscan_server.auth.scopes import Scope
from skyscan_server.web.application import make_application
from skyscan_server.web.authentication import Authentication
from skyscan_server.web.operations import Call, Operation
from skyscan_server.web.protected import all_routes, protected_routes
from tests.server.web.sample import Site

UPGRADE = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
}


def test_the_table_has_every_route_of_the_router(site):
    listed = {(needs.method, needs.path) for needs in all_routes(site.app)}
    served = {(route.method, route.resource.canonical) for route in site.app.router.routes()}
    assert {("HEAD", path) for method, path in listed if method == "GET"} > served - listed
    assert listed == {route for route in served if route[0] != "HEAD" or route in listed}
    assert len(listed) == len(all_routes(site.app)) == 22
    public = {needs.path for needs in all_routes(site.app) if needs.scope is None}
    assert public == {
        "/asyncapi.json",
        "/docs",
        "/docs/sockets",
        "/grant",
        "/healthz",
        "/hello",
        "/openapi.json",
        "/readyz",
    }
    bound = [needs.path for needs in all_routes(site.app) if needs.installation_bound]
    assert bound == ["/aims/{aim_id}/files/{file}"]


async def test_every_protected_route_refuses_whoever_may_not_call(site, stranger):
    expired = site.token(lifetime=timedelta(seconds=1))
    site.clock.ahead = timedelta(seconds=2)
    for needs in protected_routes(site.app):
        path = needs.path.format(aim_id=1, file="x", why="gone", how="whole", room_id=1)
        scopes = frozenset(Scope) - {needs.scope, Scope.NODE}
        attempts = {
            "no token": ({}, 401),
            "a wrong one": ({"Authorization": "Bearer a.b.c"}, 401),
            "an expired one": ({"Authorization": f"Bearer {expired}"}, 401),
            "other scopes": (site.bearer(*scopes), 403),
        }
        for what, (headers, status) in attempts.items():
            upgrade = UPGRADE if needs.is_socket else {}
            async with stranger.request(
                needs.method, path, headers={**headers, **upgrade}
            ) as answer:
                assert answer.status == status, (needs, what)


async def test_a_route_that_was_never_declared_keeps_the_server_from_starting(site):
    async def sneaky(request):
        raise AssertionError

    site.app.router.add_get("/sneaky", sneaky)
    with pytest.raises(RuntimeError, match="routes without a declaration: HEAD /sneaky, GET"):
        all_routes(site.app)
    with pytest.raises(RuntimeError, match="/sneaky"):
        async with site.serve():
            raise AssertionError


async def test_and_is_answered_to_nobody_even_so(site):
    async def sneaky(request):
        return web.Response(text="secret")

    site.app.router.add_route("GET", "/sneaky", sneaky)
    site.app.on_startup.clear()
    async with site.serve() as client, client.get("/sneaky", headers=site.bearer()) as answer:
        assert answer.status == 500
        assert "secret" not in await answer.text()


async def nothing(call: Call[None, None]) -> None: ...


def test_a_route_is_declared_once(site):
    one = Operation(method="GET", path="/x/{a}", handler=nothing, summary="", public=True)
    other = Operation(method="GET", path="/x/{a}", handler=nothing, summary="", public=True)
    with pytest.raises(ValueError, match=r"GET /x/\{a\} is declared twice"):
        make_application([one, other], authentication=Authentication(site.verifier))


async def test_a_site_can_open_its_metrics(tmp_path):
    site = Site(tmp_path, metrics_scope=None)
    async with site.serve() as session, session.get("/metrics") as answer:
        assert answer.status == 200
