"""The AsyncAPI 3.0 document of the WebSockets, made from the declarations that are served."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import TypeAdapter

from skyscan_server.web.operations import JSON, Channel
from skyscan_server.web.schemas import Mode, Schema, Schemas, fields_of, parts_of

_ABOUT = """\
Before the upgrade, errors are answered as over HTTP. After it a socket is closed with 1000 when \
there is nothing more to say, 1001 when the server shuts down, 1009 for a message that is too \
large, 1011 for an internal error, 4401 when the token has expired or was revoked, and 4000 plus \
the HTTP status for any other refusal (4404, 4422); the reason is in words. Clients that are \
silent are pinged. The bearer token goes into the Authorization header; a browser, which can set \
none, gets a ticket for one socket and sends it as `?ticket=`; other clients may send `?token=`.

"""


def asyncapi_document(
    channels: Iterable[Channel], title: str, version: str, description: str = ""
) -> dict[str, Any]:
    """Make the document.

    Parameters
    ----------
    channels : iterable of Channel
        What is served.
    title, version, description : str
        What it says about itself.

    Raises
    ------
    ValueError
        Where two channels have one name.
    """
    channels = list(channels)
    schemas = Schemas()
    messages = _Messages(channels, schemas)
    schemas.make()
    components = {name: _draft_7(schema) for name, schema in schemas.components.items()}
    made: dict[str, Any] = {
        "asyncapi": "3.0.0",
        "info": {"title": title, "version": version, "description": _ABOUT + description},
        "defaultContentType": JSON,
        "channels": {},
        "operations": {},
        "components": {
            "messages": messages.made(schemas),
            "schemas": components,
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
                "ticket": {"type": "httpApiKey", "in": "query", "name": "ticket"},
            },
        },
    }
    for channel in channels:
        if channel.name in made["channels"]:
            raise ValueError(f"two channels have one name: {channel.name}")
        made["channels"][channel.name] = _channel(channel, messages)
        made["operations"] |= _operations(channel, messages)
    return made


class _Messages:
    """Messages of all channels: one for each kind, under its model's name."""

    def __init__(self, channels: Iterable[Channel], schemas: Schemas) -> None:
        self._adapters: dict[str, tuple[TypeAdapter[Any], Mode]] = {}
        ways = [way for channel in channels for way in _ways(channel)]
        # What is sent first: where the same model is received, that is another message.
        for _, mode, kinds in sorted(ways, key=lambda way: way[0], reverse=True):
            for kind in kinds:
                name = self.name(kind, mode)
                if name not in self._adapters:
                    self._adapters[name] = (TypeAdapter(kind), mode)
                    schemas.add(self._adapters[name][0], mode)

    def name(self, kind: Any, mode: Mode) -> str:
        name = getattr(kind, "__name__", str(kind))
        known = self._adapters.get(name)
        return name if known is None or known[1] == mode else f"{name}Received"

    def made(self, schemas: Schemas) -> dict[str, Any]:
        return {
            name: {"name": name, "payload": _draft_7(schemas.of(adapter, mode))}
            for name, (adapter, mode) in self._adapters.items()
        }


def _ways(channel: Channel) -> list[tuple[str, Mode, tuple[Any, ...]]]:
    """Action, mode and kinds of messages, each way that a channel has."""
    signature = channel.signature
    sent: tuple[str, Mode, tuple[Any, ...]] = ("send", "serialization", signature.kinds_sent)
    received: tuple[str, Mode, tuple[Any, ...]]
    received = ("receive", "validation", signature.kinds_received)
    return [way for way in (sent, received) if way[2]]


def _channel(channel: Channel, messages: _Messages) -> dict[str, Any]:
    names = [messages.name(kind, mode) for _, mode, kinds in _ways(channel) for kind in kinds]
    made: dict[str, Any] = {
        "address": channel.template.plain,
        "title": channel.summary,
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names},
    }
    if channel.description:
        made["description"] = channel.description
    template = channel.template
    parameters = dict.fromkeys(template.ids, "an integer") | dict.fromkeys(
        template.names, "a plain name"
    )
    if parameters:
        made["parameters"] = {name: {"description": kind} for name, kind in parameters.items()}
    binding: dict[str, Any] = {"method": "GET", "bindingVersion": "0.1.0"}
    if channel.signature.query is not None:
        properties, needed = fields_of(channel.signature.query)
        binding["query"] = {"type": "object", "properties": properties, "required": sorted(needed)}
    made["bindings"] = {"ws": binding}
    return made


def _operations(channel: Channel, messages: _Messages) -> dict[str, Any]:
    security: Mapping[str, Any] = {}
    if channel.scope is not None:
        security = {
            "security": [
                {"$ref": f"#/components/securitySchemes/{scheme}"}
                for scheme in ("bearer", "ticket")
            ],
            "x-scope": str(channel.scope),
        }
    made = {}
    for action, mode, kinds in _ways(channel):
        made[f"{channel.name}.{action}"] = {
            "action": action,
            "channel": {"$ref": f"#/channels/{channel.name}"},
            "summary": channel.summary,
            "messages": [
                {"$ref": f"#/channels/{channel.name}/messages/{messages.name(kind, mode)}"}
                for kind in kinds
            ],
            **security,
        }
    return made


def _draft_7(schema: Schema) -> Schema:
    """Write a schema as AsyncAPI has it: a discriminator is a name, tuples are as in draft 7."""
    for part in parts_of(schema):
        if isinstance(part.get("discriminator"), dict):
            part["discriminator"] = part["discriminator"]["propertyName"]
        if "prefixItems" in part:
            part["items"] = part.pop("prefixItems")
            part["additionalItems"] = False
    return schema
