"""What campaigns share: faults that are dealt, sessions that are run, points that are counted."""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import aiohttp

from skyscan_server.web.logs import configure_logging

NOTHING = ("points lost", "points doubled", "points out of order")
"""Of which there must be none in the end."""

ENOUGH_S = 120.0
"""Longest time that anything may take."""

Place = tuple[int, int]


def dealt(pack: int, counts: Mapping[str, int], chance: random.Random) -> Iterator[str]:
    """Give the fate of one thing after the other, without end; what has none has "passed".

    Fates are dealt like cards and not drawn one by one: so none of them is missing once a pack
    is through, however few things a fast machine needs.
    """
    cards = ["passed"] * (pack - sum(counts.values()))
    cards += [fate for fate, count in counts.items() for _ in range(count)]
    while True:
        chance.shuffle(cards)
        yield from cards


def request(az_end: int, el_start: int, el_end: int) -> dict[str, int]:
    """Ask for a scan of whole degrees, two by two."""
    ends = {"az_start": 0, "az_end": az_end, "el_start": el_start, "el_end": el_end}
    return {**ends, "rssi_iterations": 5}


def wanted(asked: Mapping[str, int]) -> list[Place]:
    """Where it is to be measured, in order."""
    elevations = range(asked["el_start"], asked["el_end"] + 1, 2)
    azimuths = range(asked["az_start"], asked["az_end"] + 1, 2)
    return [(azimuth, elevation) for elevation in elevations for azimuth in azimuths]


def counted(points: Sequence[Mapping[str, Any]], expected: Sequence[Place]) -> Counter[str]:
    """Hold points against where they were to be measured."""
    places = [(round(p["azimuth"]) % 360, round(p["elevation"])) for p in points]
    return Counter(
        {
            "points lost": len(set(expected) - set(places)),
            "points doubled": len(places) - len(set(places)),
            "points out of order": sum(a != b for a, b in zip(places, expected, strict=False)),
        }
    )


async def begun(
    client: aiohttp.ClientSession, asked: Mapping[str, int], rotor: int = 0
) -> dict[str, Any]:
    """Start a scan, once its rotor is there and free; rotors are counted from 0."""
    async with asyncio.timeout(ENOUGH_S):
        while True:
            rotors = await answer(client.get("/api/rotors"))
            if len(rotors) > rotor:
                body = {"rotor_id": rotors[rotor]["id"], **asked}
                async with client.post("/api/skyscan/start", json=body) as response:
                    session: dict[str, Any] = await response.json()
                    if response.status == 200:
                        return session
                    assert response.status in (409, 503), session
            await asyncio.sleep(0.1)


async def ended(client: aiohttp.ClientSession, session_id: int) -> str:
    """Wait for the end of a session; return its status."""
    async with asyncio.timeout(ENOUGH_S):
        while True:
            session = await answer(client.get(f"/api/skyscan/{session_id}"))
            if session["status"] in ("completed", "cancelled"):
                return str(session["status"])
            await asyncio.sleep(0.05)


async def answer(asked: AbstractAsyncContextManager[aiohttp.ClientResponse]) -> Any:
    """Return what a hub answers; it must be no refusal."""
    async with asked as response:
        assert response.status < 400, await response.text()
        return await response.json()


def table(result: Mapping[str, object]) -> str:
    """Write a result as a table of the documentation."""
    return "\n".join(["| | |", "|---|---|", *(f"| {k} | {v} |" for k, v in result.items())])


def command_line(
    run: Callable[[Path, int, int], Coroutine[Any, Any, dict[str, object]]],
    passed: Callable[[dict[str, object]], bool],
    report: Callable[[dict[str, object], int], str],
    *,
    about: str,
    sessions: int,
    time_scale: int,
) -> None:
    """Run a campaign as the command line says, print what it found, and exit.

    Parameters
    ----------
    run : callable
        The campaign: of a folder, a number of sessions and a seed.
    passed : callable
        Whether what it found is as it should be.
    report : callable
        A page of documentation: of what it found, and the seed.
    about : str
        What it does, in paragraphs; the first line is shown.
    sessions : int
        How many, where nobody says.
    time_scale : int
        Seconds of a station in one of ours.
    """
    parser = argparse.ArgumentParser(description=about.splitlines()[0])
    parser.add_argument("--sessions", type=int, default=sessions)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--report", type=Path, help="write the result as a page of documentation")
    options = parser.parse_args()
    os.environ.setdefault("SKYSCAN_TIME_SCALE", str(time_scale))
    configure_logging("error")
    with tempfile.TemporaryDirectory() as name:
        result = asyncio.run(run(Path(name), options.sessions, options.seed))
    for key, value in result.items():
        print(f"{key:35} {value}")
    if options.report is not None:
        options.report.write_text(report(result, options.seed), encoding="utf-8")
    sys.exit(0 if passed(result) else "the campaign has failed")
