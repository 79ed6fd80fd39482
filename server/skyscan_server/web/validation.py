"""Input that cannot be used, in words: ``field = value: must be what is allowed``.

The same words come from here, from `skyscan_lab.errors.InvalidInput` and from the domain's
`Invalid`, so that a client sees one shape whoever found the mistake.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from skyscan_lab.errors import InvalidInput
from skyscan_server.web.json_kinds import Mismatch
from skyscan_server.web.problems import clipped

MAX_INTEGER = 2**63 - 1
MIN_INTEGER = -(2**63)
"""Integers that a database can hold."""

_MOST_SHOWN = 100
_MOST_PROBLEMS = 10

_ALLOWED: Mapping[str, str] = {
    "int_type": "an integer",
    "int_parsing": "an integer",
    "int_from_float": "an integer",
    "int_parsing_size": f"an integer within [{MIN_INTEGER}, {MAX_INTEGER}]",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "string_type": "a string",
    "string_unicode": "valid Unicode",
    "string_too_short": "a string of {min_length} or more characters",
    "string_too_long": "a string of at most {max_length} characters",
    "string_pattern_mismatch": "a string that matches {pattern}",
    "too_short": "at least {min_length} of them",
    "too_long": "at most {max_length} of them",
    "dict_type": "a JSON object",
    "model_type": "a JSON object",
    "model_attributes_type": "a JSON object",
    "dataclass_type": "a JSON object",
    "list_type": "a list",
    "tuple_type": "a list",
    "set_type": "a list",
    "frozen_set_type": "a list",
    "datetime_type": "a time in ISO 8601",
    "datetime_parsing": "a time in ISO 8601",
    "datetime_from_date_parsing": "a time in ISO 8601",
    "timezone_aware": "a time with its zone",
    "uuid_type": "a UUID",
    "uuid_parsing": "a UUID",
    "extra_forbidden": "left out, as there is no such field",
    "union_tag_invalid": "one of {expected_tags}",
}


def in_words(field: str, value: object, allowed: str) -> str:
    """Say what is wrong with a field, as every such answer does.

    Examples
    --------
    >>> in_words("reads", 0, "an integer above 0")
    'reads = 0: must be an integer above 0'
    """
    return f"{field} = {shown(value)}: must be {allowed}"


def shown(value: object) -> str:
    """Show a value in at most 100 characters.

    Examples
    --------
    >>> shown("x" * 200) == repr("x" * 98)[:99] + "…"
    True
    """
    if isinstance(value, str | bytes):
        value = value[:_MOST_SHOWN]
    try:
        return clipped(repr(value), _MOST_SHOWN)
    except ValueError:  # Python writes no integer of more than some thousand digits
        return "a number of thousands of digits"


def validation_words(error: ValidationError, whole: str = "body") -> str:
    """Say what pydantic found wrong.

    Parameters
    ----------
    error : ValidationError
        What it raised.
    whole : str
        Name of what was validated, for what is wrong with all of it.

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
    "az = 'x': must be an integer; el = 1.5: must be an integer"
    """
    problems = error.errors(include_url=False)
    return _joined((_problem_words(problem, whole) for problem in problems), len(problems))


def _joined(problems: Iterable[str], count: int) -> str:
    words = "; ".join(text for text, _ in zip(problems, range(_MOST_PROBLEMS), strict=False))
    return words if count <= _MOST_PROBLEMS else f"{words}; and {count - _MOST_PROBLEMS} more"


def _problem_words(problem: ErrorDetails, whole: str) -> str:
    kind, context = problem["type"], problem.get("ctx", {})
    path = [str(part) for part in problem["loc"]]
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
        return f"{field} = {shown(value)}: {cause}"
    if kind == "union_tag_invalid":
        field = ".".join([*path, context["discriminator"].strip("'")])
        value = context["tag"]
    template = _ALLOWED.get(kind)
    if template is not None:
        return in_words(field, value, template.format_map(context))
    text = problem["msg"]
    allowed = text.removeprefix("Input should be ")
    return in_words(field, value, allowed if allowed != text else f"right: {text}")


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


def _unusable(value: Any, path: tuple[str, ...]) -> Iterator[Mismatch]:
    kind = type(value)
    if kind is bool or value is None:
        return
    if kind is int:
        if not MIN_INTEGER <= value <= MAX_INTEGER:
            yield path, value, _ALLOWED["int_parsing_size"]
    elif kind is float:
        if not -float("inf") < value < float("inf"):
            yield path, value, _ALLOWED["finite_number"]
    elif kind is str:
        if "\x00" in value:
            yield path, value, "text without the character NUL"
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
