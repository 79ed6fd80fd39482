"""Figures of a process for Prometheus, in a registry of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable

import structlog
from aiohttp import web
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
)
from prometheus_client.exposition import choose_encoder

from skyscan_server.auth.scopes import Scope
from skyscan_server.store.errors import StoreError
from skyscan_server.web.operations import Call, Operation

_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0)
_LOOK_S = 2.0

log = structlog.get_logger(__name__)


class Metrics:
    """Counts requests, and has room for the figures of others.

    Attributes
    ----------
    registry : prometheus_client.CollectorRegistry
        For collectors that are not made here.
    """

    def __init__(self) -> None:
        # The time at which each was made would double their number.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        self._looks: list[Callable[[], Awaitable[None]]] = []
        self._requests = Counter(
            "skyscan_http_requests",
            "HTTP requests answered.",
            ("method", "path", "status"),
            registry=self.registry,
        )
        self._seconds = Histogram(
            "skyscan_http_request_seconds",
            "Time to answer a request.",
            ("method", "path"),
            buckets=_BUCKETS_S,
            registry=self.registry,
        )
        self._sockets = Gauge(
            "skyscan_open_sockets", "WebSockets open.", ("path",), registry=self.registry
        )
        # Finding the child of a set of labels costs more than all else here.
        self._children: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}

    def observe(self, method: str, path: str, status: int, seconds: float) -> None:
        """Count a request; `path` is a template, so that there are few of them."""
        key = (method, path, status)
        children = self._children.get(key)
        if children is None:
            children = self._children[key] = (
                self._requests.labels(method, path, str(status)),
                self._seconds.labels(method, path),
            )
        children[0].inc()
        children[1].observe(seconds)

    def count_sockets(self, path: str, count: Callable[[], float]) -> None:
        """Ask, whenever figures are wanted, how many sockets of a path are open."""
        self._sockets.labels(path).set_function(count)

    def look_first(self, look: Callable[[], Awaitable[None]]) -> None:
        """Await something whenever figures are wanted, before they are told."""
        self._looks.append(look)

    async def look(self) -> None:
        """Bring up to date what is not at hand; where that fails, the last is told again."""
        for look in self._looks:
            try:
                async with asyncio.timeout(_LOOK_S):
                    await look()
            except (TimeoutError, StoreError) as error:
                log.warning("figures are old", reason=str(error) or f"no answer in {_LOOK_S:g} s")

    def gauge(self, name: str, words: str, value: Callable[[], float]) -> None:
        """Add a figure that is asked for whenever figures are wanted."""
        Gauge(name, words, registry=self.registry).set_function(value)

    def counter(self, name: str, words: str, labels: Iterable[str] = ()) -> Counter:
        """Add a count; `labels` must have few values each."""
        return Counter(name, words, tuple(labels), registry=self.registry)


def metrics_operation(metrics: Metrics, scope: Scope | None = Scope.ADMIN) -> Operation:
    """Declare ``GET /metrics``.

    Parameters
    ----------
    metrics : Metrics
        The figures.
    scope : Scope or None
        What is needed to see them; None for everybody.
    """

    async def read_metrics(call: Call[None, None]) -> web.Response:
        await metrics.look()
        encode, media_type = choose_encoder(call.request.headers.get("Accept", ""))
        return web.Response(body=encode(metrics.registry), headers={"Content-Type": media_type})

    return Operation(
        method="GET",
        path="/metrics",
        handler=read_metrics,
        summary="Figures for Prometheus",
        scope=scope,
        public=scope is None,
        tag="Health",
        produces=("text/plain", "application/openmetrics-text"),
        quiet=True,
    )
