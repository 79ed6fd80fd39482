"""Rows for tests of the store: a node, a rotor, a session, with nothing special about them."""

from datetime import UTC, datetime

from skyscan_server.store import control, nodes, records, rotors, sessions

NOON = datetime(2026, 2, 14, 12, tzinfo=UTC)


async def a_rotor(connection, key="roof", installation="lab"):
    """Add a rotor, and its node where it is new; return its number."""
    node = await nodes.registered(connection, installation, installation)
    rotor_id = await rotors.add(connection, node.id, f"{key} of {installation}", {"key": key})
    await control.add(connection, rotor_id)
    return rotor_id


async def a_session(connection, rotor_id, **values):
    """Add a session and return its number."""
    a_session.count = getattr(a_session, "count", 0) + 1
    usual = {
        "name": f"session {a_session.count}",
        "request": {},
        "plan": {},
        "total": 3,
        "created_at": NOON,
        "desired": "run",
        "seen": 0,
        "claimed": False,
        "epoch": 1,
        "number": 0,
        "status": "pending",
        "reasons": [],
        "done": 0,
        "missing": 0,
    }
    return await sessions.add(connection, rotor_id=rotor_id, **usual | values)


async def some_records(connection, session_id, numbers, sequence=None):
    """Add records whose JSON is their number."""
    rows = [
        {"session_id": session_id, "number": n, "sequence": sequence, "body": str(n)}
        for n in numbers
    ]
    await records.add(connection, rows)
