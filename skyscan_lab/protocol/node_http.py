"""What a node may ask over HTTP instead of its WebSocket; the rest is as in `node_link`."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from skyscan_lab.protocol.graph import HardwareGraph


class NodeRegistered(BaseModel):
    """Answer of ``POST /v1/nodes/register``: the node's number, and the hub's graph of it."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    node_id: int
    graph: HardwareGraph
    graph_version: int
