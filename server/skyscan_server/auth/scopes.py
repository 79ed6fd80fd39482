"""What a token may be good for, and who gets what."""

from __future__ import annotations

from collections.abc import Iterable
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

FOR_INSTALLATIONS = frozenset({Scope.NODE})
"""What an installation's token is good for; all else is for people, and for services of the hub."""

_BY_NAME = {scope.value: scope for scope in Scope}
_SEEN: dict[frozenset[Scope], frozenset[Scope]] = {}


def format_scopes(scopes: Iterable[Scope]) -> str:
    """Write scopes as tokens and forms have them.

    Examples
    --------
    >>> format_scopes({Scope.ROTORS_READ, Scope.ADMIN})
    'admin rotors:read'
    """
    return " ".join(sorted(scopes))


def parse_scopes(text: str) -> frozenset[Scope]:
    """Read scopes as tokens and forms have them; those that we do not know are left out.

    Examples
    --------
    >>> sorted(parse_scopes("node openid profile admin"))
    [<Scope.ADMIN: 'admin'>, <Scope.NODE: 'node'>]
    """
    scopes = frozenset(_BY_NAME[name] for name in text.split(" ") if name in _BY_NAME)
    # Thousands of tokens have the same, and each would keep its own for as long as it is used.
    return _SEEN.setdefault(scopes, scopes)


def unknown_scopes(text: str) -> list[str]:
    """Words in a scope string that stand for nothing here."""
    return [name for name in text.split(" ") if name and name not in _BY_NAME]
