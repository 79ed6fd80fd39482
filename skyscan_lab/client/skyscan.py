"""The client of the Sky Scan API and of the rotors beside it."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from skyscan_lab.client.address import Address
from skyscan_lab.client.credentials import Credentials, require_token
from skyscan_lab.client.lab import DEFAULT_URL, running_lab
from skyscan_lab.client.link import Link
from skyscan_lab.client.rotors import RotorCalls
from skyscan_lab.client.scans import ScanCalls
from skyscan_lab.errors import InvalidInput, InvalidTransition


class SkyScanClient(ScanCalls, RotorCalls):
    """Scans and rotors of a server, as typed calls.

    What can be asked twice without harm is asked again where no answer comes, after random
    pauses, until there is no more patience: reading, `pause`, `resume`, `cancel`, `stop`. What
    cannot is asked once: `start`, `move`, `point`, `park`.

    Parameters
    ----------
    url : str, optional
        Address of the server, with a path where a proxy wants one
        (``"http://localhost:8888/skyscan"``). By default that of the lab on this machine.
    token : str, optional
        Bearer token. By default that of the environment variable SKYSCAN_TOKEN, else that of
        the lab on this machine if the address is the lab's, else none.
    patience_s : float
        How long to ask again, seconds; no try begins later. A server that has not answered yet
        gets 3 s at most, since its address is more likely wrong.
    timeout_s : float
        How long an answer may take, seconds. Starting a scan, and fetching a session or its
        points, may take longer.
    heartbeat_s : float
        A silent WebSocket is asked whether it is alive so often, seconds.

    Raises
    ------
    InvalidInput
        For an address, a token or times that cannot be used.

    Examples
    --------
    >>> import skyscan_lab as sky
    >>> import xarray as xr
    >>> async def scan_the_south() -> xr.Dataset:
    ...     grid = sky.ScanGrid(az=(150, 210), el=(20, 50), step=2)
    ...     async with sky.SkyScanClient("http://127.0.0.1:5001") as client:
    ...         async for update in client.scan(grid, rotor=1):
    ...             print(f"{update.progress_pct} %", update.point)
    ...         return await client.session(update.session_id)
    >>> sky.SkyScanClient("127.0.0.1:5001")
    Traceback (most recent call last):
    skyscan_lab.errors.InvalidInput: url = '127.0.0.1:5001': must be 'http://HOST:PORT' or https
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        token: str | None = None,
        patience_s: float = 60.0,
        timeout_s: float = 30.0,
        heartbeat_s: float = 10.0,
    ) -> None:
        for name, value in (("timeout_s", timeout_s), ("heartbeat_s", heartbeat_s)):
            if not value > 0.0:
                raise InvalidInput(name, value, "greater than 0")
        if not patience_s >= 0.0:
            raise InvalidInput("patience_s", patience_s, "at least 0")
        if token is not None:
            require_token("token", token)
        self._address = None if url is None else Address(url)
        self._token = token
        self._patience_s = patience_s
        self._timeout_s = timeout_s
        self._heartbeat_s = heartbeat_s

    @property
    def url(self) -> str:
        """Address of the server."""
        return str(self._link.address)

    async def __aenter__(self) -> Self:
        if self._opened is not None:
            raise InvalidTransition("this client is open already")
        address = self._address
        if address is None:
            lab = await running_lab()
            address = Address(DEFAULT_URL if lab is None else lab.url)
        self._opened = Link(
            address,
            Credentials(address, self._token),
            patience_s=self._patience_s,
            timeout_s=self._timeout_s,
            heartbeat_s=self._heartbeat_s,
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        opened, self._opened = self._opened, None
        if opened is not None:
            await opened.close()
