"""What moto lacks is there all the same: what was made is found, changed and gone through plain boto3."""

import base64
import functools
import json

import boto3
import botocore.session
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from domicile_lab.cloud import running_cloud
from domicile_lab.cloud.shelf import Shelf
from domicile_lab.cloud.shelf_families import load_families
from domicile_lab.cloud.shelf_hooks import HOOKS
from domicile_lab.cloud.shelf_parents import REQUIRED

REGION = "eu-west-2"
FAMILIES = load_families()


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    with running_cloud(tmp_path_factory.mktemp("cloud")) as cloud:
        yield cloud


@pytest.fixture(scope="module")
def client(cloud):
    session = boto3.Session()

    @functools.cache  # making one costs more than what it is used for
    def make(service, region=REGION, raw=False):
        text = (cloud.folder / "credentials").read_text()
        keys = dict(line.split(" = ") for line in text.splitlines() if " = " in line)
        url = cloud.raw_url if raw else cloud.endpoint_url
        config = Config(retries={"total_max_attempts": 1})
        return session.client(
            service, region_name=region, endpoint_url=url, verify=str(cloud.ca_file), config=config, **keys
        )

    return make


def fails(code, call, **parameters):
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    assert caught.value.response["Error"]["Code"] == code
    return caught.value.response["Error"]["Message"]


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: f"{family.service} {family.name}")
def test_a_family_names_what_exists(family):
    model = botocore.session.get_session().get_service_model(family.service)
    for name, task in family.tasks.items():
        shape = model.operation_model(name).input_shape
        members = set(shape.members) if shape else set()
        assert set(task.rename) <= members
        for hook in (task.hook, *task.then.values()):
            assert hook is None or hook in HOOKS
        if task.do in ("get", "update", "delete") and task.record is None and family.key:
            assert {task.rename.get(one, one) for one in members} & set(family.key), name
    assert family.hook is None or family.hook in HOOKS
    assert family.requires is None or family.requires in REQUIRED
    assert set(family.noted) <= set(model.operation_names)
    names = {one.name for one in FAMILIES if one.service == family.service}
    assert {*family.below, *family.held} <= names


def test_an_operation_belongs_to_one_family():
    operations = [(family.service, name) for family in FAMILIES for name in family.tasks]
    assert len(operations) == len(set(operations)) == len(Shelf()._by_operation)


@pytest.fixture(scope="module")
def network(cloud):
    keys = {"aws_access_key_id": "AKIA" + "A" * 16, "aws_secret_access_key": "x"}
    ec2 = boto3.client("ec2", region_name=REGION, endpoint_url=cloud.raw_url, **keys)
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{i}.0/24", AvailabilityZone=f"{REGION}{'ab'[i]}")["Subnet"]
        for i in range(2)
    ]
    return vpc, [one["SubnetId"] for one in subnets]


ROLE = "arn:aws:iam::123456789012:role/cluster"


def make_cluster(eks, network, name, **more):
    config = {"subnetIds": network[1], "endpointPublicAccess": False, "endpointPrivateAccess": True}
    access = {"authenticationMode": "API", "bootstrapClusterCreatorAdminPermissions": False}
    return eks.create_cluster(name=name, roleArn=ROLE, resourcesVpcConfig=config, accessConfig=access, **more)


def test_a_cluster_keeps_what_it_was_asked_for(client, network):
    eks = client("eks")
    make_cluster(eks, network, "kept", version="1.33", tags={"a": "b"}, deletionProtection=True)
    cluster = eks.describe_cluster(name="kept")["cluster"]
    assert cluster["accessConfig"]["authenticationMode"] == "API"
    assert cluster["resourcesVpcConfig"]["vpcId"] == network[0]
    assert cluster["version"] == "1.33" and cluster["status"] == "ACTIVE" and cluster["tags"] == {"a": "b"}
    fails("ResourceInUseException", make_cluster, eks=eks, network=network, name="kept")
    update = eks.update_cluster_config(name="kept", resourcesVpcConfig={"endpointPublicAccess": True})["update"]
    assert eks.describe_update(name="kept", updateId=update["id"])["update"]["status"] == "Successful"
    config = eks.describe_cluster(name="kept")["cluster"]["resourcesVpcConfig"]
    assert config["endpointPublicAccess"] and config["subnetIds"] == network[1]
    fails("InvalidRequestException", eks.delete_cluster, name="kept")
    eks.update_cluster_config(name="kept", deletionProtection=False)
    eks.tag_resource(resourceArn=cluster["arn"], tags={"c": "d"})
    eks.untag_resource(resourceArn=cluster["arn"], tagKeys=["a"])
    assert eks.list_tags_for_resource(resourceArn=cluster["arn"])["tags"] == {"c": "d"}
    assert eks.describe_cluster(name="kept")["cluster"]["tags"] == {"c": "d"}
    eks.get_waiter("cluster_active").wait(name="kept")
    eks.delete_cluster(name="kept")
    fails("ResourceNotFoundException", eks.describe_cluster, name="kept")
    eks.get_waiter("cluster_deleted").wait(name="kept")


