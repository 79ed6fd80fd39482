"""Hamlib's rotctld with its dummy rotator: somebody else's program at the other end."""

import shutil
import signal
import socket
import subprocess
import time
from contextlib import contextmanager


@contextmanager
def rotctld(port):
    """Run it until the block ends, or it is killed."""
    program = shutil.which("rotctld")
    process = subprocess.Popen([program, "-m", "1", "-T", "127.0.0.1", "-t", str(port)])
    try:
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.02)
        yield process
    finally:
        process.send_signal(signal.SIGCONT)
        process.kill()
        process.wait()
