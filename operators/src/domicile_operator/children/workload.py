"""What runs and how it is reached."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from domicile_operator.children.base import KubernetesChild, Observation, PrunedChild, references
from domicile_operator.children.scaling import apply_autoscaled
from domicile_operator.clients.kube import Object
from domicile_operator.errors import Fault, Gone
from domicile_operator.manifests import routes, workload
from domicile_operator.plan import WORKER_SIZE, Manifest, Plan
from domicile_operator.world import World

MIGRATION_FAILED = "MIGRATION_FAILED"
MIGRATION_RETRY = timedelta(minutes=10)
"""How long a failed migration stays to be read before it is tried again."""


class Configuration(KubernetesChild):
    """The ConfigMap with the rules of play and the CA."""

    api_version, kind = "v1", "ConfigMap"

    def desired(self, plan: Plan) -> Sequence[Manifest]:
        return [workload.config_map(plan)]


class Services(KubernetesChild):
    """The casino inside the cluster."""

    api_version, kind = "v1", "Service"

    def desired(self, plan: Plan) -> Sequence[Manifest]:
        return [routes.service(plan), routes.worker_service(plan), routes.realtime_service(plan)]


class Ingresses(KubernetesChild):
    """The casino's host names."""

    api_version, kind = "networking.k8s.io/v1", "Ingress"

    def desired(self, plan: Plan) -> Sequence[Manifest]:
        return [routes.ingress(plan)]


class Migration(PrunedChild):
    """The Job that brings the database to this image's schema. The casino waits for it."""

    api_version, kind = "batch/v1", "Job"

    def desired(self, plan: Plan) -> Sequence[Manifest]:
        return [workload.migration_job(plan)]

    def apply(self, plan: Plan, world: World) -> Sequence[Object]:
        manifest = self.desired(plan)[0]
        name, namespace = manifest["metadata"]["name"], plan.names.namespace
        try:
            found = world.kube.get(self.api_version, self.kind, name, namespace)
        except Gone:
            return super().apply(plan, world)
        failed = _condition(found, "Failed")
        if failed and world.now() - _time(failed["lastTransitionTime"]) > MIGRATION_RETRY:
            # Mostly it failed for what was around it (a store was down), so a person is not needed.
            world.kube.delete(self.api_version, self.kind, name, namespace)
            return [found]
        return super().apply(plan, world)

    def observe(self, plan: Plan, applied: Sequence[Object]) -> Observation:
        job = applied[0]
        name, namespace = job["metadata"]["name"], plan.names.namespace
        if _condition(job, "Complete"):
            return Observation(references(applied))
        failed = _condition(job, "Failed")
        if failed:
            raise Fault(
                MIGRATION_FAILED,
                f"Job {name} failed: {failed.get('message', 'no message')}. Read it with "
                f"`kubectl logs -n {namespace} job/{name}`; delete the Job to try again at once, else it is "
                "tried again in ten minutes.",
            )
        return Observation(references(applied), f"Waiting for the migration {name} to finish.")


class LedgerArchive(KubernetesChild):
    """The volume of sealed months. It is not pruned: what a cell no longer asks for may be all that is left of them."""

    api_version, kind = "v1", "PersistentVolumeClaim"

    def desired(self, plan: Plan) -> Sequence[Manifest]:
        return workload.ledger_archive(plan)

    def apply(self, plan: Plan, world: World) -> Sequence[Object]:
        """Raises Fault ARCHIVE_NOT_KEPT for a class whose volumes go with the tenant's namespace."""
        asked = plan.cell.ledger_archive
        if asked is None:
            return []
        remedy = "Name one with reclaimPolicy Retain in ledgerArchive of the cell's description."
        try:
            found = world.kube.get("storage.k8s.io/v1", "StorageClass", asked.storage_class)
        except Gone:
            raise Fault(
                "ARCHIVE_NOT_KEPT", f"There is no StorageClass {asked.storage_class} for sealed months. {remedy}"
            ) from None
        if found.get("reclaimPolicy") != "Retain":
            raise Fault(
                "ARCHIVE_NOT_KEPT",
                f"Volumes of StorageClass {asked.storage_class} are deleted with their tenant, and a sealed month may "
                f"be nowhere else. {remedy}",
            )
        return super().apply(plan, world)


class Workload(KubernetesChild):
    """The casino's Deployments: who serves players, who works in the background, who tells players what happens."""

    api_version, kind = "apps/v1", "Deployment"

    def desired(self, plan: Plan) -> Sequence[Manifest]:
        return [workload.deployment(plan), workload.worker_deployment(plan), workload.realtime_deployment(plan)]

    def apply(self, plan: Plan, world: World) -> Sequence[Object]:
        least = (plan.size.replicas, WORKER_SIZE.replicas, plan.realtime_size.replicas)
        return [
            world.kube.apply(manifest) if "replicas" in manifest["spec"] else apply_autoscaled(manifest, pods, world)
            for manifest, pods in zip(self.desired(plan), least, strict=True)
        ]

    def observe(self, plan: Plan, applied: Sequence[Object]) -> Observation:
        api, worker, realtime = applied
        serving = api.get("status", {}).get("availableReplicas", 0) > 0
        waiting = (
            _rollout(plan, api, "the casino", plan.size.replicas)
            or _rollout(plan, worker, "its worker", WORKER_SIZE.replicas)
            or _rollout(plan, realtime, "its real time", plan.realtime_size.replicas)
        )
        stuck = any(_stuck(found) is not None for found in applied)
        return Observation(references(applied), waiting, serving, bool(waiting) and stuck)


def _stuck(found: Object) -> Object | None:
    """A Deployment's word for it, of what is asked of it now, that it makes no progress."""
    seen = found.get("status", {}).get("observedGeneration", 0) >= found["metadata"].get("generation", 0)
    return _condition(found, "Progressing", "False") if seen else None


def _rollout(plan: Plan, found: Object, what: str, least: int) -> str:
    """What a Deployment waits for; nothing when no pod is of another version and at least `least` are ready.

    A pod that an autoscaler adds is not waited for: the tenant's load is no change of the tenant.
    """
    # A plan of what is not there yet has no number that an autoscaler is to find.
    status, wanted = found.get("status", {}), found["spec"].get("replicas", least)
    seen = status.get("observedGeneration", 0) >= found["metadata"].get("generation", 0)
    updated, available = status.get("updatedReplicas", 0), status.get("availableReplicas", 0)
    if seen and updated == status.get("replicas", 0) and available >= least:
        return ""
    if (stuck := _stuck(found)) is not None:
        return (
            f"The Deployment of {what} makes no progress: {stuck.get('message', '')} "
            f"See `kubectl get pods,events -n {plan.names.namespace}`."
        )
    return f"Waiting for {what}: {min(updated, available)} of {wanted} pods of this version ready."


class DisruptionBudgets(PrunedChild):
    """How many pods may go at a time."""

    api_version, kind = "policy/v1", "PodDisruptionBudget"

    def desired(self, plan: Plan) -> Sequence[Manifest]:
        return workload.disruption_budgets(plan)


def _condition(found: Object, kind: str, status: str = "True") -> Object | None:
    for condition in found.get("status", {}).get("conditions", []):
        if condition["type"] == kind and condition["status"] == status:
            return dict(condition)
    return None


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