def test_a_node_group_holds_its_cluster_and_takes_changes(client, network):
    eks = client("eks")
    make_cluster(eks, network, "nodes")
    args = {"clusterName": "nodes", "nodegroupName": "n"}
    fails("ResourceNotFoundException", eks.create_nodegroup, clusterName="none", nodegroupName="n", subnets=network[1],
          nodeRole=ROLE)  # fmt: skip
    eks.create_nodegroup(**args, subnets=network[1], nodeRole=ROLE, labels={"a": "1", "b": "2"})
    fails("ResourceInUseException", eks.delete_cluster, name="nodes")
    taint = {"key": "k", "value": "v", "effect": "NO_SCHEDULE"}
    eks.update_nodegroup_config(
        **args, labels={"addOrUpdateLabels": {"c": "3"}, "removeLabels": ["a"]}, taints={"addOrUpdateTaints": [taint]},
        scalingConfig={"desiredSize": 1},
    )  # fmt: skip
    group = eks.describe_nodegroup(**args)["nodegroup"]
    assert group["labels"] == {"b": "2", "c": "3"} and group["taints"] == [taint]
    assert group["scalingConfig"] == {"minSize": 1, "maxSize": 2, "desiredSize": 1}
    eks.delete_nodegroup(**args)
    eks.delete_cluster(name="nodes")


def test_access_entries_policies_addons_and_pod_identities(client, network):
    eks = client("eks")
    make_cluster(eks, network, "access")
    principal = "arn:aws:iam::123456789012:role/ops"
    entry = {"clusterName": "access", "principalArn": principal}
    policy = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy"
    scope = {"type": "namespace", "namespaces": ["a"]}
    fails("ResourceNotFoundException", eks.associate_access_policy, **entry, policyArn=policy, accessScope=scope)
    made = eks.create_access_entry(**entry, kubernetesGroups=["viewers"])["accessEntry"]
    assert made["username"] == "arn:aws:sts::123456789012:assumed-role/ops/{{SessionName}}"
    eks.update_access_entry(**entry, kubernetesGroups=["editors"])
    assert eks.describe_access_entry(**entry)["accessEntry"]["kubernetesGroups"] == ["editors"]
    eks.associate_access_policy(**entry, policyArn=policy, accessScope=scope)
    assert eks.list_access_entries(clusterName="access")["accessEntries"] == [principal]
    listed = eks.list_associated_access_policies(**entry)["associatedAccessPolicies"]
    assert [(one["policyArn"], one["accessScope"]) for one in listed] == [(policy, scope)]
    eks.create_addon(clusterName="access", addonName="vpc-cni", addonVersion="v1.20.0-eksbuild.1")
    assert eks.list_addons(clusterName="access")["addons"] == ["vpc-cni"]
    given = {"clusterName": "access", "namespace": "n", "roleArn": principal}
    made = [eks.create_pod_identity_association(**given, serviceAccount=one)["association"] for one in ("s", "t")]
    fails("ResourceInUseException", eks.create_pod_identity_association, **given, serviceAccount="t")
    found = eks.list_pod_identity_associations(clusterName="access")["associations"]
    assert [one["associationId"] for one in found] == [one["associationId"] for one in made]
    eks.delete_access_entry(**entry)
    assert eks.list_associated_access_policies(**entry)["associatedAccessPolicies"] == []
    eks.delete_cluster(name="access")
    make_cluster(eks, network, "access")
    assert eks.list_addons(clusterName="access")["addons"] == []
    eks.delete_cluster(name="access")


def test_a_cluster_has_the_lab_s_api_server_where_there_is_one(client, cloud, network):
    eks = client("eks")
    make_cluster(eks, network, "real")
    pem = "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n"
    file = cloud.folder / "cluster.json"
    file.write_text(json.dumps({"endpoint": "https://10.0.0.1:6443", "certificate_authority": pem}))
    cluster = eks.describe_cluster(name="real")["cluster"]
    file.unlink()
    assert cluster["endpoint"] == "https://10.0.0.1:6443"
    assert base64.b64decode(cluster["certificateAuthority"]["data"]).decode() == pem


def test_the_raw_side_has_the_same_shelf_and_accounts_have_their_own(client, network):
    make_cluster(client("eks"), network, "shared")
    assert "shared" in client("eks", raw=True).list_clusters()["clusters"]
    assert "shared" not in client("eks", "sa-east-1").list_clusters()["clusters"]


