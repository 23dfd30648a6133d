"""A cell's stack as the engine sees it: who makes each resource, what it may lose, and what it is called."""

import importlib
import inspect
from collections import Counter
from functools import cache

import pulumi
import pulumi_aws as aws
import pytest
from cell_testkit import plan
from cell_testkit.cloud import SOURCE, Cloud, bare, cell_program, run, whole
from domicile_infra.cell.component import CellComponent
from domicile_infra.cell.stack import build_cell
from domicile_infra.plan.errors import PlanError
from domicile_policies.names import TAG_KEYS
from domicile_policies.plan.holding import is_kept
from program_testkit import Registered

STATEFUL = {
    "aws:rds/cluster:Cluster",
    "aws:rds/clusterInstance:ClusterInstance",
    "aws:elasticache/replicationGroup:ReplicationGroup",
    "aws:s3/bucket:Bucket",
    "aws:s3/bucketVersioning:BucketVersioning",
    "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration",
    "aws:kms/key:Key",
    "aws:ecr/repository:Repository",
    "aws:eks/cluster:Cluster",
    "aws:backup/vault:Vault",
    "aws:backup/vaultLockConfiguration:VaultLockConfiguration",
    "aws:route53/zone:Zone",
    "aws:ec2/vpc:Vpc",
    "kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition",
}
"""What holds something that nothing else brings back, or stands under all that does."""


@pytest.fixture(scope="module")
def cloud() -> Cloud:
    return whole()


def ours(cloud: Cloud) -> list[Registered]:
    return [one for one in cloud.resources if one.custom and not one.type.startswith("pulumi:")]


def test_a_cell_is_more_than_a_hundred_resources(cloud: Cloud) -> None:
    assert len(ours(cloud)) >= 100


def test_no_resource_has_a_default_provider(cloud: Cloud) -> None:
    providers = {one.urn: one for one in cloud.resources if one.type.startswith("pulumi:providers:")}
    assert {one.name for one in providers.values()} == {"cell", "cluster"}
    for one in ours(cloud):
        urn, _, _ = one.provider.rpartition("::")
        assert urn in providers, f"{one.urn} has the provider {one.provider!r}"
        assert providers[urn].type == f"pulumi:providers:{one.type.split(':')[0]}"


def test_no_resource_names_a_region_of_its_own(cloud: Cloud) -> None:
    assert [one.urn for one in ours(cloud) if "region" in one.inputs] == []


def test_every_role_has_the_accounts_boundary(cloud: Cloud) -> None:
    bounds = {one.inputs.get("permissionsBoundary") for one in cloud.of("Role") if one.type.startswith("aws:iam/")}
    assert bounds == {f"arn:aws:iam::{cloud.account}:policy/domicile-boundary"}


def test_everything_is_in_a_component_of_its_concern(cloud: Cloud) -> None:
    components = {one.urn for one in cloud.resources if one.type.startswith("domicile:cell:")}
    assert len(components) >= 15
    assert [one.urn for one in ours(cloud) if one.parent not in components] == []


def test_what_is_stateful_is_protected_and_retained(cloud: Cloud) -> None:
    assert {one.type for one in ours(cloud)} >= STATEFUL
    for one in ours(cloud):
        if one.type in STATEFUL:
            assert one.protect and one.retain, one.urn
        assert one.protect == one.retain, one.urn


def test_everything_that_the_rules_on_plans_keep_is_stateful(cloud: Cloud) -> None:
    assert [one.urn for one in ours(cloud) if is_kept(one.type) and not one.protect] == []


def test_the_audit_log_of_the_cluster_is_kept_longer_than_telemetry(cloud: Cloud) -> None:
    audit = [one.inputs["tags"]["domicile:data-class"] == "audit_log" for one in cloud.of("LogGroup")]
    for one, longer in zip(cloud.of("LogGroup"), audit, strict=True):
        assert one.inputs["retentionInDays"] == (1827 if longer else 400)
    assert sum(audit) == 1


@cache
def takes_tags(token: str) -> bool:
    _, module, kind = token.split(":")
    found = getattr(importlib.import_module(f"pulumi_aws.{module.split('/')[0]}"), kind)
    return "tags" in inspect.signature(found._internal_init).parameters


def test_everything_that_takes_tags_has_all_of_them(cloud: Cloud) -> None:
    tagged = [one for one in ours(cloud) if one.type.startswith("aws:") and takes_tags(one.type)]
    assert len(tagged) > 100
    for one in tagged:
        assert set(TAG_KEYS) <= set(one.inputs.get("tags", {})), one.urn
        assert one.inputs["tags"]["domicile:cell"] == "north-live"
        assert one.inputs["tags"]["domicile:jurisdiction"] == "GB"


