"""Talking to a cluster's API: discovery, server-side apply, reads and deletes. This file does the provider's I/O."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import urllib3
from kubernetes import client, config
from kubernetes.config.exec_provider import ExecProvider
from kubernetes.config.kube_config import ConfigNode

from domicile_lab.providers.interface import ProviderError
from domicile_lab.providers.kubernetes.objects import Kind, Object, name_of
from domicile_lab.providers.kubernetes.settings import Settings, active

TIMEOUTS = (5, 60)
"""Seconds to connect and to read."""
CONNECTIONS = 32
"""As many as the servicer has workers."""


@dataclass(frozen=True)
class Cause:
    """One field of a manifest that the API refuses."""

    field: str
    message: str


class ApiError(ProviderError):
    """The API's refusal. `reason` is its word for it (NotFound, Conflict, Invalid, ...)."""

    def __init__(self, status: int, reason: str, message: str, causes: Sequence[Cause] = ()) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.causes = tuple(causes)


class Unreachable(ProviderError):
    """The cluster's API does not answer."""


class NoKind(ProviderError):
    """The cluster does not serve that kind."""


@dataclass(frozen=True)
class Resource:
    """Where the API keeps a kind's objects."""

    plural: str
    namespaced: bool


class Cluster:
    """One cluster's API. Safe for use from several threads."""

    def __init__(self, settings: Settings) -> None:
        context = active(settings)
        self.default_namespace = settings.namespace or context.get("namespace") or "default"
        self._credential = context.get("user")
        self._api = client.ApiClient(_configuration(settings, context))
        self._kinds: dict[str, dict[str, Resource]] = {}
        self._lock = threading.Lock()

    def resource(self, kind: Kind) -> Resource:
        """Where objects of `kind` are. Raises NoKind; a kind that was not there is looked for anew each time."""
        with self._lock:
            known = self._kinds.get(kind.api_version, {})
        if kind.name not in known:
            known = self._discover(kind.api_version)
            with self._lock:
                self._kinds[kind.api_version] = known
        if kind.name not in known:
            raise NoKind(no_kind(kind))
        return known[kind.name]

    def namespace_of(self, kind: Kind, inputs: Mapping[str, Any]) -> str | None:
        """The namespace that an object goes to: its own or the default; None when its kind has no namespaces."""
        if not self.resource(kind).namespaced:
            return None
        return str(inputs.get("metadata", {}).get("namespace") or self.default_namespace)

    def get(self, kind: Kind, namespace: str | None, name: str) -> Object | None:
        """The object, or None."""
        try:
            return self._call("GET", self._path(kind, namespace, name))
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    def apply(self, kind: Kind, manifest: Object, manager: str, *, force: bool, dry_run: bool = False) -> Object:
        """Server-side apply; unknown fields are refused. Gives the object as stored, or as dry_run would store it."""
        query = {"fieldManager": manager, "force": str(force).lower(), "fieldValidation": "Strict"}
        return self._call(
            "PATCH",
            self._path(kind, manifest["metadata"].get("namespace"), name_of(manifest)),
            body=manifest,
            content="application/apply-patch+yaml",
            query={**query, "dryRun": "All"} if dry_run else query,
        )

    def delete(self, kind: Kind, namespace: str | None, name: str, *, uid: str | None, propagation: str) -> None:
        """Ask for the deletion of the object, if it still is the one with `uid`. One that is gone is fine."""
        options: Object = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": propagation}
        if uid:
            options["preconditions"] = {"uid": uid}
        try:
            self._call("DELETE", self._path(kind, namespace, name), body=options)
        except ApiError as error:
            # Conflict: another object has that name by now, and it is not ours to delete.
            if error.status not in (404, 409):
                raise

    def _path(self, kind: Kind, namespace: str | None, name: str) -> str:
        found = self.resource(kind)
        scope = f"/namespaces/{quote(namespace)}" if found.namespaced and namespace else ""
        return f"{_root(kind.api_version)}{scope}/{found.plural}/{quote(name)}"

    def _discover(self, api_version: str) -> dict[str, Resource]:
        try:
            served = self._call("GET", _root(api_version))["resources"]
        except ApiError as error:
            if error.status == 404:
                return {}
            raise
        return {r["kind"]: Resource(r["name"], r["namespaced"]) for r in served if "/" not in r["name"]}

    def _call(
        self,
        method: str,
        path: str,
        body: Any = None,
        content: str = "application/json",
        query: Mapping[str, str] | None = None,
    ) -> Object:
        request = self._api.param_serialize(
            method,
            path,
            query_params=list((query or {}).items()),
            header_params={"Accept": "application/json", "Content-Type": content},
            body=body,
            auth_settings=["BearerToken"],
        )
        try:
            response = self._api.call_api(*request, _request_timeout=TIMEOUTS)
            text: bytes = response.read()  # type: ignore[no-untyped-call]
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise Unreachable(
                f"The cluster at {self._api.configuration.host} does not answer: {error}. Is it up, and is this the "
                "right kubeconfig?"
            ) from error
        if response.status >= 300:
            raise self._error(response.status, method, path, text)
        found: Object = json.loads(text)
        return found

    def _error(self, status: int, method: str, path: str, text: bytes) -> ApiError:
        try:
            answer = json.loads(text)
        except ValueError:
            answer = {"message": text[:300].decode(errors="replace")}
        message = str(answer.get("message", ""))
        if status == 401:
            message = (
                f"it does not accept the credential of the kubeconfig's user {self._credential!r} ({message}). A "
                "credential plugin's may be of another account or role: see which one it asks as"
            )
        causes = [
            Cause(c.get("field", ""), c.get("message", "")) for c in (answer.get("details") or {}).get("causes", [])
        ]
        whole = f"The API at {self._api.configuration.host} answered {status} to {method} {path}: {message}"
        return ApiError(status, str(answer.get("reason", "")), whole, causes)


