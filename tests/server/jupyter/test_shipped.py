"""Truth: a Jupyter server that was told nothing about us, as on a JupyterHub."""

import asyncio
import os
import signal

import aiohttp
import pytest

from tests.server.jupyter.servers import FakeHub, jupyter_server

pytestmark = pytest.mark.system


async def test_what_is_installed_is_enough_and_ends_quietly_with_its_server(tmp_path):
    with jupyter_server(tmp_path) as jupyter:
        async with (
            FakeHub().running(tmp_path) as hub,
            aiohttp.ClientSession(headers=jupyter.bearer) as script,
        ):
            async with script.get(jupyter.hub("/api/rotors")) as answer:
                assert answer.status == 200
            async with (
                script.ws_connect(jupyter.hub("/ws/echo")) as socket,
                script.get(jupyter.hub("/dribble")) as answer,
            ):
                await socket.send_str("here")
                assert await socket.receive_str(timeout=30) == "here"
                os.kill(jupyter.pid, signal.SIGTERM)
                await asyncio.wait_for(hub.closed_with, 30)
                answer.close()
    for trouble in ("Traceback", "never retrieved", "was destroyed", "Unclosed", "Error"):
        assert trouble not in jupyter.output, jupyter.output[-4000:]
