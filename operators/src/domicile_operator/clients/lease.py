"""The operator's Lease in the cluster. The installation makes it: the operator may read and write this one alone."""

from typing import Any

from kubernetes import client

from domicile_operator.clients.kube import KubernetesApi
from domicile_operator.errors import Fault, Gone
from domicile_operator.names import LEASE, SYSTEM_NAMESPACE

API_VERSION, KIND = "coordination.k8s.io/v1", "Lease"


class LeaseApi:
    """`Leases` over HTTP. `seconds` is the most that one call takes: less than a leader has left when it renews."""

    def __init__(self, api: client.ApiClient, seconds: float) -> None:
        # No gate, for who does not lead has to be able to; and no pause after a 429, for the election has its own pace.
        self._kube = KubernetesApi(api, timeouts=(seconds / 3, seconds * 2 / 3), busy=(0.0, 0.0))

    def read(self) -> dict[str, Any]:
        try:
            return self._kube.get(API_VERSION, KIND, LEASE, SYSTEM_NAMESPACE)
        except Gone:
            raise Fault(
                "LEASE_MISSING",
                f"There is no Lease {LEASE} in {SYSTEM_NAMESPACE}, so no operator may lead. Install the operator's "
                "manifests again: the Lease is one of them.",
            ) from None

    def write(self, lease: dict[str, Any]) -> dict[str, Any]:
        return self._kube.replace(lease)
