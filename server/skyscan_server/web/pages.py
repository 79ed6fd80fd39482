"""The documents as pages, written here from the documents themselves: no script, no download."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from skyscan_server.web.examples import example_of
from skyscan_server.web.markup import Html, join, tag
from skyscan_server.web.page_frame import page, paragraphs, table
from skyscan_server.web.schema_words import fields_table, kind_of, limits_of
from skyscan_server.web.schemas import Schema

Document = Mapping[str, Any]


def operations_page(document: Document, json_path: str, other_page: str) -> str:
    """Write an OpenAPI document as a page.

    Parameters
    ----------
    document : mapping
        The document.
    json_path, other_page : str
        Where the document is, and the page of the sockets.
    """
    by_tag: dict[str, list[tuple[str, str, Document]]] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            by_tag.setdefault(operation["tags"][0], []).append((method.upper(), path, operation))
    sections = (
        tag(
            "section",
            tag("h2", name, id=_anchor(name)),
            (_operation(document, *one) for one in by_tag[name]),
        )
        for name in by_tag
    )
    contents = [(f"#{_anchor(name)}", name) for name in by_tag]
    return page(
        document["info"]["title"],
        _header(document, contents, json_path, (other_page, "WebSockets")),
        tag("main", sections, _models(document)),
    )


def sockets_page(document: Document, json_path: str, other_page: str) -> str:
    """Write an AsyncAPI document as a page; as `operations_page`."""
    channels = document["channels"]
    contents = [(f"#channel-{name}", channels[name]["address"]) for name in channels]
    return page(
        f"{document['info']['title']}: WebSockets",
        _header(document, contents, json_path, (other_page, "HTTP routes")),
        tag("main", (_channel(document, name) for name in channels), _models(document)),
    )


def _anchor(tag_name: str) -> str:
    return f"tag-{re.sub('[^a-z0-9]+', '-', tag_name.lower())}"


def _header(
    document: Document,
    contents: Iterable[tuple[str, str]],
    json_path: str,
    other: tuple[str, str],
) -> Html:
    info = document["info"]
    links = [*contents, ("#models", "Models")]
    listed = tag("ul", (tag("li", tag("a", words, href=to)) for to, words in links))
    return tag(
        "header",
        tag("h1", info["title"]),
        tag(
            "p",
            f"Version {info['version']} · ",
            tag("a", "the document", href=json_path),
            " · ",
            tag("a", other[1], href=other[0]),
        ),
        paragraphs(info["description"]),
        tag("nav", listed, aria_label="Contents"),
    )


def _operation(document: Document, method: str, path: str, operation: Document) -> Html:
    security = operation["security"]
    body = operation.get("requestBody")
    return _foldable(
        operation["operationId"],
        join(
            tag("span", method, class_="way"),
            tag("code", path),
            " ",
            tag("span", _scopes(security), class_="needs"),
            tag("br"),
            operation["summary"],
        ),
        paragraphs(operation.get("description", "")),
        _parameters(operation.get("parameters", ())),
        None if body is None else join(tag("h3", "Body"), _contents(document, body["content"])),
        tag("h3", "Answers"),
        (_response(document, status, one) for status, one in operation["responses"].items()),
    )


def _scopes(security: list[dict[str, list[str]]]) -> str:
    return ", ".join(scope for one in security for scope in one["bearer"]) or "public"


def _parameters(parameters: Iterable[Document]) -> Html | None:
    rows = [
        (
            tag("code", parameter["name"]),
            parameter["in"],
            kind_of(parameter["schema"]),
            "needed" if parameter.get("required") else _default(parameter["schema"]),
            limits_of(parameter["schema"]),
            parameter.get("description", ""),
        )
        for parameter in parameters
    ]
    made = table("Parameters", ("Name", "In", "Kind", "Default", "Within", ""), rows)
    return None if made is None else join(tag("h3", "Parameters"), made)


def _default(schema: Schema) -> str:
    return json.dumps(schema["default"]) if "default" in schema else "—"


def _response(document: Document, status: str, response: Document) -> Html:
    reference = response.get("$ref")
    if reference is not None:
        response = document["components"]["responses"][reference.rpartition("/")[2]]
    content = response.get("content", {})
    words = f" {response['description']}"
    if int(status) >= 400:
        example = next(iter(content.values()))["example"]
        return tag("p", tag("b", status), words, " ", tag("code", _json(example)))
    return join(tag("p", tag("b", status), words), _contents(document, content))


def _contents(document: Document, content: Document) -> Html:
    return join(
        join(
            tag("p", tag("code", media_type), " ", kind_of(one["schema"]))
            if one.get("schema")
            else tag("p", tag("code", media_type)),
            _example(document, one.get("schema")) if "json" in media_type else None,
        )
        for media_type, one in content.items()
    )


def _channel(document: Document, name: str) -> Html:
    channel = document["channels"][name]
    operations = [
        one
        for one in document["operations"].values()
        if one["channel"]["$ref"] == f"#/channels/{name}"
    ]
    needs = next((one["x-scope"] for one in operations if "x-scope" in one), "public")
    query = channel["bindings"]["ws"].get("query", {})
    return tag(
        "section",
        tag("h2", tag("code", channel["address"]), id=f"channel-{name}"),
        tag("p", channel["title"], " ", tag("span", needs, class_="needs")),
        paragraphs(channel.get("description", "")),
        fields_table("the query string", query),
        (_messages(document, one) for one in operations),
    )


def _messages(document: Document, operation: Document) -> Html:
    whose = "The server sends" if operation["action"] == "send" else "The client sends"
    names = [message["$ref"].rpartition("/")[2] for message in operation["messages"]]
    return join(
        tag("h3", whose),
        (
            _foldable(
                f"{operation['channel']['$ref'].rpartition('/')[2]}-{name}",
                tag("code", name),
                kind_of(document["components"]["messages"][name]["payload"]),
                _example(document, document["components"]["messages"][name]["payload"]),
            )
            for name in names
        ),
    )


def _models(document: Document) -> Html:
    schemas = document["components"]["schemas"]
    return tag(
        "section",
        tag("h2", "Models", id="models"),
        (
            _foldable(
                f"schema-{name}",
                tag("code", name),
                paragraphs(schema.get("description", "")),
                fields_table(name, schema) or tag("p", kind_of(schema)),
                _example(document, schema),
            )
            for name, schema in sorted(schemas.items())
        ),
    )


def _example(document: Document, schema: Schema | None) -> Html | None:
    if not schema:
        return None
    made = example_of(schema, document["components"]["schemas"])
    return tag("pre", _json(made, indent=2), tabindex="0", aria_label="Example")


def _foldable(name: str, summary: Html, *inside: Html | Iterable[Html] | None) -> Html:
    return tag("details", tag("summary", summary), tag("div", *inside), id=name)


def _json(value: Any, indent: int | None = None) -> str:
    return json.dumps(value, ensure_ascii=False, indent=indent)
