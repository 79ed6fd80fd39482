"""Real processes of the server, as a user starts them."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from skyscan_lab.client.runtime import read_runtime

SKYSCAN = Path(sys.executable).with_name("skyscan")
SOON_S = 30.0


class Process:
    """A command of ours that runs beside the test; its output is in a file."""

    def __init__(self, *arguments, log, time_scale=1000, **environment):
        self._log = log
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [str(SKYSCAN), *map(str, arguments)],
                stdout=output,
                stderr=output,
                stdin=subprocess.DEVNULL,
                env={**os.environ, "SKYSCAN_TIME_SCALE": str(time_scale), **environment},
            )

    @property
    def pid(self):
        return self._process.pid

    @property
    def alive(self):
        return self._process.poll() is None

    @property
    def output(self):
        return self._log.read_text(errors="replace")

    def kill(self):
        """Pull the plug."""
        self._process.kill()
        self._process.wait()

    def end(self, how=signal.SIGTERM):
        """End it as a user does, and return its exit status."""
        if self.alive:
            self._process.send_signal(how)
        try:
            return self._process.wait(SOON_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"did not end:\n{self.output[-4000:]}") from None


class HubProcess(Process):
    """``skyscan serve`` on free ports, or on those it had before."""

    def __init__(self, data, *options, port=0, gateway_port=0, **environment):
        self.data = data
        data.mkdir(parents=True, exist_ok=True)
        (data / "runtime.json").unlink(missing_ok=True)
        ports = ("--port", port, "--gateway-port", gateway_port)
        super().__init__(
            "serve", "--data", data, *ports, *options, log=data / "serve.log", **environment
        )

    def wait_until_ready(self):
        """Return how to reach it, once ``/readyz`` says so."""
        deadline = time.monotonic() + SOON_S
        while time.monotonic() < deadline and self.alive:
            runtime = read_runtime(self.data)
            if runtime is not None:
                try:
                    with urllib.request.urlopen(f"{runtime.url}/readyz", timeout=5):
                        return runtime
                except (OSError, urllib.error.URLError):
                    pass
            time.sleep(0.05)
        raise AssertionError(f"not ready:\n{self.output[-4000:]}")


@dataclass
class Reached:
    """A hub as a client has it: where it is, and a session that carries the token."""

    url: str
    token: str
    session: aiohttp.ClientSession


@asynccontextmanager
async def reach(runtime):
    """Open a session to a hub."""
    headers = {"Authorization": f"Bearer {runtime.token}"}
    timeout = aiohttp.ClientTimeout(total=60)
    async with aiohttp.ClientSession(headers=headers, timeout=timeout) as session:
        yield Reached(runtime.url, runtime.token, session)
    await asyncio.sleep(0)  # let transports close
