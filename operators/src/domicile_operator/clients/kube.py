"""Kubernetes, by server-side apply with one field manager.

kopf has no server-side apply; a merge patch would replace lists whole and never remove what we stopped
asking for. With one field manager, the API server does both by ownership.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol
from urllib.parse import quote

import urllib3
from kubernetes import client, config

from domicile_operator.clients.breaker import Breaker
from domicile_operator.errors import Fault, Gone
from domicile_operator.gate import OPEN, Gate
from domicile_operator.names import API_VERSION, BACKUP_KIND, BACKUP_PLURAL, FIELD_MANAGER, KIND, PLURAL
from domicile_operator.releases.fleet import Standing, standing_of

Object = dict[str, Any]

PLURALS: dict[tuple[str, str], tuple[str, bool]] = {
    # (apiVersion, kind): (plural, namespaced)
    (API_VERSION, KIND): (PLURAL, False),
    (API_VERSION, BACKUP_KIND): (BACKUP_PLURAL, False),
    ("v1", "Namespace"): ("namespaces", False),
    ("v1", "ServiceAccount"): ("serviceaccounts", True),
    ("v1", "ResourceQuota"): ("resourcequotas", True),
    ("v1", "LimitRange"): ("limitranges", True),
    ("v1", "ConfigMap"): ("configmaps", True),
    ("v1", "Service"): ("services", True),
    ("v1", "PersistentVolumeClaim"): ("persistentvolumeclaims", True),
    ("v1", "Event"): ("events", True),
    ("networking.k8s.io/v1", "NetworkPolicy"): ("networkpolicies", True),
    ("networking.k8s.io/v1", "Ingress"): ("ingresses", True),
    ("batch/v1", "Job"): ("jobs", True),
    ("apps/v1", "Deployment"): ("deployments", True),
    ("policy/v1", "PodDisruptionBudget"): ("poddisruptionbudgets", True),
    ("autoscaling/v2", "HorizontalPodAutoscaler"): ("horizontalpodautoscalers", True),
    ("storage.k8s.io/v1", "StorageClass"): ("storageclasses", False),
    ("discovery.k8s.io/v1", "EndpointSlice"): ("endpointslices", True),
    ("coordination.k8s.io/v1", "Lease"): ("leases", True),
}

TIMEOUTS = (5, 30)
"""Seconds to connect and to read."""
Claim = tuple[str, str, tuple[str, ...]]
"""When a tenant was made, its name, and its domains: the older one has the right to a host name."""
PAGE, PAGE_OF_METADATA = 100, 500
"""Objects of a list that are asked for at a time. At a start sixteen lists are read at once, and an object of 4 kB is
thirty in memory."""
METADATA = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
BUSY_SECONDS = (1.0, 30.0)
"""How long a busy API server is left alone, at least and at most."""


class Kube(Protocol):
    """What the operator asks of a cluster. Every verb raises Fault; `get` and `patch_json` raise Gone."""

    def apply(self, manifest: Object, *, dry_run: bool = False) -> Object:
        """Server-side apply. Gives the object as stored, status included; in a dry run as it would be stored."""

    def co_own(self, manifest: Object, manager: str) -> None:
        """Make another field manager an owner of the fields in `manifest`, which have those values already.

        A field that somebody else has given another value meanwhile raises Fault CONFLICT.
        """

    def get(self, api_version: str, kind: str, name: str, namespace: str | None = None) -> Object:
        """One object."""

    def list(self, api_version: str, kind: str, namespace: str | None = None, selector: str = "") -> Sequence[Object]:
        """Objects, of all namespaces where none is named. `selector` is a label selector."""

    def delete(self, api_version: str, kind: str, name: str, namespace: str | None = None) -> None:
        """Delete with background propagation; what is gone already is fine."""

    def patch_status(self, api_version: str, kind: str, name: str, status: Object) -> Object:
        """Replace `status` by merge patch of the status subresource. Gives the object as stored."""

    def patch_json(self, api_version: str, kind: str, name: str, operations: Sequence[Object]) -> None:
        """JSON Patch (RFC 6902) of a cluster-scoped object; a failed `test` raises Fault CONFLICT."""

    def create(self, manifest: Object) -> None:
        """Create, for objects that have no fixed name (Events)."""

    def names(self, api_version: str, kind: str) -> Sequence[str]:
        """The names of all objects that have no namespace, asked of the API server itself."""

    def claims(self) -> Sequence[Claim]:
        """What every tenant claims of host names."""

    def standings(self) -> Sequence[Standing]:
        """Where every tenant stands between two releases."""

    def backups(self, tenant: str) -> Sequence[Object]:
        """The CasinoBackups of a tenant."""

    def applied(self, namespace: str) -> Mapping[str, str]:
        """By kind and name, what stands as it was applied in a namespace, for a process after this one; nothing where
        that is not known."""


def connect() -> client.ApiClient:
    """The cluster that this pod runs in, or the current context of the kubeconfig."""
    configuration = client.Configuration()
    try:
        config.load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
    except config.ConfigException:
        config.load_kube_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
    # One answer for one question: passes are tried again as a whole, with pauses that grow. urllib3 would ask up to
    # four times, and sleep in between for as long as a server says.
    configuration.retries = False
    return client.ApiClient(configuration)


class KubernetesApi:
    """`Kube` over HTTP. Safe for use from several threads.

    A server that answers 429 is left alone for a while by all of them: for what it asks for, within `busy` seconds.
    `timeouts` are seconds to connect and to read; a write ends within what `gate` leaves it.
    """

    def __init__(
        self,
        api: client.ApiClient,
        gate: Gate = OPEN,
        timeouts: tuple[float, float] = TIMEOUTS,
        busy: tuple[float, float] = BUSY_SECONDS,
    ) -> None:
        self._api, self._gate, self._timeouts, self._pauses = api, gate, timeouts, busy
        self._busy = Breaker()

    def apply(self, manifest: Object, *, dry_run: bool = False) -> Object:
        path = _path(manifest["apiVersion"], manifest["kind"], manifest["metadata"].get("namespace"))
        return self._call(
            "PATCH",
            f"{path}/{quote(manifest['metadata']['name'])}",
            body=manifest,
            content="application/apply-patch+yaml",
            # Force: a person's edit of a field that we state is drift, and drift is repaired.
            query={"fieldManager": FIELD_MANAGER, "force": "true", "fieldValidation": "Strict"}
            | ({"dryRun": "All"} if dry_run else {}),
        )

    def co_own(self, manifest: Object, manager: str) -> None:
        path = _path(manifest["apiVersion"], manifest["kind"], manifest["metadata"].get("namespace"))
        self._call(
            "PATCH",
            f"{path}/{quote(manifest['metadata']['name'])}",
            body=manifest,
            content="application/apply-patch+yaml",
            query={"fieldManager": manager, "force": "false", "fieldValidation": "Strict"},
        )

    def get(self, api_version: str, kind: str, name: str, namespace: str | None = None) -> Object:
        return self._call("GET", f"{_path(api_version, kind, namespace)}/{quote(name)}")

    def list(self, api_version: str, kind: str, namespace: str | None = None, selector: str = "") -> Sequence[Object]:
        query = {"labelSelector": selector} if selector else {}
        items: Sequence[Object] = self._call("GET", _path(api_version, kind, namespace), query=query)["items"]
        return items

    def delete(self, api_version: str, kind: str, name: str, namespace: str | None = None) -> None:
        try:
            self._call(
                "DELETE",
                f"{_path(api_version, kind, namespace)}/{quote(name)}",
                body={"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background"},
            )
        except Gone:
            return

    def patch_status(self, api_version: str, kind: str, name: str, status: Object) -> Object:
        return self._call(
            "PATCH",
            f"{_path(api_version, kind, None)}/{quote(name)}/status",
            body={"status": status},
            content="application/merge-patch+json",
            query={"fieldManager": FIELD_MANAGER},
        )

    def patch_json(self, api_version: str, kind: str, name: str, operations: Sequence[Object]) -> None:
        self._call(
            "PATCH",
            f"{_path(api_version, kind, None)}/{quote(name)}",
            body=list(operations),
            content="application/json-patch+json",
            query={"fieldManager": FIELD_MANAGER},
        )

    def create(self, manifest: Object) -> None:
        path = _path(manifest["apiVersion"], manifest["kind"], manifest["metadata"].get("namespace"))
        self._call("POST", path, body=manifest, query={"fieldManager": FIELD_MANAGER})

    def names(self, api_version: str, kind: str) -> Sequence[str]:
        # Of a thousand tenants the metadata alone: what else they say the watches bring.
        path, accept = _path(api_version, kind, None), f"{METADATA}, application/json"
        return [
            one["metadata"]["name"] for _, items in self._pages(path, {}, accept, PAGE_OF_METADATA) for one in items
        ]

    def claims(self) -> Sequence[Claim]:
        return [claim_of(found) for found in self.list(API_VERSION, KIND)]

    def standings(self) -> Sequence[Standing]:
        return [standing_of(found) for found in self.list(API_VERSION, KIND)]

    def backups(self, tenant: str) -> Sequence[Object]:
        query = {"fieldSelector": f"spec.tenant={tenant}"}
        items: Sequence[Object] = self._call("GET", _path(API_VERSION, BACKUP_KIND, None), query=query)["items"]
        return items

    def applied(self, namespace: str) -> Mapping[str, str]:
        return {}

    def pages(self, api_version: str, kind: str, selector: str = "") -> Iterator[tuple[int, Sequence[Object]]]:
        """All objects of a kind, part by part, with the version of the whole list. Raises Fault."""
        query = {"labelSelector": selector} if selector else {}
        return self._pages(_path(api_version, kind, None), query, "application/json")

    def _pages(
        self, path: str, query: Mapping[str, str], accept: str, most: int = PAGE
    ) -> Iterator[tuple[int, Sequence[Object]]]:
        asked = dict(query) | {"limit": str(most)}
        while True:
            found = self._call("GET", path, query=asked, accept=accept)
            metadata = found["metadata"]
            # An empty list of metadata alone has null for its items.
            yield int(metadata.get("resourceVersion") or 0), found.get("items") or []
            if not metadata.get("continue"):
                return
            asked["continue"] = metadata["continue"]

    def replace(self, manifest: Object) -> Object:
        """Write over the version in the manifest's metadata. Raises Fault CONFLICT where there is a newer one."""
        metadata = manifest["metadata"]
        path = _path(manifest["apiVersion"], manifest["kind"], metadata.get("namespace"))
        return self._call("PUT", f"{path}/{quote(metadata['name'])}", body=manifest)

    def _call(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        content: str = "application/json",
        query: Mapping[str, str] | None = None,
        accept: str = "application/json",
    ) -> Object:
        request = self._api.param_serialize(
            method,
            path,
            query_params=list((query or {}).items()),
            header_params={"Accept": accept, "Content-Type": content},
            auth_settings=["BearerToken"],
        )
        # Bodies are plain JSON: the client's walk over them would copy each to find that out.
        method, url, headers, _, fields = request
        self._busy.check()
        try:
            response = self._api.call_api(method, url, headers, body, fields, _request_timeout=self._timeout(method))
            text: bytes = response.read()  # type: ignore[no-untyped-call]
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise Fault("KUBERNETES_UNREACHABLE", f"The cluster's API does not answer: {error}.") from error
        if response.status == 429:
            pause = _pause(response.headers.get("Retry-After"), *self._pauses)
            raise self._busy.trip(_fault(429, method, path, text), pause)
        if response.status >= 300:
            raise _fault(response.status, method, path, text)
        found: Object = json.loads(text)
        return found

    def _timeout(self, method: str) -> tuple[float, float]:
        """Seconds to connect and to read, which together are no more than the gate leaves a write."""
        connect, read = self._timeouts
        if method == "GET":
            self._gate.read()
            return connect, read
        left = self._gate.write()
        return min(connect, left / 3), min(read, left * 2 / 3)


