"""A small application of declared routes, served on loopback with real tokens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Literal

import aiohttp
from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from skyscan_lab.errors import InvalidInput
from skyscan_lab.protocol.times import UtcTime
from skyscan_server.auth.issuer import Issuer
from skyscan_server.auth.keys import load_signing_key
from skyscan_server.auth.principal import Principal
from skyscan_server.auth.scopes import Scope
from skyscan_server.auth.tickets import TicketRefused, Tickets
from skyscan_server.auth.verification import JwtVerifier
from skyscan_server.domain import errors
from skyscan_server.web.application import make_application
from skyscan_server.web.authentication import Authentication, OpenAccess
from skyscan_server.web.browsers import Browsers
from skyscan_server.web.documents import Documents
from skyscan_server.web.health import Readiness
from skyscan_server.web.metrics import Metrics
from skyscan_server.web.open_sockets import OpenSockets
from skyscan_server.web.operations import FORM, Call, Channel, Operation
from skyscan_server.web.sockets import Socket

ISSUER = "https://hub.example"
AUDIENCE = "skyscan"


class Aim(BaseModel):
    """Where to point."""

    model_config = ConfigDict(extra="forbid")

    azimuth: float = Field(ge=-720, le=720)
    elevation: float = 45.0
    reads: int = 10
    name: str = Field(default="", max_length=20)
    kind: Literal["now", "later"] = "now"
    at: UtcTime | None = None
    extra: dict[str, float] = {}


class Aimed(Aim):
    """Where it points."""

    id: int


class Which(BaseModel):
    """Which of them."""

    model_config = ConfigDict(extra="forbid")

    limit: int = Field(default=50, ge=1, le=500, description="Most of them.")
    kind: list[Literal["now", "later"]] = []
    after: int | None = None


class Ask(BaseModel):
    """A question."""

    kind: Literal["ask"] = "ask"
    words: str


class Stop(BaseModel):
    """No more questions."""

    kind: Literal["stop"] = "stop"


class Said(BaseModel):
    """An answer."""

    words: str
    at: UtcTime


class Grant(BaseModel):
    """A form."""

    model_config = ConfigDict(extra="forbid")

    grant_type: str
    scope: str = ""


Question = Annotated[Ask | Stop, Field(discriminator="kind")]

NOON = datetime(2026, 2, 14, 12, tzinfo=UTC)


@dataclass
class Handlers:
    """Handlers, and what happened to them."""

    ended: list[str] = field(default_factory=list)
    started: asyncio.Event = field(default_factory=asyncio.Event)
    finished: asyncio.Event = field(default_factory=asyncio.Event)

    async def aim(self, call: Call[Aim, None]) -> Aimed:
        call.answer_headers["Location"] = "/aims/7"
        return Aimed(id=7, **call.body.model_dump())

    async def aims(self, call: Call[None, Which]) -> list[Aimed]:
        many = min(call.query.limit, 2)
        return [
            Aimed(id=i, azimuth=1.0, kind=(call.query.kind or ["now"])[-1]) for i in range(many)
        ]

    async def one(self, call: Call[None, None]) -> Aimed | web.Response:
        if call.request.headers.get("If-None-Match") == '"1"':
            return web.Response(status=304)
        return Aimed(id=call.path["aim_id"], azimuth=1.0, at=NOON)

    async def forget(self, call: Call[None, None]) -> None:
        self.ended.append(f"forgot {call.path['aim_id']} {call.names['file']}")

    async def forget_all(self, call: Call[None, None]) -> None:
        self.ended.append(f"forgot all, said {call.principal.subject}")

    async def refuse(self, call: Call[None, None]) -> None:
        raise FAILURES[call.names["why"]]

    async def slow(self, call: Call[None, None]) -> Aimed:
        assert call.body is None
        self.started.set()
        try:
            await asyncio.sleep(30)
        finally:
            self.ended.append("slow")
        raise AssertionError

    async def download(self, call: Call[None, None]) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/csv"})
        await response.prepare(call.request)
        await response.write(b"az,el\n")
        if call.names["how"] == "broken":
            raise KeyError("disk")
        while call.names["how"] == "endless":
            await response.write(b"1,2\n" * 2**12)
        await response.write_eof()
        return response

    async def upload(self, call: Call[None, None]) -> Said:
        size = 0
        async for part in call.request.content.iter_any():
            size += len(part)
        return Said(words=str(size), at=NOON)

    async def grant(self, call: Call[Grant, None]) -> Said:
        return Said(words=call.body.grant_type, at=NOON)

    async def hello(self, call: Call[None, None]) -> Said:
        return Said(words=call.principal.subject, at=NOON)

    async def talk(self, call: Call[None, Which], socket: Socket[Question, Said]) -> None:
        if call.path["room_id"] == 404:
            raise errors.NotFound("no such room")
        await socket.open()
        try:
            async for message in socket:
                if isinstance(message, Stop):
                    return
                if message.words in FAILURES:
                    raise FAILURES[message.words]
                await socket.send(Said(words=message.words.upper(), at=NOON))
        finally:
            self.ended.append("talk")
            self.finished.set()

    async def listen(self, call: Call[None, None], socket: Socket[None, Said]) -> None:
        if call.path["room_id"] == 3:
            await asyncio.sleep(30)
        await socket.open()
        try:
            await asyncio.sleep(30)
        finally:
            self.ended.append("listen")
            self.finished.set()

    async def flood(self, call: Call[None, None], socket: Socket[None, Said]) -> None:
        await socket.open()
        line = b'"%s"' % (b"x" * 2**16)
        try:
            while True:
                await socket.send_encoded(line)
        finally:
            self.ended.append(f"flood {call.path['room_id']}")
            self.finished.set()

    @property
    def operations(self) -> list[Operation]:
        read, write = Scope.SKYSCAN_READ, Scope.SKYSCAN_WRITE
        return [
            Operation(
                method="POST",
                path="/aims",
                handler=self.aim,
                summary="Aim",
                description="At once, or `later`.",
                scope=write,
                tag="Aims",
                status=201,
                errors={404: "Rotor not found", 409: "rotor 1 is busy"},
                max_body_bytes=2000,
            ),
            Operation(
                method="GET",
                path="/aims",
                handler=self.aims,
                summary="List aims",
                scope=read,
                tag="Aims",
            ),
            Operation(
                method="GET",
                path="/aims/{aim_id}",
                handler=self.one,
                summary="Look at one",
                scope=read,
                tag="Aims",
                errors={404: "no such aim"},
                also={304: "As it was"},
                produces=("application/json",),
                headers={"If-None-Match": "What is known already."},
            ),
            Operation(
                method="DELETE",
                path="/aims/{aim_id}/files/{file:name}",
                handler=self.forget,
                summary="Forget",
                scope=write,
                tag="Aims",
                installation_bound=True,
            ),
            Operation(
                method="POST",
                path="/aims/forget",
                handler=self.forget_all,
                summary="Forget all",
                scope=write,
                tag="Aims",
            ),
            Operation(
                method="POST",
                path="/fail/{why:name}",
                handler=self.refuse,
                summary="Fail",
                scope=write,
                errors={400: "", 404: "", 409: "", 418: "", 422: "", 502: ""},
            ),
            Operation(
                method="GET",
                path="/slow",
                handler=self.slow,
                summary="Wait",
                scope=read,
                timeout_s=0.2,
            ),
            Operation(
                method="GET",
                path="/patient",
                handler=self.slow,
                summary="Wait long",
                scope=read,
                name="patient",
            ),
            Operation(
                method="GET",
                path="/download/{how:name}",
                handler=self.download,
                summary="Download",
                scope=read,
                timeout_s=0.3,
                produces=("text/csv",),
            ),
            Operation(
                method="PUT",
                path="/upload",
                handler=self.upload,
                summary="Upload",
                scope=write,
                consumes="application/octet-stream",
            ),
            Operation(
                method="POST",
                path="/grant",
                handler=self.grant,
                summary="Get a token",
                public=True,
                consumes=FORM,
                errors={400: "no such grant"},
            ),
            Operation(
                method="GET", path="/hello", handler=self.hello, summary="Say who", public=True
            ),
        ]

    @property
    def channels(self) -> list[Channel]:
        return [
            Channel(
                path="/ws/rooms/{room_id}",
                handler=self.talk,
                summary="Talk",
                description="Ask, and be answered.",
                scope=Scope.SKYSCAN_READ,
                errors={404: "no such room"},
                max_message_bytes=1000,
            ),
            Channel(
                path="/ws/lines/{room_id}",
                handler=self.listen,
                summary="Listen",
                scope=Scope.SKYSCAN_READ,
                heartbeat_s=0.4,
                timeout_s=0.2,
            ),
            Channel(
                path="/ws/floods/{room_id}",
                handler=self.flood,
                summary="Be flooded",
                scope=Scope.SKYSCAN_READ,
                timeout_s=0.2,
            ),
        ]


class SpecialConflict(errors.Conflict):
    """A subclass that no table names."""


FAILURES: dict[str, Exception] = {
    "gone": errors.NotFound("Scan session not found"),
    "state": errors.Refused("Cannot pause scan in 'completed' state (must be running)"),
    "value": errors.Invalid("step_deg", 0, "within [1e-6, 180]"),
    "scope": errors.Forbidden("not for requesters"),
    "busy": SpecialConflict("rotor 1 is scanning session 4"),
    "rotctld": errors.Upstream("rotctld answered RPRT -6"),
    "offline": errors.Unavailable("Cannot connect to rotctld"),
    "domain": errors.DomainError("a rule without a status"),
    "input": InvalidInput("az", 400, "within [0, 360]"),
    "bug": ZeroDivisionError("secret detail"),
    "teapot": web.HTTPException(),
}
FAILURES["teapot"] = web.HTTPUnavailableForLegalReasons(link="https://example.org")


class Revoked:
    """Revocations in memory."""

    def __init__(self) -> None:
        self.ids: set[str] = set()

    async def revoke(self, revoked_id: str, until: datetime) -> None:
        assert until.tzinfo is not None
        self.ids.add(revoked_id)

    async def any_revoked(self, ids: object) -> bool:
        assert isinstance(ids, tuple)
        return not self.ids.isdisjoint(ids)


class TicketBooth:
    """Tickets, as the web layer asks for them."""

    def __init__(self) -> None:
        self.tickets = Tickets()

    async def redeem(self, ticket: str, path: str) -> Principal | None:
        try:
            return self.tickets.redeem(ticket, path)
        except TicketRefused:
            return None


class Clock:
    """The time, which can be put forward."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


