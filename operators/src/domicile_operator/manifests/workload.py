"""What runs: configuration, migration, Deployments, disruption budgets."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from domicile_operator.manifests.metadata import metadata, selector
from domicile_operator.manifests.network import HTTP_PORT, REALTIME_PORT
from domicile_operator.manifests.operation import operation_mount, operation_volume
from domicile_operator.manifests.pods import (
    casino_environment,
    config_map_data,
    games_mounts,
    migrate_environment,
    pod_template,
    realtime_environment,
)
from domicile_operator.names import APP, CONFIG_MAP, LEDGER_ARCHIVE, MIGRATE_ACCOUNT, REALTIME, WORKER
from domicile_operator.plan import SIZES, WORKER_SIZE, Manifest, Plan, Size, digest

ARCHIVE_FOLDER = "/var/lib/casino/ledger"
CONFIG_DIGEST = "casino.domicile.dev/config"
SPREAD_OVER = ("topology.kubernetes.io/zone", "kubernetes.io/hostname")
READ_AT_START = ("jurisdiction", "currency", "currency_exponent", "timezone", "registration_fields")
"""Rules that a casino takes on at its start alone (casino/compliance/in_force.py, FIXED), or is to check there."""


@dataclass(frozen=True)
class _Process:
    """A kind of process that runs all the time: its name, and what it may be."""

    name: str
    component: str
    size: Size
    account: str
    environment: dict[str, str]
    port: int
    inputs: dict[str, str]
    """What it reads from the ConfigMap at its start: another one is another pod."""
    mounts: Sequence[Manifest] = ()


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
        # Who goes back to a release finds a later schema, which is to stay.
        environment=migrate_environment(plan) | {"CASINO_MIGRATE_AHEAD": "true"},
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
    """The casino's HTTP service. It rolls when image, environment or CA change; rules it takes on while it runs."""
    return _told_what_may_be_done(_deployment(plan, _casino(plan, APP, "api", plan.size)))


def worker_deployment(plan: Plan) -> Manifest:
    """What is done in the background: events, the schedule. One pod: leases would let more of them share the work."""
    made = _told_what_may_be_done(_deployment(plan, _casino(plan, WORKER, "worker", WORKER_SIZE)))
    if plan.cell.ledger_archive is not None:
        pod = made["spec"]["template"]["spec"]
        pod["volumes"].append({"name": "ledger", "persistentVolumeClaim": {"claimName": LEDGER_ARCHIVE}})
        container = pod["containers"][0]
        container["volumeMounts"].append({"name": "ledger", "mountPath": ARCHIVE_FOLDER})
        container["env"].append({"name": "CASINO_LEDGER_ARCHIVE", "value": ARCHIVE_FOLDER})
        # The volume is one node's at a time: a pod more while rolling might wait on another one for ever.
        made["spec"]["strategy"] = {"type": "Recreate"}
    return made


def _told_what_may_be_done(made: Manifest) -> Manifest:
    """With operation.json, which is no part of the template: another one must roll no pod."""
    pod = made["spec"]["template"]["spec"]
    pod["volumes"].append(operation_volume())
    pod["containers"][0]["volumeMounts"].append(operation_mount())
    return made


def ledger_archive(plan: Plan) -> list[Manifest]:
    """The volume of sealed months, where the cell has a place for it."""
    asked = plan.cell.ledger_archive
    if asked is None:
        return []
    spec = {
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": asked.storage_class,
        "resources": {"requests": {"storage": asked.size}},
    }
    return [
        {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": metadata(plan, LEDGER_ARCHIVE, "worker"),
            "spec": spec,
        }
    ]


def realtime_deployment(plan: Plan) -> Manifest:
    """Who tells players over WebSockets. When it rolls, its clients are told so over five seconds and come back."""
    inputs = {"ca.crt": plan.cell.ca_pem}
    return _deployment(
        plan,
        _Process(REALTIME, "realtime", plan.realtime_size, REALTIME, realtime_environment(plan), REALTIME_PORT, inputs),
    )


