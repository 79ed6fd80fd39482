"""What a token may be good for, and who gets what."""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType


class Scope(StrEnum):
    """One kind of thing that a caller may do."""

    SKYSCAN_READ = "skyscan:read"
    SKYSCAN_WRITE = "skyscan:write"
    ROTORS_READ = "rotors:read"
    ROTORS_MOVE = "rotors:move"
    ROTORS_ADMIN = "rotors:admin"
    NODE = "node"
    INTERNAL = "internal"
    ADMIN = "admin"


_REQUESTER = frozenset({Scope.SKYSCAN_READ, Scope.SKYSCAN_WRITE, Scope.ROTORS_READ})
_OPERATOR = _REQUESTER | {Scope.ROTORS_MOVE}

GRANTS = MappingProxyType(
    {
        "requester": _REQUESTER,
        "operator": _OPERATOR,
        "owner": _OPERATOR | {Scope.ROTORS_ADMIN, Scope.ADMIN},
    }
)
"""Scopes of a person, by what ``skyscan token --grant`` calls the part they play."""
