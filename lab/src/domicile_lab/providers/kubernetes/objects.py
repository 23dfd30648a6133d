"""What a Kubernetes object is to the engine: its kind, its name, its id, its manifest. Pure.

An object's inputs are its manifest as the SDK sends it. Its id is `<namespace>/<name>`, or `<name>` when its kind has
no namespaces, as in the official provider, so that stacks and `pulumi import` are the same with either.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from domicile_lab.providers.values import UNKNOWN

Object = dict[str, Any]

FIELD_MANAGER = "__fieldManager"
"""The output that keeps an object's field manager. The official provider's name for it."""

AUTONAMED = "pulumi.com/autonamed"
PATCH_FORCE = "pulumi.com/patchForce"
SKIP_AWAIT = "pulumi.com/skipAwait"
TIMEOUT_SECONDS = "pulumi.com/timeoutSeconds"
WAIT_FOR = "pulumi.com/waitFor"
DELETION_PROPAGATION = "pulumi.com/deletionPropagationPolicy"

VOLATILE = ("managedFields", "resourceVersion", "generation")
"""Metadata that changes though nobody changed the object; outputs leave it out, so that refreshes are quiet."""

SERVER_SET = ("uid", "creationTimestamp", "selfLink", "deletionTimestamp", "deletionGracePeriodSeconds", *VOLATILE)
"""Metadata that only the API server sets: no input of an imported object."""


@dataclass(frozen=True)
class Kind:
    """`api_version` as manifests spell it ("v1", "apps/v1"). `patch`: a patch of an object that others made."""

    api_version: str
    name: str
    patch: bool = False

    @property
    def group(self) -> str:
        return self.api_version.rpartition("/")[0]

    def __str__(self) -> str:
        return f"{self.api_version} {self.name}"


def kind_of(token: str, inputs: Mapping[str, Any]) -> Kind:
    """The kind that a type token (`kubernetes:<group>/<version>:<Kind>`) stands for; inputs' own words come first."""
    _, module, name = token.split(":", 2)
    own = inputs.get("kind")
    patch = name.endswith("Patch") and own in (None, name.removesuffix("Patch"))
    api_version = inputs.get("apiVersion")
    if not isinstance(api_version, str):
        group, _, version = module.rpartition("/")
        api_version = version if group in ("", "core") else module
    return Kind(api_version, own if isinstance(own, str) else name.removesuffix("Patch") if patch else name, patch)


def name_of(manifest: Mapping[str, Any]) -> str:
    return str(manifest["metadata"]["name"])


def annotation(inputs: Mapping[str, Any], name: str) -> str | None:
    """An annotation's value; None where there is none, or where it is not known yet."""
    metadata = inputs.get("metadata")
    annotations = metadata.get("annotations") if isinstance(metadata, dict) else None
    value = annotations.get(name) if isinstance(annotations, dict) else None
    return value if isinstance(value, str) else None


def is_true(inputs: Mapping[str, Any], name: str) -> bool:
    return annotation(inputs, name) == "true"


def autoname(inputs: Object, olds: Mapping[str, Any], resource: str, seed: bytes) -> Object:
    """`inputs` with a name: their own, the one that was given before, or `<resource>-<8 characters>`.

    A given name is marked with the annotation `pulumi.com/autonamed`, as the official provider marks it.
    """
    metadata = inputs.get("metadata", {})
    if not isinstance(metadata, dict) or "name" in metadata:
        return inputs
    kept = olds.get("metadata", {}).get("name") if is_true(olds, AUTONAMED) else None
    suffix = hashlib.sha256(seed).hexdigest()[:8] if seed else secrets.token_hex(4)
    annotations = metadata.get("annotations") or {}
    if annotations is UNKNOWN:
        return inputs
    named = {"name": kept or f"{resource}-{suffix}", "annotations": {**annotations, AUTONAMED: "true"}}
    return {**inputs, "metadata": {**metadata, **named}}