def test_backup_plans_selections_and_policies(client):
    backup = client("backup")
    backup.create_backup_vault(BackupVaultName="v")
    rule = {"RuleName": "daily", "TargetBackupVaultName": "v"}
    plan = backup.create_backup_plan(BackupPlan={"BackupPlanName": "p", "Rules": [rule]}, BackupPlanTags={"a": "b"})
    name = plan["BackupPlanId"]
    backup.update_backup_plan(BackupPlanId=name, BackupPlan={"BackupPlanName": "p2", "Rules": [rule]})
    assert backup.get_backup_plan(BackupPlanId=name)["BackupPlan"]["BackupPlanName"] == "p2"
    assert backup.list_tags(ResourceArn=plan["BackupPlanArn"])["Tags"] == {"a": "b"}
    chosen = {"SelectionName": "s", "IamRoleArn": ROLE, "Resources": ["*"]}
    selection = backup.create_backup_selection(BackupPlanId=name, BackupSelection=chosen)["SelectionId"]
    other = backup.create_backup_selection(BackupPlanId=name, BackupSelection=chosen)["SelectionId"]
    backup.delete_backup_selection(BackupPlanId=name, SelectionId=other)
    fails("InvalidRequestException", backup.delete_backup_plan, BackupPlanId=name)
    got = backup.get_backup_selection(BackupPlanId=name, SelectionId=selection)
    assert got["BackupSelection"]["Resources"] == ["*"]
    fails("ResourceNotFoundException", backup.get_backup_vault_access_policy, BackupVaultName="v")
    backup.put_backup_vault_access_policy(BackupVaultName="v", Policy="{}")
    backup.put_backup_vault_access_policy(BackupVaultName="v", Policy='{"a":1}')
    assert backup.get_backup_vault_access_policy(BackupVaultName="v")["Policy"] == '{"a":1}'
    backup.put_backup_vault_lock_configuration(BackupVaultName="v", MinRetentionDays=30)
    vault = backup.describe_backup_vault(BackupVaultName="v")
    assert vault["Locked"] and vault["MinRetentionDays"] == 30
    job = backup.start_backup_job(BackupVaultName="v", ResourceArn="arn:aws:rds:x", IamRoleArn=ROLE)
    points = backup.list_recovery_points_by_backup_vault(BackupVaultName="v")["RecoveryPoints"]
    assert [one["RecoveryPointArn"] for one in points] == [job["RecoveryPointArn"]]
    backup.delete_backup_selection(BackupPlanId=name, SelectionId=selection)
    backup.delete_backup_plan(BackupPlanId=name)
    fails("ResourceNotFoundException", backup.get_backup_plan, BackupPlanId=name)


