"""What the engine asks of the provider, over `client.py`; decisions are in the pure files beside this one."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import yaml

from domicile_lab.providers.interface import Diff, Failure, ProviderError, Unfinished, Values
from domicile_lab.providers.interface import Kind as Change
from domicile_lab.providers.kubernetes import settings as arguments
from domicile_lab.providers.kubernetes.client import ApiError, Cluster, NoKind, Unreachable
from domicile_lab.providers.kubernetes.fields import changes, managed_by, observed_inputs, same_effect
from domicile_lab.providers.kubernetes.objects import (
    AUTONAMED,
    DELETION_PROPAGATION,
    FIELD_MANAGER,
    PATCH_FORCE,
    SKIP_AWAIT,
    TIMEOUT_SECONDS,
    WAIT_FOR,
    Kind,
    Object,
    annotation,
    autoname,
    foreseen,
    identity,
    importable,
    is_true,
    kind_of,
    manifest_of,
    name_of,
    new_field_manager,
    parse_id,
    placed,
    spelled_for_sdk,
    stable,
)
from domicile_lab.providers.kubernetes.rules import immutable, refused, replaced_by
from domicile_lab.providers.kubernetes.waits import NotReady, Waits
from domicile_lab.providers.values import UNKNOWN, Secret, has_unknown

WAIT_SECONDS = 600.0
"""How long an object may take to become ready, or to go, when nothing says otherwise."""


class KubernetesProvider:
    """A `Provider` of Kubernetes objects (see interface.py)."""

    name = "kubernetes"

    def __init__(self) -> None:
        self.version = version("pulumi-kubernetes")
        self._waits = Waits()
        self._settings = arguments.Settings(None)
        self._cluster: Cluster | None = None
        self._connecting = threading.Lock()

    # Configuration

    def check_config(self, config: Values) -> list[Failure]:
        return arguments.check(config)

    def diff_config(self, olds: Values, news: Values) -> Diff:
        """Another cluster is another provider, and its objects are other objects: they are replaced.

        `clusterIdentifier`, where it is given, decides alone what another cluster is.
        """
        found = changes(olds, news)
        if "clusterIdentifier" in olds or "clusterIdentifier" in news:
            moved = {"clusterIdentifier"}
        else:
            before, after = (arguments.server(c, os.environ, Path.home()) for c in (olds, news))
            moved = {"kubeconfig", "context", "cluster"} if before and after and before != after else set()
        return Diff(found, frozenset(p for p in found if p in moved))

    def configure(self, config: Values) -> None:
        self._settings = arguments.settings(config, os.environ, Path.home())

    # Resources

    def check(self, type: str, inputs: Values, olds: Values, *, name: str, seed: bytes) -> tuple[Values, list[Failure]]:
        if refusal := refused(type, inputs):
            return inputs, [Failure("", refusal)]
        if not isinstance(inputs.get("metadata", {}), dict):
            return inputs, [] if has_unknown(inputs) else [Failure("metadata", "is not an object")]
        kind = kind_of(type, inputs)
        metadata = inputs.get("metadata", {})
        if "generateName" in metadata and "name" not in metadata:
            return inputs, [
                Failure("metadata.generateName", "cannot be applied: leave it out, and the object is named after the "
                        "resource with a suffix.")
            ]  # fmt: skip
        if kind.patch and "name" not in metadata:
            return inputs, [Failure("metadata.name", "names the object to patch, and is missing.")]
        return autoname(inputs, olds, name, seed), []

    def diff(
        self,
        type: str,
        id: str,
        old_inputs: Values,
        old_outputs: Values,
        inputs: Values,
        *,
        ignore_changes: Sequence[str],
    ) -> Diff:
        found = changes(old_inputs, inputs)
        forced = replaced_by(found, kind_of(type, inputs), kind_of(type, old_inputs), self._settings)
        if found and not forced and not has_unknown(inputs):
            try:
                found, forced = self._effect(kind_of(type, inputs), id, old_outputs, inputs, found)
            except NoKind:
                pass
            except Unreachable:
                if not self._settings.skip_update_unreachable:
                    raise
                found = {}
        # An object whose name the user gave must go before its replacement comes.
        anew = is_true(inputs, AUTONAMED) and is_true(old_inputs, AUTONAMED)
        moved = forced & {"metadata.name", "metadata.namespace"}
        return Diff(found, frozenset(forced), delete_before_replace=bool(forced) and not anew and not moved)

    def _effect(
        self, kind: Kind, id: str, old_outputs: Values, inputs: Values, found: dict[str, Change]
    ) -> tuple[dict[str, Change], set[str]]:
        """Those changes in `found` that applying would make, and those that only a new object can have."""
        cluster = self._reach()
        namespace, name = parse_id(id)
        moved_to = cluster.namespace_of(kind, inputs)
        if moved_to != namespace:
            return {**found, "metadata.namespace": "update"}, {"metadata.namespace"}
        live = cluster.get(kind, namespace, name)
        manager = old_outputs.get(FIELD_MANAGER) or new_field_manager()
        try:
            # Forced: a conflict is for the update to report. Here the question is what would become of the object.
            would_be = cluster.apply(kind, manifest_of(kind, inputs, namespace), manager, force=True, dry_run=True)
        except ApiError as error:
            return found, immutable(error, found)
        return ({} if live and same_effect(live, would_be, manager) else found), set()

    def preview_create(self, type: str, inputs: Values) -> Values:
        """What the cluster says that the object would be; inputs, where it cannot be asked yet."""
        kind, would_be = kind_of(type, inputs), None
        try:
            cluster = self._reach()
            inputs = placed(inputs, cluster.default_namespace if cluster.resource(kind).namespaced else None)
            if not has_unknown(inputs):
                manifest = manifest_of(kind, inputs, cluster.namespace_of(kind, inputs))
                # What is there already is to be replaced, which a dry run cannot tell; its creation will.
                if kind.patch or cluster.get(kind, manifest["metadata"].get("namespace"), name_of(manifest)) is None:
                    would_be = cluster.apply(kind, manifest, new_field_manager(), force=True, dry_run=True)
        except NoKind:
            pass  # its definition may be made by this same update
        except ApiError as error:
            if error.status != 404:  # its namespace may be made by this same update
                raise
        return _secret(kind, foreseen(kind, inputs, would_be))

    def preview_update(self, type: str, id: str, inputs: Values, old_inputs: Values, old_outputs: Values) -> Values:
        """What a dry run gives; where it cannot be asked, the old outputs with the new inputs over them."""
        kind, manager = kind_of(type, inputs), old_outputs.get(FIELD_MANAGER) or new_field_manager()
        namespace, _ = parse_id(id)
        if not has_unknown(inputs):
            try:
                manifest = manifest_of(kind, inputs, namespace)
                return self._outputs(
                    kind, self._reach().apply(kind, manifest, manager, force=True, dry_run=True), manager
                )
            except (ApiError, NoKind, Unreachable):
                pass  # the diff that led here has told what there is to tell
        kept = {k: v for k, v in old_outputs.items() if k not in old_inputs}
        return _secret(kind, {**kept, **placed(inputs, namespace)})

    def create(self, type: str, inputs: Values, timeout: float) -> tuple[str, Values]:
        kind, cluster = kind_of(type, inputs), self._reach()
        self._waits.until_served(cluster, kind)
        namespace = cluster.namespace_of(kind, inputs)
        manifest = manifest_of(kind, inputs, namespace)
        id = identity(namespace, name_of(manifest))
        existing = cluster.get(kind, namespace, name_of(manifest))
        force = self._force(inputs)
        if existing and not (kind.patch or force or self._settings.upsert):
            raise ProviderError(
                f"{kind} {id} exists already and was not made by this stack. Take it over with `pulumi import "
                f'{type} <name> {id}`, or with the annotation {PATCH_FORCE}: "true", which overrides what others set; '
                "or give this one another name."
            )
        if kind.patch and not existing:
            raise ProviderError(f"{kind} {id} does not exist: a {type.rpartition(':')[2]} changes what others made.")
        manager = new_field_manager()
        live = self._apply(kind, manifest, manager, force)
        return id, self._ready(kind, id, inputs, live, manager=manager, timeout=timeout)

    def read(self, type: str, id: str, inputs: Values, outputs: Values) -> tuple[str, Values, Values] | None:
        kind = kind_of(type, inputs or outputs)
        namespace, name = parse_id(id)
        try:
            cluster = self._reach()
            if namespace is None and cluster.resource(kind).namespaced:
                namespace = cluster.default_namespace
            live = cluster.get(kind, namespace, name)
        except NoKind:
            return None
        except Unreachable:
            if self._settings.delete_unreachable:
                return None
            raise
        if live is None:
            return None
        manager = outputs.get(FIELD_MANAGER) or new_field_manager()
        seen = spelled_for_sdk(kind, live)
        # An import knows no inputs: all that a new object would need becomes one.
        asked = observed_inputs(inputs, seen, managed_by(live, manager)) if inputs else importable(seen)
        return identity(namespace, name), _secret(kind, asked), self._outputs(kind, live, manager)

    def update(
        self, type: str, id: str, old_inputs: Values, old_outputs: Values, inputs: Values, *, timeout: float
    ) -> Values:
        kind = kind_of(type, inputs)
        manager = old_outputs.get(FIELD_MANAGER) or new_field_manager()
        try:
            manifest = manifest_of(kind, inputs, self._reach().namespace_of(kind, inputs))
            live = self._apply(kind, manifest, manager, self._force(inputs))
        except Unreachable:
            if self._settings.skip_update_unreachable:
                return old_outputs
            raise
        return self._ready(kind, id, inputs, live, manager=manager, timeout=timeout)

    def delete(self, type: str, id: str, inputs: Values, outputs: Values, timeout: float) -> None:
        kind = kind_of(type, inputs or outputs)
        namespace, name = parse_id(id)
        try:
            cluster = self._reach()
            if kind.patch:
                self._relinquish(kind, namespace, name, outputs.get(FIELD_MANAGER, ""))
                return
            uid = (outputs.get("metadata") or {}).get("uid")
            propagation = (annotation(inputs, DELETION_PROPAGATION) or "background").capitalize()
            cluster.delete(kind, namespace, name, uid=uid, propagation=propagation)
            if not is_true(inputs, SKIP_AWAIT):
                seconds = seconds_for(inputs, timeout)
                self._waits.until_gone(cluster, kind, namespace, name, uid=uid, seconds=seconds)
        except NoKind:
            return  # its definition has gone, and the objects with it
        except Unreachable as error:
            if self._settings.delete_unreachable:
                return
            raise ProviderError(
                f"{kind} {id} cannot be deleted: {error} When the cluster is gone for good, set the provider's "
                "argument deleteUnreachable (or PULUMI_K8S_DELETE_UNREACHABLE=true), or drop the object from the "
                "state with `pulumi state delete`."
            ) from error

    def invoke(self, token: str, arguments: Values) -> Values:
        if token != "kubernetes:yaml:decode":  # noqa: S105 - a function's token
            raise ProviderError(f"The lab's Kubernetes provider does not know the function {token}.")
        documents = [d for d in yaml.safe_load_all(arguments["text"]) if d]
        return {"result": [o for d in documents for o in (d["items"] if d.get("kind") == "List" else [d])]}

    def cancel(self) -> None:
        self._waits.cancel()

    # Parts of these

    def _reach(self) -> Cluster:
        with self._connecting:
            if self._cluster is None:
                self._cluster = Cluster(self._settings)
            return self._cluster

    def _force(self, inputs: Values) -> bool:
        own = annotation(inputs, PATCH_FORCE)
        return self._settings.patch_force if own is None else own == "true"

    def _apply(self, kind: Kind, manifest: Object, manager: str, force: bool) -> Object:
        try:
            return self._reach().apply(kind, manifest, manager, force=force)
        except ApiError as error:
            if error.status != 409 or not error.causes:
                raise
            fields = "; ".join(f"{c.field}: {c.message}" for c in error.causes)
            raise ProviderError(
                f"{kind} {name_of(manifest)}: others set fields that this resource states ({fields}). Leave these "
                f'fields to them, or set the annotation {PATCH_FORCE}: "true" (or the provider\'s argument '
                "enablePatchForce) to take them."
            ) from error

    def _relinquish(self, kind: Kind, namespace: str | None, name: str, manager: str) -> None:
        """Own nothing of the object any more: an apply of nothing takes our fields away."""
        cluster = self._reach()
        if cluster.get(kind, namespace, name) is not None:
            cluster.apply(kind, manifest_of(kind, {"metadata": {"name": name}}, namespace), manager, force=False)

    def _ready(self, kind: Kind, id: str, inputs: Values, live: Object, *, manager: str, timeout: float) -> Values:
        """Outputs of the object, once it is ready where that is waited for."""
        if not (kind.patch or is_true(inputs, SKIP_AWAIT)):
            wait_for, seconds = annotation(inputs, WAIT_FOR), seconds_for(inputs, timeout)
            try:
                live = self._waits.until_ready(self._reach(), kind, live, wait_for=wait_for, seconds=seconds)
            except NotReady as error:
                raise Unfinished(str(error), id, inputs, self._outputs(kind, error.live, manager)) from error
        return self._outputs(kind, live, manager)

    def _outputs(self, kind: Kind, live: Object, manager: str) -> Values:
        return {**_secret(kind, spelled_for_sdk(kind, stable(live))), FIELD_MANAGER: manager}


def seconds_for(inputs: Values, timeout: float) -> float:
    """How long to wait for an object: the resource's custom timeout, its annotation, or WAIT_SECONDS."""
    own = annotation(inputs, TIMEOUT_SECONDS)
    return timeout or (float(own) if own and own.isdecimal() else WAIT_SECONDS)


def _secret(kind: Kind, values: Values) -> Values:
    """A Secret's data are secrets wherever they came from."""
    if kind.group or kind.name != "Secret":
        return values
    return {k: Secret(v) if k in ("data", "stringData") and v is not UNKNOWN else v for k, v in values.items()}
