"""What the documents of a cell refuse, and how little they allow."""

from dataclasses import replace

import pytest
from cell_testkit import DEPLOYER, ORGANIZATION, allowed, denied, listed, plan
from domicile_infra.plan.documents import Document, render
from domicile_infra.plan.documents.buckets import access_log_policy, bucket_policy
from domicile_infra.plan.documents.endpoints import INTERFACES, gateway_policy, interface_policy
from domicile_infra.plan.documents.keys import KEYS, KeyPurpose, key_policy
from domicile_infra.plan.documents.roles import (
    ROLES,
    RolePurpose,
    ServiceAccount,
    flow_log_policy,
    openbao_policy,
    role_name,
    targets_policy,
    trust_policy,
)
from domicile_infra.plan.documents.vault import topic_policy, vault_policy
from domicile_policies.names import BACKUP_ROLE, CELL_ROLE

SCOPE = plan().scope
KEY = "arn:aws:kms:eu-west-2:111122223333:key/1"
INSIDE = {"aws:PrincipalOrgID": ORGANIZATION, "aws:PrincipalIsAWSService": "false", "aws:SecureTransport": "true"}
OURS = {**INSIDE, "aws:PrincipalArn": "arn:aws:iam::111122223333:role/somebody"}
every_key = pytest.mark.parametrize("purpose", KeyPurpose)


def policy_of(purpose: KeyPurpose) -> Document:
    return key_policy(SCOPE, purpose, users=("north-live-openbao",) if purpose is KeyPurpose.UNSEAL else ())


@every_key
def test_nobody_of_the_account_may_open_what_a_key_closes_by_hand(purpose: KeyPurpose) -> None:
    by_hand = ("kms:decrypt", "kms:encrypt", "kms:generatedatakey", "kms:creategrant", "kms:*", "*")
    for statement in allowed(policy_of(purpose)):
        condition = statement.get("Condition", {})
        if any(action.lower().rstrip("*") in by_hand or action == "kms:*" for action in listed(statement["Action"])):
            keys = {key for keys in condition.values() for key in keys}
            assert keys & {
                "kms:ViaService",
                "aws:PrincipalArn",
                "kms:EncryptionContext:aws:logs:arn",
                "aws:SourceAccount",
            }


@every_key
def test_anyone_may_use_a_key_only_for_this_account_through_its_own_region(purpose: KeyPurpose) -> None:
    for statement in allowed(policy_of(purpose)):
        if statement["Principal"] == {"AWS": "*"}:
            equal = statement["Condition"]["StringEquals"]
            assert equal["kms:CallerAccount"] == SCOPE.account_id
            assert all(one.endswith(".eu-west-2.amazonaws.com") for one in equal["kms:ViaService"])


@every_key
def test_grants_are_for_resources_of_aws_and_of_nobody_outside(purpose: KeyPurpose) -> None:
    policy = policy_of(purpose)
    grant = {**OURS, "kms:GrantIsForAWSResource": "true"}
    assert denied(policy, "kms:CreateGrant", grant) is None
    assert denied(policy, "kms:CreateGrant", {**grant, "kms:GrantIsForAWSResource": "false"}) == "DenyGrantsToOthers"
    assert denied(policy, "kms:CreateGrant", OURS) == "DenyGrantsToOthers"
    by_deployer = denied(policy, "kms:CreateGrant", {**INSIDE, "aws:PrincipalArn": DEPLOYER})
    assert (by_deployer is None) == (purpose is KeyPurpose.CLUSTER)


@every_key
def test_no_key_has_a_replica_or_serves_another_region_or_organisation(purpose: KeyPurpose) -> None:
    policy = policy_of(purpose)
    assert denied(policy, "kms:ReplicateKey", OURS) == "DenyReplicas"
    elsewhere = {**OURS, "kms:ViaService": "rds.us-east-1.amazonaws.com"}
    assert denied(policy, "kms:Decrypt", elsewhere) == "DenyServicesElsewhere"
    assert denied(policy, "kms:Decrypt", {**OURS, "kms:ViaService": "rds.eu-west-2.amazonaws.com"}) is None
    assert denied(policy, "kms:Decrypt", {**OURS, "aws:PrincipalOrgID": "o-other"}) == "DenyOutsideOrganization"
    lone = {key: value for key, value in OURS.items() if key != "aws:PrincipalOrgID"}
    assert denied(policy, "kms:DescribeKey", lone) == "DenyOutsideOrganization"
    assert denied(policy, "kms:Decrypt", {"aws:PrincipalIsAWSService": "true"}) is None


