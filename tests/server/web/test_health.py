"""Truth: what the checks themselves say."""

from __future__ import annotations

import asyncio


async def test_it_is_alive_and_says_so_to_everybody(stranger):
    async with stranger.get("/healthz") as answer:
        assert answer.status == 200
        assert await answer.json() == {"status": "ok"}


async def test_it_is_ready_when_every_check_holds(stranger, site):
    missing = {"store": None, "node": "the built-in node has not registered"}

    async def store():
        return missing["store"]

    async def node():
        return missing["node"]

    site.readiness.add("store", store)
    site.readiness.add("node", node)
    async with stranger.get("/readyz") as answer:
        assert answer.status == 503
        words = (await answer.json())["detail"]
    assert words == "not ready: node: the built-in node has not registered"
    missing["store"] = "read-only"
    async with stranger.get("/readyz") as answer:
        words = (await answer.json())["detail"]
    assert words == "not ready: store: read-only; node: the built-in node has not registered"
    missing.update(store=None, node=None)
    async with stranger.get("/readyz") as answer:
        assert answer.status == 200
        assert await answer.json() == {"status": "ready", "checks": ["node", "store"]}


async def test_a_check_that_hangs_or_fails_does_not_hold(stranger, site):
    async def hangs():
        await asyncio.sleep(30)

    site.readiness.add("node", hangs)
    async with stranger.get("/readyz") as answer:
        assert answer.status == 503
        assert (await answer.json())["detail"] == "not ready: node: no answer within 0.2 s"

    async def fails():
        raise OSError("disk on fire")

    site.readiness.add("node", fails)
    async with stranger.get("/readyz") as answer:
        assert answer.status == 503
        assert (await answer.json())["detail"] == "not ready: node: cannot be checked: OSError"
