"""Bodies and query strings: read within bounds, parsed strictly, validated by their models."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, TypeVar
from urllib.parse import parse_qsl

from aiohttp import web
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import from_json

from skyscan_server.web.json_kinds import mismatches, text_mismatches
from skyscan_server.web.problems import HttpRefusal
from skyscan_server.web.validation import (
    in_words,
    mismatch_words,
    unusable_words,
    validation_words,
)

Model = TypeVar("Model")

_MOST_FIELDS = 100


def parse_json(
    adapter: TypeAdapter[Model], raw: str | bytes, whole: str = "body", check: bool = True
) -> Model:
    """Parse and validate JSON.

    Parameters
    ----------
    adapter : TypeAdapter
        What it must be.
    raw : str or bytes
        The JSON, UTF-8.
    whole : str
        What it is called, for what is wrong with all of it.
    check : bool
        Whether its values are looked at once more (`json_kinds`, `validation.unusable_words`).

    Raises
    ------
    HttpRefusal
        422, in words.
    """
    try:
        value = adapter.validate_json(raw)
    except ValidationError as error:
        raise HttpRefusal(422, _what_is_wrong(error, raw, whole)) from None
    if check:
        _refuse_other_kinds(raw, value, whole)
        _refuse_unusable(value, whole)
    return value


def _what_is_wrong(error: ValidationError, raw: str | bytes, whole: str) -> str:
    """Say it with the fields as they were sent."""
    try:
        sent = json.loads(raw)
    except (ValueError, RecursionError):
        return validation_words(error, whole)
    # Half of a surrogate pair is no text; the standard library parses it, to say where it is.
    no_text = error.errors()[0]["type"] == "json_invalid" and unusable_words(sent, whole)
    return no_text or validation_words(error, whole, sent)


def _refuse_other_kinds(raw: str | bytes, value: object, whole: str) -> None:
    """Refuse what pydantic would take and JSON does not have: NaN, and true for a number."""
    try:
        sent = from_json(raw, allow_inf_nan=False)
    except ValueError as error:
        raise HttpRefusal(422, f"{whole}: must be JSON: {error}") from None
    words = mismatch_words(mismatches(sent, value), whole)
    if words is not None:
        raise HttpRefusal(422, words)


def _refuse_unusable(value: object, whole: str) -> None:
    words = unusable_words(value, whole)
    if words is not None:
        raise HttpRefusal(422, words)


class BodyReader:
    """Reads the body of one operation.

    Parameters
    ----------
    adapter : TypeAdapter
        What it must be.
    media_type : str
        Its media type, JSON or a form.
    needed : bool
        Whether it must be there.
    most_bytes : int
        Largest body taken.
    """

    def __init__(
        self, adapter: TypeAdapter[Any], media_type: str, *, needed: bool, most_bytes: int
    ) -> None:
        self._adapter = adapter
        self._media_type = media_type
        self._needed = needed
        self._most_bytes = most_bytes
        self._fields = None if media_type.endswith("json") else FieldsReader(adapter, "body")

    async def read(self, request: web.Request) -> Any:
        """Read and validate the body of a request.

        Raises
        ------
        HttpRefusal
            413 for one that is too large, 415 for another media type, 422 for what cannot be
            used.
        """
        if not request.body_exists and not self._needed:
            return None
        if request.body_exists:
            self._check_type(request)
        raw = await read_bounded(request, self._most_bytes)
        if not raw:
            if self._needed:
                raise HttpRefusal(422, "body: must be given")
            return None
        if self._fields is None:
            return parse_json(self._adapter, raw)
        return self._fields.read(_form_fields(raw))

    def _check_type(self, request: web.Request) -> None:
        given = request.headers.get("Content-Type", "")
        if given == self._media_type:
            return
        kind = request.content_type if given else ""
        alike = kind == self._media_type or (
            self._fields is None and kind.startswith("application/") and kind.endswith("+json")
        )
        if not alike or (request.charset or "utf-8").lower() not in ("utf-8", "utf8"):
            raise HttpRefusal(415, in_words("Content-Type", given, f'"{self._media_type}"'))


def _form_fields(raw: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(
            raw.decode(),
            keep_blank_values=True,
            strict_parsing=True,
            errors="strict",
            max_num_fields=_MOST_FIELDS,
        )
    except ValueError:
        words = f"body: must be a form of at most {_MOST_FIELDS} fields, in UTF-8"
        raise HttpRefusal(422, words) from None


async def read_bounded(request: web.Request, most_bytes: int) -> bytes:
    """Read a body, unless it is larger than allowed.

    Raises
    ------
    HttpRefusal
        413 for a larger one; it is not read further.
    """
    length, content = request.content_length, request.content
    if length is not None and length > most_bytes:
        raise _too_large(most_bytes)
    parts, size = [], 0
    try:
        while not content.at_eof():
            part = await content.readany()
            parts.append(part)
            size += len(part)  # unpacked, where the body came packed
            if size > most_bytes:
                raise _too_large(most_bytes)
    except web.RequestPayloadError:
        raise HttpRefusal(422, "body: must be complete, and encoded as its headers say") from None
    return b"".join(parts)


def _too_large(most_bytes: int) -> HttpRefusal:
    return HttpRefusal(413, f"body: must be at most {most_bytes} bytes")


class FieldsReader:
    """Validates the fields of a query string or a form.

    Parameters
    ----------
    adapter : TypeAdapter
        Of the model.
    whole : str
        What all of it is called.
    """

    def __init__(self, adapter: TypeAdapter[Any], whole: str) -> None:
        self._adapter = adapter
        self._whole = whole
        self._lists = _list_fields(adapter)

    def read(self, pairs: Iterable[tuple[str, str]]) -> Any:
        """Validate.

        Raises
        ------
        HttpRefusal
            422, in words; also for a field that is given twice and is no list.
        """
        fields: dict[str, str | list[str]] = {}
        for name, text in pairs:
            if name in self._lists:
                several = fields.setdefault(name, [])
                if isinstance(several, list):
                    several.append(text)
            elif name in fields:
                raise HttpRefusal(422, in_words(name, text, "given once"))
            else:
                fields[name] = text
        try:
            value = self._adapter.validate_python(fields)
        except ValidationError as error:
            raise HttpRefusal(422, validation_words(error, self._whole, fields)) from None
        words = mismatch_words(text_mismatches(fields, value), self._whole)
        if words is not None:
            raise HttpRefusal(422, words)
        _refuse_unusable(value, self._whole)
        return value


def _list_fields(adapter: TypeAdapter[Any]) -> frozenset[str]:
    properties = adapter.json_schema(mode="validation").get("properties", {})
    return frozenset(
        name
        for name, schema in properties.items()
        if any(part.get("type") == "array" for part in (schema, *schema.get("anyOf", ())))
    )


def query_reader(model: type[BaseModel]) -> FieldsReader:
    """Reader of the query strings that a model describes."""
    return FieldsReader(TypeAdapter(model), "query")
