"""Waiting for a cluster, bounded, and given up when the engine is being stopped."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from domicile_lab.providers.interface import ProviderError
from domicile_lab.providers.kubernetes.client import Cluster, NoKind, Unreachable, no_kind
from domicile_lab.providers.kubernetes.objects import Kind, Object, identity
from domicile_lab.providers.kubernetes.readiness import readiness

DISCOVERY_SECONDS = 10.0
"""How long the API may take to serve the kind of a definition that it has just established."""

PAUSE_SECONDS = 0.25
"""Between two looks; doubled up to PAUSE_LIMIT."""
PAUSE_LIMIT = 2.0


class NotReady(ProviderError):
    """`live` was applied, is there, and did not become ready."""

    def __init__(self, message: str, live: Object) -> None:
        super().__init__(message)
        self.live = live


class Waits:
    """The waits of one provider; `cancel` ends them all."""

    def __init__(self) -> None:
        self._cancelled = threading.Event()

    def cancel(self) -> None:
        self._cancelled.set()

    def until(self, done: Callable[[], bool], seconds: float, why: Callable[[], str]) -> None:
        """Until `done`, for at most `seconds`. Raises ProviderError with `why` when it did not come about.

        An API that does not answer while it is waited for is waited for as well.
        """
        until, pause, silence = time.monotonic() + seconds, PAUSE_SECONDS, ""
        while True:
            try:
                if done():
                    return
                silence = ""
            except Unreachable as error:
                silence = f" Last of all, {error}"
            if time.monotonic() > until:
                raise ProviderError(f"{why()}{silence} (waited {seconds:.0f} s; custom_timeouts allow more)")
            if self._cancelled.wait(pause):
                raise ProviderError(f"{why()}{silence} (given up: the update was cancelled)")
            pause = min(pause * 2, PAUSE_LIMIT)

    def until_served(self, cluster: Cluster, kind: Kind) -> None:
        """Until the API serves `kind`: that of a new definition is served a moment later. Raises NoKind."""

        def served() -> bool:
            try:
                cluster.resource(kind)
            except NoKind:
                return False
            return True

        try:
            self.until(served, DISCOVERY_SECONDS, lambda: no_kind(kind))
        except ProviderError as error:
            raise NoKind(str(error)) from error

    def until_ready(
        self, cluster: Cluster, kind: Kind, live: Object, *, wait_for: str | None, seconds: float
    ) -> Object:
        """The object once it is ready (readiness.py). Raises NotReady when that fails or takes too long."""
        if readiness(kind, live, wait_for).state == "ready":
            return live
        last = live
        namespace, name = live["metadata"].get("namespace"), live["metadata"]["name"]

        def ready() -> bool:
            nonlocal last
            found = cluster.get(kind, namespace, name)
            if found is None:
                raise ProviderError("it was deleted while it was waited for")
            last = found
            state = readiness(kind, found, wait_for)
            if state.state == "failed":
                raise ProviderError(state.why)
            return state.state == "ready"

        try:
            self.until(ready, seconds, lambda: readiness(kind, last, wait_for).why)
        except ProviderError as error:
            told = f"{kind} {identity(namespace, name)} was applied and is not ready: {error}"
            raise NotReady(told, last) from error
        return last

    def until_gone(
        self, cluster: Cluster, kind: Kind, namespace: str | None, name: str, *, uid: str | None, seconds: float
    ) -> None:
        """Until the object with `uid` is gone. Raises ProviderError, with what holds it, when that takes too long."""
        last: Object = {}

        def gone() -> bool:
            nonlocal last
            found = cluster.get(kind, namespace, name)
            last = found or {}
            return found is None or (uid is not None and found["metadata"]["uid"] != uid)

        def why() -> str:
            own = last.get("metadata", {}).get("finalizers") or []
            finalizers = [*own, *(last.get("spec", {}).get("finalizers") or [] if kind.name == "Namespace" else [])]
            held = f"it waits for its finalizers {', '.join(finalizers)}. " if finalizers else ""
            told = " ".join(c.get("message", "") for c in (last.get("status", {}).get("conditions") or [])[:5])
            return f"{kind} {identity(namespace, name)} is being deleted and is still there; {held}{told}".strip()

        self.until(gone, seconds, why)
