"""An example of what a schema describes, for the pages: its own where it has one, else made up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from skyscan_server.web.schemas import Schema

_DEEPEST = 10
_BY_FORMAT = {
    "date-time": "2026-02-14T02:00:15Z",
    "uuid": "0b8d6d3e-5f0c-4c55-9f0a-0d8c5a5d3c11",
    "uri": "https://example.org/",
    "binary": "…",
}


def example_of(schema: Schema, components: Mapping[str, Schema], depth: int = 0) -> Any:
    """Make an example.

    Parameters
    ----------
    schema : dict
        The schema.
    components : mapping
        Schemas that it may refer to, by name.
    depth : int
        How deep inside another example this one is; far inside it is null.

    Examples
    --------
    >>> example_of({"type": "object", "properties": {"az": {"type": "number", "default": 1.5}}}, {})
    {'az': 1.5}
    """
    if depth > _DEEPEST:
        return None
    reference = schema.get("$ref")
    if reference is not None:
        return example_of(components[reference.rpartition("/")[2]], components, depth + 1)
    for own in ("example", "default", "const"):
        if own in schema:
            return schema[own]
    for several in ("examples", "enum"):
        if schema.get(several):
            return schema[several][0]
    for union in ("anyOf", "oneOf", "allOf"):
        if schema.get(union):
            return example_of(schema[union][0], components, depth + 1)
    return _made_up(schema, components, depth)


def _made_up(schema: Schema, components: Mapping[str, Schema], depth: int) -> Any:
    kind = schema.get("type")
    if kind == "object":
        properties = schema.get("properties", {})
        return {name: example_of(part, components, depth + 1) for name, part in properties.items()}
    if kind == "array":
        if "prefixItems" in schema or isinstance(schema.get("items"), list):
            parts = schema.get("prefixItems") or schema["items"]
            return [example_of(part, components, depth + 1) for part in parts]
        return [example_of(schema.get("items", {}), components, depth + 1)]
    if kind in ("integer", "number"):
        least = float(schema.get("minimum") or schema.get("exclusiveMinimum") or 0)
        return int(max(1, least)) if kind == "integer" else max(0.0, least)
    if kind == "string":
        return _BY_FORMAT.get(schema.get("format", ""), "text")
    return kind == "boolean" or None
