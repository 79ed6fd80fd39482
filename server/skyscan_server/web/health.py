"""Whether the process lives, and whether it can do its work."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog
from pydantic import BaseModel

from skyscan_server.domain.errors import Unavailable
from skyscan_server.web.operations import Call, Operation

log = structlog.get_logger(__name__)

Check = Callable[[], Awaitable[str | None]]
"""Says in words what is missing; None where nothing is."""


class Alive(BaseModel):
    """Answer of ``GET /healthz``."""

    status: str = "ok"


class Ready(BaseModel):
    """Answer of ``GET /readyz``: what has been looked at."""

    status: str = "ready"
    checks: list[str]


class Readiness:
    """What must hold before the server can do its work.

    Parameters
    ----------
    timeout_s : float
        Longest time that a check may take.
    """

    def __init__(self, timeout_s: float = 2.0) -> None:
        self._timeout_s = timeout_s
        self._checks: dict[str, Check] = {}

    def add(self, name: str, check: Check) -> None:
        """Add a check."""
        self._checks[name] = check

    async def missing(self) -> dict[str, str]:
        """Return what does not hold, by name, in words."""
        names = list(self._checks)
        words = await asyncio.gather(*(self._ask(name) for name in names))
        return {name: text for name, text in zip(names, words, strict=True) if text is not None}

    @property
    def names(self) -> list[str]:
        """Names of all checks."""
        return sorted(self._checks)

    async def _ask(self, name: str) -> str | None:
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._checks[name]()
        except TimeoutError:
            return f"no answer within {self._timeout_s:g} s"
        except Exception as error:
            log.exception("a check failed", check=name)
            return f"cannot be checked: {type(error).__name__}"


def health_operations(readiness: Readiness) -> list[Operation]:
    """Declare ``GET /healthz`` and ``GET /readyz``."""

    async def healthz(call: Call[None, None]) -> Alive:  # noqa: ARG001 - a handler takes its call
        return Alive()

    async def readyz(call: Call[None, None]) -> Ready:  # noqa: ARG001 - a handler takes its call
        missing = await readiness.missing()
        if missing:
            words = "; ".join(f"{name}: {text}" for name, text in missing.items())
            raise Unavailable(f"not ready: {words}")
        return Ready(checks=readiness.names)

    return [
        Operation(
            method="GET",
            path="/healthz",
            handler=healthz,
            summary="Whether the process lives",
            public=True,
            tag="Health",
            quiet=True,
        ),
        Operation(
            method="GET",
            path="/readyz",
            handler=readyz,
            summary="Whether the server can do its work",
            public=True,
            tag="Health",
            errors={503: "not ready: node: the built-in node has not registered"},
            quiet=True,
        ),
    ]
