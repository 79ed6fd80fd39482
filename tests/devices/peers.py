"""Independent programs that speak a device's protocol, as processes that can die."""

import asyncio
import sys
from pathlib import Path
from typing import Self

from tests.ports import free_port


class Peer:
    """A server process that can be killed and started again on the same port.

    The port is its last argument.
    """

    def __init__(self, *command: str) -> None:
        self.port = free_port()
        self._command = [*command, str(self.port)]
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.kill()

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            *self._command,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        async with asyncio.timeout(20.0):
            await listening(self.port)

    async def kill(self) -> None:
        if self._process is not None:
            process, self._process = self._process, None
            process.kill()
            await process.wait()


async def listening(port: int) -> None:
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.02)
        else:
            writer.close()
            await writer.wait_closed()
            return


def rotctld() -> Peer:
    return Peer("rotctld", "-m", "1", "-T", "127.0.0.1", "-t")


def birdcage() -> Peer:
    script = Path(__file__).with_name("birdcage_server.py")
    return Peer(sys.executable, str(script))
