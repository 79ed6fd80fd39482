"""What is the matter at the nodes, where no record of a session can tell; the newest counts."""

from __future__ import annotations


class Troubles:
    """What nodes have said, by session, until they say that it is over.

    Examples
    --------
    >>> troubles = Troubles()
    >>> troubles.put(4, "the disk takes nothing: No space left on device")
    >>> troubles.of(4)
    'the disk takes nothing: No space left on device'
    """

    def __init__(self) -> None:
        self._words: dict[int, str] = {}

    def put(self, session_id: int, words: str | None) -> None:
        """Take note; None for what is over."""
        if words is None:
            self._words.pop(session_id, None)
        else:
            self._words[session_id] = words

    def of(self, session_id: int) -> str | None:
        """What is the matter with a session; None where nothing is known to be."""
        return self._words.get(session_id)
