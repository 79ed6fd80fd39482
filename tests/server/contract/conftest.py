"""A hub with its built-in node, as ``skyscan serve`` starts them."""

import pytest

from tests.server.processes import HubProcess, reach


@pytest.fixture(scope="module")
def runtime(tmp_path_factory):
    """How to reach the hub, once it is ready."""
    process = HubProcess(tmp_path_factory.mktemp("hub"))
    try:
        yield process.wait_until_ready()
    finally:
        assert process.end() == 0, process.output[-4000:]


@pytest.fixture
async def hub(runtime):
    async with reach(runtime) as reached:
        yield reached
