"""How many pods there are between a size's least and most: an autoscaler's, by their use of the processor."""

from domicile_operator.manifests.metadata import metadata
from domicile_operator.names import APP, REALTIME
from domicile_operator.plan import Manifest, Plan, Size

CPU_TARGET_M = 600
"""Millicores of each pod. A process of the casino is one event loop, so it is full at one core whatever it asked for or
may have: a share of its request, which is the usual target, would say nothing. At 600 there is room for what comes
until a further pod serves: the metrics are up to half a minute old, and a pod takes some ten seconds."""


def autoscalers(plan: Plan) -> list[Manifest]:
    """One for each Deployment whose size leaves something to decide.

    Real time too, though connections stay where they are: whoever comes goes to the pods that there are then.
    """
    return [
        _autoscaler(plan, name, component, size)
        for name, component, size in ((APP, "api", plan.size), (REALTIME, "realtime", plan.realtime_size))
        if size.most > size.replicas
    ]


def _autoscaler(plan: Plan, name: str, component: str, size: Size) -> Manifest:
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": metadata(plan, name, component),
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
            "minReplicas": size.replicas,
            "maxReplicas": size.most,
            "metrics": [
                {
                    "type": "Resource",
                    "resource": {
                        "name": "cpu",
                        "target": {"type": "AverageValue", "averageValue": f"{CPU_TARGET_M}m"},
                    },
                }
            ],
            "behavior": {
                # A match begins for everybody at once: all that is missing, in one step.
                "scaleUp": {
                    "stabilizationWindowSeconds": 0,
                    "selectPolicy": "Max",
                    "policies": [{"type": "Percent", "value": 100, "periodSeconds": 30}],
                },
                # A lull is no end of an evening, and a pod that goes takes its connections and warm caches with it:
                # one at a time, and only what a quarter of an hour had no need of.
                "scaleDown": {
                    "stabilizationWindowSeconds": 900,
                    "selectPolicy": "Max",
                    "policies": [{"type": "Pods", "value": 1, "periodSeconds": 300}],
                },
            },
        },
    }