def new_field_manager() -> str:
    """A field manager for one object. Two stacks that apply the same object are then told of their conflict."""
    return f"pulumi-kubernetes-{secrets.token_hex(4)}"


def identity(namespace: str | None, name: str) -> str:
    return f"{namespace}/{name}" if namespace else name


def parse_id(id: str) -> tuple[str | None, str]:
    """(namespace or None, name) of an id."""
    namespace, _, name = id.rpartition("/")
    return namespace or None, name


def placed(inputs: Object, namespace: str | None) -> Object:
    """`inputs` with a namespace, where they name none and the kind has them."""
    metadata = inputs.get("metadata", {})
    if namespace is None or not isinstance(metadata, dict) or "namespace" in metadata:
        return inputs
    return {**inputs, "metadata": {**metadata, "namespace": namespace}}


def manifest_of(kind: Kind, inputs: Mapping[str, Any], namespace: str | None) -> Object:
    """The manifest to apply: inputs without nulls and status, in the API's own spelling, in `namespace`."""
    body = {k: v for k, v in inputs.items() if k not in ("status", FIELD_MANAGER)}
    metadata = {**body.get("metadata", {}), **({"namespace": namespace} if namespace else {})}
    if namespace is None:
        metadata.pop("namespace", None)
    spelled = _rename({**body, "metadata": metadata}, _to_api) if _has_schemas(kind) else {**body, "metadata": metadata}
    return {"apiVersion": kind.api_version, "kind": kind.name, **_without_nulls(spelled)}


def spelled_for_sdk(kind: Kind, value: Any) -> Any:
    """A live object's value as the SDK spells it. Only schemas in CRDs differ: their x-kubernetes-* fields."""
    return _rename(value, _from_api) if _has_schemas(kind) else value


def _has_schemas(kind: Kind) -> bool:
    return kind.name == "CustomResourceDefinition" and kind.group == "apiextensions.k8s.io"


def _to_api(key: str) -> str:
    return key.replace("_", "-") if key.startswith("x_kubernetes_") else key


def _from_api(key: str) -> str:
    return key.replace("-", "_") if key.startswith("x-kubernetes-") else key


def _rename(value: Any, rename: Callable[[str], str]) -> Any:
    if isinstance(value, dict):
        return {rename(k): _rename(v, rename) for k, v in value.items()}
    if isinstance(value, list):
        return [_rename(v, rename) for v in value]
    return value


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _without_nulls(v) for k, v in value.items() if v is not None}
    if isinstance(value, list):
        return [_without_nulls(v) for v in value]
    return value


def stable(live: Mapping[str, Any]) -> Object:
    """A live object without what changes by itself."""
    metadata = {k: v for k, v in live.get("metadata", {}).items() if k not in VOLATILE}
    return {**live, "metadata": metadata}


def foreseen(kind: Kind, inputs: Mapping[str, Any], would_be: Mapping[str, Any] | None) -> Object:
    """Outputs of an object that is yet to be made, from its inputs or from what a dry run gave.

    What only its creation tells is left out, or `UNKNOWN` where programs look inside for it. Not so in metadata: one
    unknown value would make the name unknown as well, and with it whatever is to go into a new namespace.
    """
    seen = (
        spelled_for_sdk(kind, importable(would_be)) if would_be else {k: v for k, v in inputs.items() if k != "status"}
    )
    if (kind.group, kind.name) == ("", "Service") and isinstance(seen.get("spec"), dict):
        asked = inputs.get("spec", {})
        seen = {**seen, "spec": {**seen["spec"], **{k: asked.get(k, UNKNOWN) for k in ("clusterIP", "clusterIPs")}}}
    return seen


def importable(live: Mapping[str, Any]) -> Object:
    """Inputs that would make this live object again."""
    metadata = {k: v for k, v in live.get("metadata", {}).items() if k not in SERVER_SET}
    return {**{k: v for k, v in live.items() if k != "status"}, "metadata": metadata}
