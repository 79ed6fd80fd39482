"""The documents that an application serves about itself, each as JSON and as a page."""

from __future__ import annotations

import json
from collections.abc import Iterable

from aiohttp import web

from skyscan_server.web.asyncapi import asyncapi_document
from skyscan_server.web.openapi import openapi_document
from skyscan_server.web.operations import JSON, Call, Channel, Operation
from skyscan_server.web.page_frame import CONTENT_SECURITY_POLICY
from skyscan_server.web.pages import operations_page, sockets_page

OPENAPI_PATH = "/openapi.json"
ASYNCAPI_PATH = "/asyncapi.json"
OPERATIONS_PAGE = "/docs"
SOCKETS_PAGE = "/docs/sockets"


class Documents:
    """The documents of one application.

    Parameters
    ----------
    title, version, description : str
        What they say about it.
    """

    def __init__(self, title: str, version: str, description: str = "") -> None:
        self._about = (title, version, description)
        self._texts: dict[str, bytes] = {}

    def make(self, operations: Iterable[Operation], channels: Iterable[Channel]) -> None:
        """Make them, once, from all that the application serves."""
        openapi = openapi_document(operations, *self._about)
        asyncapi = asyncapi_document(channels, *self._about)
        self._texts = {
            OPENAPI_PATH: json.dumps(openapi, ensure_ascii=False).encode(),
            ASYNCAPI_PATH: json.dumps(asyncapi, ensure_ascii=False).encode(),
            # Their links are relative, since a proxy may show all of this below a path of its own.
            OPERATIONS_PAGE: operations_page(openapi, "openapi.json", "docs/sockets").encode(),
            SOCKETS_PAGE: sockets_page(asyncapi, "../asyncapi.json", "../docs").encode(),
        }

    def operations(self) -> list[Operation]:
        """Declare the routes of the documents; everybody may read them."""
        html_headers = {
            "Content-Type": "text/html; charset=utf-8",
            "Content-Security-Policy": CONTENT_SECURITY_POLICY,
            "Referrer-Policy": "no-referrer",
        }
        json_headers = {"Content-Type": JSON}
        return [
            self._operation(OPENAPI_PATH, "openapi", "The OpenAPI 3.1 document", json_headers),
            self._operation(ASYNCAPI_PATH, "asyncapi", "The AsyncAPI 3.0 document", json_headers),
            self._operation(OPERATIONS_PAGE, "docs", "The routes, as a page", html_headers),
            self._operation(SOCKETS_PAGE, "docs_sockets", "The sockets, as a page", html_headers),
        ]

    def _operation(self, path: str, name: str, summary: str, headers: dict[str, str]) -> Operation:
        async def read(call: Call[None, None]) -> web.Response:  # noqa: ARG001 - takes its call
            return web.Response(body=self._texts[path], headers=headers)

        return Operation(
            method="GET",
            path=path,
            handler=read,
            summary=summary,
            public=True,
            tag="Documents",
            produces=(headers["Content-Type"].partition(";")[0],),
            name=name,
        )
