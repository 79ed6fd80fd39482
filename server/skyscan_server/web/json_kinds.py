"""JSON has kinds, and keeps them: true is no number, and "5" is none.

pydantic makes a number of either, unless it is told to be strict; but then it also refuses what
JSON cannot say otherwise, such as a tuple inside a model that has a validator of its own. So
what was sent is compared with what was made of it, as a JSON Schema would see both.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from datetime import date, time, timedelta
from functools import cache
from typing import Any

from pydantic import BaseModel

Mismatch = tuple[tuple[str, ...], object, str]
"""Where, what was sent, and what it must be."""

_NOT_THERE = object()


def mismatches(sent: Any, made: Any, path: tuple[str, ...] = ()) -> Iterator[Mismatch]:
    """Find what was sent as another kind of value than it was taken for.

    Parameters
    ----------
    sent : object
        Parsed JSON.
    made : object
        The model, or a part of it, that was made of it.
    path : tuple of str
        Where in the body this is.

    Examples
    --------
    >>> list(mismatches({"az": True, "el": 5}, {"az": 1.0, "el": 5.0}))
    [(('az',), True, 'a number')]
    """
    kind = type(sent)
    if kind is dict:
        for name, part in sent.items():
            inside = _inside(made, name)
            if inside is not _NOT_THERE:
                yield from mismatches(part, inside, (*path, name))
    elif kind is list:
        if isinstance(made, list | tuple):
            for index, (part, inside) in enumerate(zip(sent, made, strict=False)):
                yield from mismatches(part, inside, (*path, str(index)))
    elif kind is not type(made) and sent is not None:
        wanted = _wanted(sent, made)
        if wanted is not None:
            yield path, sent, wanted


def text_mismatches(sent: Any, made: Any) -> Iterator[Mismatch]:
    """Find fields of a query or a form whose text is not how JSON writes what was made of it.

    pydantic reads ``1.0``, ``1_000`` and blanks around a number as that number, too.

    Examples
    --------
    >>> from pydantic import BaseModel
    >>> class Page(BaseModel):
    ...     limit: int
    >>> list(text_mismatches({"limit": "1.0"}, Page(limit=1)))
    [(('limit',), '1.0', 'an integer')]
    """
    for name, text in sent.items():
        value = _inside(made, name)
        form = _FORMS.get(type(value))
        if form is not None and isinstance(text, str) and form[0].fullmatch(text) is None:
            yield (name,), text, form[1]


_FORMS = {
    bool: (re.compile("true|false"), "true or false"),
    int: (re.compile("-?[0-9]+"), "an integer"),
    float: (re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?"), "a number"),
}


def _wanted(sent: object, made: object) -> str | None:
    kind = type(made)
    if kind is bool:
        return "true or false"
    if kind is int:
        # JSON Schema counts 5.0 among the integers.
        return None if isinstance(sent, float) else "an integer"
    if kind is float:
        return None if type(sent) is int else "a number"
    if kind is str:
        return "a string"
    if isinstance(made, date | time | timedelta) and not isinstance(sent, str):
        return "a time in ISO 8601"
    return None


def _inside(made: Any, name: str) -> Any:
    if isinstance(made, BaseModel):
        return getattr(made, _attributes(type(made)).get(name, ""), _NOT_THERE)
    if isinstance(made, dict):
        return made.get(name, _NOT_THERE)
    if is_dataclass(made) and name in (field.name for field in fields(made)):
        return getattr(made, name)
    return _NOT_THERE


@cache
def _attributes(model: type[BaseModel]) -> dict[str, str]:
    """Attributes of a model, by every name that JSON may have for them."""
    named = {name: name for name in model.model_fields}
    for name, field in model.model_fields.items():
        for alias in (field.alias, field.validation_alias):
            if isinstance(alias, str):
                named[alias] = name
    return named
