"""A request of the browser, answered by the hub. Bodies pass through, and none is ever held."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import aiohttp
from jupyter_server.base.handlers import APIHandler
from tornado import web
from tornado.http1connection import HTTP1Connection
from tornado.iostream import StreamClosedError
from yarl import URL

from skyscan_server.jupyter.bodies import Body
from skyscan_server.jupyter.guarding import RESOURCE, check_allowed
from skyscan_server.jupyter.headers import SANDBOX, new_location, to_browser, to_hub
from skyscan_server.jupyter.hub import Hub, HubRefusal, refusal_of
from skyscan_server.jupyter.targets import asked_of, target_at

_PIECE_BYTES = 2**16
_READING = frozenset({"GET", "HEAD"})
_NOT_OURS_TO_SAY = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")


@web.stream_request_body
class HubRequests(APIHandler):
    """Everything below ``/skyscan/`` that is no socket."""

    auth_resource = RESOURCE

    def initialize(self, hub: Hub, root: str) -> None:
        """Take what the route was made with.

        Parameters
        ----------
        hub : Hub
            Who answers.
        root : str
            Path under which the browser sees it, with a slash at its end.
        """
        self._hub = hub
        self._root = root
        self._body = Body(hub.patience_s)
        self._whole = asyncio.Event()
        self._exchange: asyncio.Task[None] | None = None

    async def prepare(self) -> None:  # type: ignore[override] # as APIHandler's
        """Begin to ask the hub, if Jupyter allows it.

        Here rather than in `get` and its like, since those are called when the body is over.
        """
        await super().prepare()
        if self._finished or self.request.method == "OPTIONS":
            return
        await check_allowed(self, "read" if self.request.method in _READING else "write")
        if isinstance(self.request.connection, HTTP1Connection):
            self.request.connection.set_body_timeout(self._hub.body_s)
        self._exchange = self._hub.beside(self._ask())

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Say that the connection ends, where a body was not read: Tornado only ends it."""
        if not self._whole.is_set():
            self.set_header("Connection", "close")
        super().write_error(status_code, **kwargs)

    async def data_received(self, chunk: bytes) -> None:
        """Hand a piece of the body on; Tornado reads the next one only then."""
        await self._body.put(chunk)

    def on_connection_close(self) -> None:
        """Stop asking, since the browser has left."""
        super().on_connection_close()
        if self._exchange is not None:
            self._exchange.cancel()

    @web.authenticated
    async def get(self, *_path: str) -> None:
        """Answer as the hub does."""
        await self._body.end()
        self._whole.set()
        if self._exchange is not None:
            await asyncio.wait({self._exchange})
            if not self._exchange.cancelled():
                self._exchange.result()  # raises what nobody expected

    head = post = put = patch = delete = get

    async def _ask(self) -> None:
        try:
            await self._ask_hub()
        except StreamClosedError:
            return  # the browser has left
        except (HubRefusal, aiohttp.ClientError, TimeoutError) as error:
            refusal = refusal_of(error)
            self.log.warning("%s %s: %s", self.request.method, self.request.path, refusal)
            await self._refuse(refusal)
        finally:
            await self._body.end()

    async def _ask_hub(self) -> None:
        address = await self._hub.address()
        path, query = asked_of(self.request.uri or "", self._root)
        target = target_at(address.origin, path, query)
        headers = self.request.headers
        has_body = "Transfer-Encoding" in headers or headers.get("Content-Length", "0") != "0"
        async with (
            self._hub.session() as session,
            session.request(
                self.request.method or "GET",
                target,
                headers=to_hub(headers.get_all()) | address.headers,
                skip_auto_headers=_NOT_OURS_TO_SAY,
                data=aiter(self._body) if has_body else None,
                allow_redirects=False,
            ) as answer,
        ):
            if answer.status >= 400:
                await self._body.end()  # refused: it wants no more of it
            await self._whole.wait()
            await self._pass_on(answer, target)

    async def _pass_on(self, answer: aiohttp.ClientResponse, asked: URL) -> None:
        self._set_head(answer, asked)
        await self._flush()
        async for piece in answer.content.iter_chunked(_PIECE_BYTES):
            self.write(piece)
            await self._flush()
        await self.finish()

    def _set_head(self, answer: aiohttp.ClientResponse, asked: URL) -> None:
        if answer.status == 401:
            raise HubRefusal(502, "the hub does not take the lab's own token: start it again")
        location = answer.headers.get("Location")
        if location is not None:
            to = new_location(location, asked, self._root)
            if to is None:
                raise HubRefusal(502, "the hub leads to another server, where we do not follow")
            self.set_header("Location", to)
        self.set_status(answer.status)
        self.clear_header("Content-Type")
        passed: set[str] = set()
        for name, value in to_browser(answer.headers):
            put = self.add_header if name.lower() in passed else self.set_header
            put(name, value)
            passed.add(name.lower())
        if "content-security-policy" not in passed:
            self.clear_header("Content-Security-Policy")  # Jupyter's, for answers of its own
        self.add_header("Content-Security-Policy", SANDBOX)

    async def _flush(self) -> None:
        """Let the browser take what there is before we take more from the hub."""
        async with asyncio.timeout(self._hub.patience_s):
            await self.flush()

    async def _refuse(self, refusal: HubRefusal) -> None:
        if self._headers_written:
            # Half an answer must not look like a whole one.
            self.detach().close()
            return
        await self._body.end()
        await self._whole.wait()
        self.clear()
        self.set_status(refusal.status)
        await self.finish(json.dumps({"detail": str(refusal)}))
