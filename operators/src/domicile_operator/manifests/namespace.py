"""The tenant's namespace and what bounds it: service accounts, quota, default limits."""

from domicile_operator.manifests.metadata import metadata
from domicile_operator.names import APP, BACKUP_ACCOUNT, MIGRATE_ACCOUNT, REALTIME
from domicile_operator.plan import Manifest, Plan


def namespace(plan: Plan) -> Manifest:
    """The namespace, closed to any pod that is not `restricted` by the Pod Security Standards."""
    pod_security = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "audit", "warn")}
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": plan.names.namespace, "labels": plan.labels | pod_security},
    }


def service_accounts(plan: Plan) -> list[Manifest]:
    """Who the pods are to OpenBao. None talks to the cluster's API, so none gets a token for it."""
    return [
        {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": metadata(plan, name),
            "automountServiceAccountToken": False,
        }
        for name in (APP, MIGRATE_ACCOUNT, REALTIME, *((BACKUP_ACCOUNT,) if plan.cell.backups else ()))
    ]


def quota(plan: Plan) -> Manifest:
    """Room for every replica, one more of each kind while rolling, a migration with one retry, the worker, a backup."""
    size = plan.size
    pods = size.most + 5 + plan.realtime_size.most + 1 + bool(plan.cell.backups)
    return {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": metadata(plan, "tenant"),
        "spec": {
            "hard": {
                "pods": str(pods),
                "requests.cpu": f"{pods * size.cpu_m}m",
                "requests.memory": f"{pods * size.memory_mi}Mi",
                "limits.cpu": f"{pods * size.cpu_limit_m}m",
                "limits.memory": f"{pods * size.memory_limit_mi}Mi",
                "persistentvolumeclaims": "1" if plan.cell.ledger_archive else "0",
                "services.loadbalancers": "0",
                "services.nodeports": "0",
            }
        },
    }


def limit_range(plan: Plan) -> Manifest:
    """What a container gets that says nothing, so that the quota never refuses one for silence."""
    size = plan.size
    return {
        "apiVersion": "v1",
        "kind": "LimitRange",
        "metadata": metadata(plan, "tenant"),
        "spec": {
            "limits": [
                {
                    "type": "Container",
                    "defaultRequest": {"cpu": f"{size.cpu_m}m", "memory": f"{size.memory_mi}Mi"},
                    "default": {"cpu": f"{size.cpu_limit_m}m", "memory": f"{size.memory_limit_mi}Mi"},
                }
            ]
        },
    }
