"""The node's data folder: what lies where, and that only one node uses it."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from skyscan_lab.errors import SkyscanError
from skyscan_lab.folders import make_folder, sync_folder


class NodeError(SkyscanError):
    """Something that keeps a node from working at all, with what would be right."""


@contextmanager
def data_folder(folder: Path) -> Iterator[bool]:
    """Hold a node's data folder for as long as the block runs; it is made if need be.

    Its file ``node.lock`` holds the number of the process, to which signals can be sent.

    Parameters
    ----------
    folder : Path
        The folder.

    Yields
    ------
    bool
        Whether the node before us died: it had no time to stop what it moved.

    Raises
    ------
    NodeError
        Where another node uses it, or it cannot be made.
    """
    lock = folder / "node.lock"
    try:
        make_folder(folder)
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise NodeError(f"{error.filename or folder}: {error.strerror}") from error
    try:
        try:
            # flock goes with the process: a killed one leaves no lock behind.
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise NodeError(
                f"{folder}: another node uses this folder; end it, or set another data folder"
            ) from None
        size = os.fstat(descriptor).st_size
        died = size > 0
        with suppress(OSError):  # a full disk is no reason not to start
            # Never empty in between, and on the disk before anything moves: a power cut at the
            # site need not stop a rotor.
            ours = f"{os.getpid()}\n".encode()
            os.pwrite(descriptor, ours.ljust(size, b"\n"), 0)
            os.ftruncate(descriptor, len(ours))
            os.fsync(descriptor)
            sync_folder(folder)
        try:
            yield died
        finally:  # however it ended, it had the time to
            os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)
