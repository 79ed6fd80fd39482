"""What the node's own file allows, whatever the hub says: hosts, serial ports, hard limits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from skyscan_lab.devices.base import RotorLimits
from skyscan_lab.errors import DeviceError, OutOfLimits
from skyscan_lab.protocol.graph import GraphRotor, RotorKey
from skyscan_lab.protocol.rpc import Wrong
from skyscan_lab.station import Limits, Station, WinegardRotor


class NotAllowed(DeviceError):
    """The node's own file does not allow it."""


def hosts_of(station: Station) -> Iterator[tuple[str, str]]:
    """Hosts that the devices of a station are on, and the field that each stands in.

    Examples
    --------
    >>> from skyscan_lab.station import RotctldRotor, RotorReceiver
    >>> rotor = RotctldRotor(driver="rotctld", host="roof.example")
    >>> list(hosts_of(Station(rotor=rotor, receiver=RotorReceiver(driver="rotor"))))
    [('host', 'roof.example')]
    """
    for field_name, device in (("host", station.rotor), ("receiver.host", station.receiver)):
        host = getattr(device, "host", None)
        if isinstance(host, str):
            yield field_name, host


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
        wrong = self._wrong_address(station)
        if wrong is not None:
            raise NotAllowed(
                rotor.name, f"{wrong.field} = {wrong.value!r}: must be {wrong.allowed}"
            )
        limits = self._narrowed(rotor)
        if limits is None:
            return station
        narrowed = station.rotor.model_copy(update={"limits": limits})
        return station.model_copy(update={"rotor": narrowed})

    def wrong(self, rotor: GraphRotor) -> Wrong | None:
        """Setting of a rotor for which `apply` would raise; None where all is allowed."""
        address = self._wrong_address(rotor.station)
        if address is not None:
            return address
        try:
            self._narrowed(rotor)
        except OutOfLimits:
            given, hard = rotor.station.rotor.limits, RotorLimits.of(self.limits[rotor.key])
            value = None if given is None else given.model_dump(mode="json")
            allowed = f"in part within the hard limits of its node: {hard}"
            return Wrong(field="limits", value=value, allowed=allowed)
        return None

    def _wrong_address(self, station: Station) -> Wrong | None:
        for name, host in hosts_of(station):
            if host.lower() not in self.hosts:
                allowed = (
                    f"one that its node may connect to: {_listed(self.hosts)}; "
                    "others are added to dial in its node.toml"
                )
                return Wrong(field=name, value=host, allowed=allowed)
        if isinstance(station.rotor, WinegardRotor):
            port = station.rotor.device
            if port not in self.serial_ports:
                allowed = (
                    f"a serial port that its node may open: {_listed(self.serial_ports)}; "
                    "others are added with a rotor in its node.toml"
                )
                return Wrong(field="device", value=port, allowed=allowed)
        return None

    def _narrowed(self, rotor: GraphRotor) -> Limits | None:
        """Limits of a rotor within the hard ones; None where it has no hard ones."""
        hard, given = self.limits.get(rotor.key), rotor.station.rotor.limits
        if hard is None or given is None:
            return hard
        both = RotorLimits.of(given).narrowed(rotor.name, RotorLimits.of(hard))
        # Not checked anew: a single angle that is left is a range of its own.
        return Limits.model_construct(
            azimuth_deg=both.azimuth_deg, elevation_deg=both.elevation_deg
        )

    def has_hard_limits(self, key: RotorKey) -> bool:
        """Whether a rotor has hard limits."""
        return key in self.limits


def _listed(allowed: frozenset[str]) -> str:
    return ", ".join(sorted(allowed)) or "none"
