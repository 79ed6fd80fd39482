"""Times on the wire: which are written, and which are taken from outside."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BeforeValidator,
    Field,
    PlainSerializer,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

# datetime64[ns], in which sessions have their times, ends in 1677 and 2262; and a time near the
# ends of the calendar may have none in UTC.
_FIRST = datetime(1678, 1, 1, tzinfo=UTC)
_END = datetime(2262, 1, 1, tzinfo=UTC)

_WRITTEN = r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}$"
_ASKED = (
    r"^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])"
    r"[T ]([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,6})?)?"
    r"([Zz]|[+-]([01]\d|2[0-3]):?[0-5]\d)?$"
)
_EXAMPLE = {"examples": ["2026-02-14T02:00:15"]}
_IS_ASKED = re.compile(_ASKED, re.ASCII)

Moment = Annotated[AwareDatetime, Field(ge=_FIRST, lt=_END)]
"""When something happened at a station: a time with its zone, within the years 1678 to 2261."""


def _naive_utc(value: datetime) -> datetime:
    if value.tzinfo is None:
        return value
    try:
        return value.astimezone(UTC).replace(tzinfo=None)
    except OverflowError:
        raise _not_taken() from None


def _without_suffix(value: datetime) -> str:
    return value.isoformat(timespec="seconds")


UtcTime = Annotated[
    datetime,
    AfterValidator(_naive_utc),
    PlainSerializer(_without_suffix, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "pattern": _WRITTEN} | _EXAMPLE, mode="serialization"),
]
"""A UTC time, naive inside, and written as the specification does: whole seconds, no suffix."""


def _iso_text(value: Any) -> Any:
    """Let ISO 8601 through: pydantic would take a bare number for seconds since 1970."""
    if isinstance(value, str) and _IS_ASKED.match(value) is None:
        raise _not_taken()
    return value


def _aware_utc(value: datetime) -> datetime:
    try:
        moment = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    except OverflowError:
        raise _not_taken() from None
    if not _FIRST <= moment < _END:
        raise _not_taken()
    return moment


def _not_taken() -> PydanticCustomError:
    return PydanticCustomError(
        "asked_time",
        "Input should be a time in ISO 8601, as 2026-02-14T02:00:00, within the years 1678 to 2261",
    )


AskedTime = Annotated[
    datetime,
    BeforeValidator(_iso_text),
    AfterValidator(_aware_utc),
    WithJsonSchema({"type": "string", "pattern": _ASKED} | _EXAMPLE, mode="validation"),
]
"""A time that a caller names: ISO 8601, UTC where it has no zone, as the API writes them."""
