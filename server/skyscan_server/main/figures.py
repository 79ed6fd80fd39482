"""Figures of a hub for Prometheus, beside those of its requests."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    Metric,
    SummaryMetricFamily,
)
from prometheus_client.registry import Collector

from skyscan_lab.protocol.lifecycle import ScanStatus
from skyscan_server.domain.ingest import Ingest
from skyscan_server.domain.sessions import Sessions
from skyscan_server.gateway.connection_registry import ConnectionRegistry
from skyscan_server.web.metrics import Metrics


def add_figures(
    metrics: Metrics, sessions: Sessions, ingest: Ingest, nodes: ConnectionRegistry
) -> None:
    """Add how many sessions and nodes there are, and what the writer of records does."""
    figures = _Figures(sessions, ingest, nodes)
    metrics.registry.register(figures)
    metrics.look_first(figures.look)


class _Figures(Collector):
    def __init__(self, sessions: Sessions, ingest: Ingest, nodes: ConnectionRegistry) -> None:
        self._sessions = sessions
        self._ingest = ingest
        self._nodes = nodes
        self._by_status: dict[str, int] = {}

    async def look(self) -> None:
        """Count what only the store knows."""
        self._by_status = await self._sessions.by_status()

    def collect(self) -> Iterator[Metric]:
        """Tell the figures, as Prometheus wants them."""
        by_status = GaugeMetricFamily("skyscan_sessions", "Sessions.", labels=["status"])
        for status in ScanStatus:
            by_status.add_metric([status], self._by_status.get(status, 0))
        yield by_status
        tally = self._ingest.tally
        yield CounterMetricFamily("skyscan_points_committed", "Points made durable.", tally.points)
        yield SummaryMetricFamily(
            "skyscan_commit_seconds",
            "Time in which the writer of records made a group of them durable.",
            count_value=tally.groups,
            sum_value=tally.seconds,
        )
        yield GaugeMetricFamily(
            "skyscan_writer_queue", "Batches that wait for the writer.", self._ingest.waiting
        )
        yield GaugeMetricFamily("skyscan_connected_nodes", "Nodes.", len(self._nodes))