def test_a_backup_place_elsewhere_may_use_the_keys_too() -> None:
    policy = key_policy(replace(SCOPE, backup_region="eu-west-1"), KeyPurpose.DATA)
    assert denied(policy, "kms:Decrypt", {**OURS, "kms:ViaService": "rds.eu-west-1.amazonaws.com"}) is None
    assert denied(policy, "kms:Decrypt", {**OURS, "kms:ViaService": "rds.us-east-1.amazonaws.com"})


def test_a_key_that_stands_in_the_backup_place_serves_that_region() -> None:
    scope = replace(SCOPE, backup_region="eu-west-1")
    use = allowed(key_policy(scope, KeyPurpose.BACKUP, region="eu-west-1"))[1]
    assert use["Condition"]["StringEquals"]["kms:ViaService"][0] == "backup.eu-west-1.amazonaws.com"


def test_logs_are_closed_for_log_groups_of_this_account_and_region_alone() -> None:
    named = {one["Sid"]: one for one in allowed(policy_of(KeyPurpose.TELEMETRY))}
    logs = named["UseByCloudWatchLogsOfThisAccount"]
    assert logs["Principal"] == {"Service": "logs.eu-west-2.amazonaws.com"}
    assert logs["Condition"] == {
        "ArnLike": {"kms:EncryptionContext:aws:logs:arn": "arn:aws:logs:eu-west-2:111122223333:log-group:*"}
    }
    assert named["PublishByCloudwatchOfThisAccount"]["Condition"]["StringEquals"] == {
        "aws:SourceAccount": "111122223333"
    }


def test_every_key_can_be_administered_so_that_none_is_lost() -> None:
    for purpose in KEYS:
        first = allowed(policy_of(purpose))[0]
        assert first["Principal"] == {"AWS": "arn:aws:iam::111122223333:root"} and "Condition" not in first
        assert {"kms:PutKeyPolicy", "kms:CancelKeyDeletion"} <= set(first["Action"])


BUCKET = "north-live-audit-111122223333"
OBJECT = f"arn:aws:s3:::{BUCKET}/o"
TLS = {**OURS, "s3:TlsVersion": "1.3"}
ID, ALGORITHM = "s3:x-amz-server-side-encryption-aws-kms-key-id", "s3:x-amz-server-side-encryption"


@pytest.mark.parametrize(
    ("action", "context", "sid"),
    [
        ("s3:GetObject", {}, None),
        ("s3:PutObject", {}, None),
        ("s3:PutObject", {ALGORITHM: "aws:kms", ID: KEY}, None),
        ("s3:GetObject", {"aws:SecureTransport": "false"}, "DenyPlainText"),
        ("s3:GetObject", {"s3:TlsVersion": "1.1"}, "DenyOldTls"),
        ("s3:GetObject", {"aws:PrincipalOrgID": "o-other"}, "DenyOutsideOrganization"),
        ("s3:PutObject", {ALGORITHM: "aws:kms", ID: f"{KEY}2"}, "DenyOtherKeys"),
        ("s3:PutObject", {ALGORITHM: "AES256"}, "DenyOtherEncryption"),
        ("s3:PutObject", {"s3:x-amz-server-side-encryption-customer-algorithm": "AES256"}, "DenyKeysOfTheCallers"),
        ("s3:PutReplicationConfiguration", {}, "DenyCarryingAway"),
        ("s3:PutObjectAcl", {}, "DenyCarryingAway"),
        ("s3:BypassGovernanceRetention", {}, "DenyShorteningTheLock"),
    ],
)
def test_a_bucket_refuses(action: str, context: dict[str, str], sid: str | None) -> None:
    policy = bucket_policy(SCOPE, BUCKET, KEY, locked=True)
    assert denied(policy, action, {**TLS, **context}, OBJECT) == sid


def test_a_buckets_policy_allows_nothing_and_fits() -> None:
    policy = bucket_policy(SCOPE, BUCKET, KEY, locked=True)
    assert allowed(policy) == []
    assert len(render(policy)) < 20_480  # S3's limit


