"""What is refused, and which changes make another object. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from domicile_lab.providers.interface import Kind as Change
from domicile_lab.providers.kubernetes.client import ApiError
from domicile_lab.providers.kubernetes.objects import Kind
from domicile_lab.providers.kubernetes.settings import Settings

IMMUTABLE = re.compile(
    r"field is immutable|is immutable after creation|may not (be )?changed?|cannot change|updates to .* are forbidden"
)
"""The API server's own words for a field that only a new object can have otherwise (apimachinery's
`FieldImmutableErrorMsg` and the validations of single kinds). Rules that a CRD states in words of its own are
refusals, not reasons to delete an object."""


def refused(type: str, inputs: Mapping[str, Any]) -> str | None:
    """Why objects of that type cannot be had from this provider; None when they can."""
    _, module, name = type.split(":", 2)
    if module.startswith(("helm.sh/", "kustomize")):
        return (
            f"The lab's Kubernetes provider runs neither Helm nor Kustomize ({name}). Declare the objects, or use the "
            "official plugin."
        )
    if name.endswith("List") and "items" in inputs:
        return f"A {name} is an answer of the API and no object of it. Declare its items each as a resource."
    return None


def replaced_by(found: Mapping[str, Change], kind: Kind, before: Kind, settings: Settings) -> set[str]:
    """Which of the changes make another object whatever the API says.

    Another kind, group or name is another object. ConfigMaps and Secrets are replaced, so that what mounts them rolls
    out anew, unless the provider was told that they are mutable: the official plugin's rule.
    """
    kinds = {"kind": kind.name != before.name, "apiVersion": kind.group != before.group}
    places = {"metadata.name"} | {k for k, differs in kinds.items() if differs}
    if found.get("metadata.namespace") == "update":  # to leave it out may mean the same one: the provider's default
        places.add("metadata.namespace")
    if kind.group == "" and kind.name == "ConfigMap" and not settings.config_map_mutable:
        places |= {"data", "binaryData"}
    if kind.group == "" and kind.name == "Secret" and not settings.secret_mutable:
        places |= {"data", "stringData", "type"}
    return {p for p in found if any(p == place or p.startswith((f"{place}.", f"{place}[")) for place in places)}


def immutable(error: ApiError, found: Mapping[str, Change]) -> set[str]:
    """Which changes the API refuses for being ones that only a new object can have. Raises `error` when others are."""
    told = [c.message for c in error.causes] or [str(error)]
    if error.status != 422 or not all(IMMUTABLE.search(message) for message in told):
        raise error
    named = {
        p for p in found if any(c.field and (p.startswith(c.field) or c.field.startswith(p)) for c in error.causes)
    }
    return named or set(found)
