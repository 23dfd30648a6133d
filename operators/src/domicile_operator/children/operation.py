"""The record of what may be done, for a tenant that has a plan; `operating.py` keeps it for every other."""

from collections.abc import Sequence

from domicile_operator.children.base import KubernetesChild
from domicile_operator.manifests.operation import operation_map
from domicile_operator.plan import Manifest, Plan


class OperationRecord(KubernetesChild):
    """The ConfigMap `casino-operation`: there before the first pod looks for it."""

    api_version, kind = "v1", "ConfigMap"

    def desired(self, plan: Plan) -> Sequence[Manifest]:
        return [operation_map(plan.names, plan.labels, plan.operation)] if plan.operation else []