def test_a_firewall_has_endpoints_that_routes_can_lead_to(client, network):
    firewall, ec2 = client("network-firewall"), client("ec2")
    vpc, subnets = network
    group = firewall.create_rule_group(
        RuleGroupName="g", Type="STATEFUL", Capacity=10, RuleGroup={"RulesSource": {"RulesString": "pass"}}
    )["RuleGroupResponse"]
    assert ":stateful-rulegroup/g" in group["RuleGroupArn"]
    document = {"StatelessDefaultActions": ["aws:pass"], "StatelessFragmentDefaultActions": ["aws:pass"]}
    policy = firewall.create_firewall_policy(FirewallPolicyName="p", FirewallPolicy=document)["FirewallPolicyResponse"]
    made = firewall.create_firewall(
        FirewallName="f", FirewallPolicyArn=policy["FirewallPolicyArn"], VpcId=vpc,
        SubnetMappings=[{"SubnetId": one} for one in subnets], DeleteProtection=True,
    )  # fmt: skip
    states = made["FirewallStatus"]["SyncStates"]
    assert set(states) == {f"{REGION}a", f"{REGION}b"}
    endpoint = states[f"{REGION}a"]["Attachment"]["EndpointId"]
    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", VpcEndpointId=endpoint)
    arn = made["Firewall"]["FirewallArn"]
    logged = {"LogType": "ALERT", "LogDestinationType": "CloudWatchLogs", "LogDestination": {"logGroup": "l"}}
    firewall.update_logging_configuration(FirewallArn=arn, LoggingConfiguration={"LogDestinationConfigs": [logged]})
    config = firewall.describe_logging_configuration(FirewallName="f")["LoggingConfiguration"]
    assert config["LogDestinationConfigs"] == [logged]
    fails("InvalidOperationException", firewall.delete_firewall_policy, FirewallPolicyName="p")
    fails("InvalidOperationException", firewall.delete_firewall, FirewallName="f")
    firewall.update_firewall_delete_protection(FirewallName="f", DeleteProtection=False)
    firewall.delete_firewall(FirewallArn=arn)
    fails("ResourceNotFoundException", firewall.describe_firewall, FirewallName="f")
    assert ec2.describe_vpc_endpoints(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["VpcEndpoints"] == []
    firewall.delete_firewall_policy(FirewallPolicyName="p")


def test_cache_parameters_subnets_and_users(client, network):
    cache = client("elasticache")
    given = {"CacheParameterGroupName": "pg", "CacheParameterGroupFamily": "valkey8", "Description": "d"}
    cache.create_cache_parameter_group(**given, Tags=[{"Key": "a", "Value": "b"}])
    values = [{"ParameterName": "maxmemory-policy", "ParameterValue": "noeviction"}]
    cache.modify_cache_parameter_group(CacheParameterGroupName="pg", ParameterNameValues=values)
    got = cache.describe_cache_parameters(CacheParameterGroupName="pg", Source="user")["Parameters"]
    assert got[0]["ParameterValue"] == "noeviction"
    found = cache.describe_cache_parameter_groups(CacheParameterGroupName="pg")["CacheParameterGroups"]
    arn = found[0]["ARN"]
    cache.add_tags_to_resource(ResourceName=arn, Tags=[{"Key": "c", "Value": "d"}])
    cache.remove_tags_from_resource(ResourceName=arn, TagKeys=["a"])
    assert cache.list_tags_for_resource(ResourceName=arn)["TagList"] == [{"Key": "c", "Value": "d"}]
    fails("CacheParameterGroupNotFound", cache.describe_cache_parameter_groups, CacheParameterGroupName="none")
    cache.create_cache_subnet_group(
        CacheSubnetGroupName="sg", CacheSubnetGroupDescription="d", SubnetIds=network[1][:1]
    )
    cache.modify_cache_subnet_group(CacheSubnetGroupName="sg", SubnetIds=network[1])
    group = cache.describe_cache_subnet_groups(CacheSubnetGroupName="sg")["CacheSubnetGroups"][0]
    assert group["VpcId"] == network[0] and len(group["Subnets"]) == 2
    cache.delete_cache_subnet_group(CacheSubnetGroupName="sg")
    fails("CacheSubnetGroupNotFoundFault", cache.describe_cache_subnet_groups, CacheSubnetGroupName="sg")
    user = {"UserId": "u", "UserName": "u", "Engine": "valkey", "AccessString": "on ~* +@all"}
    assert cache.create_user(**user, AuthenticationMode={"Type": "iam"})["Authentication"]["Type"] == "iam"
    cache.modify_user(UserId="u", AccessString="on ~a* +@read")
    assert cache.describe_users(UserId="u")["Users"][0]["AccessString"] == "on ~a* +@read"
    cache.create_user_group(UserGroupId="ug", Engine="valkey", UserIds=["u"])
    cache.modify_user_group(UserGroupId="ug", UserIdsToAdd=["w"], UserIdsToRemove=["u"])
    assert cache.describe_user_groups(UserGroupId="ug")["UserGroups"][0]["UserIds"] == ["w"]


def test_budgets_change_and_have_subscribers(client):
    budgets = client("budgets")
    account = "123456789012"
    budget = {
        "BudgetName": "b",
        "BudgetType": "COST",
        "TimeUnit": "MONTHLY",
        "BudgetLimit": {"Amount": "5", "Unit": "USD"},
    }
    notification = {"NotificationType": "ACTUAL", "ComparisonOperator": "GREATER_THAN", "Threshold": 80.0}
    subscribers = [{"SubscriptionType": "EMAIL", "Address": "ops@example.com"}]
    budgets.create_budget(
        AccountId=account, Budget=budget, ResourceTags=[{"Key": "a", "Value": "b"}],
        NotificationsWithSubscribers=[{"Notification": notification, "Subscribers": subscribers}],
    )  # fmt: skip
    listed = budgets.describe_notifications_for_budget(AccountId=account, BudgetName="b")["Notifications"]
    assert [one["Threshold"] for one in listed] == [80.0]
    got = budgets.describe_subscribers_for_notification(AccountId=account, BudgetName="b", Notification=notification)[
        "Subscribers"
    ]
    assert got == subscribers
    limit = {"Amount": "9", "Unit": "USD"}
    budgets.update_budget(AccountId=account, NewBudget=budget | {"BudgetLimit": limit})
    assert budgets.describe_budget(AccountId=account, BudgetName="b")["Budget"]["BudgetLimit"] == limit
    budgets.delete_budget(AccountId=account, BudgetName="b")
    fails("NotFoundException", budgets.describe_budget, AccountId=account, BudgetName="b")


def test_the_organisation_s_security_services(client):
    analyzer = client("accessanalyzer")
    arn = analyzer.create_analyzer(analyzerName="a", type="ORGANIZATION", tags={"a": "b"})["arn"]
    assert analyzer.get_analyzer(analyzerName="a")["analyzer"]["status"] == "ACTIVE"
    assert analyzer.list_tags_for_resource(resourceArn=arn)["tags"] == {"a": "b"}
    assert analyzer.list_findings_v2(analyzerArn=arn)["findings"] == []
    analyzer.delete_analyzer(analyzerName="a")
    fails("ResourceNotFoundException", analyzer.get_analyzer, analyzerName="a")
    guardduty = client("guardduty")
    detector = guardduty.create_detector(Enable=True, Tags={"a": "b"})["DetectorId"]
    arn = f"arn:aws:guardduty:{REGION}:123456789012:detector/{detector}"
    guardduty.tag_resource(ResourceArn=arn, Tags={"c": "d"})
    assert guardduty.list_tags_for_resource(ResourceArn=arn)["Tags"] == {"a": "b", "c": "d"}
    guardduty.enable_organization_admin_account(AdminAccountId="111122223333")
    admins = guardduty.list_organization_admin_accounts()["AdminAccounts"]
    assert [one["AdminAccountId"] for one in admins] == ["111122223333"]
    guardduty.disable_organization_admin_account(AdminAccountId="111122223333")
    assert guardduty.list_organization_admin_accounts()["AdminAccounts"] == []
    hub = client("securityhub")
    hub.enable_organization_admin_account(AdminAccountId="111122223333")
    assert hub.list_organization_admin_accounts()["AdminAccounts"][0]["Status"] == "ENABLED"


def test_members_of_the_security_services_are_for_their_administrator_to_enrol(client):
    guardduty, hub = client("guardduty"), client("securityhub")
    detector = guardduty.create_detector(Enable=True)["DetectorId"]
    enrol = {"DetectorId": detector, "AutoEnableOrganizationMembers": "ALL"}
    fails("BadRequestException", guardduty.update_organization_configuration, **enrol)
    fails("InvalidAccessException", hub.update_organization_configuration, AutoEnable=False)
    details = [{"AccountId": "111122223333", "Email": "a@b.example"}]
    fails("InvalidAccessException", hub.create_members, AccountDetails=details)

    guardduty.enable_organization_admin_account(AdminAccountId="123456789012")
    guardduty.update_organization_configuration(**enrol)
    for name, enrols in (("S3_DATA_EVENTS", "ALL"), ("EKS_AUDIT_LOGS", "NEW"), ("S3_DATA_EVENTS", "NONE")):
        guardduty.update_organization_configuration(**enrol, Features=[{"Name": name, "AutoEnable": enrols}])
    told = guardduty.describe_organization_configuration(DetectorId=detector)
    assert told["AutoEnableOrganizationMembers"] == "ALL"
    assert {one["Name"]: one["AutoEnable"] for one in told["Features"]} == {
        "EKS_AUDIT_LOGS": "NEW",
        "S3_DATA_EVENTS": "NONE",
    }

    hub.enable_organization_admin_account(AdminAccountId="123456789012")
    hub.update_organization_configuration(AutoEnable=False, AutoEnableStandards="NONE")
    assert hub.describe_organization_configuration()["AutoEnableStandards"] == "NONE"
    hub.create_members(AccountDetails=details)
    fails("ResourceConflictException", hub.create_members, AccountDetails=details)
    (member,) = hub.get_members(AccountIds=["111122223333"])["Members"]
    assert (member["MemberStatus"], member["AdministratorId"]) == ("Enabled", "123456789012")
    hub.disassociate_members(AccountIds=["111122223333"])
    hub.delete_members(AccountIds=["111122223333"])
    assert hub.get_members(AccountIds=["111122223333"])["Members"] == []


def test_settings_of_a_region(client):
    ec2 = client("ec2")
    assert ec2.get_image_block_public_access_state()["ImageBlockPublicAccessState"] == "block-new-sharing"
    ec2.disable_image_block_public_access()
    assert ec2.get_image_block_public_access_state()["ImageBlockPublicAccessState"] == "unblocked"
    assert ec2.get_serial_console_access_status()["SerialConsoleAccessEnabled"] is False
    ec2.enable_serial_console_access()
    assert ec2.get_serial_console_access_status()["SerialConsoleAccessEnabled"] is True
    assert ec2.get_snapshot_block_public_access_state()["State"] == "unblocked"
    assert ec2.get_ebs_default_kms_key_id()["KmsKeyId"].endswith("alias/aws/ebs")
    key = client("kms").create_key()["KeyMetadata"]["Arn"]
    ec2.modify_ebs_default_kms_key_id(KmsKeyId=key)
    assert ec2.get_ebs_default_kms_key_id()["KmsKeyId"] == key


def test_the_organisation_keeps_the_rules_of_the_real_one(client):
    organizations = client("organizations")
    organizations.create_organization(FeatureSet="ALL")
    root = organizations.list_roots()["Roots"][0]["Id"]
    unit = organizations.create_organizational_unit(ParentId=root, Name="u")["OrganizationalUnit"]["Id"]
    content = '{"Version":"2012-10-17","Statement":[]}'
    given = {"Description": "d", "Type": "SERVICE_CONTROL_POLICY"}
    policy = organizations.create_policy(Name="p", Content=content, **given)["Policy"]["PolicySummary"]["Id"]
    fails("PolicyTypeNotEnabledException", organizations.attach_policy, PolicyId=policy, TargetId=unit)
    organizations.enable_policy_type(RootId=root, PolicyType="SERVICE_CONTROL_POLICY")
    organizations.attach_policy(PolicyId=policy, TargetId=unit)
    message = fails("ConstraintViolationException", organizations.create_policy, Name="q", Content="x" * 5121, **given)
    assert "5121 characters" in message
    organizations.enable_policy_type(RootId=root, PolicyType="DECLARATIVE_POLICY_EC2")
    declared = organizations.create_policy(
        Name="d", Description="d", Type="DECLARATIVE_POLICY_EC2", Content='{"ec2_attributes":{}}'
    )["Policy"]["PolicySummary"]
    assert declared["Type"] == "DECLARATIVE_POLICY_EC2" and "/declarative_policy_ec2/" in declared["Arn"]
    organizations.attach_policy(PolicyId=declared["Id"], TargetId=unit)
    listed = organizations.list_policies_for_target(TargetId=unit, Filter="DECLARATIVE_POLICY_EC2")["Policies"]
    assert [one["Name"] for one in listed] == ["d"]
    organizations.create_organizational_unit(ParentId=unit, Name="below")
    fails("OrganizationalUnitNotEmptyException", organizations.delete_organizational_unit, OrganizationalUnitId=unit)
    account = organizations.create_account(AccountName="s", Email="s@example.com")["CreateAccountStatus"]["AccountId"]
    organizations.register_delegated_administrator(AccountId=account, ServicePrincipal="securityhub.amazonaws.com")


def test_a_log_group_takes_and_drops_its_key(client):
    logs = client("logs")
    logs.create_log_group(logGroupName="/a")
    logs.associate_kms_key(logGroupName="/a", kmsKeyId="arn:aws:kms:eu-west-2:1:key/k")
    assert logs.describe_log_groups(logGroupNamePrefix="/a")["logGroups"][0]["kmsKeyId"].endswith("key/k")
    logs.put_log_group_deletion_protection(logGroupIdentifier="/a", deletionProtectionEnabled=True)
    assert logs.describe_log_groups(logGroupNamePrefix="/a")["logGroups"][0]["deletionProtectionEnabled"]
    logs.disassociate_kms_key(logGroupName="/a")
    assert "kmsKeyId" not in logs.describe_log_groups(logGroupNamePrefix="/a")["logGroups"][0]


def test_a_key_says_how_often_it_is_rotated(client):
    kms = client("kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    assert "RotationPeriodInDays" not in kms.get_key_rotation_status(KeyId=key)
    kms.enable_key_rotation(KeyId=key, RotationPeriodInDays=180)
    assert kms.get_key_rotation_status(KeyId=key)["RotationPeriodInDays"] == 180


def test_a_key_whose_policy_denies_under_a_condition_is_read(client):
    kms = client("kms")
    denied = {"Sid": "d", "Effect": "Deny", "Principal": "*", "Action": "kms:*", "Resource": "*"}
    condition = {"StringNotEquals": {"aws:PrincipalOrgID": "o-1"}}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [denied | {"Condition": condition}]})
    key = kms.create_key(Policy=policy, BypassPolicyLockoutSafetyCheck=True)["KeyMetadata"]["KeyId"]
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyId"] == key


