"""What Prometheus reads of the operator. A tenant's series go with the tenant."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from prometheus_client import Counter, Gauge, Histogram

from domicile_operator import tenant_series
from domicile_operator.conditions import TYPES

RECONCILES = Counter("domicile_operator_reconciles_total", "Passes over a tenant, by outcome.", ["outcome"])
FAULTS = Counter("domicile_operator_faults_total", "Passes that met trouble, by code.", ["code"])
DURATION = Histogram("domicile_operator_reconcile_seconds", "Seconds that a pass took.")
DRIFT_REPAIRED = Counter("domicile_drift_repaired_total", "What others had changed, and was put right.", ["kind"])
EVENTS_HELD_BACK = Counter("domicile_operator_events_held_back_total", "Events beyond what a tenant may make.")
QUEUE = Gauge("domicile_operator_queue_depth", "Tenants that are due and not yet worked on.")
LEADER = Gauge(
    "domicile_leader", "1 in the operator that holds the Lease and works on tenants, 0 in those that stand by."
)
LAW_WRITTEN = Gauge(
    "domicile_operator_law_written_timestamp_seconds", "When the law was last written for the API server to go by."
)
CONDITION = Gauge(
    "domicile_tenant_condition",
    "A tenant's conditions: 1 true, 0 false, -1 unknown.",
    ["tenant", "condition"],
)

_VALUES = {"True": 1, "False": 0, "Unknown": -1}


def record_conditions(tenant: str, conditions: Iterable[Mapping[str, Any]]) -> None:
    """Set the tenant's gauges."""
    for condition in conditions:
        CONDITION.labels(tenant, condition["type"]).set(_VALUES[condition["status"]])


def forget_all() -> None:
    """Drop the series of every tenant: whoever leads tells of them."""
    CONDITION.clear()
    tenant_series.forget_all()


def record_drift(kinds: Iterable[str]) -> None:
    """Count what was put right, by kind of child."""
    for kind in kinds:
        DRIFT_REPAIRED.labels(kind).inc()


def record_tenant(tenant: Mapping[str, Any], status: Mapping[str, Any]) -> None:
    """Set what a tenant is, given its object and the status that is written of it."""
    tenant_series.record(tenant, status)


def record_settled(tenant: str) -> None:
    """A pass ended with nothing left to do."""
    tenant_series.settled(tenant)


def record_licence(tenant: str, ends: datetime, now: datetime) -> None:
    """Set how long a tenant's licence runs yet, given two aware instants."""
    tenant_series.licence(tenant, (ends - now).total_seconds())


def forget(tenant: str) -> None:
    """Drop the series of a tenant that is gone."""
    tenant_series.forget(tenant)
    for condition in TYPES:
        try:
            CONDITION.remove(tenant, condition)
        except KeyError:
            continue
