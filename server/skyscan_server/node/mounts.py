"""The mounts of a node, as the graph has them."""

from __future__ import annotations

from collections.abc import Iterator

import structlog

from skyscan_lab.errors import DeviceError
from skyscan_lab.protocol.graph import GraphRotor, HardwareGraph, RotorKey
from skyscan_lab.protocol.rpc import Wrong
from skyscan_server.node.bounds import Bounds
from skyscan_server.node.mount import Mount

log = structlog.get_logger(__name__)


class UnknownRotor(DeviceError):
    """The graph has no rotor of this key."""


class Mounts:
    """Every mount of a node.

    Parameters
    ----------
    graph : HardwareGraph
        What stands there.
    bounds : Bounds
        What the node's own file allows.
    """

    def __init__(self, graph: HardwareGraph, bounds: Bounds) -> None:
        self._bounds = bounds
        self._mounts = {rotor.key: Mount(rotor, bounds) for rotor in graph.rotors}

    def __iter__(self) -> Iterator[Mount]:
        return iter(tuple(self._mounts.values()))

    def get(self, key: RotorKey) -> Mount:
        """Mount of a rotor.

        Raises
        ------
        UnknownRotor
            Where there is none.
        """
        try:
            return self._mounts[key]
        except KeyError:
            raise UnknownRotor(key, "this node has no such rotor") from None

    def wrong(self, described: GraphRotor) -> Wrong | None:
        """Setting of a rotor that the node's own file does not allow; None where all is."""
        return self._bounds.wrong(described)

    async def update(self, graph: HardwareGraph) -> None:
        """Follow the hub's graph: new rotors come, changed ones are connected anew."""
        wanted = {rotor.key: rotor for rotor in graph.rotors}
        for key in self._mounts.keys() - wanted.keys():
            log.info("rotor removed", rotor=key)
            await self._mounts.pop(key).remove()
        for key, rotor in wanted.items():
            if key in self._mounts:
                self._mounts[key].configure(rotor)
            else:
                self._mounts[key] = Mount(rotor, self._bounds)

    async def close(self) -> None:
        """Disconnect every device."""
        for mount in self:
            await mount.close()
