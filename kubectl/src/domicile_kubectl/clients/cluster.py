"""The cluster of a kubeconfig: GET and PATCH, and what each refusal means to who asked.

The client's models are not used: objects stay as the API server gives them, of whichever version it is.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

from domicile_kubectl.clients.refusals import refusal
from domicile_kubectl.errors import Missing, PluginError
from domicile_kubectl.names import FIELD_MANAGER, TENANTS, Object

TIMEOUTS = (5, 30)
"""Seconds to connect and to read."""
LOG_BYTES = 16_384
"""Of a container's log: only its last line is shown."""


class Cluster(Protocol):
    """What the commands ask of a cluster. Every verb raises PluginError; `get` and `patch` raise Missing."""

    def get(self, path: str, query: Mapping[str, str] | None = None) -> Object:
        """One object, or a list of them, by its path in the API."""

    def patch(self, path: str, body: Object) -> Object:
        """JSON merge patch; gives the object as stored."""

    def log(self, namespace: str, pod: str, container: str, previous: bool) -> str:
        """The last lines of a container's log; of the one before where it was started anew."""


def connect(kubeconfig: Path | None, context: str | None) -> Cluster:
    """The cluster of a kubeconfig's context: as kubectl, $KUBECONFIG and the current context unless named."""
    # Loading the client's hundreds of models takes longer than most answers: --help and completion do without.
    from kubernetes import client, config

    configuration = client.Configuration()
    configuration.retries = 0
    try:
        config.load_kube_config(  # type: ignore[no-untyped-call]
            config_file=str(kubeconfig) if kubeconfig else None,
            context=context,
            client_configuration=configuration,
            persist_config=False,
        )
    except Exception as error:  # the client says by many classes what is wrong with a file
        said = " ".join(str(error).split()).rstrip(".")
        raise PluginError(
            "NO_KUBECONFIG",
            f"There is no usable kubeconfig: {said}. Name one by --kubeconfig or KUBECONFIG, and one of its contexts "
            "by --context.",
        ) from error
    return KubernetesCluster(client.ApiClient(configuration))


class KubernetesCluster:
    """`Cluster` over HTTP."""

    def __init__(self, api: Any) -> None:
        self._api = api

    def get(self, path: str, query: Mapping[str, str] | None = None) -> Object:
        found: Object = json.loads(self._call("GET", path, query))
        return found

    def patch(self, path: str, body: Object) -> Object:
        query = {"fieldManager": FIELD_MANAGER, "fieldValidation": "Strict"}
        found: Object = json.loads(self._call("PATCH", path, query, body, "application/merge-patch+json"))
        return found

    def log(self, namespace: str, pod: str, container: str, previous: bool) -> str:
        query = {"container": container, "tailLines": "5", "limitBytes": str(LOG_BYTES)}
        path = f"/api/v1/namespaces/{quote(namespace)}/pods/{quote(pod)}/log"
        return self._call("GET", path, query | ({"previous": "true"} if previous else {})).decode(errors="replace")

    def _call(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: Object | None = None,
        content: str = "application/json",
    ) -> bytes:
        import urllib3

        request = self._api.param_serialize(
            method,
            path,
            query_params=list((query or {}).items()),
            header_params={"Accept": "application/json, */*", "Content-Type": content},
            body=body,
            auth_settings=["BearerToken"],
        )
        try:
            response = self._api.call_api(*request, _request_timeout=TIMEOUTS)
            text: bytes = response.read()
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            raise PluginError(
                "CLUSTER_UNREACHABLE",
                f"The cluster at {self._api.configuration.host} does not answer: {_root(error)}. "
                "`kubectl config get-contexts` says which clusters the kubeconfig knows; --context names another.",
            ) from error
        if response.status >= 300:
            raise refusal(response.status, method, path, text)
        return text


def _root(error: BaseException) -> str:
    """The innermost reason: what wraps it says that it tried."""
    reason = getattr(error, "reason", None)
    return _root(reason) if isinstance(reason, BaseException) else str(error)


def tenant_path(name: str) -> str:
    """A tenant in the API."""
    return f"{TENANTS}/{quote(name, safe='')}"


def read_tenant(cluster: Cluster, name: str) -> Object:
    """A tenant's object. Raises Missing with the names that there are."""
    try:
        return cluster.get(tenant_path(name))
    except Missing as missing:
        names = [str(one["metadata"]["name"]) for one in read_tenants(cluster)]
        there = f"There are: {', '.join(names[:20])}." if names else "There are none."
        raise Missing("NO_SUCH_TENANT", f"There is no casino tenant {name}. {there}") from missing


def read_tenants(cluster: Cluster) -> Sequence[Object]:
    """Every tenant of the cluster, in the order of their names."""
    items: Sequence[Object] = cluster.get(TENANTS).get("items") or []
    return items
