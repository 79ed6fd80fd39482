"""Truth: the OpenAPI 3.1 schema, by openapi-spec-validator, and what the server really answers."""

from __future__ import annotations

from datetime import datetime

import jsonschema
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator, validate
from pydantic import BaseModel

from skyscan_server.auth.scopes import Scope
from skyscan_server.web.openapi import openapi_document
from skyscan_server.web.operations import FORM, Call, Operation
from skyscan_server.web.problems import ProblemShape
from skyscan_server.web.protected import all_routes


@pytest.fixture
async def document(stranger):
    async with stranger.get("/openapi.json") as answer:
        assert answer.content_type == "application/json"
        return await answer.json()


def resolve(document, part):
    while "$ref" in part:
        *_, kind, name = part["$ref"].split("/")
        part = document["components"][kind][name]
    return part


async def test_it_is_valid(document):
    validate(document, cls=OpenAPIV31SpecValidator)


async def test_it_has_every_route_and_what_each_needs(document, site):
    listed = {
        (method.upper(), path): operation["security"]
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }
    assert listed == {
        (needs.method, needs.path): [{"bearer": [str(needs.scope)]}] if needs.scope else []
        for needs in all_routes(site.app)
        if not needs.is_socket
    }


async def test_what_is_written_and_what_is_read_are_told_apart(document):
    """Our times have no suffix, so they are no ``date-time`` of RFC 3339."""
    path = document["paths"]["/aims"]["post"]
    body = path["requestBody"]["content"]["application/json"]["schema"]
    answer = path["responses"]["201"]["content"]["application/json"]["schema"]
    read = resolve(document, body)["properties"]["at"]["anyOf"]
    written = resolve(document, answer)["properties"]["at"]["anyOf"]
    assert read == [{"type": "string", "format": "date-time"}, {"type": "null"}]
    pattern = r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}$"
    assert written == [
        {"type": "string", "pattern": pattern, "examples": ["2026-02-14T02:00:15"]},
        {"type": "null"},
    ]
    assert path["requestBody"]["required"] is True


async def test_every_integer_has_the_bounds_that_hold_for_it(document):
    path = document["paths"]["/aims"]["post"]
    body = resolve(document, path["requestBody"]["content"]["application/json"]["schema"])
    assert body["properties"]["reads"]["maximum"] == 2**63 - 1
    assert body["properties"]["reads"]["minimum"] == -(2**63)
    (parameter,) = [
        one
        for one in document["paths"]["/aims/{aim_id}"]["get"]["parameters"]
        if one["in"] == "path"
    ]
    assert parameter == {
        "name": "aim_id",
        "in": "path",
        "required": True,
        "schema": {"type": "integer", "minimum": 0, "maximum": 2**63 - 1},
    }


async def test_a_query_is_told_field_by_field(document):
    parameters = {one["name"]: one for one in document["paths"]["/aims"]["get"]["parameters"]}
    limit = parameters["limit"]
    assert limit["description"] == "Most of them."
    assert limit["required"] is False
    assert (limit["schema"]["minimum"], limit["schema"]["maximum"]) == (1, 500)
    assert parameters["kind"]["schema"]["items"]["enum"] == ["now", "later"]
    # There is no null in a query.
    after = parameters["after"]["schema"]
    assert after["type"] == "integer"
    assert "default" not in after


async def test_headers_media_types_and_other_answers_are_told(document):
    one = document["paths"]["/aims/{aim_id}"]["get"]
    assert one["responses"]["304"] == {"description": "As it was"}
    assert [p["name"] for p in one["parameters"] if p["in"] == "header"] == ["If-None-Match"]
    download = document["paths"]["/download/{how}"]["get"]
    assert download["responses"]["200"]["content"] == {"text/csv": {"schema": {"type": "string"}}}
    upload = document["paths"]["/upload"]["put"]
    assert upload["requestBody"]["content"] == {"application/octet-stream": {}}
    grant = document["paths"]["/grant"]["post"]["requestBody"]["content"]
    assert grant[FORM]["schema"]["required"] == ["grant_type"]
    forget = document["paths"]["/aims/{aim_id}/files/{file}"]["delete"]
    assert "content" not in forget["responses"]["204"]
    assert "404" in forget["responses"]


