"""What Prometheus reads of each tenant beside its conditions. The series go with the tenant."""

import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from prometheus_client import Gauge

INFO = Gauge(
    "domicile_tenant_info",
    "1 for each tenant: where it lives, its state, the version of its casino.",
    ["tenant", "jurisdiction", "place", "state", "version"],
)
SETTLED = Gauge(
    "domicile_tenant_last_settled_timestamp_seconds",
    "When a pass over the tenant last ended with nothing left to do.",
    ["tenant"],
)
LICENCE = Gauge(
    "domicile_licence_seconds_left", "Seconds until a tenant's licence ends; below zero since it has.", ["tenant"]
)

_labels: dict[str, tuple[str, ...]] = {}
"""Under which labels each tenant's info stands: it has one series, and the one before goes when they change."""


def record(tenant: Mapping[str, Any], status: Mapping[str, Any]) -> None:
    """Set a tenant's info, given its object and the status that is written of it."""
    name = str(tenant["metadata"]["name"])
    spec: Mapping[str, Any] = tenant.get("spec") or {}
    told = (spec.get("jurisdiction"), *(status.get(key) for key in ("place", "state", "version")))
    labels = (name, *(str(value or "") for value in told))
    before = _labels.get(name)
    if before not in (None, labels):
        _remove(INFO, *before)
    _labels[name] = labels
    INFO.labels(*labels).set(1)


def settled(tenant: str) -> None:
    """A pass ended with nothing left to do."""
    SETTLED.labels(tenant).set(time.time())


def licence(tenant: str, seconds_left: float) -> None:
    """Set how long a tenant's licence runs yet."""
    LICENCE.labels(tenant).set(seconds_left)


def forget(tenant: str) -> None:
    """Drop the series of a tenant that is gone, or that somebody else works on."""
    if (labels := _labels.pop(tenant, None)) is not None:
        _remove(INFO, *labels)
    _remove(SETTLED, tenant)
    _remove(LICENCE, tenant)


def forget_all() -> None:
    """Drop the series of every tenant."""
    for tenant in list(_labels):
        forget(tenant)
    SETTLED.clear()
    LICENCE.clear()


def _remove(gauge: Gauge, *labels: str) -> None:
    with suppress(KeyError):
        gauge.remove(*labels)
