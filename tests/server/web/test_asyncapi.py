"""Truth: what AsyncAPI 3.0.0 demands of a document, written down here as checks.

No validator of it comes with the packages that we test with. Payloads are checked against the
messages that really go over the wire.
"""

from __future__ import annotations

import re

import jsonschema
import pytest
from pydantic import BaseModel

from skyscan_lab.protocol.node_link import HubMessage, NodeMessage
from skyscan_server.auth.scopes import Scope
from skyscan_server.web.asyncapi import asyncapi_document
from skyscan_server.web.operations import Call, Channel
from skyscan_server.web.sockets import Socket

ROOT_KEYS = {
    "asyncapi",
    "id",
    "info",
    "servers",
    "defaultContentType",
    "channels",
    "operations",
    "components",
}
CHANNEL_KEYS = {
    "address",
    "messages",
    "title",
    "summary",
    "description",
    "servers",
    "parameters",
    "tags",
    "externalDocs",
    "bindings",
}
OPERATION_KEYS = {
    "action",
    "channel",
    "title",
    "summary",
    "description",
    "security",
    "tags",
    "externalDocs",
    "bindings",
    "traits",
    "messages",
    "reply",
}
SCHEME_KEYS = {"http": {"type", "scheme", "bearerFormat"}, "httpApiKey": {"type", "name", "in"}}


class Words(BaseModel):
    words: str


async def link(call: Call[None, None], socket: Socket[NodeMessage, HubMessage]) -> None: ...
async def echo(call: Call[None, None], socket: Socket[Words, Words]) -> None: ...


def pointed_at(document, reference):
    assert reference.startswith("#/"), f"{reference}: must be within the document"
    part = document
    for name in reference[2:].split("/"):
        part = part[name.replace("~1", "/").replace("~0", "~")]
    return part


def references(part):
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"]
        part = list(part.values())
    if isinstance(part, list):
        for inner in part:
            yield from references(inner)


def schemas(part):
    """Every object that is a schema, by the places where there is one."""
    if isinstance(part, dict):
        yield part
        for name in ("properties", "definitions"):
            for inner in part.get(name, {}).values():
                yield from schemas(inner)
        for name in ("anyOf", "oneOf", "allOf"):
            for inner in part.get(name, ()):
                yield from schemas(inner)
        items = part.get("items", ())
        for inner in items if isinstance(items, list) else [items]:
            yield from schemas(inner)


def check(document):
    assert set(document) <= ROOT_KEYS
    assert document["asyncapi"] == "3.0.0"
    assert {"title", "version"} <= set(document["info"])
    components = document["components"]
    for reference in references(document):
        pointed_at(document, reference)
    for name in [*document["channels"], *document["operations"], *components["schemas"]]:
        assert re.fullmatch(r"[\w.-]+", name), name
    for channel in document["channels"].values():
        assert set(channel) <= CHANNEL_KEYS
        assert set(channel.get("parameters", {})) == set(
            re.findall(r"\{(\w+)\}", channel["address"])
        )
        for parameter in channel.get("parameters", {}).values():
            assert set(parameter) <= {"description", "enum", "default", "examples", "location"}
        assert set(channel["bindings"]["ws"]) <= {"method", "query", "headers", "bindingVersion"}
    for operation in document["operations"].values():
        assert {key for key in operation if not key.startswith("x-")} <= OPERATION_KEYS
        assert operation["action"] in ("send", "receive")
        own = {
            id(one)
            for one in pointed_at(document, operation["channel"]["$ref"])["messages"].values()
        }
        for message in operation["messages"]:
            assert id(pointed_at(document, message["$ref"])) in own
        for scheme in operation.get("security", ()):
            assert "type" in pointed_at(document, scheme["$ref"])
    for scheme in components["securitySchemes"].values():
        assert set(scheme) == SCHEME_KEYS[scheme["type"]]
    for schema in [
        *components["schemas"].values(),
        *(m["payload"] for m in components["messages"].values()),
    ]:
        jsonschema.Draft7Validator.check_schema(schema)
        for part in schemas(schema):
            assert "prefixItems" not in part
            assert "$defs" not in part
            assert isinstance(part.get("discriminator", ""), str)


@pytest.fixture
async def document(stranger):
    async with stranger.get("/asyncapi.json") as answer:
        return await answer.json()


async def test_it_holds_to_the_standard(document):
    check(document)
    assert set(document["channels"]) == {"talk", "listen", "flood"}
    assert set(document["operations"]) == {
        "talk.send",
        "talk.receive",
        "listen.send",
        "flood.send",
    }
    talk = document["channels"]["talk"]
    assert talk["address"] == "/ws/rooms/{room_id}"
    assert set(talk["messages"]) == {"Said", "Ask", "Stop"}
    query = talk["bindings"]["ws"]["query"]
    assert set(query["properties"]) == {"limit", "kind", "after"}
    received = document["operations"]["talk.receive"]["messages"]
    assert [one["$ref"] for one in received] == [
        "#/channels/talk/messages/Ask",
        "#/channels/talk/messages/Stop",
    ]
    assert document["operations"]["talk.send"]["x-scope"] == "skyscan:read"


async def test_what_goes_over_the_wire_is_as_documented(client, document):
    schemas_of = {
        name: {**message["payload"], "components": document["components"]}
        for name, message in document["components"]["messages"].items()
    }
    asked = {"kind": "ask", "words": "hello"}
    jsonschema.Draft7Validator(schemas_of["Ask"]).validate(asked)
    async with client.ws_connect("/ws/rooms/1") as socket:
        await socket.send_json(asked)
        said = await socket.receive_json(timeout=5)
    jsonschema.Draft7Validator(schemas_of["Said"]).validate(said)
    assert not jsonschema.Draft7Validator(schemas_of["Said"]).is_valid({"words": 3})


def test_the_messages_of_a_node_hold_to_it_too():
    """They have discriminators, tuples and unions inside, which AsyncAPI writes its own way."""
    channel = Channel(path="/v1/ws/{a:name}", handler=link, summary="", scope=Scope.NODE)
    document = asyncapi_document([channel], "t", "1")
    check(document)
    assert {"Hello", "Records", "Welcome", "Rpc"} <= set(document["components"]["messages"])
    assert any(
        "discriminator" in part
        for s in document["components"]["schemas"].values()
        for part in schemas(s)
    )


def test_one_model_both_ways_is_two_messages():
    channel = Channel(path="/echo", handler=echo, summary="", public=True)
    document = asyncapi_document([channel], "t", "1")
    check(document)
    assert set(document["channels"]["echo"]["messages"]) == {"Words", "WordsReceived"}
    assert "security" not in document["operations"]["echo.send"]


def test_two_channels_of_one_name_are_refused():
    channels = [Channel(path=path, handler=echo, summary="", public=True) for path in ("/a", "/b")]
    with pytest.raises(ValueError, match="two channels have one name: echo"):
        asyncapi_document(channels, "t", "1")
