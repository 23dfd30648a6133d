"""What a cell's cluster begins with."""

from dataclasses import replace

import pulumi
import pulumi_kubernetes as kubernetes
import pytest
import yaml
from cell_testkit import cell, environment, facts, plan
from cell_testkit.cloud import Cloud, bare, manifests, run, whole
from domicile_infra.cell.workloads import Workloads, WorkloadsArgs
from domicile_infra.plan.cell import plan_cells
from domicile_infra.plan.cell_config import Stores
from domicile_infra.plan.errors import PlanError
from domicile_infra.plan.manifests import CELL_DIGEST
from domicile_infra.plan.workloads import stages, token

STORES = Stores("db", "cache", "arn:secret")


@pytest.fixture(scope="module")
def cloud() -> Cloud:
    return whole()


def test_every_manifest_of_the_operator_becomes_an_object(cloud: Cloud) -> None:
    wanted = {(token(one), one["metadata"]["name"]) for one in manifests()}
    made = {(one.type, one.inputs["metadata"]["name"]) for one in cloud.resources if one.type.startswith("kubernetes:")}
    assert wanted <= made
    extra = {name for _, name in made - wanted}
    assert extra == {"domicile-cell", "domicile-attestations", "north-live-tenants"}


def test_the_operator_is_told_where_its_stores_are(cloud: Cloud) -> None:
    config = cloud.one("ConfigMap", "domicile-system/domicile-cell").inputs["data"]
    content = yaml.safe_load(config["cell.yaml"])
    assert content["postgresql"]["host"] == "writer.db.example" and content["redis"]["host"] == "primary.cache.example"
    assert content["postgresql"]["administrator"] == {"secret": "arn:secret", "region": "eu-west-2"}
    users = content["redis"]["elasticache"]
    assert users["userGroup"] == cloud.of("UserGroup")[0].inputs["userGroupId"] and users["engine"] == "valkey"
    assert users["tags"] == cloud.of("UserGroup")[0].inputs["tags"]
    assert config["ca.crt"].startswith("-----BEGIN CERTIFICATE")
    papers = cloud.one("ConfigMap", "domicile-system/domicile-attestations").inputs["data"]
    assert papers == {"one.yaml": "a", "officers.yaml.sig": "b"}


def test_the_operator_runs_the_release_and_starts_anew_with_its_cell(cloud: Cloud) -> None:
    deployment = cloud.one("Deployment", "domicile-system/domicile-operator").inputs
    assert deployment["metadata"]["annotations"] == {"pulumi.com/skipAwait": "true"}
    template = deployment["spec"]["template"]
    (container,) = template["spec"]["containers"]
    assert container["image"] == "domicile-operator:1.2.3"
    assert {"name": "CASINO_IMAGE", "value": "casino:4.5.6"} in container["env"]
    assert template["metadata"]["annotations"][CELL_DIGEST]


def test_a_kind_comes_before_what_is_of_it_and_the_operator_last(cloud: Cloud) -> None:
    crd = cloud.of("CustomResourceDefinition")[0]
    (namespace,) = cloud.of("Namespace")
    for kind in ("ConfigMap", "ValidatingAdmissionPolicy", "ClusterRole"):
        for one in cloud.of(kind):
            if one.inputs["metadata"].get("namespace") != "flux-system":
                assert {crd.urn, namespace.urn} <= one.dependencies
    operator = cloud.one("Deployment", "domicile-system/domicile-operator")
    others = {one.urn for kind in ("ConfigMap", "NetworkPolicy", "ClusterRoleBinding") for one in cloud.of(kind)}
    flux = {one.urn for one in cloud.of("ConfigMap") if one.inputs["metadata"]["namespace"] == "flux-system"}
    assert others - flux <= operator.dependencies