def test_symmetric_keys_encrypt_and_asymmetric_ones_sign(client):
    kms = client("kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    sealed = kms.encrypt(KeyId=key, Plaintext=b"held")["CiphertextBlob"]
    assert kms.decrypt(CiphertextBlob=sealed)["Plaintext"] == b"held"
    signer = kms.create_key(KeyUsage="SIGN_VERIFY", KeySpec="RSA_2048")["KeyMetadata"]["KeyId"]
    given = {"KeyId": signer, "Message": b"m", "SigningAlgorithm": "RSASSA_PSS_SHA_256"}
    assert kms.verify(**given, Signature=kms.sign(**given)["Signature"])["SignatureValid"]


def test_a_rule_for_a_group_has_its_description(client, network):
    ec2 = client("ec2")
    group = ec2.create_security_group(GroupName="g", Description="d", VpcId=network[0])["GroupId"]
    pair = {"GroupId": group, "Description": "from itself"}
    rule = {"IpProtocol": "tcp", "FromPort": 1, "ToPort": 1, "UserIdGroupPairs": [pair]}
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[rule])
    rules = ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [group]}])["SecurityGroupRules"]
    assert [one["Description"] for one in rules if not one["IsEgress"]] == ["from itself"]


def test_a_flow_log_may_have_a_prefix_in_its_bucket(client, network):
    client("s3").create_bucket(Bucket="flow-logs", CreateBucketConfiguration={"LocationConstraint": REGION})
    ec2, destination = client("ec2"), "arn:aws:s3:::flow-logs/a/b"
    made = ec2.create_flow_logs(
        ResourceIds=[network[0]], ResourceType="VPC", TrafficType="ALL", LogDestinationType="s3",
        LogDestination=destination,
    )  # fmt: skip
    assert made["Unsuccessful"] == []
    found = ec2.describe_flow_logs(FlowLogIds=made["FlowLogIds"])["FlowLogs"]
    assert [one["LogDestination"] for one in found] == [destination]


