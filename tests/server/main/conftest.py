"""A hub in the process of the test, put together as ``skyscan serve`` does it."""

import pytest

from skyscan_server.main.serving import serving
from skyscan_server.settings import load_settings


@pytest.fixture
async def served(tmp_path, monkeypatch):
    """Hub and built-in node, on free ports."""
    monkeypatch.setenv("SKYSCAN_TIME_SCALE", "1000")
    settings = load_settings(tmp_path / "data", port=0, gateway_port=0, internal_port=0)
    async with serving(settings) as hub:
        yield hub
