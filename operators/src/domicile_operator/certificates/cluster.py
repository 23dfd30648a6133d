"""What the program asks of the cluster: tenants and their hosts anywhere, Secrets where the ingress controller is."""

import json
from typing import Any

import urllib3
from kubernetes import client

from domicile_operator.certificates import objects
from domicile_operator.errors import Fault
from domicile_operator.names import CERTIFICATES_ROLE, FIELD_MANAGER, GROUP, LABEL_MANAGED_BY, LABEL_TENANT

from domicile_operator.names import PLURAL, VERSION  # isort: skip

TIMEOUT = (5, 30)
"""Seconds to connect and to read."""


class Cluster:
    """Raises Fault for whatever the API server refuses or does not answer."""

    def __init__(self, api: client.ApiClient, namespace: str) -> None:
        self._api, self._namespace = api, namespace

    def tenants(self) -> frozenset[str]:
        """All that exist."""
        found = self._call("GET", f"/apis/{GROUP}/{VERSION}/{PLURAL}")
        return frozenset(item["metadata"]["name"] for item in found["items"])

    def wanted(self) -> dict[str, frozenset[str]]:
        """The hosts of each tenant's own Ingress that ask for a certificate."""
        query = [("labelSelector", f"{LABEL_MANAGED_BY}={FIELD_MANAGER},{LABEL_TENANT}")]
        hosts: dict[str, frozenset[str]] = {}
        for item in self._call("GET", "/apis/networking.k8s.io/v1/ingresses", query=query)["items"]:
            tenant = item["metadata"]["labels"][LABEL_TENANT]
            asked = {host for one in item["spec"].get("tls") or [] for host in one.get("hosts") or []}
            hosts[tenant] = hosts.get(tenant, frozenset()) | asked
        return hosts

    def secrets(self) -> dict[str, dict[str, Any]]:
        """The Secrets of this program, by tenant."""
        found = self._call("GET", self._path("Secret"), query=[("labelSelector", objects.SELECTOR)])
        return {item["metadata"]["labels"].get(LABEL_TENANT, ""): item for item in found["items"]}

    def apply(self, manifest: dict[str, Any]) -> None:
        """Server-side apply."""
        self._call(
            "PATCH",
            f"{self._path(manifest['kind'])}/{manifest['metadata']['name']}",
            body=manifest,
            query=[("fieldManager", CERTIFICATES_ROLE), ("force", "true")],
        )

    def remove(self, tenant: str) -> None:
        """The Ingress first: one that names a missing Secret is told of as an error every second."""
        for kind in ("Ingress", "Secret"):
            self._call("DELETE", f"{self._path(kind)}/{objects.name(tenant)}", gone_is_fine=True)

    def _path(self, kind: str) -> str:
        group = {"Secret": "/api/v1", "Ingress": "/apis/networking.k8s.io/v1"}[kind]
        plural = {"Secret": "secrets", "Ingress": "ingresses"}[kind]
        return f"{group}/namespaces/{self._namespace}/{plural}"

    def _call(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        query: list[tuple[str, str]] | None = None,
        gone_is_fine: bool = False,
    ) -> Any:
        request = self._api.param_serialize(
            method,
            path,
            query_params=query or [],
            header_params={"Accept": "application/json", "Content-Type": "application/apply-patch+yaml"},
            body=body,
            auth_settings=["BearerToken"],
        )
        try:
            response = self._api.call_api(*request, _request_timeout=TIMEOUT)
            text: bytes = response.read()  # type: ignore[no-untyped-call]
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise Fault(
                "CERTIFICATES_CLUSTER_UNREACHABLE",
                f"The API server does not answer {method} {path}: {type(error).__name__}. It is asked again.",
            ) from error
        if response.status == 404 and gone_is_fine:
            return None
        if response.status >= 300:
            raise Fault(
                "CERTIFICATES_CLUSTER_REFUSED",
                f"The API server answered {response.status} to {method} {path}. Check the rights of "
                f"{CERTIFICATES_ROLE} (deploy/certificates/rbac.yaml).",
            )
        return json.loads(text)
