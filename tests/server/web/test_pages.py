"""Truth: the HTML, as the standard library's parser sees it, beside the document it is made of."""

from __future__ import annotations

import base64
import hashlib
from html.parser import HTMLParser
from itertools import pairwise
from urllib.parse import urlsplit

import pytest

from skyscan_server.web.asyncapi import asyncapi_document
from skyscan_server.web.markup import Html, tag
from skyscan_server.web.openapi import openapi_document
from skyscan_server.web.operations import Call, Operation
from skyscan_server.web.pages import operations_page, sockets_page

VOID = {"meta", "br"}
LOADING = {"script", "link", "img", "iframe", "object", "embed", "video", "audio", "form", "base"}
HOSTILE = "<script>alert('x')</script>&\"'"


class Page(HTMLParser):
    """Elements, texts and links of a page, which must be well formed."""

    def __init__(self, text):
        super().__init__()
        self.elements = []
        self.texts = []
        self.ids = []
        self.links = []
        self.style = ""
        self._open = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, name, attributes):
        given = dict(attributes)
        self.elements.append((name, given))
        self.ids += [given["id"]] if "id" in given else []
        self.links += [given[key] for key in ("href", "src") if key in given]
        if name not in VOID:
            self._open.append(name)

    def handle_endtag(self, name):
        assert self._open.pop() == name

    def handle_data(self, text):
        if self._open and self._open[-1] == "style":
            self.style += text
        else:
            self.texts.append(text)

    @property
    def names(self):
        return {name for name, _ in self.elements}

    @property
    def text(self):
        return "".join(self.texts)


@pytest.fixture(params=["/docs", "/docs/sockets"])
async def served(request, stranger):
    async with stranger.get(request.param) as answer:
        assert answer.content_type == "text/html"
        assert answer.charset == "utf-8"
        return Page(await answer.text()), answer.headers


async def test_nothing_comes_from_outside(served):
    page, _ = served
    assert page.names.isdisjoint(LOADING)
    assert page.links
    for link in page.links:
        assert urlsplit(link)[:2] == ("", ""), link
        assert not link.startswith("/"), link  # a proxy may show it below a path of its own
    assert "url(" not in page.style
    assert "@import" not in page.style
    for _, attributes in page.elements:
        assert not any(name.startswith("on") or name == "style" for name in attributes)


async def test_the_policy_allows_the_one_style_and_nothing_else(served):
    page, headers = served
    digest = base64.b64encode(hashlib.sha256(page.style.encode()).digest()).decode()
    policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
    assert policy == {
        "default-src": "'none'",
        "style-src": f"'sha256-{digest}'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }


async def test_it_can_be_read_by_everybody(served):
    page, _ = served
    attributes = dict(page.elements)
    assert attributes["html"]["lang"] == "en"
    assert "width=device-width" in str(page.elements)
    assert {"main", "nav", "header", "h1", "h2"} <= page.names
    assert "prefers-color-scheme: dark" in page.style
    assert len(page.ids) == len(set(page.ids))
    for link in page.links:
        if link.startswith("#"):
            assert link[1:] in page.ids, link
    headings = [int(name[1]) for name, _ in page.elements if name in ("h1", "h2", "h3", "h4")]
    assert headings[0] == 1
    assert headings.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(headings))
    assert all(" " not in one for one in page.ids)


async def test_every_route_is_on_the_page_with_what_it_needs(stranger):
    async with stranger.get("/openapi.json") as answer:
        document = await answer.json()
    async with stranger.get("/docs") as answer:
        page = Page(await answer.text())
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            assert f"{method.upper()}{path} " in page.text
            assert operation["operationId"] in page.ids
            assert operation["summary"] in page.text
            for scheme in operation["security"]:
                assert scheme["bearer"][0] in page.text
            for parameter in operation.get("parameters", ()):
                assert parameter["name"] in page.texts
    for name, schema in document["components"]["schemas"].items():
        assert f"schema-{name}" in page.ids
        assert all(field in page.texts for field in schema.get("properties", {}))
    assert '"detail": "Rotor not found"' in page.text
    assert "later" in page.texts  # what stands in backticks is code
    assert "9223372036854775807" not in page.text


async def test_every_socket_is_on_the_page_with_its_messages(stranger):
    async with stranger.get("/docs/sockets") as answer:
        page = Page(await answer.text())
    assert {"/ws/rooms/{room_id}", "/ws/lines/{room_id}"} <= set(page.texts)
    assert {"The server sends", "The client sends", "Ask", "Stop", "Said"} <= set(page.texts)
    assert "skyscan:read" in page.text
    assert "Most of them." in page.text


async def nothing(call: Call[None, None]) -> None: ...


def test_whatever_a_document_says_is_text():
    operation = Operation(
        method="GET",
        path="/x",
        handler=nothing,
        summary=HOSTILE,
        description=f"a `{HOSTILE}` b",
        public=True,
        tag=HOSTILE,
        name=HOSTILE,
        errors={404: HOSTILE},
        headers={HOSTILE: HOSTILE},
    )
    for text in (
        operations_page(openapi_document([operation], HOSTILE, HOSTILE, HOSTILE), "/a", "/b"),
        sockets_page(asyncapi_document([], HOSTILE, HOSTILE, HOSTILE), "/a", "/b"),
    ):
        page = Page(text)
        assert "script" not in page.names
        assert HOSTILE in page.text


def test_markup_escapes_all_but_itself():
    assert tag("p", "<b>", Html("<i></i>"), ["&", None], title='"<') == (
        '<p title="&quot;&lt;">&lt;b&gt;<i></i>&amp;</p>'
    )
    assert tag("input", disabled=True, checked=False, data_x="1") == (
        '<input disabled data-x="1"></input>'
    )
