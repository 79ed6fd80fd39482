"""What the rest of the application calls health: two routes that say "ok"."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel

from skyscan_server.web.operations import Call, Operation


class Health(BaseModel):
    """Answer of ``GET /health``."""

    status: Literal["ok"] = "ok"
    service: str = "skyscan-lab"


async def health(call: Call[None, None]) -> Health:  # noqa: ARG001 the signature of a handler
    """Say that the hub answers."""
    return Health()


OPERATIONS = [
    Operation(
        method="GET",
        path=path,
        handler=health,
        summary="Say that the hub answers",
        public=True,
        tag="Health",
        name=name,
    )
    for path, name in (("/health", "health"), ("/api/health", "api_health"))
]
