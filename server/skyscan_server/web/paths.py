"""Path templates: ``{session_id}`` is an integer, ``{file:name}`` a plain name."""

from __future__ import annotations

import re
from collections.abc import Mapping

from skyscan_server.web.problems import HttpRefusal
from skyscan_server.web.validation import MAX_INTEGER, in_words

NAME_PATTERN = "^[A-Za-z0-9_][A-Za-z0-9._-]{0,199}$"
"""A plain name: never a path, never hidden, never empty."""

_PARAMETER = re.compile(r"\{([a-z][a-z0-9_]*)(:name)?\}")
# Not int(): it takes signs, spaces, underscores and the digits of all scripts.
_DIGITS = re.compile(r"[0-9]{1,19}")
_NAME = re.compile(NAME_PATTERN.strip("^$"))


class PathTemplate:
    """A path with parameters.

    Parameters
    ----------
    template : str
        Such as ``/api/rotors/{rotor_id}`` or ``/v1/assets/{asset:name}``.

    Attributes
    ----------
    plain : str
        The template as routers and documents write it, without the kinds.
    ids, names : tuple of str
        Parameters of each kind.

    Examples
    --------
    >>> template = PathTemplate("/api/rotors/{rotor_id}/files/{file:name}")
    >>> template.plain
    '/api/rotors/{rotor_id}/files/{file}'
    >>> template.read({"rotor_id": "7", "file": "map.png"})
    ({'rotor_id': 7}, {'file': 'map.png'})
    """

    def __init__(self, template: str) -> None:
        found = _PARAMETER.findall(template)
        self.plain = _PARAMETER.sub(r"{\1}", template)
        self.ids = tuple(name for name, kind in found if not kind)
        self.names = tuple(name for name, kind in found if kind)
        literal = _PARAMETER.sub("", template)
        if not template.startswith("/") or "{" in literal or "}" in literal:
            raise ValueError(f"path {template!r}: must begin with / and have {{id}} or {{x:name}}")

    def read(self, given: Mapping[str, str]) -> tuple[dict[str, int], dict[str, str]]:
        """Read the parameters of a request.

        Raises
        ------
        HttpRefusal
            422 for what is no integer of 63 bits, or no plain name.
        """
        return (
            {name: _identity(name, given[name]) for name in self.ids},
            {name: _plain_name(name, given[name]) for name in self.names},
        )


def _identity(name: str, text: str) -> int:
    if _DIGITS.fullmatch(text):
        value = int(text)
        if value <= MAX_INTEGER:
            return value
    raise HttpRefusal(422, in_words(name, text, f"an integer within [0, {MAX_INTEGER}]"))


def _plain_name(name: str, text: str) -> str:
    if _NAME.fullmatch(text):
        return text
    raise HttpRefusal(
        422, in_words(name, text, "1 to 200 of A-Z a-z 0-9 . _ -, not starting with . or -")
    )
