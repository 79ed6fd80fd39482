"""Who holds a mount: scan or person, always exactly one, always named.

Each change of holder makes a new epoch, which the node checks at the device call, so that
whoever held the mount before moves nothing any more, however late their order arrives.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from skyscan_server.domain.errors import Conflict
from skyscan_server.store import control
from skyscan_server.store.rotors import RotorRow


async def claim(
    connection: AsyncConnection, rotor: RotorRow, holder: str, *, for_s: float | None = None
) -> int:
    """Take a mount that nobody holds.

    Parameters
    ----------
    connection : AsyncConnection
        The transaction that it is a part of.
    rotor : RotorRow
        Which mount.
    holder : str
        Who holds it from now on: ``"scan 12"``, ``"move"``, ``"jog"``.
    for_s : float, optional
        How long the claim lasts without renewal; by default until it is given up.

    Returns
    -------
    int
        Epoch of the claim.

    Raises
    ------
    Conflict
        Naming who holds it.
    """
    now = await control.now(connection)
    until = None if for_s is None else now + timedelta(seconds=for_s)
    epoch = await control.claim(connection, rotor.id, holder, now=now, until=until)
    if epoch is None:
        raise await held(connection, rotor)
    return epoch


async def require_free(connection: AsyncConnection, rotor: RotorRow, *, lock: bool = False) -> None:
    """Refuse early what a claim would refuse; if asked, nobody claims it in between.

    Raises
    ------
    Conflict
        Naming who holds it.
    """
    row = await control.get(connection, rotor.id, lock=lock)
    if row.holder is not None and (row.until is None or row.until >= await control.now(connection)):
        raise await held(connection, rotor)


async def renew(
    connection: AsyncConnection, rotor: RotorRow, epoch: int, holder: str, *, for_s: float
) -> None:
    """Hold on to a claim.

    Raises
    ------
    Conflict
        Where it has run out, or somebody else has taken the mount since.
    """
    now = await control.now(connection)
    until = now + timedelta(seconds=for_s)
    if not await control.renew(connection, rotor.id, epoch, holder, now=now, until=until):
        raise ended(rotor, epoch)


def ended(rotor: RotorRow, epoch: int) -> Conflict:
    """Error that says that a claim is no more."""
    return Conflict(f"{rotor.name}: the claim with epoch {epoch} has ended")


async def held(connection: AsyncConnection, rotor: RotorRow) -> Conflict:
    """Error that says who holds a mount."""
    row = await control.get(connection, rotor.id)
    return Conflict(f"{rotor.name} is held by {row.holder or 'somebody else'}")
