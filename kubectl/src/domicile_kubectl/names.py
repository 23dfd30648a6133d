"""The names by which the plugin and the operator mean the same (docs/architecture.md, "The tenant")."""

from typing import Any

GROUP, VERSION, PLURAL = "casino.domicile.dev", "v1alpha1", "casinotenants"
API = f"/apis/{GROUP}/{VERSION}"
TENANTS = f"{API}/{PLURAL}"
FIELD_MANAGER = "kubectl-casino"

PAUSED = f"{GROUP}/paused"
"""Annotation: `true`, or the reason why, while the operator leaves a tenant alone."""

PLAN = f"{GROUP}/plan"
"""Annotation: `true` while the operator only tells what it would do, in status.plan."""
RECONCILE_AT = f"{GROUP}/reconcile-at"
"""Annotation: any new value asks for a pass; status.lastHandledReconcileAt tells it back once that was made."""
RETRY_RELEASE = f"{GROUP}/retry-release"
"""Annotation: a time; the release that failed before it is given another chance."""
STATE_REASON = f"{GROUP}/state-reason"
"""Annotation: why somebody wrote spec.state. For who reads it: the operator does not."""
REASON_LIMIT = 512
"""Characters of a reason."""

SYSTEM_NAMESPACE, OPERATOR = "domicile-system", "domicile-operator"
DEPLOYMENTS = ("casino", "casino-worker", "casino-realtime")
"""A tenant's Deployments in the order in which the operator waits for them."""
MIGRATION = "casino-migrate-"
"""How the names of a tenant's migrations begin."""

BAD_WHEN_TRUE = frozenset({"Degraded", "Paused", "DriftDetected"})
"""Conditions that ask for attention while they are True."""
BUILT_IN_ORDER = ("LicenceValid", "Placed", "Lawful", "Attested", "Secrets", "Database", "Progressing")
"""Conditions that can keep a tenant from being Ready, in the order in which the operator comes to them."""

Object = dict[str, Any]
"""An object as the API server gives it."""


def namespace_of(tenant: str) -> str:
    """Where a tenant's casino runs."""
    return f"casino-{tenant}"
