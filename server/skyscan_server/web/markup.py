"""HTML that is safe by construction: whatever is not made here is escaped."""

from __future__ import annotations

import html
from collections.abc import Iterable

_VOID = frozenset({"meta", "br", "hr", "link"})


Inside = str | Iterable["Inside"] | None
"""What may be inside an element: text, which is escaped, what was made here, or several."""


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


def tag(name: str, /, *inside: str | Inside, **attributes: str | bool) -> Html:
    """Make an element.

    Parameters
    ----------
    name : str
        Its name.
    *inside : str, iterable of str or None
        What is in it; text that is no `Html` is escaped, None is nothing.
    **attributes
        ``class_`` stands for class, an underscore elsewhere for a hyphen; True for one without
        a value, False for none.

    Examples
    --------
    >>> tag("p", "a < b ", tag("b", "yes"), class_="note")
    '<p class="note">a &lt; b <b>yes</b></p>'
    """
    written = "".join(_attribute(key, value) for key, value in attributes.items())
    start = f"<{name}{written}>"
    return Html(start if name in _VOID else f"{start}{join(*inside)}</{name}>")


def join(*parts: str | Inside) -> Html:
    """Put parts one after the other, escaping what is no `Html`."""
    return Html("".join(_escaped(part) for part in parts))


def _escaped(part: str | Inside) -> str:
    if part is None or isinstance(part, Html):
        return part or ""
    if isinstance(part, str):
        return html.escape(part)
    return "".join(_escaped(piece) for piece in part)


def _attribute(name: str, value: str | bool) -> str:
    if value is False:
        return ""
    name = name.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{html.escape(str(value))}"'
