"""The sample application, served."""

from __future__ import annotations

import pytest

from tests.server.web.sample import Site


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path)


@pytest.fixture
async def client(site):
    async with site.serve() as session:
        session.headers.update(site.bearer())
        yield session


@pytest.fixture
async def stranger(site, client):
    """A client without a token."""
    async with site.client() as session:
        yield session