def claim_of(tenant: Object) -> Claim:
    """What a tenant's object claims."""
    metadata = tenant["metadata"]
    domains = (tenant.get("spec") or {}).get("domains") or ()
    return metadata.get("creationTimestamp", ""), metadata["name"], tuple(map(str, domains))


def _path(api_version: str, kind: str, namespace: str | None) -> str:
    plural, namespaced = PLURALS[(api_version, kind)]
    root = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
    return f"{root}/namespaces/{quote(namespace)}/{plural}" if namespaced and namespace else f"{root}/{plural}"


def _pause(retry_after: str | None, least: float, most: float) -> float:
    """Seconds to leave the server alone, by its header Retry-After where that is a number."""
    wanted = float(retry_after) if retry_after and retry_after.isdecimal() else least
    return min(max(wanted, least), most)


def _fault(status: int, method: str, path: str, text: bytes) -> Fault:
    try:
        message = str(json.loads(text).get("message", ""))
    except ValueError:
        message = text[:200].decode(errors="replace")
    if status == 404:
        return Gone(path)
    if status == 403 and "being terminated" in message:
        return Fault("NAMESPACE_TERMINATING", f"{message}. It is built again once it is gone.")
    code = {
        403: "KUBERNETES_FORBIDDEN",
        409: "CONFLICT",
        422: "KUBERNETES_REFUSED",
        429: "KUBERNETES_BUSY",
    }.get(status, "KUBERNETES_ERROR")
    return Fault(code, f"The cluster's API answered {status} to {method} {path}: {message}")
