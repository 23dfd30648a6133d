"""A zone's policies, attached in the lab's cloud, let a cell be built and stop what would carry its data away.

The table says what the documents mean; this says that a cloud which reads them from the organisation does as they say.
"""

from datetime import date
from types import SimpleNamespace

import boto3
import pytest
from botocore.exceptions import ClientError
from domicile_catalog import load_catalogue
from domicile_lab.cloud import running_cloud
from domicile_policies.cloud import account_documents, zone_documents
from domicile_policies.documents import PolicyType
from domicile_policies.zones import residency_zones

HOME, AWAY = "sa-east-1", "us-east-1"
BINDING = (PolicyType.SERVICE_CONTROL, PolicyType.RESOURCE_CONTROL)
NOBODY = '{"Version": "2012-10-17", "Statement": []}'


@pytest.fixture(scope="module")
def account(tmp_path_factory):
    """A member account in the unit of Brazil's zone; calling it gives a client of its OrganizationAccountAccessRole."""
    zone = next(
        one for one in residency_zones(load_catalogue(), date(2026, 6, 1), production=False) if one.name == "br"
    )
    with pytest.MonkeyPatch.context() as patch, running_cloud(tmp_path_factory.mktemp("cloud")) as cloud:
        for key, value in cloud.environment().items():
            if key.startswith("AWS_"):
                patch.setenv(key, value)
        session = boto3.Session()
        organizations = session.client("organizations")
        organizations.create_organization(FeatureSet="ALL")
        root = organizations.list_roots()["Roots"][0]["Id"]
        for kind in BINDING:
            if kind not in {one["Type"] for one in organizations.list_roots()["Roots"][0]["PolicyTypes"]}:
                organizations.enable_policy_type(RootId=root, PolicyType=str(kind))
        unit = organizations.create_organizational_unit(ParentId=root, Name=zone.name)["OrganizationalUnit"]["Id"]
        made = organizations.create_account(Email="br@example.com", AccountName="br")["CreateAccountStatus"][
            "AccountId"
        ]
        organizations.move_account(AccountId=made, SourceParentId=root, DestinationParentId=unit)
        for target, documents in ((unit, zone_documents(zone)), (made, account_documents("br", [HOME]))):
            for one in documents:
                if one.type not in BINDING:
                    continue
                created = organizations.create_policy(
                    Name=one.name, Description="", Content=one.text, Type=str(one.type)
                )
                organizations.attach_policy(PolicyId=created["Policy"]["PolicySummary"]["Id"], TargetId=target)
        role = f"arn:aws:iam::{made}:role/OrganizationAccountAccessRole"
        keys = session.client("sts").assume_role(RoleArn=role, RoleSessionName="builder")["Credentials"]

        def client(service, region=HOME):
            # A session of its own: boto3's default one belongs to whichever test came first.
            return boto3.Session(
                aws_access_key_id=keys["AccessKeyId"],
                aws_secret_access_key=keys["SecretAccessKey"],
                aws_session_token=keys["SessionToken"],
            ).client(service, region_name=region)

        yield SimpleNamespace(id=made, client=client)


def test_a_cell_can_be_built_in_its_place(account):
    client = account.client
    where = {"LocationConstraint": HOME}
    client("s3").create_bucket(Bucket="br-documents", CreateBucketConfiguration=where)
    client("s3").put_object(Bucket="br-documents", Key="k", Body=b"x")
    key = client("kms").create_key()["KeyMetadata"]["KeyId"]
    client("kms").generate_data_key(KeyId=key, KeySpec="AES_256")
    network = client("ec2").create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    client("ec2").create_vpc_endpoint(VpcId=network, ServiceName=f"com.amazonaws.{HOME}.s3", VpcEndpointType="Gateway")
    client("secretsmanager").create_secret(Name="a", SecretString="x")
    client("backup").create_backup_vault(BackupVaultName="v")
    client("logs").create_log_group(logGroupName="l")
    client("iam").create_role(RoleName="domicile-workload", AssumeRolePolicyDocument=NOBODY)
    client("route53").create_hosted_zone(Name="br.example", CallerReference="1")
    client("events").put_rule(Name="r", EventPattern='{"source": ["a"]}')
    topic = client("sns").create_topic(Name="alarms")["TopicArn"]
    client("events").put_targets(Rule="r", Targets=[{"Id": "1", "Arn": topic}])
    client("sns").publish(TopicArn=topic, Message="x")


DENIED = [
    ("s3", "create_bucket", {"Bucket": "away", "CreateBucketConfiguration": {"LocationConstraint": "us-west-2"}}),
    ("kms", "create_key", {"MultiRegion": True}),
    ("kms", "schedule_key_deletion", {"KeyId": "k", "PendingWindowInDays": 7}),
    ("secretsmanager", "create_secret", {"Name": "b", "SecretString": "x", "AddReplicaRegions": [{"Region": AWAY}]}),
    ("ec2", "create_vpc_peering_connection", {"VpcId": "vpc-1", "PeerVpcId": "vpc-2"}),
    ("ec2", "modify_snapshot_attribute", {"SnapshotId": "snap-1", "Attribute": "createVolumePermission"}),
    ("events", "put_targets", {"Rule": "r", "Targets": [{"Id": "2", "Arn": f"arn:aws:sns:{AWAY}:123456789012:t"}]}),
    ("logs", "put_subscription_filter", {"logGroupName": "l", "filterName": "f", "filterPattern": "",
                                         "destinationArn": f"arn:aws:kinesis:{HOME}:1:stream/x"}),
    ("backup", "start_copy_job", {"RecoveryPointArn": "r", "SourceBackupVaultName": "v", "IamRoleArn": "i",
                                  "DestinationBackupVaultArn": f"arn:aws:backup:{AWAY}:1:backup-vault:v"}),
    ("iam", "create_user", {"UserName": "somebody"}),
    ("organizations", "leave_organization", {}),
    ("dynamodb", "list_tables", {}),
    ("lambda", "list_functions", {}),
]  # fmt: skip


@pytest.mark.parametrize(("service", "call", "given"), DENIED, ids=[f"{one}-{call}" for one, call, _ in DENIED])
def test_what_would_carry_data_away_is_denied_by_a_policy_of_the_organisation(account, service, call, given):
    with pytest.raises(ClientError, match="explicit deny in a service control policy"):
        getattr(account.client(service), call)(**given)


def test_nothing_is_built_in_another_region(account):
    with pytest.raises(ClientError, match="explicit deny in a service control policy"):
        account.client("ec2", AWAY).create_vpc(CidrBlock="10.0.0.0/16")
