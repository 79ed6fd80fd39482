"""Secrets that people read off one screen and type into another.

Four groups of four letters of Crockford's base 32, which has no letter that looks like another:
80 random bits, for the hour that such a code lives.
"""

from __future__ import annotations

import secrets

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_LETTERS = 16
_GROUP = 4
_LOOK_ALIKE = str.maketrans("OIL", "011", " -")


def new_code() -> str:
    """Make a code, as it is shown."""
    letters = "".join(secrets.choice(_ALPHABET) for _ in range(_LETTERS))
    return "-".join(letters[at : at + _GROUP] for at in range(0, _LETTERS, _GROUP))


def read_code(typed: str) -> str | None:
    """Read a code as people type it; None for what is none.

    Examples
    --------
    >>> read_code(" 8x2k 00fz-0gqj w4t1") == read_code("8X2K-OOFZ-OGQJ-W4TL")
    True
    """
    if len(typed) > 4 * _LETTERS or not typed.isascii():
        return None
    letters = typed.upper().translate(_LOOK_ALIKE)
    return letters if len(letters) == _LETTERS and set(letters) <= set(_ALPHABET) else None
