"""What the node's own file allows, whatever the hub says: hosts, serial ports, hard limits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from skyscan_lab.devices.base import RotorLimits
from skyscan_lab.errors import DeviceError
from skyscan_lab.protocol.graph import GraphRotor, RotorKey
from skyscan_lab.station import Limits, Station, WinegardRotor


class NotAllowed(DeviceError):
    """The node's own file does not allow it."""


def hosts_of(station: Station) -> Iterator[str]:
    """Hosts that the devices of a station are on.

    Examples
    --------
    >>> from skyscan_lab.station import RotctldRotor, RotorReceiver
    >>> rotor = RotctldRotor(driver="rotctld", host="roof.example")
    >>> list(hosts_of(Station(rotor=rotor, receiver=RotorReceiver(driver="rotor"))))
    ['roof.example']
    """
    for device in (station.rotor, station.receiver):
        host = getattr(device, "host", None)
        if isinstance(host, str):
            yield host


@dataclass(frozen=True)
class Bounds:
    """Bounds of a node.

    Attributes
    ----------
    hosts : frozenset of str
        To which it may connect, in lower case.
    serial_ports : frozenset of str
        That it may open.
    limits : mapping of RotorKey to Limits
        Hard limits, of the rotors that have some.
    """

    hosts: frozenset[str] = frozenset()
    serial_ports: frozenset[str] = frozenset()
    limits: Mapping[RotorKey, Limits] = field(default_factory=dict)

    def apply(self, rotor: GraphRotor) -> Station:
        """Station of a rotor, its limits narrowed by the hard ones.

        Raises
        ------
        NotAllowed
            For a host or port that the node may not connect to.
        OutOfLimits
            Where its limits and the hard ones have nothing in common.
        """
        station = rotor.station
        for host in hosts_of(station):
            if host.lower() not in self.hosts:
                raise NotAllowed(
                    rotor.name,
                    f"host = {host!r}: this node may connect to {_listed(self.hosts)} only; "
                    "add the host to dial in its node.toml",
                )
        if isinstance(station.rotor, WinegardRotor):
            port = station.rotor.device
            if port not in self.serial_ports:
                raise NotAllowed(
                    rotor.name,
                    f"device = {port!r}: this node may open {_listed(self.serial_ports)} only; "
                    "add a rotor with the port to its node.toml",
                )
        hard = self.limits.get(rotor.key)
        if hard is None:
            return station
        limits = hard
        if station.rotor.limits is not None:
            both = RotorLimits.of(station.rotor.limits).narrowed(rotor.name, RotorLimits.of(hard))
            # Not checked anew: a single angle that is left is a range of its own.
            limits = Limits.model_construct(
                azimuth_deg=both.azimuth_deg, elevation_deg=both.elevation_deg
            )
        narrowed = station.rotor.model_copy(update={"limits": limits})
        return station.model_copy(update={"rotor": narrowed})

    def has_hard_limits(self, key: RotorKey) -> bool:
        """Whether a rotor has hard limits."""
        return key in self.limits


def _listed(allowed: frozenset[str]) -> str:
    return ", ".join(sorted(allowed)) or "none"
