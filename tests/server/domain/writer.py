"""A hub's writer in a process of its own, to be killed: it prints what was acknowledged.

Usage: writer.py URL SESSION; points are stored from where the session has got, in batches of 1
to 7, several at a time, until the end of the process.
"""

import asyncio
import sys

from skyscan_server.bus.local import LocalBus
from skyscan_server.domain.ingest import Ingest
from skyscan_server.store import sessions
from skyscan_server.store.database import open_database
from tests.server.domain.parts import point


async def main(url, session_id):
    async with open_database(url) as database:
        async with database.read() as connection:
            row = await sessions.get(connection, session_id)
        ingest = Ingest(database, LocalBus())
        writing = asyncio.create_task(ingest.run())

        async def store(first, length):
            points = [point(n - 2) for n in range(first, first + length)]
            print(await ingest.store(session_id, first, points), flush=True)

        first = row.number + 1
        while not writing.done():
            sends = []
            for length in (1, 7, 3, 5):
                sends.append(store(first, length))
                first += length
            await asyncio.gather(*sends)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
