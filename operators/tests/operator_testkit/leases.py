"""A Lease for tests of who leads."""

import time
from typing import Any

from domicile_operator.errors import Fault


class OneLease:
    """The Lease in memory, which may be out of reach."""

    def __init__(self) -> None:
        self.lease: dict[str, Any] = {"metadata": {"name": "domicile-operator", "resourceVersion": "1"}}
        self.away = False
        self.slow = 0.0

    def read(self) -> dict[str, Any]:
        time.sleep(self.slow)
        if self.away:
            raise Fault("KUBERNETES_UNREACHABLE", "no answer")
        return self.lease | {"metadata": dict(self.lease["metadata"])}

    def write(self, lease: dict[str, Any]) -> dict[str, Any]:
        if self.away:
            raise Fault("KUBERNETES_UNREACHABLE", "no answer")
        version = self.lease["metadata"]["resourceVersion"]
        if lease["metadata"]["resourceVersion"] != version:
            raise Fault("CONFLICT", "somebody wrote")
        self.lease = lease | {"metadata": lease["metadata"] | {"resourceVersion": str(int(version) + 1)}}
        return self.lease
