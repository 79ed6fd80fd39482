"""``skyscan lab`` as a process, for tests that watch it from outside."""

import re
import time

from tests.server.processes import Process

SOON_S = 90.0


class Lab(Process):
    """``skyscan lab`` with a home and a data folder of its own."""

    def __init__(self, home, *options, free_ports=True, **environment):
        self.home, self.data = home, home / "data"
        self.data.mkdir(exist_ok=True)
        if free_ports:
            (self.data / "hub.toml").write_text("port = 0\ngateway_port = 0\n")
            options = ("--port", "0", *options)
        log = home / f"lab-{time.monotonic_ns()}.log"
        super().__init__("lab", "--no-browser", *options, log=log, **self.own(environment))

    def own(self, environment=()):
        """Environment of it."""
        return {"HOME": str(self.home), "SKYSCAN_HOME": str(self.data), **dict(environment)}

    def wait(self):
        """Wait until it says where it is: Jupyter's address and token."""
        return re.search(
            r"(http://127\.0\.0\.1:\d+)/lab\?token=(\w+)", self.wait_for("/lab?token=")
        )

    def wait_for(self, words):
        deadline = time.monotonic() + SOON_S
        while words not in self.output and self.alive and time.monotonic() < deadline:
            time.sleep(0.05)
        assert words in self.output, self.output[-4000:]
        return self.output

    def ended(self):
        """Wait until it ends by itself, and return its exit status."""
        deadline = time.monotonic() + SOON_S
        while self.alive and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not self.alive, self.output[-4000:]
        return self.end()
