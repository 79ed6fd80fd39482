"""A hub with its built-in node, as ``skyscan serve`` starts them, and requests to it."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from tests.server.processes import HubProcess, reach


@pytest.fixture(scope="package")
def process(tmp_path_factory):
    """The hub's process, once it is ready."""
    process = HubProcess(tmp_path_factory.mktemp("hub"))
    try:
        process.wait_until_ready()
        yield process
    finally:
        assert process.end() == 0, process.output[-4000:]


@pytest.fixture(scope="package")
def runtime(process):
    return process.wait_until_ready()


@pytest.fixture(scope="package")
def connected(runtime):
    """Rotors are connected when first asked; on a busy machine that takes the drivers a while."""

    async def connect():
        async with reach(runtime) as hub, asyncio.timeout(60):
            while True:
                async with hub.session.get(f"{hub.url}/api/rotors/1/test") as response:
                    if (await response.json())["connected"]:
                        return

    asyncio.run(connect())


@pytest.fixture
async def hub(runtime, connected):
    async with reach(runtime) as reached:
        yield reached


@pytest.fixture
def ask(hub):
    """Makes a request, sees what status it has, and returns what is answered."""

    async def ask(method, path, status=200, **arguments):
        async with hub.session.request(method, hub.url + path, **arguments) as response:
            content = await (response.json() if response.content_length else response.read())
            wanted = status if isinstance(status, tuple) else (status,)
            assert response.status in wanted, content
            return content

    return ask


@pytest.fixture
def until(ask):
    """Waits until a session has one of some statuses."""

    async def until(session_id, *statuses):
        async with asyncio.timeout(60):
            while True:
                session = await ask("GET", f"/api/skyscan/{session_id}")
                if session["status"] in statuses:
                    return session
                await asyncio.sleep(0.05)

    return until


SMALL = {"rotor_id": 1, "az_start": 10, "az_end": 14, "el_start": 30, "el_end": 34}


@pytest.fixture
async def session_id(ask, until):
    """A session that is completed."""
    number = (await ask("POST", "/api/skyscan/start", json=SMALL))["id"]
    await until(number, "completed")
    return number


@pytest.fixture
def rotor(ask):
    """Makes rotors that are there for a while."""

    @asynccontextmanager
    async def rotor(**fields):
        made = await ask("POST", "/api/rotors", 201, json=fields)
        try:
            yield made["id"]
        finally:
            await ask("DELETE", f"/api/rotors/{made['id']}", 204)

    return rotor
