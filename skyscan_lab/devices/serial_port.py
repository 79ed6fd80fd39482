"""A serial line for asyncio.

pyserial opens and configures the port: it knows the baud rates of every platform and locks the
line against a second program. From then on the event loop watches its file descriptor. A
thread that blocks in a read would do as well until a scan is cancelled, when it would still
hold the line and swallow the next reply; a descriptor is let go of at once. The kernel's own
buffer (4 KiB) is the bounded queue, so no task has to keep up with the line.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
from typing import TYPE_CHECKING

from skyscan_lab.errors import DeviceError, DeviceTimeout, DeviceUnreachable

if TYPE_CHECKING:
    import serial

_CHUNK = 4096


class SerialPort:
    """An open serial line, 8 data bits, no parity, one stop bit.

    Parameters
    ----------
    device : str
        Name for error messages.
    path : str
        The port, as ``/dev/ttyUSB0``.
    baud : int
        Bits per second.

    Raises
    ------
    DeviceError
        Where pyserial is not installed.
    DeviceUnreachable
        Where the port is missing, not permitted, or in use by another program.
    """

    def __init__(self, device: str, path: str, baud: int) -> None:
        self._device = device
        self._path = path
        try:
            import serial
        except ImportError as error:
            raise DeviceError(
                device, 'serial ports need pyserial: pip install "skyscan-lab[devices]"'
            ) from error
        try:
            # Opened with O_NONBLOCK: this does not wait for a modem that is not there.
            self._port: serial.Serial = serial.Serial(path, baud, timeout=0, exclusive=True)
        except (OSError, ValueError) as error:
            raise DeviceUnreachable(device, _explain(path, error)) from error

    def write(self, data: bytes) -> None:
        """Send a short command.

        Raises
        ------
        DeviceUnreachable
            When the port is gone.
        DeviceTimeout
            When the line does not take it: its buffer is full of what nobody reads.
        """
        try:
            # Not through pyserial, whose write spins on a full buffer when it may not wait.
            written = os.write(self._port.fileno(), data)
        except BlockingIOError:
            written = 0
        except OSError as error:
            raise DeviceUnreachable(self._device, f"{self._path} is gone: {error}") from error
        if written < len(data):
            raise DeviceTimeout(self._device, f"{self._path} takes no more data")

    async def read(self) -> bytes:
        """Wait for data and return what has arrived; the caller sets the timeout.

        Raises
        ------
        DeviceUnreachable
            When the port is gone, as after pulling a USB adapter.
        """
        descriptor = self._port.fileno()
        loop = asyncio.get_running_loop()
        ready = loop.create_future()
        loop.add_reader(descriptor, _wake, ready)
        try:
            await ready
        finally:
            loop.remove_reader(descriptor)
        try:
            data = os.read(descriptor, _CHUNK)
        except OSError as error:
            raise DeviceUnreachable(self._device, f"{self._path} is gone: {error}") from error
        if not data:  # a vanished adapter is always ready and never has data
            raise DeviceUnreachable(self._device, f"{self._path} is gone: unplugged?")
        return data

    def discard_input(self) -> bool:
        """Throw away what has arrived unasked, without waiting, and say whether anything had.

        Raises
        ------
        DeviceUnreachable
            When the port is gone.
        """
        arrived = False
        try:
            # Without data a read returns none, or fails at once: POSIX leaves it to the system.
            with contextlib.suppress(BlockingIOError):
                while os.read(self._port.fileno(), _CHUNK):
                    arrived = True
        except OSError as error:
            raise DeviceUnreachable(self._device, f"{self._path} is gone: {error}") from error
        return arrived

    def close(self) -> None:
        """Let go of the port."""
        self._port.close()


def _wake(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)


def _explain(path: str, error: OSError | ValueError) -> str:
    reasons = {
        errno.ENOENT: "does not exist: is the adapter plugged in? `skyscan doctor` lists the ports",
        errno.EACCES: "may not be opened: add yourself to its group (dialout) and log in again",
        errno.EAGAIN: "is in use by another program",
        errno.EBUSY: "is in use by another program",
    }
    reason = reasons.get(getattr(error, "errno", None) or 0, f"cannot be opened: {error}")
    return f"{path} {reason}"
