"""Where the rotors are, told to the hub unasked: seldom, on change, and only the newest."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from skyscan_lab.errors import DeviceError
from skyscan_lab.protocol.node_link import Snapshot
from skyscan_lab.protocol.rpc import PositionNow
from skyscan_server.node.mount import Mount

# How long a position is good enough of a rotor that none of our orders moves.
_AT_REST_S = 1.0
_CHANGE_DEG = 0.005


async def tell_positions(
    mount: Mount, send: Callable[[Snapshot], Awaitable[None]], period_s: float
) -> None:
    """Tell where a rotor is whenever that has changed, until cancelled.

    A scan tells where its rotor is with each point, and that is used; a rotor is asked only
    while it is on its way, or has not been heard of for a while. One that is not connected is
    left alone.

    Parameters
    ----------
    mount : Mount
        The rotor.
    send : callable
        Sends a snapshot; what happens meanwhile is told by the next one.
    period_s : float
        Shortest time between two, real seconds.
    """
    told: PositionNow | None = None
    while True:
        await asyncio.sleep(period_s)
        if mount.devices is None:
            continue
        try:
            now = await mount.position_now(max_age_s=period_s if mount.moving else _AT_REST_S)
        except DeviceError:
            continue  # whoever uses the rotor will say so
        if told is None or _apart_deg(now, told) >= _CHANGE_DEG:
            told = now
            await send(
                Snapshot(
                    rotor=mount.key,
                    azimuth_deg=now.azimuth_deg,
                    elevation_deg=now.elevation_deg,
                    time=now.time,
                )
            )


def _apart_deg(one: PositionNow, other: PositionNow) -> float:
    return max(
        abs(one.azimuth_deg - other.azimuth_deg), abs(one.elevation_deg - other.elevation_deg)
    )
