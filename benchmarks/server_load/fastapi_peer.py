"""The same hub as somebody would write it today: FastAPI, uvicorn, pydantic, a connection manager.

One task a connection, as the framework gives; each message is made once from a pydantic model
and sent to every subscriber of its session in a loop. The store is ours (`Ingest` over
`Database`), so that both commit the same way and the difference is the rest of the road. Tokens
are not looked at, no store is read back, and nothing is checked besides the models.

    python fastapi_peer.py FOLDER PORT
"""

from __future__ import annotations

import asyncio
import sys
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import uvicorn
from fastapi import FastAPI, WebSocket, WebSocketDisconnect

from skyscan_lab.protocol.lifecycle import ScanStatus
from skyscan_lab.protocol.node_link import (
    NODE_MESSAGE,
    Ack,
    Hello,
    Records,
    Tasks,
    Welcome,
)
from skyscan_lab.protocol.records import PointRecord, ScanRecord, StatusRecord
from skyscan_lab.protocol.skyscan import DataPoint, ScanProgress, progress_pct
from skyscan_server.bus.local import LocalBus
from skyscan_server.domain.ingest import Ingest
from skyscan_server.store import sessions
from skyscan_server.store.database import Database, open_database


class ConnectionManager:
    """The subscribers of each session."""

    def __init__(self) -> None:
        self.active: defaultdict[int, list[WebSocket]] = defaultdict(list)

    async def connect(self, session_id: int, websocket: WebSocket) -> None:
        """Take a subscriber."""
        await websocket.accept()
        self.active[session_id].append(websocket)

    def disconnect(self, session_id: int, websocket: WebSocket) -> None:
        """Forget a subscriber."""
        with suppress(ValueError):
            self.active[session_id].remove(websocket)

    async def broadcast(self, session_id: int, message: str) -> None:
        """Send to every subscriber, one after the other."""
        for websocket in list(self.active[session_id]):
            try:
                await websocket.send_text(message)
            except (WebSocketDisconnect, RuntimeError):
                self.disconnect(session_id, websocket)

    async def close(self, session_id: int) -> None:
        """Close the sockets of a session that has ended."""
        for websocket in self.active.pop(session_id, []):
            with suppress(WebSocketDisconnect, RuntimeError):
                await websocket.close()


class Progress:
    """Where a session stands, for its subscribers."""

    def __init__(self, session_id: int, total: int) -> None:
        self.session_id = session_id
        self.total = total
        self.number = 0
        self.done = 0
        self.status = ScanStatus.PENDING

    def message(self, point: DataPoint | None = None) -> ScanProgress:
        """Say where the session stands."""
        return ScanProgress(
            session_id=self.session_id,
            status=self.status,
            point=point,
            progress_pct=progress_pct(self.done, self.total, self.status),
            completed=self.done,
            total=self.total,
        )

    def after(self, record: ScanRecord) -> ScanProgress:
        """Take the next record, and say where the session stands then."""
        self.number += 1
        if isinstance(record, StatusRecord):
            self.status = record.status
        if not isinstance(record, PointRecord):
            return self.message()
        self.done += 1
        return self.message(
            DataPoint(
                azimuth=record.azimuth_deg % 360.0,
                elevation=record.elevation_deg,
                rssi_reads=record.reads,
                rssi_average=round(record.mean),
                rssi_current=round(record.last),
                measured_at=record.time,
            )
        )


def make_app(folder: Path) -> FastAPI:
    """Make the application."""
    manager = ConnectionManager()
    progress: dict[int, Progress] = {}
    nodes: dict[int, WebSocket] = {}

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_database(f"sqlite:///{folder / 'skyscan.sqlite'}") as database:
            app.state.ingest = Ingest(database, LocalBus())
            progress.update(await _open_sessions(database))
            writing = asyncio.create_task(app.state.ingest.run())
            yield
            writing.cancel()
            with suppress(asyncio.CancelledError):
                await writing

    app = FastAPI(lifespan=lifespan)

    @app.get("/readyz")
    async def readyz() -> dict[str, str]:
        return {"status": "ok"}

    @app.websocket("/ws/skyscan/{session_id}")
    async def follow_scan(websocket: WebSocket, session_id: int) -> None:
        await manager.connect(session_id, websocket)
        try:
            await websocket.send_text(progress[session_id].message().model_dump_json())
            while True:
                await websocket.receive_text()
        except WebSocketDisconnect:
            manager.disconnect(session_id, websocket)

    @app.websocket("/v1/ws/node")
    async def link_node(websocket: WebSocket) -> None:
        await websocket.accept()
        node_id = len(nodes) + 1
        nodes[node_id] = websocket
        try:
            hello = NODE_MESSAGE.validate_json(await websocket.receive_text())
            assert isinstance(hello, Hello)
            welcome = Welcome(
                node_id=node_id, connection_epoch=1, graph=hello.graph, graph_version=1
            )
            await websocket.send_text(welcome.model_dump_json())
            await websocket.send_text(Tasks().model_dump_json())
            del hello, welcome
            while True:
                message = NODE_MESSAGE.validate_json(await websocket.receive_text())
                if isinstance(message, Records):
                    await take_records(message)
                    ack = Ack(
                        session_id=message.session_id, number=progress[message.session_id].number
                    )
                    await websocket.send_text(ack.model_dump_json())
        except WebSocketDisconnect:
            pass
        finally:
            del nodes[node_id]

    async def take_records(message: Records) -> None:
        await app.state.ingest.store(message.session_id, message.first, message.records)
        session = progress[message.session_id]
        for record in message.records:
            text = session.after(record).model_dump_json()
            await manager.broadcast(message.session_id, text)
        if session.status.final:
            await manager.close(message.session_id)

    return app


async def _open_sessions(database: Database) -> dict[int, Progress]:
    async with database.read() as connection:
        rows: Iterable[sessions.SessionRow] = await sessions.page(connection, sessions.Page())
    return {row.id: Progress(row.id, row.total) for row in rows}


def main() -> None:
    """Serve it."""
    folder, port = Path(sys.argv[1]), int(sys.argv[2])
    uvicorn.run(make_app(folder), host="127.0.0.1", port=port, log_level="warning")


if __name__ == "__main__":
    main()
