"""JSON Schemas of all models that go over the wire, collected for the two documents."""

from __future__ import annotations

from copy import deepcopy
from typing import Any, Literal

from pydantic import BaseModel, TypeAdapter

from skyscan_server.web.validation import MAX_INTEGER, MIN_INTEGER

Schema = dict[str, Any]
Mode = Literal["validation", "serialization"]

REF_TEMPLATE = "#/components/schemas/{model}"

_NESTED = ("anyOf", "oneOf", "allOf", "prefixItems")
_SINGLE = ("items", "additionalProperties")


class Schemas:
    """Collects types, then gives the schema of each and the components that they share.

    What is read and what is written may differ: a time is read in any form of ISO 8601, and
    written in one.
    """

    def __init__(self) -> None:
        self._wanted: list[tuple[int, Mode, TypeAdapter[Any]]] = []
        self._made: dict[tuple[int, Mode], Schema] = {}
        self.components: dict[str, Schema] = {}

    def add(self, adapter: TypeAdapter[Any] | None, mode: Mode) -> None:
        """Collect a type."""
        if adapter is not None:
            self._wanted.append((id(adapter), mode, adapter))

    def make(self) -> None:
        """Make the schemas of all that was collected."""
        made, definitions = TypeAdapter.json_schemas(self._wanted, ref_template=REF_TEMPLATE)
        self._made = {(int(str(key)), mode): schema for (key, mode), schema in made.items()}
        self.components = definitions.get("$defs", {})
        for schema in (*self._made.values(), *self.components.values()):
            for part in parts_of(schema):
                _bound_integer(part)

    def of(self, adapter: TypeAdapter[Any], mode: Mode) -> Schema:
        """Schema of a type that was collected."""
        return self._made[id(adapter), mode]


def fields_of(model: type[BaseModel]) -> tuple[dict[str, Schema], frozenset[str]]:
    """Schemas of the fields of a query or form, and the names of those that must be given.

    A query string has no null: a field that may be None may be left out, and that is all.
    """
    schema = TypeAdapter(model).json_schema(mode="validation")
    definitions = schema.pop("$defs", {})

    def resolve(schema: Schema) -> Schema:
        for part in parts_of(schema):
            reference = part.pop("$ref", None)
            if reference is not None:
                part.update(resolve(deepcopy(definitions[reference.rpartition("/")[2]])))
            _bound_integer(part)
        return schema

    properties = {name: resolve(without_null(part)) for name, part in schema["properties"].items()}
    return properties, frozenset(schema.get("required", ()))


def without_null(schema: Schema) -> Schema:
    """Return a schema of what may not be null, from one of what may.

    Examples
    --------
    >>> without_null({"anyOf": [{"type": "integer"}, {"type": "null"}], "default": None})
    {'type': 'integer'}
    """
    schema = dict(schema)
    members = [part for part in schema.pop("anyOf", ()) if part != {"type": "null"}]
    if len(members) == 1:
        schema |= members[0]
    elif members:
        schema["anyOf"] = members
    if schema.get("default", ...) is None:
        del schema["default"]
    return schema


def parts_of(schema: Schema) -> list[Schema]:
    """List a schema and all that are inside it, the outer ones first."""
    inside = [part for name in _NESTED for part in schema.get(name, ())]
    inside += schema.get("properties", {}).values()
    inside += (schema[name] for name in _SINGLE if isinstance(schema.get(name), dict))
    return [schema, *(part for one in inside for part in parts_of(one))]


def _bound_integer(schema: Schema) -> None:
    """Say the bounds that every integer has here (`validation.unusable_words`)."""
    if schema.get("type") == "integer" and "enum" not in schema and "const" not in schema:
        if "minimum" not in schema and "exclusiveMinimum" not in schema:
            schema["minimum"] = MIN_INTEGER
        if "maximum" not in schema and "exclusiveMaximum" not in schema:
            schema["maximum"] = MAX_INTEGER