def test_the_databases_first_logins_are_made_by_a_job_of_the_operators_image(cloud: Cloud) -> None:
    job = cloud.one("Job", "domicile-system/domicile-logins")
    assert job.inputs["metadata"]["annotations"] == {"pulumi.com/skipAwait": "true"}
    template = job.inputs["spec"]["template"]
    (container,) = template["spec"]["containers"]
    assert (container["image"], container["args"]) == ("domicile-operator:1.2.3", ["logins"])
    # Another host or another secret is another template, and so another Job.
    operator = cloud.one("Deployment", "domicile-system/domicile-operator").inputs["spec"]["template"]
    assert template["metadata"]["annotations"] == operator["metadata"]["annotations"]


def test_no_pod_of_ours_starts_before_its_role_is_its_own(cloud: Cloud) -> None:
    given = {one.inputs["serviceAccount"]: one.urn for one in cloud.of("PodIdentityAssociation")}
    for kind, name in (("Job", "domicile-logins"), ("Deployment", "domicile-operator")):
        one = cloud.one(kind, f"domicile-system/{name}")
        assert one.inputs["spec"]["template"]["spec"]["serviceAccountName"] == name
        assert given[name] in one.dependencies


def test_nothing_is_put_into_a_cluster_that_has_no_nodes_or_lets_nobody_in(cloud: Cloud) -> None:
    (provider,) = cloud.of("kubernetes")
    needed = {urn.rsplit("::", 2)[-2].rsplit("$", 1)[-1] for urn in provider.dependencies}
    assert {"aws:eks/nodeGroup:NodeGroup", "aws:eks/accessPolicyAssociation:AccessPolicyAssociation"} <= needed
    assert yaml.safe_load(provider.inputs["kubeconfig"])["clusters"][0]["cluster"]["server"] == "https://api.example"


def test_tenants_come_from_the_repository_and_its_files_may_name_what_the_stack_knows(cloud: Cloud) -> None:
    (source,) = cloud.of("GitRepository")
    assert source.inputs["spec"]["url"] == "https://git.example/t.git"
    known = cloud.one("ConfigMap", "flux-system/north-live-tenants").inputs["data"]
    assert known["targetGroupArn"].endswith("TargetGroup/ingress") and known["region"] == "eu-west-2"


def test_a_source_is_synced_only_where_one_is_named() -> None:
    def program() -> None:
        options = pulumi.ResourceOptions(providers=[kubernetes.Provider("cluster", kubeconfig="")])
        Workloads("workloads", WorkloadsArgs(plan(), manifests(), "db", "cache", "arn:secret"), options)

    found = run(program)
    assert found.of("GitRepository") == found.of("Kustomization") == []
    assert found.of("Deployment")


def test_a_cell_is_built_without_workloads_where_its_cluster_cannot_be_reached() -> None:
    assert [one.type for one in bare().resources if "kubernetes" in one.type] == []
    assert bare().of("NodeGroup")


def test_an_environment_without_a_release_has_no_operator() -> None:
    one = cell()
    plans = plan_cells(environment(one, release=None), {one.name: facts()})
    with pytest.raises(PlanError, match="names no release"):
        stages(plans[one.name], manifests(), STORES)


MANIFEST = '{"manifest": {"components": {}}, "signature": "c2lnbmVk"}'


def test_a_release_brings_its_signed_games_to_a_cell_that_names_whose_it_trusts() -> None:
    one = cell()
    told = replace(facts(), games_keys=("a key",), games_manifest=MANIFEST)
    found = stages(plan_cells(environment(one), {one.name: told})[one.name], manifests(), STORES).then
    (config,) = (each for each in found if each["metadata"]["name"] == "domicile-cell")
    assert yaml.safe_load(config["data"]["cell.yaml"])["gamesKeys"] == ["a key"]
    (games,) = (each for each in found if each["metadata"]["name"] == "domicile-games")
    assert games["data"] == {"4.5.6.json": MANIFEST}


def test_a_cell_that_trusts_signed_games_gets_no_release_without_them() -> None:
    one = cell()
    plans = plan_cells(environment(one), {one.name: replace(facts(), games_keys=("a key",))})
    with pytest.raises(PlanError, match="names no gamesManifest"):
        stages(plans[one.name], manifests(), STORES)
