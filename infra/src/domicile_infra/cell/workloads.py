"""What the cluster begins with: the tenants' kind, the operator, its policies, and where tenants come from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import pulumi
from domicile_catalog.environment import GitOps
from domicile_policies.plan.holding import is_kept

from domicile_infra.cell.component import CellComponent
from domicile_infra.plan.cell import CellPlan
from domicile_infra.plan.cell_config import Stores
from domicile_infra.plan.manifests import CELL, Manifest, gitops_manifests
from domicile_infra.plan.workloads import Stages, logical_name, stages, token

UNKNOWN = Stores("unknown.invalid", "unknown.invalid", "unknown")
"""Stands for the stores while the manifests are put in order; the real ones take their place when they are known."""


@dataclass(frozen=True)
class WorkloadsArgs:
    """`manifests` are the operator's; the hosts and the secret are the stores' (`plan.cell_config.Stores`).

    `variables` are for the GitOps source's files. What is in `ready` is there before a pod of ours starts.
    """

    plan: CellPlan
    manifests: Sequence[Manifest]
    postgresql_host: pulumi.Input[str]
    redis_host: pulumi.Input[str]
    administrator_secret: pulumi.Input[str]
    ready: Sequence[pulumi.Resource] = ()
    variables: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)


class KubernetesObject(pulumi.CustomResource):
    """Any object of the cluster, as its manifest has it."""

    def __init__(self, manifest: Manifest, content: Mapping[str, pulumi.Input[object]], opts: pulumi.ResourceOptions):
        super().__init__(token(manifest), logical_name(manifest), {**manifest, **content}, opts)


class Workloads(CellComponent):
    """The operator and what it needs. The law it writes itself (`domicile-law`)."""

    def __init__(self, name: str, args: WorkloadsArgs, opts: pulumi.ResourceOptions) -> None:
        super().__init__(name, opts)
        plan = args.plan
        # Which objects there are does not depend on the hosts; what is in some of them does.
        shape = stages(plan, args.manifests, UNKNOWN)
        known = pulumi.Output.all(args.postgresql_host, args.redis_host, args.administrator_secret).apply(
            lambda found: stages(plan, args.manifests, Stores(*found))
        )
        first = [self._object(one, {}) for one in shape.first]
        then = [self._object(one, self._data(one, known), after=first) for one in shape.then]
        for at, one in enumerate(shape.last):
            self._object(one, {"spec": known.apply(partial(_spec, at))}, after=[*then, *args.ready])
        if plan.gitops is not None:
            self._source(plan.name, plan.gitops, args.variables, after=then)
        self.register_outputs({})

    def _data(self, manifest: Manifest, known: pulumi.Output[Stages]) -> Mapping[str, pulumi.Input[object]]:
        if (manifest["kind"], manifest["metadata"]["name"]) != ("ConfigMap", CELL):
            return {}
        return {"data": known.apply(lambda found: _named(found.then, CELL)["data"])}

    def _source(
        self,
        cell: str,
        source: GitOps,
        variables: Mapping[str, pulumi.Input[str]],
        *,
        after: Sequence[pulumi.Resource],
    ) -> None:
        known, *others = gitops_manifests(cell, source.url, source.branch, source.path, {})
        made = self._object(known, {"data": dict(variables)}, after=after)
        for one in others:
            self._object(one, {}, after=[made])

    def _object(
        self,
        manifest: Manifest,
        content: Mapping[str, pulumi.Input[object]],
        after: Sequence[pulumi.Resource] = (),
    ) -> KubernetesObject:
        # Without its kind every tenant is gone, and without its namespace everything in it.
        return KubernetesObject(manifest, content, self.child(stateful=is_kept(token(manifest)), after=after))


def _spec(at: int, found: Stages) -> object:
    return found.last[at]["spec"]


def _named(manifests: Sequence[Manifest], name: str) -> Manifest:
    return next(one for one in manifests if one["kind"] == "ConfigMap" and one["metadata"]["name"] == name)
