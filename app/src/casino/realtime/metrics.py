"""What /metrics of the process `realtime` shows."""

from __future__ import annotations

from prometheus_client import Counter, Gauge

from casino.kernel.metrics import REGISTRY

CONNECTIONS = Gauge("casino_realtime_connections", "WebSockets that are open.", registry=REGISTRY)
MESSAGES = Counter("casino_realtime_messages_total", "Messages read from the streams.", ("topic",), registry=REGISTRY)
DELIVERIES = Counter("casino_realtime_deliveries_total", "Messages given to connections.", registry=REGISTRY)
REPLACED = Counter("casino_realtime_waiting_total", "States that waited for slow clients.", registry=REGISTRY)
CLOSED = Counter("casino_realtime_closed_total", "Connections closed by the casino.", ("code",), registry=REGISTRY)
DROPPED = Counter(
    "casino_realtime_unpublished_total", "Messages that did not get into a stream.", ("why",), registry=REGISTRY
)
