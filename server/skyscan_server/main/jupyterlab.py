"""JupyterLab as a child process, from its start to its end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from skyscan_lab.errors import SkyscanError

_CHILD = "skyscan_server.main.jupyterlab_child"
_SETTINGS = Path(__file__).with_name("jupyter_config")
_START_S = 120.0
_GRACE_S = 10.0


class JupyterLabFailed(SkyscanError):
    """JupyterLab did not start, or ended by itself with an error."""


class Said(BaseModel):
    """What JupyterLab says once it listens.

    Parameters
    ----------
    url : str
        Address to open, with Jupyter's own token in it.
    open_file : str
        A page that leads there, so that the token is on no command line.
    """

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    url: str
    open_file: str


@dataclass(frozen=True, slots=True)
class JupyterLab:
    """A running JupyterLab.

    Attributes
    ----------
    said : Said
        Where it is.
    """

    said: Said
    _process: Process

    async def ended(self) -> None:
        """Wait until it ends, as by its own menu.

        Raises
        ------
        JupyterLabFailed
            Where it ends with an error.
        """
        status = await self._process.wait()
        if status != 0:
            raise JupyterLabFailed(f"JupyterLab ended with status {status}")


@asynccontextmanager
async def jupyterlab(
    arguments: list[str], environment: dict[str, str], *, grace_s: float = _GRACE_S
) -> AsyncIterator[JupyterLab]:
    """Run JupyterLab for as long as the block runs.

    Its standard error is ours. Ctrl-C on the terminal does not reach it, so that everything
    ends in order, and without the question that Jupyter would ask.

    Parameters
    ----------
    arguments : list of str
        As `lab_arguments` makes them.
    environment : dict
        Its environment variables, and those of its kernels.
    grace_s : float
        It is killed when it takes longer than that to end.

    Raises
    ------
    JupyterLabFailed
        Where it does not start.
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", _CHILD),
        *arguments,
        stdin=PIPE,
        stdout=PIPE,
        env=environment,
        start_new_session=True,
    )
    try:
        yield JupyterLab(await _said_by(process), process)
    finally:
        await _end(process, grace_s)


async def _said_by(process: Process) -> Said:
    try:
        async with asyncio.timeout(_START_S):
            line = b"" if process.stdout is None else await process.stdout.readline()
            if line:
                return Said.model_validate_json(line)
            status = await process.wait()
    except TimeoutError:
        raise JupyterLabFailed(f"JupyterLab did not start within {_START_S:.0f} s") from None
    raise JupyterLabFailed(f"JupyterLab ended with status {status} before it was ready")


async def _end(process: Process, grace_s: float) -> None:
    if process.stdin is not None:
        process.stdin.close()
    try:
        async with asyncio.timeout(grace_s):
            await process.wait()
    except (TimeoutError, asyncio.CancelledError) as reason:
        # Too slow, or somebody is impatient. Kernels end by themselves without it.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
        if isinstance(reason, asyncio.CancelledError):
            raise


def lab_arguments(folder: Path, port: int, *, browser: bool, root: bool) -> list[str]:
    """Arguments with which JupyterLab is started.

    Examples
    --------
    >>> lab_arguments(Path("/n"), 8888, browser=False, root=True)[-2:]
    ['--no-browser', '--allow-root']
    """
    arguments = [
        "--log-level=WARN",
        "--LabApp.log_level=WARN",
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.port={port}",
        f"--ServerApp.root_dir={folder}",
        "--ServerApp.jpserver_extensions=skyscan_server.jupyter=True",
        # Nothing that is opened here asks anybody outside of this machine for anything.
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]
    if not browser:
        arguments.append("--no-browser")
    if root:
        arguments.append("--allow-root")
    return arguments


def lab_environment(data: Path) -> dict[str, str]:
    """Environment of JupyterLab and its kernels.

    Parameters
    ----------
    data : Path
        Folder by which notebooks, and the extension, find the hub.
    """
    folders = [str(_SETTINGS), *filter(None, [os.environ.get("JUPYTER_CONFIG_PATH")])]
    return {
        **os.environ,
        # Defaults of JupyterLab: it asks nobody for news, and nobody whether it may.
        "JUPYTER_CONFIG_PATH": os.pathsep.join(folders),
        # A kernel of the same name in the user's own folder may be another Python's.
        "JUPYTER_PREFER_ENV_PATH": "1",
        "SKYSCAN_HOME": str(data),
    }


def has_display() -> bool:
    """Whether a browser could show itself here."""
    if sys.platform in ("darwin", "win32"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def is_root() -> bool:
    """Whether we are the administrator, as whom Jupyter starts only when told to."""
    return os.geteuid() == 0
