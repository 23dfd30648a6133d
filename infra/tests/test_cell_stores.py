"""Keys, stores, backups and the cluster: closed, kept, and in an order that AWS takes."""

import json

import pytest
from cell_testkit import plan
from cell_testkit.cloud import Cloud, bare, cell_program, run, whole
from domicile_infra.plan.alarms import alarms, dashboard, things
from domicile_infra.plan.backups import LEAST_DAYS, MOST_DAYS, RULES
from domicile_infra.plan.buckets import BUCKETS, Lock, lock_for
from domicile_infra.plan.images import needed
from program_testkit import Registered


@pytest.fixture(scope="module")
def cloud() -> Cloud:
    return whole()


def key(cloud: Cloud, name: str) -> str:
    return f"arn:aws:x:eu-west-2:111122223333:Key/{cloud.one('Key', name).name}"


def before(cloud: Cloud, one: Registered) -> set[str]:
    """Everything that must be there before it, as type::name."""
    known = {each.urn: each for each in cloud.resources}
    found: set[str] = set()
    rest = list(one.dependencies)
    while rest:
        urn = rest.pop()
        each = known.get(urn)
        if each is None or f"{each.type}::{each.name}" in found:
            continue
        found.add(f"{each.type}::{each.name}")
        rest += each.dependencies
    return found


def test_no_key_is_multi_region_and_every_key_turns(cloud: Cloud) -> None:
    for one in cloud.of("Key"):
        assert one.inputs["multiRegion"] is False and one.inputs["enableKeyRotation"] is True
        assert one.inputs["deletionWindowInDays"] == 30
    assert {one.inputs["name"] for one in cloud.of("Alias")} >= {"alias/north-live-data", "alias/north-live-backup"}


