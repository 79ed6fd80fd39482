"""What the rules of the hub refuse, and why; the web layer gives each its status.

::

    DomainError
    ├── NotFound        404   there is no such thing, or not for this caller
    ├── Refused         400   understood, and not possible in this state
    ├── Invalid         422   a field whose value cannot be used
    ├── Forbidden       403   not with these scopes
    ├── Conflict        409   somebody else holds it, or it exists already
    ├── Upstream        502   the node's hardware answered with an error
    └── Unavailable     503   a node or its hardware cannot be reached, or the store takes nothing
"""

from __future__ import annotations

from skyscan_lab.errors import SkyscanError


class DomainError(SkyscanError):
    """Base of what the hub refuses; its text is for people."""


class NotFound(DomainError):
    """There is no such thing, or not for this caller."""


class Refused(DomainError):
    """Understood, and not possible in this state."""


class Invalid(DomainError):
    """A field whose value cannot be used.

    Parameters
    ----------
    field : str
        Its name.
    value : object
        What was given.
    allowed : str
        What would be right, in words.
    """

    def __init__(self, field: str, value: object, allowed: str) -> None:
        self.field = field
        self.value = value
        self.allowed = allowed
        super().__init__(f"{field} = {value!r}: must be {allowed}")


class Forbidden(DomainError):
    """Not with these scopes."""


class Conflict(DomainError):
    """Somebody else holds it, or it exists already."""


class Upstream(DomainError):
    """The hardware behind a node answered with an error."""


class Unavailable(DomainError):
    """A node or its hardware cannot be reached, or the store takes nothing at present."""
