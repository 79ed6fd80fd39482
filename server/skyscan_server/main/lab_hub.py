"""The hub of a lab: one that runs with its data folder already, or a new one at free ports."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from skyscan_lab.client.runtime import read_runtime
from skyscan_server.main.free_ports import free_port
from skyscan_server.main.listeners import CannotListen
from skyscan_server.main.serving import serving
from skyscan_server.settings import HubSettings
from skyscan_server.store.errors import StoreInUse

_PAUSE_S = 0.25
_START_S = 30.0
_READY_S = 30.0
_ANSWER_S = 5.0


@dataclass(frozen=True, slots=True)
class LabHub:
    """A hub that a lab can use.

    Attributes
    ----------
    url, gateway_url : str
        Of its public API and its gateway.
    ours : bool
        Whether it ends with the lab.
    moved : tuple of str
        What is not where the settings want it, in words.
    """

    url: str
    gateway_url: str
    ours: bool
    moved: tuple[str, ...] = ()


@asynccontextmanager
async def hub_of_lab(
    settings: HubSettings, station: Path | None, *, start_s: float = _START_S
) -> AsyncIterator[LabHub]:
    """Find the hub of a data folder, or serve one for as long as the block runs.

    Parameters
    ----------
    settings : HubSettings
        How to serve it. A port that another program has is left to it.
    station : Path, optional
        As for `serving`.
    start_s : float
        For how long to wait for a hub that is about to start, or to end.

    Raises
    ------
    SkyscanError
        As `serving`.
    """
    deadline = asyncio.get_running_loop().time() + start_s
    async with AsyncExitStack() as stack:
        while (found := await _running(settings.data)) is None:
            at, moved = await asyncio.to_thread(_at_free_ports, settings)
            try:
                hub = await stack.enter_async_context(serving(at, station=station))
            except (StoreInUse, CannotListen):
                # Somebody was faster: with this folder, or with a port that was free.
                if asyncio.get_running_loop().time() > deadline:
                    raise
                await asyncio.sleep(_PAUSE_S)
            else:
                found = LabHub(hub.url, hub.gateway_url, ours=True, moved=moved)
                break
        yield found


async def wait_until_ready(hub: LabHub, *, ready_s: float = _READY_S) -> bool:
    """Wait until a hub and its node can do their work; whether they can in that time."""
    deadline = asyncio.get_running_loop().time() + ready_s
    while not await _answers(f"{hub.url}/readyz"):
        if asyncio.get_running_loop().time() > deadline:
            return False
        await asyncio.sleep(_PAUSE_S)
    return True


async def _running(data: Path) -> LabHub | None:
    runtime = await asyncio.to_thread(read_runtime, data)
    if runtime is None or not runtime.alive or not await _answers(f"{runtime.url}/healthz"):
        return None
    return LabHub(runtime.url, runtime.gateway_url, ours=False)


async def _answers(url: str) -> bool:
    timeout = aiohttp.ClientTimeout(total=_ANSWER_S)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout, trust_env=False) as session,
            session.get(url) as answer,
        ):
            return answer.status == 200
    except (aiohttp.ClientError, TimeoutError):
        return False


def _at_free_ports(settings: HubSettings) -> tuple[HubSettings, tuple[str, ...]]:
    port = free_port(settings.host, settings.port)
    gateway_port = free_port(settings.host, settings.gateway_port, besides={port})
    moved = tuple(
        f"port {wanted} is taken: {what} moves on"
        for what, wanted, got in (
            ("the public API", settings.port, port),
            ("the gateway", settings.gateway_port, gateway_port),
        )
        if wanted != got
    )
    return settings.model_copy(update={"port": port, "gateway_port": gateway_port}), moved
