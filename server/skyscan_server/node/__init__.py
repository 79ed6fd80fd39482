"""The node: our agent beside the hardware."""

from skyscan_server.node.agent import Node
from skyscan_server.node.config import (
    NodeConfig,
    NodeConfigError,
    NodeSection,
    RotorSection,
    load_node,
)
from skyscan_server.node.credentials import Credentials
from skyscan_server.node.data_folder import NodeError
from skyscan_server.node.timing import NodeTiming

__all__ = [
    "Credentials",
    "Node",
    "NodeConfig",
    "NodeConfigError",
    "NodeError",
    "NodeSection",
    "NodeTiming",
    "RotorSection",
    "load_node",
]