def test_access_logs_come_from_services_for_this_account_alone() -> None:
    for statement in allowed(access_log_policy(SCOPE, "logs")):
        assert set(statement["Principal"]) == {"Service"} and statement["Action"] == "s3:PutObject"
        assert SCOPE.account_id in str(statement)


@pytest.mark.parametrize("service", INTERFACES)
def test_an_endpoint_serves_the_organisation_to_the_organisation(service: str) -> None:
    first, *others = allowed(interface_policy(SCOPE, service))
    assert first["Condition"]["StringEquals"] == {
        "aws:PrincipalOrgID": ORGANIZATION,
        "aws:ResourceOrgID": ORGANIZATION,
    }
    for other in others:  # pulling AWS's own images
        assert all(not action.startswith(("ecr:Put", "ecr:Upload")) for action in other["Action"])
        assert all(":eu-west-2:" in one for one in other["Resource"])


def test_through_the_gateway_others_buckets_are_read_and_never_written() -> None:
    own, theirs = allowed(gateway_policy(SCOPE))
    assert own["Condition"]["StringEquals"]["aws:ResourceOrgID"] == ORGANIZATION
    assert theirs["Action"] == ["s3:GetObject"] and all("eu-west-2" in one for one in theirs["Resource"])


@pytest.mark.parametrize("purpose", RolePurpose)
def test_a_role_is_taken_by_one_service_or_one_service_account(purpose: RolePurpose) -> None:
    (statement,) = trust_policy(SCOPE, purpose, "north-live")["Statement"]
    assert len(role_name(SCOPE, purpose)) <= 64
    assert set(statement["Principal"]) == {"Service"}
    equal = statement.get("Condition", {}).get("StringEquals", {})
    taken_by = ROLES[purpose].taken_by
    if isinstance(taken_by, ServiceAccount):
        assert equal["aws:RequestTag/kubernetes-namespace"] == taken_by.namespace
        assert equal["aws:RequestTag/kubernetes-service-account"] == taken_by.name
        assert equal["aws:RequestTag/eks-cluster-arn"].endswith(":cluster/north-live")
    assert equal.get("aws:SourceAccount") == SCOPE.account_id or purpose is RolePurpose.NODES


@pytest.mark.parametrize("cell", ["north-live", "a-name-as-long-as-a-cell-can-have"])
def test_a_cells_roles_are_known_by_their_names_and_the_backups_from_the_others(
    cell: str,
) -> None:
    names = {purpose: role_name(replace(SCOPE, cell=cell), purpose) for purpose in RolePurpose}
    assert len(set(names.values())) == len(RolePurpose) and all(len(one) <= 64 for one in names.values())
    assert all(one.startswith(CELL_ROLE) for one in names.values())
    assert [purpose for purpose, one in names.items() if one.startswith(BACKUP_ROLE)] == [RolePurpose.BACKUP]


def test_no_role_of_ours_may_do_everything_or_everything_of_a_service() -> None:
    for policy in (openbao_policy(KEY), flow_log_policy("arn:aws:logs:x:1:log-group:y"), targets_policy("arn:t")):
        for statement in allowed(policy):
            actions = listed(statement["Action"])
            assert not any("*" in action for action in actions)
            assert statement["Resource"] != "*" or all(":Describe" in action for action in actions)


def test_a_vaults_points_stay_and_are_copied_to_the_cells_backup_place_alone() -> None:
    policy = vault_policy(SCOPE)
    assert denied(policy, "backup:DeleteRecoveryPoint", OURS) == "DenyErasing"
    there = "arn:aws:backup:eu-west-2:111122223333:backup-vault:v"
    copy = {**OURS, "backup:CopyTargets": (there,)}
    assert denied(policy, "backup:CopyFromBackupVault", copy) is None
    for target in (there.replace("eu-west-2", "us-east-1"), there.replace("1111", "2222")):
        assert denied(policy, "backup:CopyFromBackupVault", {**copy, "backup:CopyTargets": (target,)})


def test_the_topic_is_published_to_for_this_account_alone() -> None:
    (publish,) = allowed(topic_policy(SCOPE, "arn:topic"))
    assert publish["Condition"]["StringEquals"] == {"aws:SourceAccount": "111122223333"}


def test_the_same_document_is_always_the_same_text() -> None:
    one = policy_of(KeyPurpose.DATA)
    assert render(one) == render({key: one[key] for key in reversed(one)})
    assert len(render(policy_of(KeyPurpose.TELEMETRY))) < 32_768  # KMS's limit
