"""A hub on SQLite, served; a test that needs another one makes it with `hub_of`."""

from contextlib import AsyncExitStack

import pytest

from skyscan_server.store.database import open_database
from tests.server.gateway.hub import Hub, Options


@pytest.fixture
async def hub_of(tmp_path):
    """Serve a hub with options of its own."""
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