def no_kind(kind: Kind) -> str:
    return (
        f"The cluster serves no {kind}. When a CustomResourceDefinition makes it, let this resource depend on that "
        "one (depends_on)."
    )


def _root(api_version: str) -> str:
    return f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"


def _configuration(settings: Settings, context: Mapping[str, Any]) -> client.Configuration:
    found = client.Configuration()
    found.connection_pool_maxsize = CONNECTIONS
    try:
        if settings.kubeconfig is None:
            config.load_incluster_config(client_configuration=found)  # type: ignore[no-untyped-call]
        else:
            kubeconfig = dict(settings.kubeconfig)
            if settings.cluster:
                used = {**{k: v for k, v in context.items() if k != "name"}, "cluster": settings.cluster}
                kubeconfig["contexts"] = [{"name": context["name"], "context": used}]
            config.load_kube_config_from_dict(  # type: ignore[no-untyped-call]
                kubeconfig, context=context["name"], client_configuration=found, persist_config=False
            )
    except config.ConfigException as error:
        raise ProviderError(
            f"There is no cluster to talk to: {error}. Give the provider a kubeconfig, or set KUBECONFIG."
        ) from error
    users = (settings.kubeconfig or {}).get("users") or []
    plugin = next((u["user"].get("exec") for u in users if u["name"] == context.get("user") and u.get("user")), None)
    if plugin and not (found.api_key or found.cert_file):
        # The client library goes on as nobody and logs why; the API's answer would then blame a missing permission.
        raise ProviderError(
            f"The credential plugin of the kubeconfig's user {context['user']!r} "
            f"(`{' '.join([plugin['command'], *(plugin.get('args') or [])])}`) gave no credential: "
            f"{_exec_fault(plugin)}"
        )
    return found


def _exec_fault(plugin: dict[str, Any]) -> str:
    """Why a credential plugin fails: run it once more."""
    try:
        ExecProvider(ConfigNode("exec", plugin), None).run()  # type: ignore[no-untyped-call]
    except (config.ConfigException, OSError) as error:
        return str(error)
    return "its answer has neither a token nor a certificate"
