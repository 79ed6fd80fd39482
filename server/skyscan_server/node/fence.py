"""Who may move a rotor: the highest epoch of a claim that was ever seen, and none below it.

Each change of a rotor's holder makes a new epoch at the hub. An order of an older one may be
late by any time, from a hub that was cut off or a message that was held up; it is refused here,
at the device, where nothing can come in between. The epochs are on disk before anything moves
under them, so that a restart forgets none.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import structlog

from skyscan_lab.atomic import write_atomically
from skyscan_lab.errors import DeviceError
from skyscan_lab.protocol.graph import RotorKey
from skyscan_server.node.data_folder import NodeError

log = structlog.get_logger(__name__)


class StaleEpoch(DeviceError):
    """Somebody else holds the rotor by now."""


class Fence:
    """Highest epoch of each rotor of a node.

    Parameters
    ----------
    path : Path
        File that keeps them.

    Raises
    ------
    NodeError
        For a file that cannot be understood: what it knew must not be forgotten.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._durable = _read(path)
        self._seen = dict(self._durable)
        self._writing = asyncio.Lock()

    @property
    def epochs(self) -> dict[RotorKey, int]:
        """Highest epoch seen of every rotor."""
        return dict(self._seen)

    def highest(self, rotor: RotorKey) -> int:
        """Highest epoch seen of a rotor; 0 where there was none."""
        return self._seen.get(rotor, 0)

    def check(self, rotor: RotorKey, epoch: int) -> None:
        """Refuse an order of an epoch that is over.

        Raises
        ------
        StaleEpoch
            Saying which one has taken its place.
        """
        highest = self.highest(rotor)
        if epoch < highest:
            raise StaleEpoch(
                rotor,
                f"somebody else has taken control of it: claim {epoch} has ended, claim "
                f"{highest} holds",
            )

    async def admit(self, rotor: RotorKey, epoch: int) -> None:
        """Let an order of an epoch through, once that epoch is on disk.

        Raises
        ------
        StaleEpoch
            As `check`.
        DeviceError
            Where the epoch cannot be put on the disk.
        """
        self.check(rotor, epoch)
        self._seen[rotor] = max(epoch, self.highest(rotor))
        if epoch <= self._durable.get(rotor, 0):
            return
        async with self._writing:
            seen = dict(self._seen)
            if seen != self._durable:
                try:
                    await asyncio.to_thread(write_atomically, self._path, json.dumps(seen).encode())
                except OSError as error:
                    raise DeviceError(
                        rotor, f"not moved: {self._path}: {error.strerror or error}"
                    ) from error
                self._durable = seen
        self.check(rotor, epoch)

    async def see(self, rotor: RotorKey, epoch: int) -> None:
        """Take note of an epoch that the hub has told of; all below it are over from now on."""
        if epoch <= self.highest(rotor):
            return
        try:
            await self.admit(rotor, epoch)
        except StaleEpoch:  # a higher one came meanwhile
            pass
        except DeviceError as error:
            # It holds already; it will be on disk before anything moves under it.
            log.warning("epoch is not on disk yet", rotor=rotor, epoch=epoch, reason=error.reason)


def _read(path: Path) -> dict[RotorKey, int]:
    try:
        found = json.loads(path.read_bytes())
        return {str(rotor): int(epoch) for rotor, epoch in found.items()}
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise NodeError(f"{path}: {error.strerror}") from error
    except (ValueError, AttributeError, TypeError) as error:
        raise NodeError(
            f"{path}: damaged, so it is not known which orders are out of date; remove it once "
            "no other program can send any"
        ) from error