def test_everything_that_can_be_closed_is_closed_with_a_key_of_the_cell(cloud: Cloud) -> None:
    data, telemetry, cluster = key(cloud, "data"), key(cloud, "telemetry"), key(cloud, "cluster")
    database = cloud.one("Cluster", "database").inputs
    assert (database["kmsKeyId"], database["storageEncrypted"]) == (data, True)
    assert database["masterUserSecretKmsKeyId"] == data
    assert cloud.of("ReplicationGroup")[0].inputs["kmsKeyId"] == data
    assert {one.inputs["performanceInsightsKmsKeyId"] for one in cloud.of("ClusterInstance")} == {data}
    assert cloud.of("Vault")[0].inputs["kmsKeyArn"] == key(cloud, "backup")
    assert cloud.of("Topic")[0].inputs["kmsMasterKeyId"] == telemetry
    assert {one.inputs["kmsKeyId"] for one in cloud.of("LogGroup")} == {telemetry, key(cloud, "audit")}
    assert cloud.one("Cluster", "cluster").inputs["encryptionConfig"]["provider"]["keyArn"] == cluster
    for repository in cloud.of("Repository"):
        assert repository.inputs["encryptionConfigurations"] == [{"encryptionType": "KMS", "kmsKey": cluster}]
    (disk,) = cloud.of("LaunchTemplate")[0].inputs["blockDeviceMappings"]
    assert (disk["ebs"]["encrypted"], disk["ebs"]["kmsKeyId"]) == ("true", cluster)
    closed = {one.name: one.inputs["rules"][0] for one in cloud.of("BucketServerSideEncryptionConfiguration")}
    by_default = {name: rule["applyServerSideEncryptionByDefault"] for name, rule in closed.items()}
    assert by_default["documents"] == {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": data}
    assert (
        by_default["audit"]["kmsMasterKeyId"] == by_default["regulator-copy"]["kmsMasterKeyId"] == key(cloud, "audit")
    )
    assert by_default["access-logs"] == {"sseAlgorithm": "AES256"}


def test_no_secret_is_among_the_inputs(cloud: Cloud) -> None:
    for one in cloud.resources:
        for name in ("masterPassword", "authToken", "passwords", "password", "secretString"):
            assert name not in one.inputs, one.urn
    assert cloud.one("Cluster", "database").inputs["manageMasterUserPassword"] is True


def test_the_database_is_kept_reached_over_tls_and_set_back_to_any_moment(cloud: Cloud) -> None:
    database = cloud.one("Cluster", "database").inputs
    assert database["deletionProtection"] and not database["skipFinalSnapshot"]
    assert database["backupRetentionPeriod"] == 35 and not database["deleteAutomatedBackups"]
    assert database["iamDatabaseAuthenticationEnabled"] is True
    parameters = {one["name"]: one["value"] for one in cloud.of("ClusterParameterGroup")[0].inputs["parameters"]}
    assert parameters["rds.force_ssl"] == "1" and parameters["ssl_min_protocol_version"] == "TLSv1.2"
    assert not any(one.inputs["publiclyAccessible"] for one in cloud.of("ClusterInstance"))
    assert len(cloud.of("ClusterInstance")) >= 2


def test_the_cache_takes_tls_and_at_first_admits_nobody(cloud: Cloud) -> None:
    cache = cloud.of("ReplicationGroup")[0].inputs
    assert (cache["transitEncryptionEnabled"], cache["transitEncryptionMode"]) == (True, "required")
    assert cache["multiAzEnabled"] and cache["automaticFailoverEnabled"] and cache["atRestEncryptionEnabled"]
    (user,) = cloud.of("User")
    assert user.inputs["authenticationMode"] == {"type": "iam"} and user.inputs["userId"] == user.inputs["userName"]
    assert user.inputs["accessString"] == "off -@all"


def test_the_users_that_the_operator_admits_are_no_drift_of_the_stack(cloud: Cloud) -> None:
    (group,) = cloud.of("UserGroup")
    assert cloud.of("ReplicationGroup")[0].inputs["userGroupIds"] == [group.inputs["userGroupId"]] == ["north-live"]
    assert "userIds" in group.ignored and group.inputs["userIds"] == ["north-live-nobody"]


def test_who_makes_logins_may_make_those_and_nothing_else(cloud: Cloud) -> None:
    policies = {one.name: json.loads(one.inputs["policy"])["Statement"] for one in cloud.of("RolePolicy")}
    here = "arn:aws:elasticache:eu-west-2:111122223333"
    make, admit = policies["operator"]
    assert make["Resource"] == f"{here}:user:casino-*"
    assert admit["Resource"] == [f"{here}:usergroup:north-live", f"{here}:user:casino-*"]
    assert {action.split(":")[0] for one in (make, admit) for action in one["Action"]} == {"elasticache"}
    read, opened = policies["database-logins"]
    assert (read["Action"], read["Resource"]) == ("secretsmanager:GetSecretValue", "arn:secret")
    assert (opened["Action"], opened["Resource"]) == ("kms:Decrypt", key(cloud, "data"))
    assert opened["Condition"] == {"StringEquals": {"kms:ViaService": "secretsmanager.eu-west-2.amazonaws.com"}}
    # The stack's own user is none that the operator could change.
    assert not cloud.of("User")[0].inputs["userId"].startswith("casino-")


def test_buckets_are_closed_to_the_public_and_versioned(cloud: Cloud) -> None:
    names = {spec.purpose for spec in BUCKETS}
    for kind in ("BucketPublicAccessBlock", "BucketVersioning", "BucketOwnershipControls", "BucketPolicy"):
        assert {one.name for one in cloud.of(kind)} == names
    for one in cloud.of("BucketPublicAccessBlock"):
        assert all(
            value is True for field, value in one.inputs.items() if field.startswith(("block", "ignore", "rest"))
        )
    for one in cloud.of("BucketPolicy"):
        sids = {statement["Sid"] for statement in json.loads(one.inputs["policy"])["Statement"]}
        assert {"DenyPlainText", "DenyOldTls", "DenyOutsideOrganization"} <= sids
        assert ("DenyOtherKeys" in sids) == (one.name != "access-logs")
    assert not any(one.inputs["forceDestroy"] for one in cloud.of("Bucket"))


def test_records_are_locked_in_compliance_mode_for_the_jurisdictions_retention(cloud: Cloud) -> None:
    locks = {one.name: one.inputs["rule"]["defaultRetention"] for one in cloud.of("BucketObjectLockConfiguration")}
    assert locks == {name: {"mode": "COMPLIANCE", "years": 5} for name in ("audit", "regulator-copy")}
    locked = {one.name for one in cloud.of("Bucket") if one.inputs["objectLockEnabled"]}
    assert locked == set(locks)
    for one in cloud.of("BucketObjectLockConfiguration"):
        assert f"aws:s3/bucketVersioning:BucketVersioning::{one.name}" in before(cloud, one)


def test_outside_production_a_lock_can_be_lifted() -> None:
    assert lock_for(False, 10) == Lock("GOVERNANCE", days=1)
    found = bare()
    assert {one.inputs["rule"]["defaultRetention"]["mode"] for one in found.of("BucketObjectLockConfiguration")} == {
        "GOVERNANCE"
    }
    assert "changeableForDays" not in found.of("VaultLockConfiguration")[0].inputs
    assert not found.one("LoadBalancer", "edge").inputs["enableDeletionProtection"]
    assert found.one("Cluster", "database").inputs["deletionProtection"]


def test_access_logs_are_written_where_their_policy_already_stands(cloud: Cloud) -> None:
    policy = "aws:s3/bucketPolicy:BucketPolicy::access-logs"
    assert policy in before(cloud, cloud.one("LoadBalancer", "edge"))
    for one in cloud.of("BucketLogging"):
        assert policy in before(cloud, one) and one.inputs["targetPrefix"] == f"s3/{one.name}/"
    assert len(cloud.of("BucketLogging")) == len(BUCKETS) - 1


def test_the_registry_has_a_repository_for_each_image_that_the_cluster_runs(cloud: Cloud) -> None:
    names = {one.inputs["name"] for one in cloud.of("Repository")}
    assert names == {one.name for one in needed()} and {"domicile/operator", "zalando/skipper"} <= names
    more = run(cell_program(plan(images=["grafana/alloy", "zalando/skipper"])))
    assert {one.inputs["name"] for one in more.of("Repository")} == names | {"grafana/alloy"}


def test_how_many_nodes_there_are_is_said_and_is_not_left_to_anybody(cloud: Cloud) -> None:
    group = cloud.one("NodeGroup", "nodes")
    assert group.inputs["scalingConfig"] == {"minSize": 3, "maxSize": 3, "desiredSize": 3} and group.ignored == ()
    more = run(cell_program(plan(nodes=5)))
    assert more.one("NodeGroup", "nodes").inputs["scalingConfig"] == {"minSize": 5, "maxSize": 5, "desiredSize": 5}


def test_images_have_tags_that_never_move_and_are_scanned(cloud: Cloud) -> None:
    for one in cloud.of("Repository"):
        assert one.inputs["imageTagMutability"] == "IMMUTABLE"
        assert one.inputs["imageScanningConfiguration"] == {"scanOnPush": True}
    for one in cloud.of("LifecyclePolicy"):
        (rule,) = json.loads(one.inputs["policy"])["rules"]
        assert rule["selection"]["tagStatus"] == "untagged"


def test_the_cluster_is_private_and_entered_by_access_entries(cloud: Cloud) -> None:
    cluster = cloud.one("Cluster", "cluster").inputs
    assert cluster["vpcConfig"]["endpointPrivateAccess"] is True
    assert cluster["vpcConfig"]["endpointPublicAccess"] is False
    assert cluster["accessConfig"] == {"authenticationMode": "API", "bootstrapClusterCreatorAdminPermissions": False}
    assert len(cluster["enabledClusterLogTypes"]) == 5
    assert {one.inputs["policyArn"].rsplit("/", 1)[-1] for one in cloud.of("AccessPolicyAssociation")} == {
        "AmazonEKSClusterAdminPolicy",
        "AmazonEKSAdminViewPolicy",
    }


def test_an_api_that_is_reached_from_outside_is_reached_from_named_networks() -> None:
    vpc = bare().one("Cluster", "cluster").inputs["vpcConfig"]
    assert vpc["endpointPublicAccess"] is True and vpc["publicAccessCidrs"] == ["198.51.100.0/24"]


def test_roles_are_whole_before_anything_takes_them(cloud: Cloud) -> None:
    attached = "aws:iam/rolePolicyAttachment:RolePolicyAttachment::"
    assert f"{attached}cluster-AmazonEKSClusterPolicy" in before(cloud, cloud.one("Cluster", "cluster"))
    nodes = before(cloud, cloud.one("NodeGroup", "nodes"))
    assert f"{attached}nodes-AmazonEKSWorkerNodePolicy" in nodes
    assert f"{attached}backup-AWSBackupServiceRolePolicyForBackup" in before(cloud, cloud.of("Selection")[0])
    assert "aws:iam/rolePolicy:RolePolicy::flow-logs" in before(cloud, cloud.of("FlowLog")[0])


def test_log_groups_are_there_before_what_would_make_them_without_a_key(cloud: Cloud) -> None:
    groups = {one.inputs["name"] for one in cloud.of("LogGroup")}
    assert {"/aws/eks/north-live/cluster", "/aws/rds/cluster/north-live/postgresql"} <= groups
    assert "aws-waf-logs-north-live" in groups
    for name in ("cluster", "database"):
        assert f"aws:cloudwatch/logGroup:LogGroup::{name}-log" in before(cloud, cloud.one("Cluster", name))


def test_nodes_come_with_the_network_and_before_what_needs_nodes(cloud: Cloud) -> None:
    nodes = before(cloud, cloud.one("NodeGroup", "nodes"))
    assert "aws:eks/addon:Addon::vpc-cni" in nodes and "aws:ec2/vpcEndpoint:VpcEndpoint::ecr-api" in nodes
    assert "aws:eks/podIdentityAssociation:PodIdentityAssociation::pod-network" in nodes
    for name in ("coredns", "metrics-server", "aws-ebs-csi-driver"):
        assert "aws:eks/nodeGroup:NodeGroup::nodes" in before(cloud, cloud.one("Addon", name))
    assert json.loads(cloud.one("Addon", "vpc-cni").inputs["configurationValues"])["enableNetworkPolicy"] == "true"


def test_a_pod_does_not_reach_its_nodes_credentials(cloud: Cloud) -> None:
    options = cloud.of("LaunchTemplate")[0].inputs["metadataOptions"]
    assert (options["httpTokens"], options["httpPutResponseHopLimit"]) == ("required", 1)


def test_backups_are_locked_in_the_cells_own_territory(cloud: Cloud) -> None:
    (lock,) = cloud.of("VaultLockConfiguration")
    assert lock.inputs["changeableForDays"] == 3
    assert lock.inputs["minRetentionDays"] < lock.inputs["maxRetentionDays"]
    assert all(LEAST_DAYS <= rule.days <= MOST_DAYS for rule in RULES)
    (schedule,) = cloud.of("Plan")
    assert all(not rule.get("copyActions") for rule in schedule.inputs["rules"])
    assert len(cloud.of("Selection")[0].inputs["resources"]) == 2


def test_players_meet_tls_and_the_web_firewall(cloud: Cloud) -> None:
    (listener,) = cloud.of("Listener")
    assert (listener.inputs["port"], listener.inputs["protocol"]) == (443, "HTTPS")
    assert listener.inputs["sslPolicy"].startswith("ELBSecurityPolicy-TLS13-1-2")
    assert "aws:acm/certificateValidation:CertificateValidation::certificate" in before(cloud, listener)
    (acl,) = cloud.of("WebAcl")
    priorities = [rule["priority"] for rule in acl.inputs["rules"]]
    assert priorities == sorted(set(priorities)) and len(priorities) == 5
    assert cloud.of("WebAclAssociation")[0].inputs["resourceArn"].endswith("LoadBalancer/edge")
    hidden = cloud.of("WebAclLoggingConfiguration")[0].inputs["redactedFields"]
    assert {one["singleHeader"]["name"] for one in hidden} == {"authorization", "cookie"}


ALARMS = alarms(2, ("eu-west-2a", "eu-west-2b", "eu-west-2c"))


def test_alarms_watch_each_node_of_the_cache_and_each_endpoint_of_the_firewall(cloud: Cloud) -> None:
    dimensions = {one.name: one.inputs["dimensions"] for one in cloud.of("MetricAlarm")}
    assert dimensions["cache-memory-2"] == {"CacheClusterId": "north-live-002"}
    firewall = {"FirewallName": "north-live", "AvailabilityZone": "eu-west-2c", "Engine": "Stateful"}
    assert dimensions["egress-drops-c"] == firewall
    assert dimensions["edge-targets"]["LoadBalancer"] == "app/edge/1"
    assert not any("{" in value for one in dimensions.values() for value in one.values())


def test_every_alarm_tells_somebody_and_is_on_the_dashboard(cloud: Cloud) -> None:
    (topic,) = cloud.of("Topic")
    arn = f"arn:aws:x:eu-west-2:111122223333:Topic/{topic.name}"
    assert {one.name for one in cloud.of("MetricAlarm")} == {one.name for one in ALARMS}
    assert all(one.inputs["alarmActions"] == [arn] == one.inputs["okActions"] for one in cloud.of("MetricAlarm"))
    widgets = json.loads(cloud.of("Dashboard")[0].inputs["dashboardBody"])["widgets"]
    assert [one["properties"]["title"] for one in widgets] == ["Alarms", *(one.name for one in ALARMS)]


def test_no_graph_of_the_dashboard_covers_another() -> None:
    widgets = json.loads(dashboard(ALARMS, dict.fromkeys(things(ALARMS), "x"), "eu-west-2", []))["widgets"]
    cells = [
        (x, y)
        for one in widgets
        for x in range(one["x"], one["x"] + one["width"])
        for y in range(one["y"], one["y"] + one["height"])
    ]
    assert len(cells) == len(set(cells)) and all(x < 24 for x, _ in cells)
