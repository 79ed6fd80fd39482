"""The node that runs beside the hub, in its process, over the same road as every other."""

from __future__ import annotations

from pathlib import Path

from skyscan_lab.errors import StationError
from skyscan_lab.station import Station, load_station
from skyscan_server.main.issuing import BUILT_IN, BuiltInClients
from skyscan_server.node.agent import Node
from skyscan_server.node.config import NodeConfig, NodeSection, RotorSection, load_node
from skyscan_server.node.credentials import Credentials

NODE_FILE = "node.toml"
"""In the data folder of the hub: says what stands beside the built-in node, if it is there."""


def built_in_config(data: Path, station: Path | None) -> NodeConfig:
    """What stands beside the built-in node.

    Parameters
    ----------
    data : Path
        Data folder of the hub; a node.toml in it is used.
    station : Path, optional
        A station.toml, in its place.

    Raises
    ------
    NodeConfigError, StationError
        For a file that says something else.
    """
    path = data / NODE_FILE
    if station is None:
        return load_node(path if path.exists() else None)
    if path.exists():
        raise StationError(f"{station}: {path} says already what stands here: give one of them")
    described = load_station(station)
    return NodeConfig(rotors=(_rotor(described),))


def built_in_node(
    config: NodeConfig, data: Path, gateway_url: str, clients: BuiltInClients
) -> Node:
    """Make the node; it connects to the gateway as any other would."""
    section = config.node.model_copy(
        update={"name": BUILT_IN, "hub": gateway_url, "data": data / "node"}
    )
    return Node(
        NodeConfig(node=NodeSection.model_validate(section), rotors=config.rotors),
        Credentials(clients.node_id, clients.node_secret),
    )


def _rotor(station: Station) -> RotorSection:
    return RotorSection(
        key="station",
        name=station.site.name,
        site=station.site,
        rotor=station.rotor,
        receiver=station.receiver,
        seed=station.seed,
        hard_limits=station.rotor.limits,
    )
