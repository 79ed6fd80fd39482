"""Truth: what a process really writes to standard error, read back as JSON."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys

PROGRAM = """
import logging, structlog
from skyscan_server.web.logs import configure_logging
configure_logging({level!r})
log = structlog.get_logger("ours")
log.debug("too quiet")
log.info("point stored", session=4, words="Süd")
logging.getLogger("theirs").warning("disk at %d %%", 99)
def fail(token="s3cret"):
    raise OSError("disk on fire")
try:
    fail()
except OSError:
    log.exception("store failed")
"""


def run(level, **options):
    command = [sys.executable, "-c", PROGRAM.format(level=level)]
    return subprocess.run(command, check=True, text=True, timeout=60, **options)


def test_events_are_lines_of_json_on_standard_error():
    done = run("info", capture_output=True)
    assert done.stdout == ""
    events = [json.loads(line) for line in done.stderr.splitlines()]
    ours, theirs, failed = events
    assert ours["event"] == "point stored"
    assert ours["session"] == 4
    assert ours["words"] == "Süd"
    assert ours["level"] == "info"
    assert ours["timestamp"].endswith("Z")
    assert theirs["event"] == "disk at 99 %"
    assert theirs["logger"] == "theirs"
    assert theirs["level"] == "warning"
    assert "OSError: disk on fire" in failed["exception"]
    assert "s3cret" not in done.stderr.replace('token="s3cret"', "")


def test_the_level_is_the_lowest_that_is_written():
    done = run("warning", capture_output=True)
    assert [json.loads(line)["level"] for line in done.stderr.splitlines()] == ["warning", "error"]


def test_a_log_that_takes_nothing_stops_nobody():
    """Also where it is on the disk that is full."""
    with open("/dev/full", "wb") as full:  # noqa: PTH123 - a device
        run("info", stdout=full, stderr=full)


def test_on_a_terminal_they_are_for_people():
    ours, theirs = pty.openpty()
    run("info", stderr=theirs)
    os.close(theirs)
    written = b""
    try:
        while part := os.read(ours, 4096):
            written += part
    except OSError:
        pass  # how the end of a terminal is told
    finally:
        os.close(ours)
    text = written.decode()
    assert "point stored" in text
    assert "disk at 99 %" in text
    assert "OSError: disk on fire" in text
    assert not text.startswith("{")
    assert "s3cret" not in text