def test_an_identity_provider_s_clients_change(client):
    iam = client("iam")
    made = iam.create_open_id_connect_provider(
        Url="https://a.example.com", ClientIDList=["x"], ThumbprintList=["0" * 40]
    )
    arn = made["OpenIDConnectProviderArn"]
    iam.add_client_id_to_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID="y")
    iam.remove_client_id_from_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID="x")
    assert iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)["ClientIDList"] == ["y"]


def test_a_certificate_and_a_hub_take_other_options(client):
    acm = client("acm")
    given = {"DomainName": "a.example.com", "ValidationMethod": "DNS", "KeyAlgorithm": "EC_prime256v1"}
    arn = acm.request_certificate(**given)["CertificateArn"]
    assert acm.describe_certificate(CertificateArn=arn)["Certificate"]["KeyAlgorithm"] == "EC_prime256v1"
    acm.update_certificate_options(CertificateArn=arn, Options={"CertificateTransparencyLoggingPreference": "DISABLED"})
    options = acm.describe_certificate(CertificateArn=arn)["Certificate"]["Options"]
    assert options["CertificateTransparencyLoggingPreference"] == "DISABLED"
    hub = client("securityhub")
    hub.enable_security_hub()
    hub.update_security_hub_configuration(AutoEnableControls=False)
    assert hub.describe_hub()["AutoEnableControls"] is False


