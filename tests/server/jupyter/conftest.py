"""One Jupyter server for all tests here, and a new hub behind it for each."""

from __future__ import annotations

import aiohttp
import pytest
from yarl import URL

from tests.server.jupyter.servers import FakeHub, jupyter_server

BASE = "/user/ada%40site/"


@pytest.fixture(scope="session")
def jupyter(tmp_path_factory):
    """A Jupyter server as a JupyterHub starts one for the user ada@site."""
    with jupyter_server(
        tmp_path_factory.mktemp("jupyter"),
        "--ServerApp.jpserver_extensions=tests.server.jupyter.quick=True",
        "--ServerApp.authorizer_class=tests.server.jupyter.quick.OnRequest",
        base=BASE,
        JUPYTER_NO_CONFIG="1",
    ) as server:
        yield server


@pytest.fixture
async def hub(jupyter):
    async with FakeHub().running(jupyter.home) as running:
        yield running


@pytest.fixture
async def script(jupyter):
    """A program that has Jupyter's token."""
    timeout = aiohttp.ClientTimeout(total=60)
    async with aiohttp.ClientSession(headers=jupyter.bearer, timeout=timeout) as session:
        yield session


@pytest.fixture
async def cookies(jupyter):
    """Cookies that Jupyter gives a browser whose user logs in."""
    given = {}
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        for query in ("", f"?token={jupyter.token}"):
            login = URL(f"{jupyter.url}login{query}", encoded=True)
            async with session.get(login, allow_redirects=False) as answer:
                given |= {name: cookie.coded_value for name, cookie in answer.cookies.items()}
    return given


@pytest.fixture
async def browser(cookies):
    """A browser whose user has logged in to Jupyter."""
    # The jar of aiohttp does not find the path of a cookie that has a percent sign in it.
    sent = {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}
    async with aiohttp.ClientSession(headers=sent) as session:
        yield session


@pytest.fixture
async def stranger():
    """A browser whose user has not."""
    async with aiohttp.ClientSession() as session:
        yield session
