"""What pydantic finds wrong with input, in our words: a field, its value, what is allowed."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from skyscan_lab.errors import InvalidInput

_ALLOWED: Mapping[str, str] = {
    "int_type": "an integer",
    "int_parsing": "an integer",
    "int_parsing_size": "an integer of 64 bits",
    "int_from_float": "an integer",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "string_type": "a string",
    "string_unicode": "text of valid Unicode",
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
    "missing": "given",
    "union_tag_invalid": "one of {expected_tags}",
}


def allowed_words(problem: ErrorDetails) -> str:
    """What would have been right.

    Parameters
    ----------
    problem : ErrorDetails
        One of `ValidationError.errors`.

    Examples
    --------
    >>> from pydantic import TypeAdapter
    >>> try:
    ...     TypeAdapter(dict[str, int]).validate_python({"az": "x"})
    ... except ValidationError as error:
    ...     allowed_words(error.errors()[0])
    'an integer'
    """
    template = _ALLOWED.get(problem["type"])
    if template is not None:
        return template.format_map(problem.get("ctx", {}))
    text = problem["msg"]
    allowed = text.removeprefix("Input should be ")
    return allowed if allowed != text else f"right: {text}"


def invalid_input(
    error: ValidationError, names: Mapping[str, str] | None = None, whole: str = "input"
) -> InvalidInput:
    """Error of ours for the first thing that pydantic found.

    Parameters
    ----------
    error : ValidationError
        What it raised.
    names : mapping, optional
        Fields that our caller knows by other names.
    whole : str
        Name of what was validated, for what is wrong with all of it.

    Examples
    --------
    >>> from pydantic import TypeAdapter
    >>> try:
    ...     TypeAdapter(dict[str, int]).validate_python({"az": "x"})
    ... except ValidationError as error:
    ...     str(invalid_input(error, {"az": "azimuth"}))
    "azimuth = 'x': must be an integer"
    """
    first = error.errors()[0]
    path = [str(part) for part in first["loc"]]
    value = None if first["type"] == "missing" else first["input"]
    cause = first.get("ctx", {}).get("error")
    if isinstance(cause, InvalidInput):
        path += [cause.field] if path[-1:] != [cause.field] else []
        value, allowed = cause.value, cause.allowed
    else:
        allowed = str(cause) if cause is not None else allowed_words(first)
    field = ".".join(path)
    return InvalidInput((names or {}).get(field, field) or whole, value, allowed)