def test_what_holds_data_says_which(cloud: Cloud) -> None:
    holds = {one.name: one.inputs["tags"]["domicile:data-class"] for one in cloud.of("Bucket")}
    assert holds == {
        "documents": "player_identity",
        "audit": "audit_log",
        "regulator-copy": "regulator_copy",
        "access-logs": "telemetry",
    }
    for kind, held in {
        "ReplicationGroup": "player_identity+wagering",
        "ClusterInstance": "player_identity+wagering",
        "Key": "keys",
        "Vault": "backup",
    }.items():
        assert {one.inputs["tags"]["domicile:data-class"] for one in cloud.of(kind)} == {held}
    ours = [one for one in cloud.of("Repository") if one.inputs["name"].startswith("domicile/")]
    assert len(ours) == 2
    for one in cloud.of("Repository"):
        assert one.inputs["tags"]["domicile:data-class"] == ("game_server" if one in ours else "none")


def test_two_builds_are_the_same(cloud: Cloud) -> None:
    again = run(cell_program(plan(gitops=SOURCE)))
    assert sorted(one.urn for one in again.resources) == sorted(one.urn for one in cloud.resources)
    assert {one.urn: one.inputs for one in again.resources} == {one.urn: one.inputs for one in cloud.resources}


def test_names_are_unique_in_the_stack_and_in_the_cloud(cloud: Cloud) -> None:
    twice = [urn for urn, count in Counter(one.urn for one in cloud.resources).items() if count > 1]
    assert twice == []
    # An approval names a resource by its type and name, whatever component it is in.
    short = Counter((one.type, one.name) for one in ours(cloud))
    assert [pair for pair, count in short.items() if count > 1] == []
    physical = Counter((one.type, one.inputs["name"]) for one in ours(cloud) if isinstance(one.inputs.get("name"), str))
    assert [pair for pair, count in physical.items() if count > 1] == []


def test_names_fit_where_a_cells_name_is_as_long_as_it_may_be() -> None:
    limits = {"LoadBalancer": 32, "TargetGroup": 32, "Role": 64, "Vault": 50, "Selection": 50}
    for kind, limit in limits.items():
        assert all(len(one.inputs["name"]) <= limit for one in bare().of(kind) if one.type.startswith("aws:")), kind
    assert all(len(one.inputs["bucket"]) <= 63 for one in bare().of("Bucket"))
    assert all(len(one.inputs["userId"]) <= 40 for one in bare().of("User"))
    assert len(bare().of("ReplicationGroup")[0].inputs["replicationGroupId"]) <= 40


def test_the_exports_are_named_and_whole(cloud: Cloud) -> None:
    exports = cloud.exports
    assert exports["clusterEndpoint"] == "https://api.example"
    assert exports["databaseEndpoint"] == "writer.db.example"
    assert exports["cacheEndpoint"] == "primary.cache.example"
    assert exports["registryUrl"] == "111122223333.dkr.ecr.eu-west-2.amazonaws.com"
    assert set(exports["buckets"]) == {"documents", "audit", "regulator-copy", "access-logs"}
    assert set(exports["keyArns"]) == {"data", "audit", "backup", "cluster", "telemetry", "unseal"}
    assert exports["nameServers"] == ["ns1.example", "ns2.example"]


def test_a_renamed_resource_carries_its_former_name() -> None:
    class Renamed(CellComponent):
        def __init__(self) -> None:
            super().__init__("renamed", pulumi.ResourceOptions(providers=[aws.Provider("cell", region="eu-west-2")]))
            aws.s3.Bucket("new", opts=self.child(stateful=True, was=["old", "older"]))
            self.register_outputs({})

    found = run(lambda: Renamed() and None)
    assert found.one("Bucket", "new").aliases == ("old", "older")
    assert found.one("Bucket", "new").protect and found.one("Bucket", "new").retain
    assert found.one("Bucket", "new").parent.endswith("::renamed")


def test_a_backup_place_elsewhere_needs_a_provider_of_it_and_gets_a_vault_there() -> None:
    there = [each.name for each in ours(bare()) if "::backup-place::" in each.provider]
    assert sorted(there) == ["backup-copy", "backup-copy", "copy-vault", "copy-vault", "copy-vault"]
    (schedule,) = bare().of("Plan")
    assert all(len(rule["copyActions"]) == 1 for rule in schedule.inputs["rules"])
    with pytest.raises(PlanError, match="a provider of the backup place is needed"):
        one = plan(backupPlace="eu-west-1")
        run(lambda: build_cell(one, aws.Provider("cell", region=one.place)) and None)


def test_before_the_zone_is_delegated_nothing_waits_for_a_certificate() -> None:
    found = bare()
    assert found.of("CertificateValidation") == found.of("Listener") == []
    assert found.of("Zone") and found.of("LoadBalancer")