def test_a_database_cluster_takes_its_automated_snapshots_with_it(client):
    rds = client("rds")
    rds.create_db_cluster(
        DBClusterIdentifier="brief", Engine="aurora-postgresql", MasterUsername="u", MasterUserPassword="p" * 12
    )
    rds.create_db_cluster_snapshot(DBClusterIdentifier="brief", DBClusterSnapshotIdentifier="kept")
    automated = {"DBClusterIdentifier": "brief", "SnapshotType": "automated"}
    assert rds.describe_db_cluster_snapshots(**automated)["DBClusterSnapshots"]
    rds.delete_db_cluster(DBClusterIdentifier="brief", SkipFinalSnapshot=True)
    left = rds.describe_db_cluster_snapshots()["DBClusterSnapshots"]
    assert [one["DBClusterSnapshotIdentifier"] for one in left if one["DBClusterIdentifier"] == "brief"] == ["kept"]


def test_a_database_cluster_s_parameters_are_reset_and_its_data_api_switched(client):
    rds = client("rds")
    group = {"DBClusterParameterGroupName": "cpg"}
    rds.create_db_cluster_parameter_group(**group, DBParameterGroupFamily="aurora-postgresql17", Description="d")
    value = {"ParameterName": "rds.force_ssl", "ParameterValue": "1", "ApplyMethod": "pending-reboot"}
    rds.modify_db_cluster_parameter_group(**group, Parameters=[value])
    assert len(rds.describe_db_cluster_parameters(**group)["Parameters"]) == 1
    rds.reset_db_cluster_parameter_group(**group, Parameters=[value])
    assert rds.describe_db_cluster_parameters(**group)["Parameters"] == []
    cluster = rds.create_db_cluster(
        DBClusterIdentifier="c", Engine="aurora-postgresql", MasterUsername="a", MasterUserPassword="password1"
    )["DBCluster"]
    assert rds.enable_http_endpoint(ResourceArn=cluster["DBClusterArn"])["HttpEndpointEnabled"]
    assert rds.describe_db_clusters(DBClusterIdentifier="c")["DBClusters"][0]["HttpEndpointEnabled"]


