"""Between the rotor resource, as people fill it in, and the hardware graph, as nodes use it."""

from __future__ import annotations

import secrets
from typing import Any

from skyscan_lab.protocol.graph import GraphRotor
from skyscan_lab.protocol.rotors import RotorFields, RotorOut
from skyscan_lab.station import (
    RotctldRotor,
    RotorReceiver,
    SimulatedReceiver,
    Site,
    Station,
    WinegardRotor,
)
from skyscan_server.store.rotors import RotorRow

_DEVICE = "/dev/ttyUSB0"


def fresh_key() -> str:
    """Key for a rotor that was made at the hub."""
    return f"rotor-{secrets.token_hex(4)}"


def graph_rotor(fields: RotorFields, key: str, site: Site) -> GraphRotor:
    """Part of the hardware graph that a rotor's fields describe; they have been validated."""
    rotor: dict[str, Any] = {"driver": fields.driver, "park": (fields.park_az, fields.park_el)}
    if fields.limits is not None:
        rotor["limits"] = fields.limits.model_dump()
    if fields.driver == "rotctld":
        rotor |= {"host": fields.host, "port": fields.port}
    elif fields.driver == "winegard":
        rotor["device"] = fields.device or _DEVICE
    receiver = fields.receiver
    if receiver is None:
        simulated = fields.driver == "simulated"
        receiver = SimulatedReceiver() if simulated else RotorReceiver(driver="rotor")
    return GraphRotor(
        key=key,
        name=fields.name,
        rotor_type=fields.rotor_type,
        min_elevation_deg=fields.min_elevation,
        station=Station.model_validate({"site": site, "rotor": rotor, "receiver": receiver}),
    )


def rotor_out(row: RotorRow) -> RotorOut:
    """Resource of a rotor that is stored."""
    graph = GraphRotor.model_validate(row.graph)
    rotor = graph.station.rotor
    address = (rotor.host, rotor.port) if isinstance(rotor, RotctldRotor) else ("127.0.0.1", 4533)
    return RotorOut(
        id=row.id,
        name=row.name,
        rotor_type=graph.rotor_type,
        host=address[0],
        port=address[1],
        min_elevation=graph.min_elevation_deg,
        park_az=rotor.park[0],
        park_el=rotor.park[1],
        driver=rotor.driver,
        device=rotor.device if isinstance(rotor, WinegardRotor) else None,
        limits=rotor.limits,
        receiver=graph.station.receiver,
        node=row.node,
    )
