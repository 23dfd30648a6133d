"""What kopf is told: which objects to watch, and whom to wake. One line each.

Only `on.event` handlers: kopf then writes nothing to any object (no finalizer, no annotation with the last
configuration), and every decision is made by a pass that reads the world anew.
"""

import os
import threading
from collections.abc import Iterator, Mapping
from itertools import chain, repeat
from typing import Any

import kopf

from domicile_operator.backups.job import BACKUP
from domicile_operator.clients.kube import PAGE, PLURALS
from domicile_operator.names import (
    BACKUP_KIND,
    BACKUP_PLURAL,
    GROUP,
    KIND,
    LABEL_TENANT,
    LEASE,
    PLURAL,
    SYSTEM_NAMESPACE,
    VERSION,
)
from domicile_operator.runtime import Runtime
from domicile_operator.watches import session, watched_path

WATCHED = (
    ("", "v1", "namespaces"),
    ("", "v1", "serviceaccounts"),
    ("", "v1", "resourcequotas"),
    ("", "v1", "limitranges"),
    ("", "v1", "configmaps"),
    ("", "v1", "services"),
    ("", "v1", "persistentvolumeclaims"),
    ("networking.k8s.io", "v1", "networkpolicies"),
    ("networking.k8s.io", "v1", "ingresses"),
    ("batch", "v1", "jobs"),
    ("apps", "v1", "deployments"),
    ("policy", "v1", "poddisruptionbudgets"),
    ("autoscaling", "v2", "horizontalpodautoscalers"),
    ("discovery.k8s.io", "v1", "endpointslices"),
)
TENANTS, BACKUPS = (GROUP, VERSION, PLURAL), (GROUP, VERSION, BACKUP_PLURAL)
KINDS = {
    watched_path(group, version, plural): next(
        kind
        for (api_version, kind), (named, _) in PLURALS.items()
        if named == plural and api_version == (f"{group}/{version}" if group else version)
    )
    for group, version, plural in (TENANTS, BACKUPS, *WATCHED)
}
"""By the path at which all objects of a kind are listed and watched."""
LEASES = ("coordination.k8s.io", "v1", "leases")
"""Of these our own alone: it changes every few seconds, so its watch tells whether watches work."""


EXIT_SECONDS = 10.0
"""Longer than kopf needs to end by itself, where it does."""


class Backoffs:
    """Seconds between tries of a request of kopf's. They do not end: a watcher that gives up is not started again."""

    def __iter__(self) -> Iterator[float]:
        return chain((1, 1, 2, 3, 5, 8, 13, 21), repeat(30))


def register(registry: kopf.OperatorRegistry, runtime: Runtime) -> None:
    """Register every handler of this operator."""

    @kopf.on.login(registry=registry)
    async def login(**arguments: Any) -> kopf.AiohttpSession | None:
        found = kopf.login_with_service_account(**arguments) or kopf.login_with_kubeconfig(**arguments)
        return session(found, runtime.watches, lambda path: runtime.listing(KINDS.get(path))) if found else None

    @kopf.on.startup(registry=registry)
    async def startup(settings: kopf.OperatorSettings, **_: Any) -> None:
        configure(settings, runtime.watches.silence)
        runtime.watches.expect(watched_path(*one) for one in (TENANTS, BACKUPS, LEASES, *WATCHED))
        await runtime.start()

    @kopf.on.cleanup(registry=registry)
    async def cleanup(**_: Any) -> None:
        await runtime.stop()
        leave_within(EXIT_SECONDS)

    @kopf.on.event(*TENANTS, registry=registry)
    async def tenant_changed(name: str, event: kopf.RawEvent, **_: Any) -> None:
        if runtime.view.event(KIND, dict(event["object"]), deleted=event["type"] == "DELETED"):
            runtime.wake(name, 0.0)

    @kopf.on.event(*BACKUPS, registry=registry)
    async def backup_changed(spec: kopf.Spec, event: kopf.RawEvent, **_: Any) -> None:
        # Its tenant's condition tells of it, whoever wrote what it says.
        runtime.view.event(BACKUP_KIND, dict(event["object"]), deleted=event["type"] == "DELETED")
        runtime.wake(spec["tenant"])
        runtime.wake_backups()

    @kopf.on.event(*LEASES, registry=registry)
    async def lease_changed(**_: Any) -> None:
        runtime.watches.lease_watched()

    async def child_changed(
        labels: Mapping[str, str], event: kopf.RawEvent, meta: Mapping[str, Any], param: Any = None, **_: Any
    ) -> None:
        news = runtime.view.event(param, dict(event["object"]), deleted=event["type"] == "DELETED")
        if news and not (event["type"] == "MODIFIED" and measured(meta)):
            runtime.wake(labels[LABEL_TENANT])
        if labels.get("app.kubernetes.io/component") == BACKUP:
            runtime.wake_backups()

    for group, version, plural in WATCHED:
        kopf.on.event(
            group, version, plural,
            labels={LABEL_TENANT: kopf.PRESENT}, param=KINDS[watched_path(group, version, plural)], registry=registry,
        )(child_changed)  # fmt: skip


def measured(meta: Mapping[str, Any]) -> bool:
    """Whether an autoscaler wrote down what it measured, and nothing else happened to it.

    It does so every fifteen seconds, for as long as a casino is played in. An object is changed last by whom its
    `managedFields` give the latest time; where another has the same second it counts as changed.
    """
    entries = meta.get("managedFields") or ()
    told = max((e.get("time", "") for e in entries if e.get("subresource") == "status" and _autoscaling(e)), default="")
    return bool(told) and all(e.get("time", "") < told for e in entries if e.get("subresource") != "status")


def _autoscaling(entry: Mapping[str, Any]) -> bool:
    return str(entry.get("apiVersion", "")).startswith("autoscaling/")


def leave_within(seconds: float) -> None:
    """End the process if it is still there by then.

    kopf ends when one of its watchers fails, and can hang in that: another watcher waits for a login that nobody makes
    any more, and signals are not heard either.
    """
    leaving = threading.Timer(seconds, os._exit, (1,))
    leaving.daemon = True
    leaving.start()


def configure(settings: kopf.OperatorSettings, silence: float) -> None:
    """kopf's settings: watches that are taken up anew well within `silence` seconds, and no writing of its own."""
    settings.watching.server_timeout = 300
    settings.watching.client_timeout = 310
    settings.watching.chunk_size = PAGE
    # Each object that something happens to has a task of kopf's for so long: at the start that is all of them.
    settings.queueing.idle_timeout = 0.5
    settings.watching.connect_timeout = 30
    settings.watching.reconnect_backoff = 1
    settings.watching.inactivity_timeout = silence * 2 / 7
    settings.networking.error_backoffs = Backoffs()
    settings.watching.field_selectors[LEASES] = f"metadata.name={LEASE},metadata.namespace={SYSTEM_NAMESPACE}"
    for group, version, plural in WATCHED:
        settings.watching.label_selectors[(group, version, plural)] = LABEL_TENANT
    settings.scanning.disabled = True
    settings.posting.enabled = False
    # Not ours: kopf takes its own finalizer off every object that it has no deletion handler for.
    settings.persistence.finalizer = f"{GROUP}/kopf"
    settings.peering.standalone = True