def test_databases_and_caches_keep_what_they_were_asked_for(client, network):
    rds = client("rds")
    group = {"DBSubnetGroupName": "sg", "SubnetIds": network[1]}
    rds.create_db_subnet_group(**group, DBSubnetGroupDescription="d")
    rds.modify_db_subnet_group(**group, DBSubnetGroupDescription="e")
    assert rds.describe_db_subnet_groups(DBSubnetGroupName="sg")["DBSubnetGroups"][0]["DBSubnetGroupDescription"] == "e"
    rds.create_db_instance(
        DBInstanceIdentifier="i", DBInstanceClass="db.r8g.large", Engine="postgres", EnablePerformanceInsights=True,
        PerformanceInsightsKMSKeyId="arn:aws:kms:eu-west-2:1:key/k", MasterUsername="a", MasterUserPassword="password1",
        AllocatedStorage=20,
    )  # fmt: skip
    instance = rds.describe_db_instances(DBInstanceIdentifier="i")["DBInstances"][0]
    assert instance["PerformanceInsightsEnabled"] and instance["PerformanceInsightsKMSKeyId"].endswith("key/k")
    rds.modify_db_instance(DBInstanceIdentifier="i", EnablePerformanceInsights=False)
    assert not rds.describe_db_instances(DBInstanceIdentifier="i")["DBInstances"][0]["PerformanceInsightsEnabled"]
    cache = client("elasticache")
    given = {"ReplicationGroupId": "rg", "ReplicationGroupDescription": "d"}
    for _ in range(2):  # one that is deleted is gone, and can be made again
        cache.create_replication_group(
            **given, NumCacheClusters=2, AutomaticFailoverEnabled=True, Engine="valkey", CacheNodeType="cache.r7g.large"
        )
        found = cache.describe_replication_groups(ReplicationGroupId="rg")["ReplicationGroups"][0]
        assert found["MemberClusters"] == ["rg-001", "rg-002"]
        cache.delete_replication_group(ReplicationGroupId="rg")


def test_logs_may_go_to_a_bucket_for_tls_alone(client):
    s3 = client("s3")
    for bucket in ("logged", "log-archive"):
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    tls = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::log-archive/*",
           "Condition": {"Bool": {"aws:SecureTransport": "false"}}}  # fmt: skip
    target = {"LoggingEnabled": {"TargetBucket": "log-archive", "TargetPrefix": "a/"}}
    s3.put_bucket_policy(Bucket="log-archive", Policy=json.dumps({"Statement": [tls]}))
    fails("InvalidTargetBucketForLogging", s3.put_bucket_logging, Bucket="logged", BucketLoggingStatus=target)
    allowed = {"Effect": "Allow", "Principal": {"Service": "logging.s3.amazonaws.com"}, "Action": ["s3:PutObject"],
               "Resource": ["arn:aws:s3:::log-archive/*"]}  # fmt: skip
    s3.put_bucket_policy(Bucket="log-archive", Policy=json.dumps({"Statement": [tls, allowed]}))
    s3.put_bucket_logging(Bucket="logged", BucketLoggingStatus=target)
    assert s3.get_bucket_logging(Bucket="logged")["LoggingEnabled"]["TargetBucket"] == "log-archive"


def test_a_trail_is_told_and_deleted_by_its_name_or_arn(client):
    client("s3").create_bucket(Bucket="trail-archive", CreateBucketConfiguration={"LocationConstraint": REGION})
    trails = client("cloudtrail")
    arns = [trails.create_trail(Name=one, S3BucketName="trail-archive")["TrailARN"] for one in ("one", "two")]
    told = trails.describe_trails(trailNameList=[arns[1]])["trailList"]
    assert [one["Name"] for one in told] == ["two"]
    trails.delete_trail(Name=arns[1])
    assert [one["Name"] for one in trails.describe_trails()["trailList"]] == ["one"]


def test_regions_are_opted_into(client):
    account = client("account")
    assert account.get_region_opt_status(RegionName="il-central-1")["RegionOptStatus"] == "ENABLED_BY_DEFAULT"
    account.enable_region(RegionName="il-central-1")
    assert account.get_region_opt_status(RegionName="il-central-1")["RegionOptStatus"] == "ENABLED"


def test_what_nobody_made_is_an_empty_list_or_the_service_s_own_error(client):
    cache = client("elasticache")
    assert cache.describe_serverless_caches()["ServerlessCaches"] == []
    assert cache.describe_global_replication_groups()["GlobalReplicationGroups"] == []
    assert client("memorydb").describe_multi_region_clusters()["MultiRegionClusters"] == []
    assert client("redshift").describe_data_shares()["DataShares"] == []
    assert client("datasync").list_tags_for_resource(ResourceArn="arn:aws:datasync:a:1:task/t")["Tags"] == []
    assert client("ssm").get_resource_policies(ResourceArn="arn:aws:ssm:a:1:parameter/p")["Policies"] == []
    fails("ReplicationNotFound", client("efs").describe_replication_configurations, FileSystemId="fs-12345678")
    glacier = client("glacier")
    fails("ResourceNotFoundException", glacier.get_vault_access_policy, accountId="-", vaultName="v")
    assert client("ec2").describe_snapshots(OwnerIds=["self"])["Snapshots"] == []
