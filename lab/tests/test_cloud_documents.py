"""The documents of policies/ say to the lab's cloud what they say to AWS: none of it is beyond what is judged."""

import fnmatch
import json
from pathlib import Path

import boto3
import botocore.session
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from domicile_lab.cloud import running_cloud, table
from domicile_lab.cloud.context import KNOWN
from domicile_lab.cloud.operations import Operation, models_of
from domicile_lab.cloud.resources import resource_of

GENERATED = Path(__file__).parents[2] / "policies" / "generated"
KINDS = {"residency": "SERVICE_CONTROL_POLICY", "perimeter": "SERVICE_CONTROL_POLICY",
         "guardrails": "SERVICE_CONTROL_POLICY", "integrity": "SERVICE_CONTROL_POLICY",
         "resources": "RESOURCE_CONTROL_POLICY"}  # fmt: skip
HOME, AWAY = "sa-east-1", "eu-west-2"  # of the zone br

# What only a service's own console does, or a service for itself: no call comes here that asks for it.
WITHOUT_OPERATION = {"account:CloseAccount", "backup:PutBackupVaultSharingPolicy", "s3:ReplicateObject"}


def statements():
    for file in sorted(GENERATED.glob("*/*.json")):
        if file.stem in KINDS:
            yield from json.loads(file.read_text())["Statement"]


def test_every_condition_key_is_told_to_the_evaluator():
    keys = {key.lower() for one in statements() for asked in one.get("Condition", {}).values() for key in asked}
    assert len(keys) > 10
    assert {key for key in keys if key not in KNOWN and f"{key.partition('/')[0]}/" not in KNOWN} == set()


def test_every_action_that_is_denied_by_name_is_one_that_some_operation_asks_for():
    listed = [one["Action"] for one in statements() if "Action" in one]
    actions = {action for one in listed for action in ([one] if isinstance(one, str) else one)} - {"*"}
    assert len(actions) > 100
    asked = {action for prefix in {one.partition(":")[0] for one in actions} for action in asked_under(prefix)}
    unasked = {one for one in actions if not fnmatch.filter(asked, one.lower())}
    assert unasked <= WITHOUT_OPERATION


def asked_under(prefix):
    """The actions, in lower case, of every operation whose service has this prefix in IAM."""
    session = botocore.session.get_session()
    signing = {prefix, *(name for name, other in table.PREFIXES.items() if other == prefix)}
    for service in {model for name in signing for model in models_of(name)} & set(session.get_available_services()):
        for operation in session.get_service_model(service).operation_names:
            entry = table.entry(service, operation)
            for action in (*(entry.actions or (f"{prefix}:{operation}",)), *entry.also):
                yield action.partition("@")[0].lower()


@pytest.fixture(scope="module")
def account(tmp_path_factory):
    """Clients of an account under a zone's own documents, as a session of its deployer."""
    with running_cloud(tmp_path_factory.mktemp("cloud")) as cloud:
        text = (cloud.folder / "credentials").read_text()
        session = boto3.Session(**dict(line.split(" = ") for line in text.splitlines() if " = " in line))
        config = Config(retries={"total_max_attempts": 1})
        options = {"endpoint_url": cloud.endpoint_url, "verify": str(cloud.ca_file), "config": config}
        organizations = session.client("organizations", region_name="us-east-1", **options)
        organizations.create_organization(FeatureSet="ALL")
        root = organizations.list_roots()["Roots"][0]["Id"]
        for kind in sorted(set(KINDS.values())):
            organizations.enable_policy_type(RootId=root, PolicyType=kind)
        unit = organizations.create_organizational_unit(ParentId=root, Name="br")["OrganizationalUnit"]["Id"]
        for name, kind in KINDS.items():
            content = json.dumps(json.loads((GENERATED / "br" / f"{name}.json").read_text()), separators=(",", ":"))
            made = organizations.create_policy(Name=name, Description=name, Type=kind, Content=content)
            organizations.attach_policy(PolicyId=made["Policy"]["PolicySummary"]["Id"], TargetId=unit)
        made = organizations.create_account(AccountName="br", Email="br@example.com")["CreateAccountStatus"]
        organizations.move_account(AccountId=made["AccountId"], SourceParentId=root, DestinationParentId=unit)
        sts = session.client("sts", region_name=HOME, **options)
        role = f"arn:aws:iam::{made['AccountId']}:role/OrganizationAccountAccessRole"
        keys = sts.assume_role(RoleArn=role, RoleSessionName="deployer")["Credentials"]
        deployer = boto3.Session(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])

        def client(service, region=HOME):
            return deployer.client(service, region_name=region, **options)

        client.options = options
        yield client


