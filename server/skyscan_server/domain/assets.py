"""Assets: files that nodes bring, within a quota, whole or not at all.

What is said first reserves its room, so that a node learns before it sends that there is none.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog

from skyscan_lab.protocol.assets import Asset, NewAsset
from skyscan_server.domain.errors import Conflict, Invalid, NotFound, Refused, Unavailable
from skyscan_server.domain.in_thread import in_thread
from skyscan_server.store import assets
from skyscan_server.store.asset_files import AssetFiles, DiskFull, Part, PartInUse
from skyscan_server.store.assets import AssetRow
from skyscan_server.store.database import Database
from skyscan_server.store.errors import StoreError

NO_ASSET = "Asset not found"

UNFINISHED_FOR = timedelta(days=7)
"""What was said, and is not complete so long after it was last written, is forgotten."""

_BLOCK = 2**18
_TIDY_S = 3600.0

log = structlog.get_logger(__name__)


class QuotaExceeded(Refused):
    """The installation may not keep so much here."""


class NoRoom(Unavailable):
    """The disk takes nothing at present; what is there stays, and can be gone on with."""


class WrongOffset(Conflict):
    """The bytes that came do not follow those that are there.

    Parameters
    ----------
    received : int
        How many are there.
    """

    def __init__(self, received: int) -> None:
        self.received = received
        super().__init__(f"the hub has {received} bytes of this asset: go on from there")


class Assets:
    """The assets of this hub.

    Parameters
    ----------
    database : Database
        What is known of them.
    files : AssetFiles
        The files.
    quota_bytes : int
        Most that one installation may keep.
    """

    def __init__(self, database: Database, files: AssetFiles, *, quota_bytes: int) -> None:
        self._database = database
        self._files = files
        self._quota_bytes = quota_bytes

    async def announce(self, installation: str, wanted: NewAsset) -> AssetRow:
        """Make room for an asset, and give it an id; the same one where it was said before.

        The caller has checked that the session is one of the installation's.

        Raises
        ------
        QuotaExceeded
            Where the installation may not keep so much.
        """
        new = AssetRow(
            id=secrets.token_hex(16),
            installation=installation,
            complete=False,
            created_at=datetime.now(UTC),
            **wanted.model_dump(),
        )
        async with self._database.write() as connection:
            await assets.hold(connection, installation)
            known = await assets.like(connection, new)
            if known is not None:
                return known
            used = await assets.used(connection, installation)
            if used + new.size > self._quota_bytes:
                raise QuotaExceeded(
                    f"size = {new.size}: must be at most {max(self._quota_bytes - used, 0)} bytes, "
                    f"as {used} of the {self._quota_bytes} bytes of this installation are taken"
                )
            await assets.add(connection, new)
        return new

    async def get(self, asset_id: str, installation: str | None = None) -> AssetRow:
        """Asset of an id, and of an installation if one is given.

        Raises
        ------
        NotFound
            Where there is none, or it is another installation's.
        """
        async with self._database.read() as connection:
            row = await assets.get(connection, asset_id)
        if row is None or installation not in (None, row.installation):
            raise NotFound(NO_ASSET)
        return row

    async def of_session(self, session_id: int) -> list[AssetRow]:
        """List the complete assets of a session, the oldest first."""
        async with self._database.read() as connection:
            return await assets.of_session(connection, session_id)

    async def described(self, row: AssetRow) -> Asset:
        """Asset as nodes and people are told of it."""
        received = row.size if row.complete else await in_thread(self._files.received, row.id)
        return Asset(
            id=row.id,
            label=row.label,
            media_type=row.media_type,
            size=row.size,
            sha256=row.sha256,
            session_id=row.session_id,
            received=received,
            complete=row.complete,
        )

    def path(self, row: AssetRow) -> Path:
        """File of an asset that is complete.

        Raises
        ------
        Conflict
            Where it is not.
        """
        if not row.complete:
            raise Conflict("this asset is not complete yet")
        return self._files.place(row.id)

    async def receive(self, row: AssetRow, start: int, body: AsyncIterator[bytes]) -> AssetRow:
        """Take bytes of an asset; once all are there, check them and keep the file.

        Parameters
        ----------
        row : AssetRow
            Which one.
        start : int
            Where the bytes belong. From 0 on, what is there already is dropped.
        body : async iterator of bytes
            The bytes. Where it fails, what came before is kept and can be gone on with.

        Returns
        -------
        AssetRow
            The asset as it is then.

        Raises
        ------
        WrongOffset
            For bytes that do not follow those that are there.
        Conflict
            While somebody else sends this asset.
        Invalid
            For more bytes than were said, or other ones; nothing of them is kept. Of other ones
            the asset is forgotten as well.
        NoRoom
            While the disk takes nothing; what is there stays.
        """
        if row.complete:
            return row
        async with self._open(row) as part:
            if await in_thread(self._files.is_whole, row.id):
                # It was checked and put into its place, and the hub died before it noted that.
                await in_thread(part.discard)
            else:
                if start == 0 and part.size:
                    await in_thread(part.truncate, 0)
                if start != part.size:
                    raise WrongOffset(part.size)
                await self._fill(part, row, body)
                if part.size < row.size:
                    return row
                await self._keep(part, row)
            async with self._database.write() as connection:
                await assets.set_complete(connection, row.id)
        return replace(row, complete=True)

    async def tidy(self, unfinished_for: timedelta = UNFINISHED_FOR) -> int:
        """Forget assets that nobody goes on with; return how many."""
        before = datetime.now(UTC) - unfinished_for
        async with self._database.read() as connection:
            rows = await assets.unfinished(connection, before)
        forgotten = 0
        for row in rows:
            if await in_thread(self._dropped, row.id, before):
                async with self._database.write() as connection:
                    forgotten += await assets.delete_unfinished(connection, row.id)
        return forgotten

    async def run(self) -> None:
        """Tidy up once an hour, until cancelled."""
        while True:
            try:
                forgotten = await self.tidy()
                if forgotten:
                    log.info("assets that were never completed are forgotten", count=forgotten)
            except (StoreError, OSError) as error:
                log.warning("assets cannot be tidied", reason=str(error))
            await asyncio.sleep(_TIDY_S)

    @asynccontextmanager
    async def _open(self, row: AssetRow) -> AsyncIterator[Part]:
        try:
            part = await in_thread(self._files.open_part, row.id)
            with part:
                yield part
        except PartInUse as error:
            raise Conflict(str(error)) from error
        except DiskFull as error:
            received = await in_thread(self._files.received, row.id)
            raise NoRoom(f"{error}; {received} of {row.size} bytes are kept") from error

    async def _fill(self, part: Part, row: AssetRow, body: AsyncIterator[bytes]) -> None:
        block = bytearray()
        try:
            async for piece in body:
                if part.size + len(block) + len(piece) > row.size:
                    block.clear()
                    await in_thread(part.discard)
                    raise Invalid("body", f"more than {row.size} bytes", f"{row.size} bytes")
                block += piece
                if len(block) >= _BLOCK:
                    full, block = block, bytearray()
                    await in_thread(part.append, full)
        finally:
            # A link that breaks again and again gets on all the same.
            if block:
                await in_thread(part.append, block)
            await in_thread(part.sync)

    async def _keep(self, part: Part, row: AssetRow) -> None:
        found = await in_thread(part.sha256)
        if found != row.sha256:
            await in_thread(part.discard)
            # Its room is free at once. Said again, it is another asset.
            async with self._database.write() as connection:
                await assets.delete_unfinished(connection, row.id)
            raise Invalid("sha256", row.sha256, f"that of the bytes that were sent, {found}")
        await in_thread(part.keep)

    def _dropped(self, asset_id: str, before: datetime) -> bool:
        """Drop the file of an asset unless somebody works on it; whether it is dropped."""
        if self._files.is_whole(asset_id):
            return False
        try:
            with self._files.open_part(asset_id) as part:
                if part.size and part.last_written() >= before.timestamp():
                    return False
                part.discard()
        except (PartInUse, DiskFull):
            return False
        return True
