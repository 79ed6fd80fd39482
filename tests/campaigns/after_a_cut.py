"""What a power cut has left of a hub and of a node, held against what they had promised.

It is opened with the code that a start opens it with.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from skyscan_lab.errors import SkyscanError
from skyscan_lab.scanning.journal import open_journal
from skyscan_server.auth.keys import load_signing_key
from skyscan_server.domain.messages import RECORD
from skyscan_server.domain.summary import Summary
from skyscan_server.node.config import NodeSection
from skyscan_server.node.credentials import known_credentials
from skyscan_server.node.data_folder import data_folder
from skyscan_server.node.fence import Fence
from skyscan_server.node.shelf import Shelf
from skyscan_server.settings import load_settings
from skyscan_server.store import control, records, sessions
from skyscan_server.store.database import open_database
from tests.campaigns.promises import Promises


@dataclass(frozen=True)
class Whole:
    """What hub and node had when nothing was lost.

    Attributes
    ----------
    records : dict
        JSON of the records, by session and number.
    key_id : str
        Of the key that the hub signs with.
    client_id : str
        Of the node's credentials.
    """

    records: dict[int, dict[int, str]]
    key_id: str
    client_id: str


async def whole(folder: Path) -> Whole:
    """Read what hub and node have after an orderly end."""
    async with (
        open_database(load_settings(folder / "hub").url) as database,
        database.read() as connection,
    ):
        found = {
            row.id: dict(await records.bodies(connection, row.id))
            for row in await sessions.page(connection, sessions.Page())
        }
    credentials = known_credentials(_section(folder))
    assert credentials is not None
    return Whole(found, load_signing_key(folder / "hub").key_id, credentials.client_id)


async def hub_faults(folder: Path, promised: Promises, known: Whole) -> list[str]:
    """Return what is wrong with a hub that is left in a folder."""
    try:
        return await _hub_faults(folder / "hub", promised, known)
    except (SkyscanError, OSError, sqlite3.Error, sa.exc.SQLAlchemyError) as error:
        return [f"the hub does not start: {error}"]


async def _hub_faults(data: Path, promised: Promises, known: Whole) -> list[str]:
    faults = []
    if promised.issued and load_signing_key(data).key_id != known.key_id:
        faults.append("the hub signs with another key")
    settings = load_settings(data)
    async with open_database(settings.url) as database, database.read() as connection:
        for session_id, number in _at_hub(promised).items():
            row = await sessions.get(connection, session_id)
            if row is None:
                faults.append(f"session {session_id} is gone")
                continue
            found = dict(await records.bodies(connection, session_id))
            faults += _record_faults(found, number, known.records[session_id])
            if _sum(found) != Summary.of(row):
                faults.append("the session's row is not the sum of its records")
            if row.done < promised.answered.get(session_id, 0):
                faults.append("fewer points than the API has answered")
            wish = promised.wishes.get(session_id, "run")
            if wish is not None and row.desired != wish:
                faults.append(f"a wish is forgotten: {wish}")
            epoch = (await control.get(connection, row.rotor_id)).epoch
            if epoch < promised.granted.get(session_id, 0):
                faults.append(f"an epoch that was granted could be granted again: {epoch}")
    with closing(sqlite3.connect(data / "skyscan.sqlite")) as file:
        (verdict,) = file.execute("PRAGMA integrity_check").fetchone()
        clients = [row[0] for row in file.execute("SELECT id FROM clients")]
    if verdict != "ok":
        faults.append(f"the database is damaged: {verdict}")
    if promised.enrolled and known.client_id not in clients:
        faults.append("the hub does not know its node")
    return faults


async def node_faults(
    folder: Path, promised: Promises, known: Whole, *, kept: bool, works: bool
) -> list[str]:
    """Return what is wrong with a node that is left in a folder.

    Parameters
    ----------
    folder : Path
        With the node's folder in it.
    promised : Promises
        What it had sent.
    known : Whole
        What its records are.
    kept : bool
        Whether it still had to keep its journals.
    works : bool
        Whether it had not come to an orderly end.
    """
    try:
        return await _node_faults(folder, promised, known, kept=kept, works=works)
    except (SkyscanError, OSError) as error:
        return [f"the node does not start: {error}"]


async def _node_faults(
    folder: Path, promised: Promises, known: Whole, *, kept: bool, works: bool
) -> list[str]:
    faults = []
    section = _section(folder)
    credentials = known_credentials(section)
    if promised.connected and (credentials is None or credentials.client_id != known.client_id):
        faults.append("the node has lost its credentials")
    with data_folder(section.data) as died:
        if works and promised.sent and not died:
            faults.append("the node does not know that it died: what moves goes on moving")
        fence = Fence(section.data / "fence.json")
        shelf = Shelf(section.data / "journals")
        tasks = {task.task.session_id: task.task for task in shelf.all()}
        for session_id, sent in promised.sent.items() if kept else ():
            task = tasks.get(session_id)
            if task is None:
                faults.append("the node has lost a task that it had begun")
                continue
            found = {}
            async with await open_journal(shelf.journal(task.plan.session), task.plan) as journal:
                for number, record in enumerate((await journal.recording()).entries, 1):
                    found[number] = record.record.model_dump_json()
            faults += _record_faults(found, max(sent), known.records[session_id])
            if any('"kind":"point"' in body for body in found.values()) and (
                fence.highest(task.rotor) < promised.granted[session_id]
            ):
                faults.append("the node has forgotten the epoch that it moved under")
    return faults


def _at_hub(promised: Promises) -> dict[int, int]:
    """Return up to which record somebody relies on the hub, by session."""
    found = dict(promised.acknowledged)
    for session_id in promised.answered:
        found.setdefault(session_id, 0)
    for session_id, told in promised.told.items():
        found[session_id] = max(found.get(session_id, 0), *told)
    return found


def _record_faults(found: dict[int, str], promised: int, known: dict[int, str]) -> list[str]:
    faults = []
    if list(found) != list(range(1, len(found) + 1)):
        faults.append("numbers with a gap")
    if len(found) < promised:
        faults.append(f"records lost: {len(found)} of {promised} that somebody relies on")
    if any(json.loads(known[number]) != json.loads(body) for number, body in found.items()):
        faults.append("a record is another one")
    return faults


def _sum(found: dict[int, str]) -> Summary:
    summary = Summary()
    for number, body in sorted(found.items()):
        summary = summary.after(number, RECORD.validate_json(body))
    return summary


def _section(folder: Path) -> NodeSection:
    return NodeSection(name="campaign", hub="http://127.0.0.1:1", data=folder / "node")
