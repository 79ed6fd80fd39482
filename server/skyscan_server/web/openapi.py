"""The OpenAPI 3.1 document, made from the same declarations that are served."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel, TypeAdapter

from skyscan_lab.protocol.skyscan import Problem
from skyscan_server.web.operations import FORM, JSON, Operation
from skyscan_server.web.paths import NAME_PATTERN
from skyscan_server.web.problems import PROBLEM, STATUSES
from skyscan_server.web.schemas import REF_TEMPLATE, Schema, Schemas, fields_of
from skyscan_server.web.validation import MAX_INTEGER

_ABOUT = """\
Every error is answered as `{"detail": "…"}`, in words; input that cannot be used as \
"field = value: must be what is allowed". Integers have at most 64 bits; numbers are finite; text \
holds no NUL. A method that a path does not have is answered with 405; HEAD is there wherever GET \
is; a WebSocket asked for without an upgrade is 426. An operation that has query fields refuses \
any other, and one that has none looks at none; what a body of the specification's own has beside \
its fields is passed over. Each answer carries its request's id in `X-Request-Id`.

"""
_PROBLEM: TypeAdapter[Problem] = TypeAdapter(Problem)
_TEXT = ("text/", "application/openmetrics-text")


def openapi_document(
    operations: Iterable[Operation], title: str, version: str, description: str = ""
) -> dict[str, Any]:
    """Make the document.

    Parameters
    ----------
    operations : iterable of Operation
        What is served.
    title, version, description : str
        What it says about itself.

    Raises
    ------
    ValueError
        Where two operations have one name.
    """
    operations = list(operations)
    schemas = Schemas()
    problems = {id(operation.problem): operation.problem for operation in operations}
    adapters: dict[int, TypeAdapter[Any]] = {
        key: TypeAdapter(shape.model) for key, shape in problems.items()
    }
    adapters.setdefault(id(PROBLEM), _PROBLEM)
    for adapter in adapters.values():
        schemas.add(adapter, "serialization")
    for operation in operations:
        if operation.consumes != FORM:
            schemas.add(operation.signature.body, "validation")
        schemas.add(operation.signature.answer, "serialization")
    schemas.make()
    paths: dict[str, dict[str, Any]] = {}
    named: dict[str, str] = {}
    for operation in operations:
        what = f"{operation.method} {operation.path}"
        if operation.name in named:
            raise ValueError(f"{what} and {named[operation.name]} have one name: {operation.name}")
        named[operation.name] = what
        path = paths.setdefault(operation.template.plain, {})
        problem = schemas.of(adapters[id(operation.problem)], "serialization")
        path[operation.method.lower()] = _operation(operation, schemas, problem)
    common = schemas.of(adapters[id(PROBLEM)], "serialization")
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version, "description": _ABOUT + description},
        "paths": paths,
        "tags": [{"name": tag} for tag in dict.fromkeys(operation.tag for operation in operations)],
        "components": {
            "schemas": schemas.components,
            "responses": {
                _response_name(status): _problem_response(status, words.example, common)
                for status, words in STATUSES.items()
            },
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "The scopes that an operation needs are listed with it.",
                }
            },
        },
    }


def _operation(operation: Operation, schemas: Schemas, problem: Schema) -> dict[str, Any]:
    made: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "tags": [operation.tag],
        "security": [] if operation.scope is None else [{"bearer": [str(operation.scope)]}],
        "responses": _responses(operation, schemas, problem),
    }
    if operation.description:
        made["description"] = operation.description
    parameters = [*_path_parameters(operation), *_query_parameters(operation.signature.query)]
    parameters += [
        {"name": name, "in": "header", "description": words, "schema": {"type": "string"}}
        for name, words in operation.headers.items()
    ]
    if parameters:
        made["parameters"] = parameters
    body = _request_body(operation, schemas)
    if body is not None:
        made["requestBody"] = body
    return made


def _path_parameters(operation: Operation) -> list[dict[str, Any]]:
    integer = {"type": "integer", "minimum": 0, "maximum": MAX_INTEGER}
    name_schema = {"type": "string", "pattern": NAME_PATTERN}
    template = operation.template
    return [
        {"name": name, "in": "path", "required": True, "schema": schema}
        for names, schema in ((template.ids, integer), (template.names, name_schema))
        for name in names
    ]


def _query_parameters(model: type[BaseModel] | None) -> list[dict[str, Any]]:
    if model is None:
        return []
    properties, needed = fields_of(model)
    parameters = []
    for name, schema in properties.items():
        parameter: dict[str, Any] = {"name": name, "in": "query", "required": name in needed}
        words = schema.pop("description", None)
        if words is not None:
            parameter["description"] = words
        parameters.append({**parameter, "schema": schema})
    return parameters


def _request_body(operation: Operation, schemas: Schemas) -> dict[str, Any] | None:
    body = operation.signature.body
    if operation.streams_in:
        return {"content": {operation.consumes: {}}}
    if body is None:
        return None
    if operation.consumes == FORM:
        schema = body.json_schema(mode="validation", ref_template=REF_TEMPLATE)
    else:
        schema = schemas.of(body, "validation")
    return {
        "required": operation.signature.body_needed,
        "content": {operation.consumes: {"schema": schema}},
    }


def _responses(operation: Operation, schemas: Schemas, problem: Schema) -> dict[str, Any]:
    signature = operation.signature
    content: dict[str, Any] = {}
    if signature.answer is not None:
        content[JSON] = {"schema": schemas.of(signature.answer, "serialization")}
    for media_type in operation.produces:
        text = media_type.startswith(_TEXT)
        content.setdefault(media_type, {"schema": {"type": "string"}} if text else {})
    answer: dict[str, Any] = {"description": HTTPStatus(operation.status).phrase}
    if content:
        answer["content"] = content
    if operation.answers:
        answer["headers"] = {
            name: {"description": words, "schema": {"type": "string"}}
            for name, words in operation.answers.items()
        }
    responses: dict[str, Any] = {str(operation.status): answer}
    for status, words in operation.also.items():
        responses[str(status)] = {"description": words}
    for status in sorted(_statuses(operation)):
        words = operation.errors.get(status, "")
        if words or status not in STATUSES or operation.problem is not PROBLEM:
            made = _problem_response(status, words or _example(status), problem, operation)
        else:
            made = {"$ref": f"#/components/responses/{_response_name(status)}"}
        responses[str(status)] = made
    return responses


def _statuses(operation: Operation) -> set[int]:
    """Every status of a refusal that this operation can answer."""
    signature, template = operation.signature, operation.template
    statuses = {*operation.errors, 421, 500, 503}
    if operation.scope is not None:
        statuses |= {401, 403, 422}
    if operation.method not in ("GET", "HEAD"):
        statuses.add(403)  # another origin
    if template.ids or template.names or signature.query is not None:
        statuses.add(422)
    if operation.installation_bound:
        statuses.add(404)
    if signature.body is not None:
        statuses |= {413, 415, 417, 422}
    return statuses


def _problem_response(
    status: int, words: str, schema: Schema, operation: Operation | None = None
) -> dict[str, Any]:
    shape = PROBLEM if operation is None else operation.problem
    known = STATUSES.get(status)
    response: dict[str, Any] = {
        "description": known.title if known is not None else HTTPStatus(status).phrase,
        "content": {JSON: {"schema": schema, "example": shape.body(status, words)}},
    }
    if status == HTTPStatus.UNAUTHORIZED:
        challenge = {"schema": {"type": "string"}, "description": "The scheme, and what is wrong."}
        response["headers"] = {"WWW-Authenticate": challenge}
    return response


def _example(status: int) -> str:
    known = STATUSES.get(status)
    return known.example if known is not None else HTTPStatus(status).phrase


def _response_name(status: int) -> str:
    return f"Problem{status}"
