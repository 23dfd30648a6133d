"""Metadata shared by every manifest."""

from collections.abc import Mapping

from domicile_operator.plan import Manifest, Plan


def metadata(
    plan: Plan, name: str, component: str | None = None, annotations: Mapping[str, str] | None = None
) -> Manifest:
    """`metadata` of an object in the tenant's namespace, with the labels that all children carry."""
    return {
        "name": name,
        "namespace": plan.names.namespace,
        "labels": labels(plan, component),
        **({"annotations": dict(annotations)} if annotations else {}),
    }


def labels(plan: Plan, component: str | None = None) -> dict[str, str]:
    """The tenant's labels, and the component's where the object belongs to one."""
    return plan.labels | (selector(component) if component else {})


def selector(component: str) -> dict[str, str]:
    """Labels that pick the pods of one component within the tenant's namespace."""
    return {"app.kubernetes.io/name": "casino", "app.kubernetes.io/component": component}
