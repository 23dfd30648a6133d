"""What runs: configuration, migration, Deployment, disruption budget."""

from domicile_operator.manifests.metadata import metadata, selector
from domicile_operator.manifests.network import HTTP_PORT
from domicile_operator.manifests.pods import (
    casino_environment,
    config_map_data,
    migrate_environment,
    pod_template,
)
from domicile_operator.names import APP, CONFIG_MAP, MIGRATE_ACCOUNT, WORKER
from domicile_operator.plan import SIZES, WORKER_SIZE, Manifest, Plan, Size, digest

CONFIG_DIGEST = "casino.domicile.dev/config"


def config_map(plan: Plan) -> Manifest:
    """The tenant's rules and the CA of the cell's servers."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata(plan, CONFIG_MAP),
        "data": config_map_data(plan),
    }


def migration_job(plan: Plan) -> Manifest:
    """The migration of this image with these inputs; another image or input is another Job.

    A Job's template cannot change, so its name carries the template's hash.
    """
    template = pod_template(
        plan,
        "migrate",
        account=MIGRATE_ACCOUNT,
        command="migrate",
        environment=migrate_environment(plan),
        size=SIZES["small"],
    )
    template["spec"]["restartPolicy"] = "OnFailure"
    spec = {"backoffLimit": 4, "activeDeadlineSeconds": 900, "template": template}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": metadata(plan, f"casino-migrate-{digest(spec)}", "migrate"),
        "spec": spec,
    }


def deployment(plan: Plan) -> Manifest:
    """The casino's HTTP service. It rolls when image, environment, rules or CA change."""
    made = _deployment(plan, APP, "api", plan.size)
    if plan.size.replicas > 1:
        # A preference only: a cell may have one node.
        made["spec"]["template"]["spec"]["topologySpreadConstraints"] = [
            {
                "maxSkew": 1,
                "topologyKey": "kubernetes.io/hostname",
                "whenUnsatisfiable": "ScheduleAnyway",
                "labelSelector": {"matchLabels": selector("api")},
            }
        ]
    return made


def worker_deployment(plan: Plan) -> Manifest:
    """What is done in the background: events, the schedule. One pod: leases would let more of them share the work."""
    return _deployment(plan, WORKER, "worker", WORKER_SIZE)


def _deployment(plan: Plan, name: str, component: str, size: Size) -> Manifest:
    probes = {
        "ports": [{"name": "http", "containerPort": HTTP_PORT, "protocol": "TCP"}],
        # The startup probe asks each second: a tenant is ready as soon as it can be.
        "startupProbe": _probe("/readyz", period=1, failures=120),
        "readinessProbe": _probe("/readyz", period=5, failures=2),
        "livenessProbe": _probe("/healthz", period=10, failures=3),
    }
    template = pod_template(
        plan,
        component,
        account=APP,
        command=component,
        environment=casino_environment(plan),
        size=size,
        extra=probes,
    )
    template["metadata"]["annotations"] = {CONFIG_DIGEST: digest(config_map_data(plan), 16)}
    template["spec"]["terminationGracePeriodSeconds"] = 45
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata(plan, name, component),
        "spec": {
            "replicas": size.replicas,
            "revisionHistoryLimit": 3,
            "progressDeadlineSeconds": 180,
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
            "selector": {"matchLabels": selector(component)},
            "template": template,
        },
    }


def disruption_budgets(plan: Plan) -> list[Manifest]:
    """One pod may go at a time. With one replica a budget would only block the drain of its node."""
    if plan.size.replicas < 2:
        return []
    return [
        {
            "apiVersion": "policy/v1",
            "kind": "PodDisruptionBudget",
            "metadata": metadata(plan, APP, "api"),
            "spec": {"maxUnavailable": 1, "selector": {"matchLabels": selector("api")}},
        }
    ]


def _probe(path: str, period: int, failures: int) -> Manifest:
    return {
        "httpGet": {"path": path, "port": "http"},
        "periodSeconds": period,
        "timeoutSeconds": 2,
        "failureThreshold": failures,
    }