class Site:
    """The application, and all that it was put together from."""

    def __init__(
        self,
        folder: Path,
        *,
        open_access: OpenAccess | None = None,
        browsers: Browsers | None = None,
        metrics_scope: Scope | None = Scope.ADMIN,
        send_timeout_s: float = 20.0,
        close_timeout_s: float = 0.5,
    ) -> None:
        key = load_signing_key(folder)
        self.clock = Clock()
        self.handlers = Handlers()
        self.issuer = Issuer(key, ISSUER, AUDIENCE, clock=self.clock)
        self.revoked = Revoked()
        self.booth = TicketBooth()
        self.metrics = Metrics()
        self.readiness = Readiness(timeout_s=0.2)
        self.verifier = JwtVerifier(key.key_set(), ISSUER, AUDIENCE, self.revoked, self.clock)
        self.open_sockets = OpenSockets(
            self.verifier,
            recheck_s=0.05,
            tick_s=0.05,
            send_timeout_s=send_timeout_s,
            close_timeout_s=close_timeout_s,
            clock=self.clock,
        )
        self.app = make_application(
            self.handlers.operations,
            self.handlers.channels,
            authentication=Authentication(self.verifier, self.booth, open_access),
            browsers=browsers,
            open_sockets=self.open_sockets,
            metrics=self.metrics,
            metrics_scope=metrics_scope,
            readiness=self.readiness,
            documents=Documents("Sample <b>", "1.2.3", "Served for `tests`."),
        )
        self.runner: web.AppRunner | None = None
        self.port = 0

    def token(self, *scopes: Scope, **options: object) -> str:
        """A token; for everything unless scopes are given."""
        return self.issuer.mint("astronomer", scopes or PEOPLE, **options).token  # type: ignore[arg-type]

    def bearer(self, *scopes: Scope) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token(*scopes)}"}

    def client(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(f"http://127.0.0.1:{self.port}")

    @asynccontextmanager
    async def serve(self) -> AsyncIterator[aiohttp.ClientSession]:
        runner = web.AppRunner(self.app, access_log=None, shutdown_timeout=0.5)
        await runner.setup()
        try:
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            self.runner = runner
            self.port = runner.addresses[0][1]
            async with self.client() as client:
                yield client
        finally:
            await runner.cleanup()


PEOPLE = frozenset(Scope) - {Scope.NODE}


async def eventually(holds: Callable[[], object]) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.01)
