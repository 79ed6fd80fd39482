"""A node in a process of its own, as a user starts it."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys

from tests.server.node.hub import SECRET

MAIN = "from skyscan_server.main.node import node_command; node_command()"


class Process:
    """``skyscan node`` with a node.toml for the test's hub; what it says is in a file.

    Parameters
    ----------
    hub : Hub
        Where it belongs.
    folder : Path
        Of everything that it leaves.
    rotors : str
        Further tables of its node.toml; without any its rotor is simulated.
    """

    def __init__(self, hub, folder, rotors=""):
        self.folder = folder
        self.config = folder / "node.toml"
        self.config.write_text(
            f'[node]\nname = "test"\nhub = "{hub.url}"\ndata = "data"\n'
            f'client_id = "node-1"\nclient_secret = "{SECRET}"\n{rotors}'
        )
        self.start()

    def start(self):
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", MAIN, "--config", str(self.config)],
                stderr=log,
                stdout=log,
                env={**os.environ, "SKYSCAN_TIME_SCALE": "1000"},
            )

    def send(self, number):
        self.process.send_signal(number)

    async def ended(self):
        return await asyncio.to_thread(self.process.wait, 20)

    def end(self):
        """Leave nothing behind."""
        self.process.kill()
        self.process.wait()

    @property
    def log(self):
        return (self.folder / "log").read_text()
