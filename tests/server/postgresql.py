"""A PostgreSQL of our own: on a Unix socket in a temporary folder, for as long as it is needed."""

import asyncio
import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

import asyncpg

ADMINISTRATOR = "administrator"
OWNER = "skyscan"

# What would outlive a power cut is not what these tests are about.
_SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "full_page_writes": "off",
    "shared_buffers": "16MB",
    "max_connections": "60",
    "log_min_messages": "fatal",
}
# PostgreSQL ends when its shell ends, and that when whoever started it has gone, however.
_UNTIL_END_OF_INPUT = '"$@" & read _; kill -INT $!; wait $!'


class PostgreSQL:
    """A server with a role that owns its databases, and may make roles but not do everything."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="skyscan-pg-"))
        self._names = (f"test_{number}" for number in itertools.count())
        self._process = None
        self._user = _whom()
        if self._user is not None:
            shutil.chown(self.folder, self._user.pw_name)
        options = ["--auth=trust", "--no-sync", "--locale=C", "--encoding=UTF8"]
        self._run("initdb", f"--pgdata={self._data}", f"--username={ADMINISTRATOR}", *options)

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    def start(self) -> None:
        settings = [text for name, value in _SETTINGS.items() for text in ("-c", f"{name}={value}")]
        command = ["postgres", "-D", str(self._data), "-k", str(self.folder), *settings]
        self._process = subprocess.Popen(
            ["sh", "-c", _UNTIL_END_OF_INPUT, "sh", *command],
            stdin=subprocess.PIPE,
            **self._as_user,
        )
        while not (self.folder / ".s.PGSQL.5432").exists():
            assert self._process.poll() is None, "PostgreSQL has ended by itself"
            time.sleep(0.01)

    def stop(self) -> None:
        self._process.stdin.close()
        self._process.wait(timeout=30)

    def close(self) -> None:
        """End it at once: nobody will ask for its data again."""
        pid = int((self._data / "postmaster.pid").read_text().splitlines()[0])
        os.kill(pid, signal.SIGQUIT)
        self.stop()
        shutil.rmtree(self.folder)

    def url(self, database: str, user: str = OWNER) -> str:
        return f"postgresql://{user}@/{database}?host={self.folder}"

    def create(self, template: str = "template1") -> str:
        """Make a database, as a copy of another one; return its name."""
        name = next(self._names)
        self.sql(f"CREATE DATABASE {name} OWNER {OWNER} TEMPLATE {template} STRATEGY FILE_COPY")
        return name

    def drop(self, database: str) -> None:
        self.sql(f"DROP DATABASE {database} WITH (FORCE)")

    def empty(self, database: str, tables: Iterable[str]) -> None:
        """Take every row out of some tables, whatever refers to it: faster than TRUNCATE."""
        self.sql(
            "SET session_replication_role = replica",
            "SET lock_timeout = '10s'",
            "; ".join(f"DELETE FROM {table}" for table in tables),  # noqa: S608 - names of ours
            database=database,
        )

    def sql(self, *statements: str, user: str = ADMINISTRATOR, database: str = "postgres") -> None:
        """Execute statements; not from within an event loop."""
        asyncio.run(self._sql(statements, user, database))

    async def _sql(self, statements: tuple[str, ...], user: str, database: str) -> None:
        connection = await self.connect(user, database)
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    async def connect(self, user: str, database: str) -> asyncpg.Connection:
        """Connect, once it takes connections."""
        while True:
            try:
                return await asyncpg.connect(
                    host=str(self.folder), user=user, database=database, timeout=10
                )
            except (asyncpg.CannotConnectNowError, ConnectionRefusedError):
                await asyncio.sleep(0.01)

    def _run(self, *command: str) -> None:
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, **self._as_user)

    @property
    def _as_user(self) -> dict[str, object]:
        """PostgreSQL does not run as root."""
        if self._user is None:
            return {}
        name, group = self._user.pw_name, self._user.pw_gid
        return {"user": name, "group": group, "extra_groups": [], "cwd": "/"}


def _whom() -> pwd.struct_passwd | None:
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None
