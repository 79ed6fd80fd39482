"""The dialogue with a Winegard Carryout G2's serial console.

The console is a tree of menus: ``TRK>`` is the root, ``mot`` leads to ``MOT>`` and ``dvb`` to
``DVB>``, ``q`` leads back — and **``q`` at the root kills the console until the dish is power
cycled**. A remembered menu is no proof of where the console is: the dish may have restarted
since. So every ``q`` is preceded by a bare carriage return, which only repeats the prompt, and
is sent only when that prompt is a submenu's.

Commands end in a carriage return. A reply may hold an echo and a preamble and always ends with
a prompt: it is complete when a prompt has come, and its values are found by a named pattern.

References
----------
.. [1] C. Davidson, *winegard-sky-scan* (2024), and the ``winegard-birdcage`` package (2026):
   the commands, observed on firmware 02.02.48.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
from enum import Enum
from typing import NamedTuple

from skyscan_lab.devices.serial_port import SerialPort
from skyscan_lab.devices.turns import Turns
from skyscan_lab.errors import DeviceError, DeviceProtocolError, DeviceTimeout, DeviceUnreachable

BAUD = 115200

_ROOT = "TRK"
# Every prompt of firmware 02.02.48. Anything else before a ">" is not taken for one: a root
# prompt that noise has changed must not look like a submenu that `q` would leave.
_SUBMENUS = "MOT|DVB|NVS|A3981|ADC|OS|STEP|PEAK|EE|GPIO|LATLON|DIPSWITCH"
_PROMPT = re.compile(rf"(?<![A-Za-z0-9])(?P<menu>{_ROOT}|{_SUBMENUS})>\s*\Z")
_LONGEST_REPLY = 65536  # bytes; the longest real one, the settings dump, is under 10 kB
_QUIET_S = 0.05  # 500 characters long at 115200 baud
_GOODBYE_S = 1.0

_log = logging.getLogger(__name__)


class Menu(Enum):
    """Menus that the drivers use: the command that enters one, which is also its prompt."""

    MOTOR = "mot"
    DVB = "dvb"

    @property
    def prompt(self) -> str:
        """Prompt of the menu, without its ``>``."""
        return self.value.upper()


class Reply(NamedTuple):
    """What the console answered: the text, and the menu whose prompt ended it."""

    text: str
    menu: str


class WinegardConsole:
    """Commands to the console, one at a time, each in its menu.

    Parameters
    ----------
    device : str
        Name for error messages.
    path : str
        Serial port.
    timeout_s : float
        How long a prompt may take, real seconds.
    reconnect_s : float
        For how long a lost port is tried again, real seconds.
    """

    def __init__(
        self, device: str, path: str, timeout_s: float = 5.0, reconnect_s: float = 30.0
    ) -> None:
        self.timeout_s = timeout_s
        self._device = device
        self._path = path

        self._wanted = False
        self._port: SerialPort | None = None
        self._menu: str | None = None  # as the last prompt said; None: not known
        self._turns = Turns(reconnect_s)
        self._sessions = 0

    @property
    def is_open(self) -> bool:
        """Whether it is in use; the port may be lost for a while."""
        return self._wanted

    @property
    def sessions(self) -> int:
        """Number of times the console was found afresh: opened, perhaps restarted.

        What the dish forgets when its power fails, such as that of its LNB, has to be done
        again when this number has changed.
        """
        return self._sessions

    async def open(self) -> None:
        """Open the port, in a single attempt, and find out which menu the console is in.

        Raises
        ------
        DeviceUnreachable, DeviceTimeout
            Where there is no port, or no console at its other end.
        """
        async with self._turns.turn():
            try:
                await self._locate()
            except BaseException:
                self._let_go()
                raise
            self._wanted = True

    async def close(self) -> None:
        """Leave the console at its root, and let go of the port."""
        self._wanted = False
        async with self._turns.turn():
            try:
                if self._port is not None:
                    with contextlib.suppress(DeviceError):  # it may be what made us leave
                        await self._leave(_GOODBYE_S)
            finally:
                self._let_go()

    async def ask(
        self, menu: Menu, command: str, answer: re.Pattern[str], timeout_s: float | None = None
    ) -> re.Match[str]:
        """Send a command in a menu and find its answer.

        A reply without the answer, or from another menu, is asked for once more: the line may
        be noisy, or the dish have restarted. After the loss of the port, as when an adapter was
        pulled, it is asked for anew. So only commands that may be repeated are sent.

        Parameters
        ----------
        menu : Menu
            Where the command is known.
        command : str
            Without its carriage return.
        answer : re.Pattern
            Searched for in the reply.
        timeout_s : float, optional
            How long the reply may take, in real seconds.

        Raises
        ------
        DeviceUnreachable
            When the port is gone, and did not come back.
        DeviceTimeout
            When no prompt came.
        DeviceProtocolError
            When prompts came, but not the answer.
        """
        return await self._turns.take(
            lambda: self._ask_twice(menu, command, answer, timeout_s), lambda: self._wanted
        )

    async def _ask_twice(
        self, menu: Menu, command: str, answer: re.Pattern[str], timeout_s: float | None
    ) -> re.Match[str]:
        try:
            return await self._ask_once(menu, command, answer, timeout_s)
        except (DeviceTimeout, DeviceProtocolError) as error:
            _log.warning("%s; asking again", error)
        return await self._ask_once(menu, command, answer, timeout_s)

    async def _ask_once(
        self, menu: Menu, command: str, answer: re.Pattern[str], timeout_s: float | None
    ) -> re.Match[str]:
        if not self._wanted:
            raise DeviceUnreachable(self._device, "is not connected")
        await self._enter(menu)
        reply = await self._exchange(command, timeout_s)
        if reply.menu != menu.prompt:
            raise self._nonsense(command, reply, f"at {reply.menu}>, did it restart?")
        found = answer.search(reply.text)
        if found is None:
            raise self._nonsense(command, reply)
        return found

    async def _enter(self, menu: Menu) -> None:
        if self._port is None or self._menu is None:
            await self._locate()
        if self._menu == menu.prompt:
            return
        await self._leave()
        reply = await self._exchange(menu.value)
        if reply.menu != menu.prompt:
            raise self._nonsense(menu.value, reply)

    async def _locate(self) -> None:
        """Find the menu of a console of which nothing is known, by a bare carriage return."""
        if self._port is None:
            self._port = SerialPort(self._device, self._path, BAUD)
        await self._exchange("")
        self._sessions += 1
        # The answer to an earlier command, late, ends in a prompt too: the last one counts.
        with contextlib.suppress(TimeoutError):
            while True:
                async with asyncio.timeout(_QUIET_S):
                    self._menu = (await self._receive(self._port)).menu

    async def _leave(self, timeout_s: float | None = None) -> None:
        """Go to the root; ``q`` is sent only to a console that has just shown a submenu."""
        believed = self._menu
        if (await self._exchange("", timeout_s)).menu == _ROOT:
            self._sessions += believed != _ROOT
            return
        reply = await self._exchange("q", timeout_s)
        if reply.menu != _ROOT:
            raise self._nonsense("q", reply)

    async def _exchange(self, command: str, timeout_s: float | None = None) -> Reply:
        if self._port is None:
            raise DeviceUnreachable(self._device, f"{self._path} is not open")
        seconds = self.timeout_s if timeout_s is None else timeout_s
        self._menu = None  # until the prompt has come, also when this is cancelled
        try:
            if self._port.discard_input():
                _log.warning("%s spoke unasked", self._device)
            self._port.write(command.encode("ascii") + b"\r")
            async with asyncio.timeout(seconds):
                reply = await self._receive(self._port)
        except TimeoutError:
            raise DeviceTimeout(
                self._device,
                f"no prompt within {seconds:g} s of {command or 'a carriage return'!r}: is the "
                f"dish powered, and {self._path} the right port? (A console killed by 'q' at its "
                "root is silent until the power is cycled.)",
            ) from None
        except DeviceUnreachable:
            self._let_go()  # so that the next command opens the port anew
            raise
        self._menu = reply.menu
        return reply

    async def _receive(self, port: SerialPort) -> Reply:
        received = ""
        while (prompt := _PROMPT.search(received)) is None:
            received += (await port.read()).decode("ascii", errors="replace")
            if len(received) > _LONGEST_REPLY:
                raise DeviceProtocolError(
                    self._device, f"talks without a prompt: {received[:80]!r}…"
                )
        return Reply(received[: prompt.start()], prompt["menu"])

    def _nonsense(self, command: str, reply: Reply, remark: str = "") -> DeviceProtocolError:
        self._menu = None  # answers may have slipped against commands: to be found out anew
        words = f"answered {command!r} with {reply.text!r}"
        return DeviceProtocolError(self._device, f"{words} {remark}".rstrip())

    def _let_go(self) -> None:
        if self._port is not None:
            self._port.close()
        self._port = None
        self._menu = None
