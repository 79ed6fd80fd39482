"""A hub under load, from outside: what it is given before it starts, its process, what it costs."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import socket
import struct
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from skyscan_lab.client.runtime import read_runtime
from skyscan_lab.protocol.graph import GraphRotor, HardwareGraph
from skyscan_lab.protocol.node_link import Desired
from skyscan_lab.protocol.plans import ScanPlan
from skyscan_server.auth.keys import load_signing_key
from skyscan_server.auth.scopes import GRANTS, Scope
from skyscan_server.domain.summary import Summary
from skyscan_server.main.issuing import issuer_of
from skyscan_server.store import control, rotors, sessions, tables
from skyscan_server.store.database import open_database

SKYSCAN = Path(sys.executable).with_name("skyscan")
DATABASE = "skyscan.sqlite"
SOON_S = 60.0

_TICKS_S = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


def installation(number: int) -> str:
    """Name of the installation of a node, counted from 1."""
    return f"site-{number:05d}"


def graph_of(number: int) -> HardwareGraph:
    """What stands at a node: one rotor with its receiver."""
    return HardwareGraph(rotors=(GraphRotor(key="roof", name=f"Roof {number:05d}"),))


def tokens(folder: Path, numbers: Sequence[int]) -> list[str]:
    """Tokens of some installations, as the hub's own endpoint would make them."""
    issuer = issuer_of(load_signing_key(folder))
    return [
        issuer.mint(
            f"{installation(number)}-node",
            {Scope.NODE},
            installation=installation(number),
            lifetime=timedelta(hours=12),
        ).token
        for number in numbers
    ]


def person_token(folder: Path) -> str:
    """Token of somebody who watches scans."""
    issuer = issuer_of(load_signing_key(folder))
    return issuer.mint("watcher", GRANTS["requester"], lifetime=timedelta(hours=12)).token


async def furnish(folder: Path, nodes: int, plans: Sequence[ScanPlan] = ()) -> None:
    """Make the data folder of a hub that knows its nodes already.

    Parameters
    ----------
    folder : Path
        Where; made if need be.
    nodes : int
        How many there are. They are numbered from 1, and each has one rotor of its own number.
    plans : sequence of ScanPlan
        Of the open sessions; the first belongs to the first node and has number 1, and so on.
    """
    await asyncio.to_thread(folder.mkdir, mode=0o700, parents=True, exist_ok=True)
    graphs = [graph_of(number).rotors[0] for number in range(1, nodes + 1)]
    async with (
        open_database(f"sqlite:///{folder / DATABASE}") as database,
        database.write() as connection,
    ):
        await connection.execute(
            sa.insert(tables.nodes),
            [
                {"installation": name, "name": name, "graph_version": 1}
                for name in map(installation, range(1, nodes + 1))
            ],
        )
        for number, rotor in enumerate(graphs, 1):
            await rotors.add(connection, number, rotor.name, rotor.model_dump(mode="json"))
            await control.add(connection, number)
        for number, plan in enumerate(plans, 1):
            epoch = await control.claim(connection, number, f"scan {number}", now=datetime.now(UTC))
            await sessions.add(
                connection,
                name=plan.session,
                rotor_id=number,
                request={},
                plan=plan.model_dump(mode="json"),
                total=plan.total,
                created_at=datetime.now(UTC),
                notes=None,
                desired=str(Desired.RUN),
                seen=0,
                claimed=True,
                epoch=epoch,
                **Summary().values,
            )


def free_port() -> int:
    """Port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def allow_many_files() -> None:
    """Let this process, and those that it starts, have as many open files as it may."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


