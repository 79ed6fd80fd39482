"""Input that cannot be used, in words: ``field = value: must be what is allowed``.

Whoever found the mistake, the model of a body, `skyscan_lab.errors.InvalidInput` or the domain's
`Invalid`, a client sees this one shape, with fields and values as its request has them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import fields, is_dataclass
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from skyscan_lab.errors import InvalidInput
from skyscan_lab.protocol.wrong_input import allowed_words
from skyscan_server.web.json_kinds import Mismatch
from skyscan_server.web.problems import clipped

MAX_INTEGER = 2**63 - 1
MIN_INTEGER = -(2**63)
"""Integers that a database can hold."""

_MOST_SHOWN = 100
_MOST_PROBLEMS = 10
_NOT_THERE = object()

_INTEGER = f"an integer within [{MIN_INTEGER}, {MAX_INTEGER}]"


def in_words(field: str, value: object, allowed: str) -> str:
    """Say what is wrong with a field, as every such answer does.

    Examples
    --------
    >>> in_words("reads", None, "an integer above 0")
    'reads = null: must be an integer above 0'
    """
    return f"{field} = {shown(value)}: must be {allowed}"


def shown(value: object) -> str:
    """Show a value as JSON has it, in at most 100 characters.

    Examples
    --------
    >>> shown({"el": (18.0, float("nan"))}), shown("x" * 200) == '"' + "x" * 98 + "…"
    ('{"el": [18.0, NaN]}', True)
    """
    if isinstance(value, str | bytes):
        value = value[:_MOST_SHOWN]
    try:
        text = json.dumps(value, ensure_ascii=False, default=_plain)
    except (ValueError, TypeError, RecursionError):  # integers of thousands of digits, odd keys
        return "a value that cannot be shown"
    # Half of a surrogate pair is a string in Python, and no text.
    return clipped(text.encode(errors="backslashreplace").decode(), _MOST_SHOWN)


def _plain(value: object) -> object:
    if isinstance(value, BaseModel):
        return dict(value)
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    return list(value) if isinstance(value, set | frozenset) else str(value)


def validation_words(error: ValidationError, whole: str = "body", sent: object = None) -> str:
    """Say what pydantic found wrong.

    Parameters
    ----------
    error : ValidationError
        What it raised.
    whole : str
        Name of what was validated, for what is wrong with all of it.
    sent : object
        What was validated, to name fields as they stand in it.

    Returns
    -------
    str
        Several problems are joined by "; ".

    Examples
    --------
    >>> from pydantic import TypeAdapter
    >>> try:
    ...     TypeAdapter(dict[str, int]).validate_python({"az": "x", "el": 1.5})
    ... except ValidationError as error:
    ...     validation_words(error)
    'az = "x": must be an integer; el = 1.5: must be an integer'
    """
    problems = error.errors(include_url=False)
    return _joined((_problem_words(problem, whole, sent) for problem in problems), len(problems))


def _joined(problems: Iterable[str], count: int) -> str:
    words = "; ".join(text for text, _ in zip(problems, range(_MOST_PROBLEMS), strict=False))
    return words if count <= _MOST_PROBLEMS else f"{words}; and {count - _MOST_PROBLEMS} more"


def _problem_words(problem: ErrorDetails, whole: str, sent: object) -> str:
    kind, context = problem["type"], problem.get("ctx", {})
    path = _sent_path(problem, sent)
    field = clipped(".".join(path), _MOST_SHOWN) or whole
    value = problem["input"]
    if kind == "missing":
        return f"{field}: must be given"
    if kind == "json_invalid":
        return f"{field}: must be JSON: {context['error']}"
    if kind == "union_tag_not_found":
        return f"{'.'.join([*path, context['discriminator'].strip(chr(39))])}: must be given"
    if kind in ("value_error", "assertion_error"):
        cause = context["error"]
        if isinstance(cause, InvalidInput):
            path += [cause.field] if path[-1:] != [cause.field] else []
            return in_words(".".join(path), cause.value, cause.allowed)
        return in_words(field, value, f"right: {cause}")
    if kind == "union_tag_invalid":
        field = ".".join([*path, context["discriminator"].strip("'")])
        value = context["tag"]
    if kind == "int_parsing_size":
        return in_words(field, value, _INTEGER)
    allowed = allowed_words(problem)
    # The choices of a literal, in the quotes of JSON.
    quoted = kind in ("literal_error", "union_tag_invalid", "enum")
    return in_words(field, value, allowed.replace("'", '"') if quoted else allowed)


def _sent_path(problem: ErrorDetails, sent: object) -> list[str]:
    """Path of a problem without the kinds of a union, which pydantic puts between the fields."""
    path, at, last = [], sent, len(problem["loc"]) - 1
    for depth, part in enumerate(problem["loc"]):
        inside = _NOT_THERE
        if isinstance(at, dict):
            inside = at.get(part, _NOT_THERE)
        elif isinstance(at, list) and isinstance(part, int) and part < len(at):
            inside = at[part]
        missing = depth == last and problem["type"] == "missing"
        if inside is _NOT_THERE and isinstance(part, str) and sent is not None and not missing:
            continue
        path.append(str(part))
        at = None if inside is _NOT_THERE else inside
    return path


def unusable_words(value: object, whole: str = "body") -> str | None:
    """Say which values of a validated model no database or equation could take.

    Integers beyond 64 bits, numbers that are not finite, and text with the character NUL pass
    most models; the web layer stops them here, once, for all.

    Parameters
    ----------
    value : object
        A model, with what is in it.
    whole : str
        Name of what was validated.

    Returns
    -------
    str or None
        None where all can be used.
    """
    return mismatch_words(_unusable(value, ()), whole)


def mismatch_words(found: Iterable[Mismatch], whole: str = "body") -> str | None:
    """Say what was found to be wrong, and where; None where nothing was."""
    problems = list(found)
    if not problems:
        return None
    return _joined(
        (
            in_words(clipped(".".join(path), _MOST_SHOWN) or whole, bad, allowed)
            for path, bad, allowed in problems
        ),
        len(problems),
    )


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _unusable(value: Any, path: tuple[str, ...]) -> Iterator[Mismatch]:
    kind = type(value)
    if kind is bool or value is None:
        return
    if kind is int:
        if not MIN_INTEGER <= value <= MAX_INTEGER:
            yield path, value, _INTEGER
    elif kind is float:
        if not -float("inf") < value < float("inf"):
            yield path, value, "a finite number"
    elif kind is str:
        if "\x00" in value:
            yield path, value, "text without the character NUL"
        elif not _is_unicode(value):
            yield path, value, "text of valid Unicode"
    elif isinstance(value, BaseModel):
        for name, part in value:  # its fields, and extra ones where it keeps them
            yield from _unusable(part, (*path, name))
    elif is_dataclass(value):
        for field in fields(value):
            yield from _unusable(getattr(value, field.name), (*path, field.name))
    elif isinstance(value, dict):
        for name, part in value.items():
            yield from _unusable(name, (*path, "a name"))
            yield from _unusable(part, (*path, clipped(str(name), _MOST_SHOWN)))
    elif isinstance(value, list | tuple | set | frozenset):
        for index, part in enumerate(value):
            yield from _unusable(part, (*path, str(index)))
