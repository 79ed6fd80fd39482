"""A hub, from its settings to its listeners, and the node beside it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from aiohttp import web

from skyscan_lab.client.runtime import Runtime
from skyscan_server.auth.runtime_file import runtime_file
from skyscan_server.bus.base import Bus
from skyscan_server.bus.local import LocalBus
from skyscan_server.domain.nodes import Nodes
from skyscan_server.gateway.connection_registry import ConnectionRegistry
from skyscan_server.gateway.direct_rpc import DirectRpc
from skyscan_server.gateway.tile_renderer import TileRenderer
from skyscan_server.gateway.ws import NodeSocket
from skyscan_server.main.access import access_to
from skyscan_server.main.background import background
from skyscan_server.main.built_in import built_in_config, built_in_node
from skyscan_server.main.figures import add_figures
from skyscan_server.main.gateway_application import gateway_application
from skyscan_server.main.internal_application import internal_application
from skyscan_server.main.listeners import listening, listening_at_path
from skyscan_server.main.private_folder import private_folder
from skyscan_server.main.public_application import public_application
from skyscan_server.main.rules import Rules
from skyscan_server.node.agent import Node
from skyscan_server.settings import HubSettings, SettingsError
from skyscan_server.store.database import Database, open_database
from skyscan_server.store.roles import grant_gateway
from skyscan_server.web.health import Check, Readiness
from skyscan_server.web.metrics import Metrics

INTERNAL_SOCKET = "internal.sock"
"""Listener of the internal API in the data folder."""


@dataclass(frozen=True, slots=True)
class Hub:
    """A hub that is served.

    Attributes
    ----------
    url, gateway_url, internal_url : str
        Of the public API, of the gateway, and of the internal API (``unix:PATH``, where it is a
        socket in the data folder).
    public, gateway, internal : aiohttp.web.Application
        What is served there.
    """

    url: str
    gateway_url: str
    internal_url: str
    public: web.Application
    gateway: web.Application
    internal: web.Application


@asynccontextmanager
async def serving(
    settings: HubSettings,
    *,
    with_node: bool = True,
    station: Path | None = None,
    bus: Bus | None = None,
) -> AsyncIterator[Hub]:
    """Serve a hub for as long as the block runs.

    Parameters
    ----------
    settings : HubSettings
        How.
    with_node : bool
        Whether the node of this machine runs beside it.
    station : Path, optional
        station.toml of that node; the simulated station by default.
    bus : Bus, optional
        What wakes the hub's readers; one within this process by default.

    Yields
    ------
    Hub
        Where it is.

    Raises
    ------
    StoreInUse
        Where another hub has the same SQLite database.
    CannotListen
        Where another program has a port.
    SkyscanError
        For what else is wrong with settings, files or the database.
    """
    config = built_in_config(settings.data, station) if with_node else None
    await asyncio.to_thread(private_folder, settings.data)
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(open_database(settings.url))
        access = await stack.enter_async_context(access_to(settings, database))
        bus = LocalBus() if bus is None else bus
        gateway_database = await _for_gateway(stack, settings, database)
        nodes = Nodes(gateway_database)
        if database.is_sqlite:
            await nodes.forget_connections()  # nobody but us can have had them
        registry = ConnectionRegistry()
        rpc = DirectRpc(registry, nodes)
        rules = Rules.over(settings, database, gateway_database, bus, nodes, rpc)
        node_socket = NodeSocket(
            registry,
            rpc,
            nodes=nodes,
            tasks=rules.tasks,
            dispatch=rules.dispatch,
            ingest=rules.ingest,
            rotors=rules.rotors,
            positions=rules.positions,
            troubles=rules.troubles,
            bus=bus,
        )
        await stack.enter_async_context(
            background(
                rules.ingest.run(),
                rules.feeds.run(),
                rules.dispatch.run(),
                rules.assets.run(),
                node_socket.run(),
            )
        )
        await stack.enter_async_context(rules.motions)
        readiness, metrics = _readiness(rules), Metrics()
        add_figures(metrics, rules.sessions, rules.ingest, registry)
        gateway = gateway_application(settings, rules, access, node_socket, readiness)
        gateway_url = await stack.enter_async_context(
            listening(gateway, settings.host, settings.gateway_port)
        )
        renderer = await stack.enter_async_context(TileRenderer(rules.sessions))
        by_path = settings.internal_port is None
        # One of a hub that was killed: nobody listens at it, whoever has the database.
        await asyncio.to_thread((settings.data / INTERNAL_SOCKET).unlink, missing_ok=True)
        internal = internal_application(rules, access, rpc, renderer, readiness, by_path=by_path)
        internal_url = await stack.enter_async_context(
            listening_at_path(internal, settings.data / INTERNAL_SOCKET)
            if settings.internal_port is None
            else listening(internal, "127.0.0.1", settings.internal_port)
        )
        if config is not None:
            node = built_in_node(config, settings.data, gateway_url, access.clients)
            readiness.add("node", _connected(node))
            await stack.enter_async_context(background(node.run()))
        public = public_application(settings, rules, access, readiness, metrics)
        url = await stack.enter_async_context(listening(public, settings.host, settings.port))
        token = access.lab_token.token
        runtime = Runtime(url=url, gateway_url=gateway_url, token=token, pid=os.getpid())
        await stack.enter_async_context(runtime_file(settings.data, runtime))
        yield Hub(url, gateway_url, internal_url, public, gateway, internal)


async def _for_gateway(
    stack: AsyncExitStack, settings: HubSettings, database: Database
) -> Database:
    """Database as the gateway sees it: with a role that can do less, where there is one."""
    url = settings.gateway_database
    if url is None:
        return database
    role = sa.make_url(url).username
    if role is None:
        raise SettingsError("gateway_database: must name a role: postgresql://ROLE@HOST/NAME")
    await grant_gateway(database, role)
    return await stack.enter_async_context(open_database(url, owner=False))


def _readiness(rules: Rules) -> Readiness:
    readiness = Readiness()

    async def store() -> str | None:
        await rules.nodes.everyone()
        return rules.ingest.trouble

    readiness.add("store", store)
    return readiness


def _connected(node: Node) -> Check:
    async def connected() -> str | None:
        return None if node.connected.is_set() else "the built-in node has not registered"

    return connected
