"""A JSON Schema for people: what kind of value, within what, and a table of its fields."""

from __future__ import annotations

import json
from typing import Any

from skyscan_server.web.markup import Html, join, tag
from skyscan_server.web.page_frame import table
from skyscan_server.web.schemas import Schema

_LIMITS = {
    "minimum": "≥ {}",
    "exclusiveMinimum": "> {}",
    "maximum": "≤ {}",
    "exclusiveMaximum": "< {}",
    "minLength": "{} or more characters",
    "maxLength": "at most {} characters",
    "minItems": "{} or more",
    "maxItems": "at most {}",
    "pattern": "matches {}",
    "multipleOf": "a multiple of {}",
}
_UNBOUNDED = {2**63 - 1, -(2**63)}


def kind_of(schema: Schema) -> Html:
    """Say what kind of value a schema describes; a model is linked to its own table."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return tag("a", name, href=f"#schema-{name}")
    for union in ("anyOf", "oneOf", "allOf"):
        if union in schema:
            return _apart([kind_of(part) for part in schema[union]], " or ")
    if "const" in schema:
        return tag("code", _json(schema["const"]))
    if "enum" in schema:
        return _apart([tag("code", _json(value)) for value in schema["enum"]], ", ")
    return _plain_kind(schema)


def _plain_kind(schema: Schema) -> Html:
    kind = schema.get("type", "anything")
    if kind == "array":
        items: Any = schema.get("prefixItems") or schema.get("items", {})
        if isinstance(items, list):
            return join("[", _apart([kind_of(part) for part in items], ", "), "]")
        return join("list of ", kind_of(items))
    inside = schema.get("additionalProperties")
    if isinstance(inside, dict):
        return join("object of ", kind_of(inside))
    return join(kind, f" ({schema['format']})" if "format" in schema else None)


def limits_of(schema: Schema) -> str:
    """Say what a value must be within, as far as that is not everything."""
    parts = [schema, *(part for part in schema.get("anyOf", ()) if part.get("type") != "null")]
    return ", ".join(
        words.format(part[name])
        for part in parts
        for name, words in _LIMITS.items()
        if name in part and not (isinstance(part[name], int) and part[name] in _UNBOUNDED)
    )


def fields_table(name: str, schema: Schema) -> Html | None:
    """Make the table of an object's fields."""
    needed = schema.get("required", ())
    rows = [
        (
            tag("code", field),
            kind_of(part),
            "needed" if field in needed else _default(part),
            limits_of(part),
            str(part.get("description", "")),
        )
        for field, part in schema.get("properties", {}).items()
    ]
    return table(f"Fields of {name}", ("Field", "Kind", "Default", "Within", ""), rows)


def _default(schema: Schema) -> str:
    return tag("code", _json(schema["default"])) if "default" in schema else "—"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _apart(parts: list[Html], between: str) -> Html:
    return join(parts[:1], ((between, part) for part in parts[1:]))
