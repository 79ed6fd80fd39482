"""The rules of a hub, put together over its database and the way to its nodes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from skyscan_server.bus.base import Bus
from skyscan_server.domain.assets import Assets
from skyscan_server.domain.calls import NodeCaller
from skyscan_server.domain.dispatch import Dispatch
from skyscan_server.domain.feeds import Feeds
from skyscan_server.domain.ingest import Ingest
from skyscan_server.domain.motions import Motions
from skyscan_server.domain.nodes import Nodes
from skyscan_server.domain.orbits import Orbits
from skyscan_server.domain.positions import Positions
from skyscan_server.domain.removal import Removal
from skyscan_server.domain.rotors import Rotors
from skyscan_server.domain.sessions import Sessions
from skyscan_server.domain.tasks import Tasks
from skyscan_server.domain.troubles import Troubles
from skyscan_server.main.issuing import BUILT_IN
from skyscan_server.settings import HubSettings
from skyscan_server.store.asset_files import AssetFiles
from skyscan_server.store.database import Database


@dataclass(frozen=True, slots=True)
class Rules:
    """Everything that routes are made over."""

    nodes: Nodes
    rotors: Rotors
    sessions: Sessions
    motions: Motions
    tasks: Tasks
    dispatch: Dispatch
    ingest: Ingest
    feeds: Feeds
    positions: Positions
    troubles: Troubles
    assets: Assets
    removal: Removal

    @classmethod
    def over(
        cls,
        settings: HubSettings,
        database: Database,
        gateway: Database,
        bus: Bus,
        nodes: Nodes,
        caller: NodeCaller,
    ) -> Self:
        """Put them together.

        Parameters
        ----------
        settings : HubSettings
            How the hub runs.
        database, gateway : Database
            As its owner sees it, and as the gateway does, which may do less; both the same
            where there is one role for both.
        bus : Bus
            Wakes readers.
        nodes, caller : Nodes, NodeCaller
            The nodes, and the way to them.
        """
        files = AssetFiles(settings.data / "assets")
        rotors = Rotors(database, bus, caller, built_in=BUILT_IN)
        tasks = Tasks(gateway)
        feeds = Feeds(database, bus)
        return cls(
            nodes=nodes,
            rotors=rotors,
            sessions=Sessions(database, bus, caller),
            motions=Motions(database, rotors, caller, Orbits(settings.data)),
            tasks=tasks,
            dispatch=Dispatch(tasks, bus),
            ingest=Ingest(gateway, bus, feeds.committed),
            feeds=feeds,
            positions=Positions(),
            troubles=Troubles(),
            assets=Assets(gateway, files, quota_bytes=settings.asset_quota_bytes),
            removal=Removal(database, bus, built_in=BUILT_IN),
        )