ATTEMPTS = [
    ("POST", "/aims", "/aims", {"json": {"azimuth": 1.0}}, 201),
    ("POST", "/aims", "/aims", {"json": {"azimuth": "x"}}, 422),
    ("POST", "/aims", "/aims", {"data": b"x"}, 415),
    ("POST", "/aims", "/aims", {"json": {"name": "x" * 3000}}, 413),
    ("POST", "/aims", "/aims", {"json": {}, "headers": {"Origin": "null"}}, 403),
    ("POST", "/aims", "/aims", {"json": {}, "headers": {"Authorization": "x"}}, 401),
    ("POST", "/aims", "/aims", {"json": {}, "headers": {"Host": "evil.example"}}, 421),
    ("GET", "/aims/{aim_id}", "/aims/1", {}, 200),
    ("GET", "/aims/{aim_id}", "/aims/x", {}, 422),
    ("GET", "/aims", "/aims?limit=0", {}, 422),
    ("POST", "/fail/{why}", "/fail/busy", {}, 409),
    ("POST", "/fail/{why}", "/fail/rotctld", {}, 502),
    ("POST", "/fail/{why}", "/fail/bug", {}, 500),
    ("GET", "/slow", "/slow", {}, 503),
    ("GET", "/healthz", "/healthz", {}, 200),
]


@pytest.mark.parametrize(("method", "template", "path", "sent", "status"), ATTEMPTS)
async def test_what_is_answered_is_documented(
    client, document, method, template, path, sent, status
):
    async with client.request(method, path, **sent) as answer:
        assert answer.status == status
        body = await answer.json()
        challenge = answer.headers.get("WWW-Authenticate")
    told = resolve(document, document["paths"][template][method.lower()]["responses"][str(status)])
    schema = told["content"]["application/json"]["schema"]
    jsonschema.Draft202012Validator({**schema, "components": document["components"]}).validate(body)
    if status >= 400:
        assert list(body) == ["detail"] == list(told["content"]["application/json"]["example"])
    assert ("headers" in told) is (challenge is not None)


class Two(BaseModel):
    error: str
    error_description: str


OAUTH = ProblemShape(
    Two, lambda status, words: {"error": f"http_{status}", "error_description": words}
)


async def first(call: Call[Two, None]) -> Two: ...


def declared(path, **changes):
    given = {"summary": "", "scope": Scope.ADMIN, "handler": first, **changes}
    return Operation(method="POST", path=path, **given)


def test_an_operation_may_write_its_errors_as_another_standard_says():
    document = openapi_document([declared("/token", problem=OAUTH, errors={400: "bad"})], "t", "1")
    validate(document, cls=OpenAPIV31SpecValidator)
    responses = document["paths"]["/token"]["post"]["responses"]
    assert responses["400"]["content"]["application/json"] == {
        "schema": {"$ref": "#/components/schemas/Two"},
        "example": {"error": "http_400", "error_description": "bad"},
    }
    assert responses["422"]["content"]["application/json"]["example"]["error"] == "http_422"


def test_two_operations_of_one_name_are_refused():
    with pytest.raises(ValueError, match="POST /b and POST /a have one name: first"):
        openapi_document([declared("/a"), declared("/b")], "t", "1")
    openapi_document([declared("/a"), declared("/b", name="second")], "t", "1")


class Tree(BaseModel):
    at: datetime
    branches: list[Tree] = []


async def grow(call: Call[Tree, None]) -> Tree: ...


def test_a_model_may_hold_itself():
    document = openapi_document([declared("/tree", handler=grow)], "t", "1")
    validate(document, cls=OpenAPIV31SpecValidator)
    assert any(name.startswith("Tree") for name in document["components"]["schemas"])