def denied(call, **parameters):
    """The Sid that denies the call."""
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    return caught.value.response["ResponseMetadata"]["HTTPHeaders"]["x-domicile-denied-by"].partition("/")[2]


def test_a_cell_is_built_at_home(account):
    vpc = account("ec2").create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    account("ec2").create_vpc_endpoint(VpcId=vpc, ServiceName=f"com.amazonaws.{HOME}.s3")
    key = account("kms").create_key()["KeyMetadata"]["Arn"]
    account("s3").create_bucket(Bucket="br-cell", CreateBucketConfiguration={"LocationConstraint": HOME})
    account("s3").put_object(Bucket="br-cell", Key="k", Body=b"x", ServerSideEncryption="aws:kms", SSEKMSKeyId=key)
    trust = json.dumps({"Version": "2012-10-17", "Statement": []})
    role = account("iam").create_role(RoleName="domicile-nodes", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    account("eks").create_cluster(name="br", roleArn=role, resourcesVpcConfig={"subnetIds": []})
    account("secretsmanager").create_secret(Name="s", SecretString="s")
    account("logs").create_log_group(logGroupName="/l")
    account("rds").create_db_cluster(
        DBClusterIdentifier="c", Engine="aurora-postgresql", MasterUsername="a", MasterUserPassword="password1"
    )


@pytest.mark.parametrize(
    ("service", "region", "method", "parameters", "sid"),
    [
        ("ec2", AWAY, "create_vpc", {"CidrBlock": "10.0.0.0/16"}, "DenyOutsideResidencyZone"),
        ("kms", AWAY, "create_key", {}, "DenyOutsideResidencyZone"),
        ("s3", HOME, "create_bucket", {"Bucket": "b1x", "CreateBucketConfiguration": {"LocationConstraint": AWAY}},
         "DenyBucketsElsewhere"),
        ("s3", "us-east-1", "create_bucket", {"Bucket": "b2x"}, "DenyOutsideResidencyZone"),
        ("kms", HOME, "create_key", {"MultiRegion": True}, "DenyMultiRegionKeys"),
        ("secretsmanager", HOME, "create_secret", {"Name": "t", "AddReplicaRegions": [{"Region": AWAY}]},
         "DenySecretsElsewhere"),
        ("backup", HOME, "start_copy_job",
         {"RecoveryPointArn": "arn:aws:r", "SourceBackupVaultName": "v", "IamRoleArn": "arn:aws:iam::1:role/r",
          "DestinationBackupVaultArn": f"arn:aws:backup:{AWAY}:1:backup-vault:v"}, "DenyBackupsElsewhere"),
        ("organizations", "us-east-1", "leave_organization", {}, "DenyLeavingTheOrganization"),
        ("iam", "us-east-1", "create_user", {"UserName": "u"}, "DenyLastingCredentials"),
        ("ec2", HOME, "create_vpn_gateway", {"Type": "ipsec.1"}, "DenyJoiningNetworks"),
    ],
)  # fmt: skip
def test_and_nowhere_else_nor_so_that_it_leaves(account, service, region, method, parameters, sid):
    assert denied(getattr(account(service, region), method), **parameters) == sid


@pytest.fixture(scope="module")
def engineer(account):
    """Clients of a role of the same account that is none of the platform's."""
    trust = json.dumps({"Version": "2012-10-17", "Statement": []})
    role = account("iam").create_role(RoleName="engineer", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    account("iam").create_role(RoleName="domicile-cell-nodes-br", AssumeRolePolicyDocument=trust)
    keys = account("sts").assume_role(RoleArn=role, RoleSessionName="engineer")["Credentials"]
    session = boto3.Session(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])

    options = {**account.options, "config": Config(retries={"total_max_attempts": 1}, parameter_validation=False)}

    def client(service, region=HOME):
        return session.client(service, region_name=region, **options)

    client.account = role.split(":")[4]
    return client


@pytest.mark.parametrize(
    ("service", "method", "parameters", "sid"),
    [
        ("kms", "put_key_policy", {"KeyId": "k", "PolicyName": "default", "Policy": "{}"}, "DenyOpeningKeysAndBuckets"),
        ("s3", "put_bucket_policy", {"Bucket": "b", "Policy": "{}"}, "DenyOpeningKeysAndBuckets"),
        ("s3", "delete_bucket_policy", {"Bucket": "b"}, "DenyOpeningKeysAndBuckets"),
        ("s3", "put_bucket_logging", {"Bucket": "b", "BucketLoggingStatus": {}}, "DenyEndingLogs"),
        ("logs", "delete_log_group", {"logGroupName": "/l"}, "DenyEndingLogs"),
        ("ec2", "delete_flow_logs", {"FlowLogIds": ["fl-1"]}, "DenyEndingLogs"),
        ("eks", "create_access_entry", {"clusterName": "c", "principalArn": "arn:aws:iam::1:role/r"},
         "DenyOpeningClusters"),
        ("eks", "update_cluster_config", {"name": "c"}, "DenyOpeningClusters"),
        ("ec2", "create_route", {"RouteTableId": "r", "DestinationCidrBlock": "0.0.0.0/0"}, "DenyChangingNetworks"),
        ("ec2", "allocate_address", {}, "DenyChangingNetworks"),
        ("network-firewall", "delete_firewall", {"FirewallName": "f"}, "DenyChangingNetworks"),
        ("cloudwatch", "delete_alarms", {"AlarmNames": ["a"]}, "DenySilencingAlarms"),
        ("sns", "unsubscribe", {"SubscriptionArn": "arn:aws:sns:sa-east-1:1:t:s"}, "DenySilencingAlarms"),
        ("events", "disable_rule", {"Name": "domicile-break-glass-use"}, "DenySilencingRules"),
        ("events", "put_rule", {"Name": "domicile-break-glass-use", "State": "DISABLED"}, "DenySilencingRules"),
        ("events", "remove_targets", {"Rule": "domicile-break-glass-use", "Ids": ["owner"]}, "DenySilencingRules"),
        ("iam", "update_assume_role_policy", {"RoleName": "domicile-cell-nodes-br", "PolicyDocument": "{}"},
         "DenyChangingPlatformIdentities"),
        ("iam", "create_policy_version",
         {"PolicyArn": "arn:aws:iam::1:policy/domicile-boundary", "PolicyDocument": "{}"},
         "DenyChangingPlatformIdentities"),
        ("iam", "create_role", {"RoleName": "unbounded", "AssumeRolePolicyDocument": "{}"}, "DenyUnboundedRoles"),
        ("s3", "put_bucket_inventory_configuration",
         {"Bucket": "b", "Id": "i", "InventoryConfiguration": {}}, "DenyInventories"),
    ],
)  # fmt: skip
def test_an_engineer_changes_nothing_that_the_program_built(engineer, service, method, parameters, sid):
    assert denied(getattr(engineer(service), method), **parameters) == sid


def test_an_engineer_keeps_roles_and_rules_of_its_own(engineer):
    boundary = f"arn:aws:iam::{engineer.account}:policy/domicile-boundary"
    trust = json.dumps({"Version": "2012-10-17", "Statement": []})
    engineer("iam").create_role(RoleName="mine", AssumeRolePolicyDocument=trust, PermissionsBoundary=boundary)
    engineer("events").put_rule(Name="mine", EventPattern='{"source": ["a"]}')
    engineer("events").delete_rule(Name="mine")


def test_a_rule_and_an_issuer_are_told_by_their_arns():
    def about(service, name, **parameters):
        return resource_of(Operation(service, service, name, "json", parameters), "1", HOME).arn

    rule = "arn:aws:events:sa-east-1:1:rule/"
    assert about("events", "PutRule", Name="r") == about("events", "PutTargets", Rule="r") == f"{rule}r"
    assert about("events", "PutTargets", Rule="r", EventBusName="default") == f"{rule}r"
    assert about("events", "DeleteRule", Name="r", EventBusName="arn:aws:events:x:1:event-bus/b") == f"{rule}b/r"
    assert about("events", "CreateEventBus", Name="b") == "*"
    issuer = about("iam", "CreateOpenIDConnectProvider", Url="https://oidc.eks.x.amazonaws.com/id/A")
    assert issuer == "arn:aws:iam::1:oidc-provider/oidc.eks.x.amazonaws.com/id/A"
