"""Where an application listens: a port, or a Unix socket."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

from aiohttp import web

from skyscan_lab.errors import SkyscanError

_SHUTDOWN_S = 5.0
_BACKLOG = 2048


class CannotListen(SkyscanError):
    """A port or a socket that another program has, or that is not ours to take."""


@asynccontextmanager
async def listening(app: web.Application, host: str, port: int) -> AsyncIterator[str]:
    """Serve an application at a port.

    Parameters
    ----------
    app : aiohttp.web.Application
        What is served.
    host, port : str, int
        Where; port 0 for any free one.

    Yields
    ------
    str
        Its URL.

    Raises
    ------
    CannotListen
        Naming the address and what to do.
    """
    async with _runner(app) as runner:
        site = web.TCPSite(runner, host, port, backlog=_BACKLOG, reuse_address=True)
        try:
            await site.start()
        except OSError as error:
            raise CannotListen(
                f"{host}:{port}: {error.strerror or error}: end the program that listens there, "
                "or give another port"
            ) from error
        bound = runner.addresses[0]
        name = f"[{host}]" if ":" in host else host
        yield f"http://{name}:{bound[1]}"


@asynccontextmanager
async def listening_at_path(app: web.Application, path: Path) -> AsyncIterator[str]:
    """Serve an application at a Unix socket that only its owner may connect to.

    Yields
    ------
    str
        The path, as ``unix:PATH``.

    Raises
    ------
    CannotListen
        Naming the path and why.
    """
    try:
        bound = await asyncio.to_thread(_private_socket, path)
    except OSError as error:
        raise CannotListen(f"{path}: {error.strerror or error}") from error
    try:
        with closing(bound):  # once more after the runner has, where there was one
            async with _runner(app) as runner:
                await web.SockSite(runner, bound).start()
                yield f"unix:{path}"
    finally:
        await asyncio.to_thread(path.unlink, missing_ok=True)


def _private_socket(path: Path) -> socket.socket:
    path.unlink(missing_ok=True)  # of a process that was killed; a living one has the database
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        made.bind(str(path))
        path.chmod(0o600)
        made.listen(_BACKLOG)
        made.setblocking(False)
    except BaseException:
        made.close()
        raise
    return made


@asynccontextmanager
async def _runner(app: web.Application) -> AsyncIterator[web.AppRunner]:
    # Requests are logged by the application itself.
    runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=_SHUTDOWN_S)
    await runner.setup()
    try:
        yield runner
    finally:
        await runner.cleanup()
