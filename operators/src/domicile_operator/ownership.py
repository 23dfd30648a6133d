"""Whose an object is. The operator changes what is its tenant's, and deletes what it made itself. Pure."""

from domicile_operator.annotations import ADOPT, APPLIED
from domicile_operator.clients.kube import Object
from domicile_operator.names import FIELD_MANAGER, LABEL_TENANT, Names


def ours(found: Object, names: Names) -> bool:
    """Whether an object in the tenant's namespace, or that namespace, is the tenant's: by its label, or, where somebody
    has changed that since, by who applied it, or by the operator's stamp: who changes every field of an object leaves
    the API server no field that it would know as ours."""
    return _tenant_of(found) == names.tenant or made_by_us(found) or stamped(found)


def made_by_us(found: Object) -> bool:
    """Whether the operator has applied it: a label alone, which anybody can write, must delete nothing."""
    return any(entry.get("manager") == FIELD_MANAGER for entry in found["metadata"].get("managedFields") or [])


def stamped(found: Object) -> bool:
    """Whether it was applied as a child."""
    return APPLIED in (found["metadata"].get("annotations") or {})


def given(found: Object, names: Names) -> bool:
    """Whether whoever made it lets this tenant take it over. What another tenant has, nobody can give."""
    annotations = found["metadata"].get("annotations") or {}
    return _tenant_of(found) is None and annotations.get(ADOPT) == names.tenant


def _tenant_of(found: Object) -> str | None:
    label: str | None = (found["metadata"].get("labels") or {}).get(LABEL_TENANT)
    return label