def _casino(plan: Plan, name: str, component: str, size: Size) -> _Process:
    environment, inputs = casino_environment(plan), _read_at_start(plan)
    return _Process(name, component, size, APP, environment, HTTP_PORT, inputs, games_mounts(plan))


def _read_at_start(plan: Plan) -> dict[str, str]:
    """The CA, the games' manifest, and of the rules what no running casino takes on.

    The rest of rules.json reaches the pods by itself: the kubelet brings the ConfigMap's file up to date within a
    minute or two, and the casino looks at it every few seconds. Whether it asks where players are is settled at its
    start as well, for it loads the database of networks then.
    """
    rules = json.loads(plan.rules.text)
    settled = {name: rules.get(name) for name in READ_AT_START}
    settled["networks"] = plan.cell.networks if plan.asks_places else None
    games = {"games": plan.games.digest} if plan.games else {}
    return {"ca.crt": plan.cell.ca_pem, "rules": digest(settled), **games}


def _deployment(plan: Plan, process: _Process) -> Manifest:
    component, size = process.component, process.size
    probes = {
        "ports": [{"name": "http", "containerPort": process.port, "protocol": "TCP"}],
        # The startup probe asks each second: a tenant is ready as soon as it can be.
        "startupProbe": _probe("/readyz", period=1, failures=120),
        "readinessProbe": _probe("/readyz", period=5, failures=2),
        "livenessProbe": _probe("/healthz", period=10, failures=3),
    }
    template = pod_template(
        plan,
        component,
        account=process.account,
        command=component,
        environment=process.environment,
        size=size,
        mounts=process.mounts,
        extra=probes,
    )
    template["metadata"]["annotations"] = {CONFIG_DIGEST: digest(process.inputs, 16)}
    template["spec"]["terminationGracePeriodSeconds"] = 45
    if size.most > 1:
        template["spec"]["topologySpreadConstraints"] = [_spread(component, over) for over in SPREAD_OVER]
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata(plan, process.name, component),
        "spec": {
            **({"replicas": size.replicas} if size.replicas == size.most else {}),
            "revisionHistoryLimit": 3,
            "progressDeadlineSeconds": 180,
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
            "selector": {"matchLabels": selector(component)},
            "template": template,
        },
    }


def disruption_budgets(plan: Plan) -> list[Manifest]:
    """One pod may go at a time, of those that can be more than one.

    `maxUnavailable` and not `minAvailable`, which at the least number of pods would let no node be drained. A pod that
    is not ready may always go: it serves nobody, and a casino that cannot start must not hold up a node's upgrade. Who
    is one pod by its size has no budget: it could only refuse the drain.
    """
    kinds: Sequence[tuple[str, str, Size]] = (
        (APP, "api", plan.size),
        (REALTIME, "realtime", plan.realtime_size),
    )
    return [
        {
            "apiVersion": "policy/v1",
            "kind": "PodDisruptionBudget",
            "metadata": metadata(plan, name, component),
            "spec": {
                "maxUnavailable": 1,
                "unhealthyPodEvictionPolicy": "AlwaysAllow",
                "selector": {"matchLabels": selector(component)},
            },
        }
        for name, component, size in kinds
        if size.most > 1
    ]


def _spread(component: str, over: str) -> Manifest:
    """Evenly, as far as it goes: a cell may have one node or one zone, and when a zone is lost its pods have to start
    in those that are left. Pods of another version do not count, so that what a rollout leaves is even too. An
    anti-affinity would say no more, and refuse the second pod of a node where there are fewer nodes than pods.
    """
    return {
        "maxSkew": 1,
        "topologyKey": over,
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": selector(component)},
        "matchLabelKeys": ["pod-template-hash"],
    }


def _probe(path: str, period: int, failures: int) -> Manifest:
    return {
        "httpGet": {"path": path, "port": "http"},
        "periodSeconds": period,
        "timeoutSeconds": 2,
        "failureThreshold": failures,
    }
