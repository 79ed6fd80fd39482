"""A session followed over connections that may break: each record once, in order, none missed.

Every message has the number of the last record that it tells of. A new connection names the
highest number seen, and the server goes on after it; what comes again is passed over. Where a
number is left out, the server is asked again: there are records that it tells nobody of, and it
leaves those out each time.
"""

from __future__ import annotations

from collections.abc import Callable

from skyscan_lab.client.address import Query
from skyscan_lab.client.following import AskAgain, Follower
from skyscan_lab.client.link import Link
from skyscan_lab.protocol.skyscan import NumberedProgress


class Watch(Follower[NumberedProgress]):
    """What is known of one session, and how to get the rest.

    Parameters
    ----------
    link : Link
        Way to the server.
    session_id : int
        Which session.
    after : int
        Number of the last record already known; 0 for none.
    on_trouble : callable, optional
        Told in words each time the connection is lost.
    """

    def __init__(
        self,
        link: Link,
        session_id: int,
        after: int = 0,
        on_trouble: Callable[[str], None] | None = None,
    ) -> None:
        path = f"/ws/skyscan/{session_id}"
        super().__init__(link, NumberedProgress, path, f"/api/skyscan/{session_id}", on_trouble)
        # Nobody has seen the state before the first record, whose number is 0.
        self._seen = after if after > 0 else -1
        self._doubted = -1
        self._ended = False

    @property
    def progress(self) -> int:
        """Number of the last record seen."""
        return self._seen

    @property
    def ended(self) -> bool:
        """Whether the session has."""
        return self._ended

    def query(self) -> Query:
        """Ask for what comes after the last record seen."""
        return {"after": max(self._seen, 0)}

    def is_news(self, told: NumberedProgress) -> bool:
        """Whether it tells of more than has been seen."""
        if told.number > self._seen + 1 and told.number != self._doubted:
            self._doubted = told.number
            raise AskAgain(f"nothing between updates {self._seen} and {told.number}")
        self._ended = told.status.final
        if told.number <= self._seen:
            return False
        self._seen = told.number
        return True