@dataclass
class Server:
    """A server under load: ours, or its peer.

    Parameters
    ----------
    folder : Path
        Its data.
    port, gateway_port : int
        Where subscribers and nodes go.
    process : Popen, optional
        While it runs.
    """

    folder: Path
    port: int
    gateway_port: int
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, without waiting."""
        (self.folder / "runtime.json").unlink(missing_ok=True)
        with (self.folder / "output.log").open("ab") as output:
            self.process = subprocess.Popen(
                self.command, stdout=output, stderr=output, stdin=subprocess.DEVNULL
            )

    @property
    def command(self) -> list[str]:
        """What starts it."""
        raise NotImplementedError

    @property
    def ready_url(self) -> str | None:
        """What answers 200 once it is ready."""
        raise NotImplementedError

    def wait_until_ready(self) -> None:
        """Return once it is ready."""
        deadline = time.monotonic() + SOON_S
        while time.monotonic() < deadline and self._alive:
            url = self.ready_url
            if url is not None:
                try:
                    with urllib.request.urlopen(url, timeout=5):  # noqa: S310 -- http, to loopback
                        return
                except (OSError, urllib.error.URLError):
                    pass
            time.sleep(0.05)
        raise SystemExit(f"not ready:\n{self.output[-4000:]}")

    @property
    def output(self) -> str:
        """What it has said."""
        return (self.folder / "output.log").read_text(errors="replace")

    def kill(self) -> None:
        """Pull the plug."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def end(self) -> None:
        """End it in good order, or not."""
        if self.process is None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(SOON_S)
        except subprocess.TimeoutExpired:
            self.kill()

    @property
    def cpu_s(self) -> float:
        """CPU that it has used in all, user and system, seconds."""
        fields = self._proc("stat").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS_S

    @property
    def resident_bytes(self) -> int:
        """Memory that it has."""
        return int(self._proc("statm").split()[1]) * _PAGE

    @property
    def commits(self) -> int:
        """Transactions that its database has had; their number is kept for its readers.

        It is the field ``iChange`` of the header in the write-ahead log's index.
        """
        index = (self.folder / f"{DATABASE}-shm").read_bytes()[:12]
        change: int = struct.unpack_from("=I", index, 8)[0]
        return change

    @property
    def _alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def _proc(self, name: str) -> str:
        if self.process is None or not self._alive:
            raise SystemExit(f"it has ended:\n{self.output[-4000:]}")
        return Path(f"/proc/{self.process.pid}/{name}").read_text(encoding="utf-8")


class Hub(Server):
    """``skyscan serve``, as a user starts it, without a node beside it."""

    @property
    def command(self) -> list[str]:
        """What starts it."""
        return [
            str(SKYSCAN),
            "serve",
            "--no-node",
            *("--data", str(self.folder)),
            *("--port", str(self.port), "--gateway-port", str(self.gateway_port)),
            *("--log-level", "warning"),
        ]

    @property
    def ready_url(self) -> str | None:
        """What answers 200 once it is ready."""
        runtime = read_runtime(self.folder)
        return None if runtime is None else f"{runtime.url}/readyz"


class PreparedHub(Hub):
    """The same, in a process that has imported everything and waits for word to begin."""

    def prepare(self) -> None:
        """Start the process, and return once it waits."""
        with (self.folder / "output.log").open("ab") as output:
            self.process = subprocess.Popen(
                [
                    sys.executable,
                    str(Path(__file__).with_name("prepared_hub.py")),
                    *self.command[1:],
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
            )
        assert self.process.stdout is not None
        if self.process.stdout.readline() != b"ready\n":
            raise SystemExit(f"not prepared:\n{self.output[-4000:]}")

    def go(self) -> None:
        """Begin."""
        assert self.process is not None
        assert self.process.stdin is not None
        (self.folder / "runtime.json").unlink(missing_ok=True)
        self.process.stdin.write(b"\n")
        self.process.stdin.flush()


class Peer(Server):
    """The same with FastAPI on uvicorn (`fastapi_peer`); it has one port for all."""

    @property
    def command(self) -> list[str]:
        """What starts it."""
        script = Path(__file__).with_name("fastapi_peer.py")
        return [sys.executable, str(script), str(self.folder), str(self.port)]

    @property
    def ready_url(self) -> str | None:
        """What answers 200 once it is ready."""
        return f"http://127.0.0.1:{self.port}/readyz"


def hub(folder: Path) -> Hub:
    """Hub of a folder, at free ports."""
    return Hub(folder, free_port(), free_port())


def peer(folder: Path) -> Peer:
    """Peer of a folder, at a free port."""
    port = free_port()
    return Peer(folder, port, port)
