"""A rotor followed over connections that may break: where it points, whenever that changes."""

from __future__ import annotations

from collections.abc import Callable

from skyscan_lab.client.address import Query
from skyscan_lab.client.following import Follower
from skyscan_lab.client.link import Link
from skyscan_lab.protocol.rotors import RotorPosition


class RotorWatch(Follower[RotorPosition]):
    """Where one rotor was last.

    Parameters
    ----------
    link : Link
        Way to the server.
    rotor : int
        Which rotor.
    on_trouble : callable, optional
        Told in words each time the connection is lost.
    """

    def __init__(
        self, link: Link, rotor: int, on_trouble: Callable[[str], None] | None = None
    ) -> None:
        path, resource = f"/ws/rotor/{rotor}", f"/api/rotors/{rotor}"
        super().__init__(link, RotorPosition, path, resource, on_trouble)
        self._last: RotorPosition | None = None

    @property
    def progress(self) -> int:
        """None: each connection begins with where the rotor is, also one that does not last."""
        return 0

    @property
    def ended(self) -> bool:
        """A rotor can always be moved once more."""
        return False

    def query(self) -> Query:
        """Nothing: the newest position is all there is to ask for."""
        return {}

    def is_news(self, told: RotorPosition) -> bool:
        """Whether it is another position than the last."""
        news, self._last = told != self._last, told
        return news
