"""A hub on SQLite, served; a test that needs another one makes it with `hub_of`."""

import asyncio
import shutil
from contextlib import AsyncExitStack

import pytest

from skyscan_server.auth.keys import load_signing_key
from skyscan_server.store.database import open_database
from tests.server.gateway.hub import Hub, Options


@pytest.fixture(scope="session")
def prepared(tmp_path_factory):
    """Folder of a hub that has its tables and its key: making them takes longer than most tests."""
    folder = tmp_path_factory.mktemp("prepared")

    async def prepare():
        async with open_database(f"sqlite:///{folder / 'hub.sqlite'}"):
            load_signing_key(folder)

    asyncio.run(prepare())
    return folder


@pytest.fixture
async def hub_of(tmp_path, prepared):
    """Serve a hub with options of its own."""
    shutil.copytree(prepared, tmp_path, dirs_exist_ok=True)
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(
            open_database(f"sqlite:///{tmp_path / 'hub.sqlite'}")
        )

        async def serve(**options):
            return await stack.enter_async_context(
                Hub(database, tmp_path, Options(**options)).serve()
            )

        yield serve


@pytest.fixture
async def hub(hub_of):
    return await hub_of()
