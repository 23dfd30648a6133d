"""The lab's cloud lets through what AWS would, and refuses the rest in AWS's words."""

import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError
from domicile_lab.cloud import running_cloud

ONCE = Config(retries={"total_max_attempts": 1}, parameter_validation=False)
REGION = "eu-west-2"
ELSEWHERE = "us-west-2"


def document(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def deny(sid, **elements):
    return {"Sid": sid, "Effect": "Deny", "Resource": "*"} | elements


OUTSIDE = document(
    deny(
        "DenyOutside",
        NotAction=["iam:*", "organizations:*", "sts:*", "route53:*", "s3:ListAllMyBuckets"],
        Condition={"StringNotEquals": {"aws:RequestedRegion": [REGION]}},
    ),
    deny("DenyMultiRegion", Action="kms:CreateKey", Condition={"Bool": {"kms:MultiRegion": "true"}}),
    deny(
        "DenyElsewhere",
        Action="s3:CreateBucket",
        Condition={
            "StringNotEquals": {"s3:LocationConstraint": [REGION]},
            "Null": {"s3:LocationConstraint": "false"},
        },
    ),
)
PERIMETER = document(
    deny(
        "DenyStrangers",
        Principal="*",
        Action=["s3:*", "kms:*", "secretsmanager:*", "sqs:*", "sts:AssumeRole"],
        Condition={"StringNotEqualsIfExists": {"aws:PrincipalOrgID": "${aws:ResourceOrgID}"}},
    )
)


@dataclass
class World:
    """A running cloud with an organisation: a unit whose policy keeps its accounts in one region, and two accounts."""

    cloud: object
    management: boto3.Session
    root: str = ""
    unit: str = ""
    accounts: dict = field(default_factory=dict)
    policies: dict = field(default_factory=dict)
    sessions: dict = field(default_factory=dict)
    clients: dict = field(default_factory=dict)

    def client(self, account, service, region=REGION):
        session = self.sessions.get(account, self.management)
        if (session, service, region) not in self.clients:  # making one costs more than what it is used for
            options = {"verify": str(self.cloud.ca_file), "config": ONCE, "endpoint_url": self.cloud.endpoint_url}
            self.clients[session, service, region] = session.client(service, region_name=region, **options)
        return self.clients[session, service, region]

    def raw(self, account, service, region=REGION):
        keys = self.sessions.get(account, self.management).get_credentials()
        return boto3.client(
            service,
            region_name=region,
            endpoint_url=self.cloud.raw_url,
            config=ONCE,
            aws_access_key_id=keys.access_key,
            aws_secret_access_key=keys.secret_key,
            aws_session_token=keys.token,
        )

    def join(self, name, parent=None):
        organizations = self.client("management", "organizations")
        created = organizations.create_account(AccountName=name, Email=f"{name}@example.com")["CreateAccountStatus"]
        account = created["AccountId"]
        if parent:
            organizations.move_account(AccountId=account, SourceParentId=self.root, DestinationParentId=parent)
        self.accounts[name] = account
        self.sessions[name] = self.assume(f"arn:aws:iam::{account}:role/OrganizationAccountAccessRole")
        return account

    def assume(self, role, client=None, **more):
        sts = client or self.client("management", "sts")
        keys = sts.assume_role(RoleArn=role, RoleSessionName="test", **more)["Credentials"]
        return boto3.Session(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])

    def attach(self, name, kind, content, target):
        organizations = self.client("management", "organizations")
        policy = organizations.create_policy(Name=name, Type=kind, Content=content, Description=name)
        self.policies[name] = policy["Policy"]["PolicySummary"]["Id"]
        organizations.attach_policy(PolicyId=self.policies[name], TargetId=target)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    with running_cloud(tmp_path_factory.mktemp("cloud")) as cloud:
        lines = (cloud.folder / "credentials").read_text().splitlines()
        values = dict(line.split(" = ") for line in lines if " = " in line)
        world = World(cloud, boto3.Session(values["aws_access_key_id"], values["aws_secret_access_key"]))
        organizations = world.client("management", "organizations")
        organizations.create_organization(FeatureSet="ALL")
        world.root = organizations.list_roots()["Roots"][0]["Id"]
        for kind in ("SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY"):
            organizations.enable_policy_type(RootId=world.root, PolicyType=kind)
        made = organizations.create_organizational_unit(ParentId=world.root, Name="zone")
        world.unit = made["OrganizationalUnit"]["Id"]
        world.attach("outside", "SERVICE_CONTROL_POLICY", OUTSIDE, world.unit)
        world.attach("perimeter", "RESOURCE_CONTROL_POLICY", PERIMETER, world.root)
        world.join("cell", world.unit)
        world.join("free")
        # An account of somebody else's: moto makes it when a role of it is asked for on the raw side.
        raw = world.raw("management", "sts")
        keys = raw.assume_role(RoleArn="arn:aws:iam::999999999999:role/any", RoleSessionName="stranger")["Credentials"]
        world.sessions["stranger"] = boto3.Session(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])
        world.accounts["stranger"] = "999999999999"
        yield world


def refused(call, **parameters):
    """The error's code and message, with the header that names the policy."""
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    response = caught.value.response
    denied_by = response["ResponseMetadata"]["HTTPHeaders"].get("x-domicile-denied-by")
    return response["Error"]["Code"], response["Error"]["Message"], denied_by


# One operation of each protocol, which reads: service, method, parameters, error code, IAM action.
PROTOCOLS = [
    ("rds", "describe_db_clusters", {}, "AccessDenied", "rds:DescribeDBClusters"),  # query
    ("elbv2", "describe_load_balancers", {}, "AccessDenied", "elasticloadbalancing:DescribeLoadBalancers"),
    ("ec2", "describe_vpcs", {}, "UnauthorizedOperation", "ec2:DescribeVpcs"),  # ec2
    ("kms", "list_keys", {}, "AccessDeniedException", "kms:ListKeys"),  # json
    ("cloudwatch", "describe_alarms", {}, "AccessDeniedException", "cloudwatch:DescribeAlarms"),
    ("eks", "list_clusters", {}, "AccessDeniedException", "eks:ListClusters"),  # rest-json
    ("s3", "list_objects_v2", {"Bucket": "no-such-bucket"}, "AccessDenied", "s3:ListBucket"),  # rest-xml
]


@pytest.mark.parametrize(("service", "method", "parameters", "code", "action"), PROTOCOLS)
def test_a_unit_s_policy_refuses_another_region_in_each_protocol(world, service, method, parameters, code, action):
    client = world.client("cell", service, ELSEWHERE)
    got, message, denied_by = refused(getattr(client, method), **parameters)
    assert got == code
    assert f"assumed-role/OrganizationAccountAccessRole/test is not authorized to perform: {action} on" in message
    assert message.endswith("with an explicit deny in a service control policy")
    assert denied_by == f"{world.policies['outside']}/DenyOutside"


@pytest.mark.parametrize(("service", "method", "parameters"), [row[:3] for row in PROTOCOLS if row[0] != "s3"])
def test_it_lets_through_the_unit_s_own_region(world, service, method, parameters):
    assert getattr(world.client("cell", service), method)(**parameters)["ResponseMetadata"]["HTTPStatusCode"] == 200


@pytest.mark.parametrize("account", ["management", "free"])
def test_a_unit_s_policy_binds_neither_the_management_account_nor_accounts_outside_the_unit(world, account):
    assert world.client(account, "kms", ELSEWHERE).list_keys()["Keys"] is not None


def test_services_without_regions_are_in_the_provider_s_region_whatever_is_signed(world):
    organizations = world.client("management", "organizations")
    world.attach(
        "iam-region",
        "SERVICE_CONTROL_POLICY",
        document(deny("DenyIam", Action="iam:*", Condition={"StringNotEquals": {"aws:RequestedRegion": "us-east-1"}})),
        world.accounts["cell"],
    )
    assert world.client("cell", "iam", REGION).list_roles()["Roles"]
    organizations.detach_policy(PolicyId=world.policies["iam-region"], TargetId=world.accounts["cell"])


def test_nothing_refused_reaches_the_cloud(world):
    world_kms = world.client("cell", "kms")
    before = len(world.raw("cell", "kms").list_keys()["Keys"])
    assert refused(world_kms.create_key, MultiRegion=True)[2].endswith("/DenyMultiRegion")
    assert len(world.raw("cell", "kms").list_keys()["Keys"]) == before
    world_kms.create_key()
    assert len(world.raw("cell", "kms").list_keys()["Keys"]) == before + 1


def test_a_bucket_stands_where_its_constraint_says(world):
    s3 = world.client("cell", "s3")
    constraint = {"LocationConstraint": ELSEWHERE}
    code, _, denied_by = refused(s3.create_bucket, Bucket="cell-away", CreateBucketConfiguration=constraint)
    assert code == "AccessDenied" and denied_by.endswith("/DenyElsewhere")
    s3.create_bucket(Bucket="cell-home", CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_object(Bucket="cell-home", Key="a b/ü+&=~", Body=b"bytes")
    assert s3.get_object(Bucket="cell-home", Key="a b/ü+&=~")["Body"].read() == b"bytes"


def test_a_signature_for_one_region_does_not_open_a_bucket_in_another(world):
    raw = world.raw("cell", "s3", ELSEWHERE)
    raw.create_bucket(Bucket="planted-away", CreateBucketConfiguration={"LocationConstraint": ELSEWHERE})
    # The client follows the error to the bucket's region, where the policy stops it.
    code, _, denied_by = refused(world.client("cell", "s3").put_object, Bucket="planted-away", Key="k", Body=b"x")
    assert code == "AccessDenied" and denied_by.endswith("/DenyOutside")


def test_a_large_object_is_streamed_up_and_down(world, tmp_path):
    s3, file = world.client("free", "s3"), tmp_path / "large"
    file.write_bytes(bytes(range(256)) * 40_000)
    s3.create_bucket(Bucket="free-large", CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.upload_file(str(file), "free-large", "parts")
    with file.open("rb") as body:
        s3.put_object(Bucket="free-large", Key="stream", Body=body, Metadata={"a_b": "c"})
    for key in ("parts", "stream"):
        assert s3.get_object(Bucket="free-large", Key=key)["Body"].read() == file.read_bytes()
    head = s3.head_object(Bucket="free-large", Key="stream")
    assert head["ContentLength"] == file.stat().st_size and head["Metadata"] == {"a_b": "c"}


def test_calls_at_once_do_not_disturb_each_other(world):
    kms = world.client("cell", "kms")
    with ThreadPoolExecutor(16) as pool:
        made = list(pool.map(lambda i: kms.create_key(Description=str(i))["KeyMetadata"], range(64)))
    assert len({one["KeyId"] for one in made}) == 64
    listed = {one["KeyId"] for page in kms.get_paginator("list_keys").paginate() for one in page["Keys"]}
    assert {one["KeyId"] for one in made} <= listed


def test_what_is_planted_on_the_raw_side_is_seen_on_the_guarded_one(world):
    world.raw("cell", "sqs").create_queue(QueueName="planted")
    assert "planted" in world.client("cell", "sqs").list_queues()["QueueUrls"][0]


def test_two_accounts_do_not_see_each_other(world):
    world.client("free", "secretsmanager").create_secret(Name="mine", SecretString="s")
    assert world.client("cell", "secretsmanager").list_secrets()["SecretList"] == []
    identity = world.client("free", "sts").get_caller_identity()
    assert identity["Account"] == world.accounts["free"]
    assert identity["Arn"].endswith(":assumed-role/OrganizationAccountAccessRole/test")


def test_the_resource_s_policy_refuses_a_stranger(world):
    s3 = world.client("free", "s3", ELSEWHERE)
    s3.create_bucket(Bucket="free-bucket", CreateBucketConfiguration={"LocationConstraint": ELSEWHERE})
    stranger = world.client("stranger", "s3", ELSEWHERE)
    code, message, denied_by = refused(stranger.list_objects_v2, Bucket="free-bucket")
    assert code == "AccessDenied" and message.endswith("with an explicit deny in a resource control policy")
    assert denied_by == f"{world.policies['perimeter']}/DenyStrangers"
    assert refused(stranger.put_object, Bucket="free-bucket", Key="k", Body=b"x")[2] == denied_by
    role = f"arn:aws:iam::{world.accounts['free']}:role/OrganizationAccountAccessRole"
    assume = world.client("stranger", "sts").assume_role
    assert refused(assume, RoleArn=role, RoleSessionName="x")[2] == denied_by
    # Its own things are no business of ours, and the organisation's members are no strangers.
    stranger.create_bucket(Bucket="theirs", CreateBucketConfiguration={"LocationConstraint": ELSEWHERE})
    assert world.client("management", "s3", ELSEWHERE).list_objects_v2(Bucket="free-bucket")["KeyCount"] == 0


def test_a_copy_needs_leave_to_read_its_source(world):
    s3 = world.client("free", "s3", ELSEWHERE)
    s3.create_bucket(Bucket="free-source", CreateBucketConfiguration={"LocationConstraint": ELSEWHERE})
    s3.put_object(Bucket="free-source", Key="k", Body=b"x")
    stranger = world.client("stranger", "s3", ELSEWHERE)
    stranger.create_bucket(Bucket="their-copy", CreateBucketConfiguration={"LocationConstraint": ELSEWHERE})
    source = {"Bucket": "free-source", "Key": "k"}
    code, message, _ = refused(stranger.copy_object, Bucket="their-copy", Key="k", CopySource=source)
    assert code == "AccessDenied" and "s3:GetObject on resource: arn:aws:s3:::free-source/k" in message
    s3.copy_object(Bucket="free-source", Key="copy", CopySource=source)


def test_every_level_has_to_allow(world):
    organizations = world.client("management", "organizations")
    account = world.join("bare")
    assert world.client("bare", "kms").list_keys()["Keys"] == []
    organizations.attach_policy(PolicyId=world.policies["outside"], TargetId=account)
    organizations.detach_policy(PolicyId="p-FullAWSAccess", TargetId=account)
    code, message, denied_by = refused(world.client("bare", "kms").list_keys)
    assert code == "AccessDeniedException" and denied_by.startswith(account)
    assert message.endswith("because no service control policy allows the kms:ListKeys action")
    organizations.attach_policy(PolicyId="p-FullAWSAccess", TargetId=account)
    assert world.client("bare", "kms").list_keys()["Keys"] == []


def test_a_policy_moves_with_the_account(world):
    organizations = world.client("management", "organizations")
    account = world.join("mover")
    client = world.client("mover", "kms", ELSEWHERE)
    assert client.list_keys()["Keys"] == []
    organizations.move_account(AccountId=account, SourceParentId=world.root, DestinationParentId=world.unit)
    assert refused(client.list_keys)[2] == f"{world.policies['outside']}/DenyOutside"


@pytest.mark.parametrize(
    ("sid", "statement", "about"),
    [
        ("Operator", {"Condition": {"BinaryEquals": {"aws:PrincipalArn": "QQ=="}}}, "the operator BinaryEquals"),
        ("Key", {"Condition": {"StringEquals": {"kms:Nonsense": "a"}}}, "the condition key kms:Nonsense"),
        ("Element", {"NotPrincipal": "*"}, "NotPrincipal"),
    ],
)
def test_what_cannot_be_judged_is_refused(world, sid, statement, about):
    organizations = world.client("management", "organizations")
    name = f"odd-{sid}"
    target = world.accounts["free"]
    world.attach(name, "SERVICE_CONTROL_POLICY", document(deny(sid, Action="kms:ListKeys", **statement)), target)
    code, message, _ = refused(world.client("free", "kms").list_keys)
    assert code == "InternalFailure" and about in message and "cannot judge kms:ListKeys" in message
    if sid != "Element":  # which makes the whole statement unreadable, whatever its actions
        assert world.client("free", "kms").list_aliases()["Aliases"] is not None
    organizations.detach_policy(PolicyId=world.policies[name], TargetId=target)


def test_a_statement_about_particular_resources_is_judged_where_they_are_known(world):
    organizations = world.client("management", "organizations")
    target = world.accounts["free"]
    content = document(
        deny("Protected", Action=["iam:*", "eks:*"], Resource="arn:aws:iam::*:role/protected-*"),
        deny("Unjudged", Action="wafv2:*", Resource="arn:aws:wafv2:*:*:regional/*"),
    )
    world.attach("protected", "SERVICE_CONTROL_POLICY", content, target)
    iam = world.client("free", "iam")
    trust = document({"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"})
    code, message, _ = refused(iam.create_role, RoleName="protected-a", AssumeRolePolicyDocument=trust)
    assert code == "AccessDenied" and f"arn:aws:iam::{target}:role/protected-a" in message
    iam.create_role(RoleName="other", AssumeRolePolicyDocument=trust)
    assert refused(world.client("free", "wafv2").list_web_acls, Scope="REGIONAL")[0] == "InternalFailure"
    organizations.detach_policy(PolicyId=world.policies["protected"], TargetId=target)


UNKNOWN = [("sts", "InvalidClientTokenId"), ("kms", "UnrecognizedClientException"), ("s3", "InvalidAccessKeyId"),
           ("ec2", "AuthFailure"), ("eks", "UnrecognizedClientException")]  # fmt: skip
READS = {"sts": "get_caller_identity", "kms": "list_keys", "s3": "list_buckets", "ec2": "describe_vpcs",
         "eks": "list_clusters"}  # fmt: skip


@pytest.mark.parametrize(("service", "code"), UNKNOWN)
def test_an_unknown_key_is_refused(world, service, code):
    world.sessions["nobody"] = boto3.Session("AKIA" + "Q" * 16, "secret")
    assert refused(getattr(world.client("nobody", service), READS[service]))[0] == code


@pytest.mark.parametrize(
    ("service", "code"),
    [("sts", "SignatureDoesNotMatch"), ("kms", "InvalidSignatureException"), ("s3", "SignatureDoesNotMatch")],
)
def test_a_wrong_secret_is_refused(world, service, code):
    world.sessions["liar"] = boto3.Session(world.management.get_credentials().access_key, "not the secret")
    assert refused(getattr(world.client("liar", service), READS[service]))[0] == code


def test_a_session_needs_its_token(world):
    keys = world.sessions["cell"].get_credentials()
    world.sessions["halved"] = boto3.Session(keys.access_key, keys.secret_key)
    assert refused(world.client("halved", "kms").list_keys)[0] == "UnrecognizedClientException"


def test_a_session_ends(world):
    role = f"arn:aws:iam::{world.accounts['free']}:role/OrganizationAccountAccessRole"
    raw = world.raw("management", "sts")
    world.sessions["brief"] = world.assume(role, raw, DurationSeconds=1)
    time.sleep(1.1)
    for service, code in (("kms", "ExpiredTokenException"), ("sts", "ExpiredToken"), ("s3", "ExpiredToken")):
        assert refused(getattr(world.client("brief", service), READS[service]))[0] == code


def test_a_deactivated_key_is_refused(world):
    iam = world.client("management", "iam")
    iam.create_user(UserName="leaver")
    key = iam.create_access_key(UserName="leaver")["AccessKey"]
    world.sessions["leaver"] = boto3.Session(key["AccessKeyId"], key["SecretAccessKey"])
    assert world.client("leaver", "sts").get_caller_identity()["Arn"].endswith(":user/leaver")
    iam.update_access_key(UserName="leaver", AccessKeyId=key["AccessKeyId"], Status="Inactive")
    assert refused(world.client("leaver", "sts").get_caller_identity)[0] == "InvalidClientTokenId"


def test_a_role_that_does_not_exist_cannot_be_assumed(world):
    role = f"arn:aws:iam::{world.accounts['free']}:role/nobody-made-this"
    sts = world.client("management", "sts")
    code, message, _ = refused(sts.assume_role, RoleArn=role, RoleSessionName="x")
    assert code == "AccessDenied" and role in message


def get(world, url, method="GET", data=None, headers=None):
    import ssl

    context = ssl.create_default_context(cafile=str(world.cloud.ca_file))
    request = urllib.request.Request(url, method=method, data=data, headers=headers or {})
    try:
        with urllib.request.urlopen(request, context=context if url.startswith("https") else None) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def test_a_presigned_url_is_its_signer_s_and_ends(world):
    s3 = world.client("free", "s3")
    s3.create_bucket(Bucket="free-signed", CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_object(Bucket="free-signed", Key="a b", Body=b"held")
    url = s3.generate_presigned_url("get_object", {"Bucket": "free-signed", "Key": "a b"}, ExpiresIn=60)
    assert get(world, url) == (200, b"held")
    assert get(world, url.replace("a%20b", "other"))[0] == 403
    assert b"SignatureDoesNotMatch" in get(world, url.replace("a%20b", "other"))[1]
    brief = s3.generate_presigned_url("get_object", {"Bucket": "free-signed", "Key": "a b"}, ExpiresIn=1)
    time.sleep(2.1)
    assert get(world, brief)[0] == 403
    identity = world.client("cell", "sts").generate_presigned_url("get_caller_identity", HttpMethod="GET")
    assert world.accounts["cell"].encode() in get(world, identity)[1]


def test_nobody_in_particular_gets_nothing(world):
    assert get(world, f"{world.cloud.endpoint_url}/free-signed/a%20b")[0] == 403
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    status, body = get(world, world.cloud.endpoint_url, "POST", b"Action=ListUsers&Version=2010-05-08", form)
    assert status == 403 and b"MissingAuthenticationToken" in body


def test_a_web_identity_is_judged_though_nobody_signs_for_it(world):
    unsigned = world.management.client(
        "sts", region_name=REGION, endpoint_url=world.cloud.endpoint_url, verify=str(world.cloud.ca_file),
        config=ONCE.merge(Config(signature_version=UNSIGNED)),
    )  # fmt: skip
    role = f"arn:aws:iam::{world.accounts['free']}:role/OrganizationAccountAccessRole"
    given = {"RoleSessionName": "pod", "WebIdentityToken": "token"}
    made = unsigned.assume_role_with_web_identity(RoleArn=role, **given)["AssumedRoleUser"]["Arn"]
    assert made.endswith(":assumed-role/OrganizationAccountAccessRole/pod")
    assert refused(unsigned.assume_role_with_web_identity, RoleArn=f"{role}x", **given)[0] == "AccessDenied"
    organizations = world.client("management", "organizations")
    content = document(deny("DenyWeb", Principal="*", Action="sts:AssumeRoleWithWebIdentity"))
    world.attach("web", "RESOURCE_CONTROL_POLICY", content, world.accounts["free"])
    denied_by = refused(unsigned.assume_role_with_web_identity, RoleArn=role, **given)[2]
    assert denied_by == f"{world.policies['web']}/DenyWeb"
    organizations.detach_policy(PolicyId=world.policies["web"], TargetId=world.accounts["free"])


def test_a_body_that_was_changed_on_the_way_is_refused(world):
    kms = world.sessions["free"].client(
        "kms", region_name=REGION, endpoint_url=world.cloud.endpoint_url, verify=str(world.cloud.ca_file), config=ONCE
    )
    kms.meta.events.register("before-send.kms.CreateKey", lambda request, **_: setattr(request, "body", b'{"a":1}'))
    assert refused(kms.create_key)[0] == "InvalidSignatureException"


def test_a_policy_type_that_is_not_enabled_is_not_in_force(world):
    organizations = world.client("management", "organizations")
    client = world.client("cell", "kms", ELSEWHERE)
    organizations.disable_policy_type(RootId=world.root, PolicyType="SERVICE_CONTROL_POLICY")
    assert client.list_keys()["Keys"] == []
    organizations.enable_policy_type(RootId=world.root, PolicyType="SERVICE_CONTROL_POLICY")
    assert refused(client.list_keys)[0] == "AccessDeniedException"


def control(world, method, what, value=None):
    data = json.dumps(value).encode() if value is not None else None
    status, body = get(world, f"{world.cloud.raw_url}/domicile/{what}", method, data)
    return status, json.loads(body)


def test_planted_faults_strike_as_often_as_they_were_told(world):
    kms = world.client("free", "kms")
    fault = {"service": "kms", "operation": "ListKeys", "times": 2, "error": "Throttling"}
    assert control(world, "POST", "faults", fault)[0] == 201
    assert [refused(kms.list_keys)[0] for _ in range(2)] == ["ThrottlingException"] * 2
    assert kms.list_keys()["Keys"] == []
    control(world, "POST", "faults", fault | {"error": "InternalFailure", "times": 1})
    assert refused(kms.list_keys)[0] == "InternalFailure"
    control(world, "POST", "faults", fault | {"error": "hang", "times": 1, "seconds": 0.1})
    with pytest.raises(ConnectionClosedError):
        kms.list_keys()
    assert control(world, "GET", "faults")[1]["waiting"] == []
    assert control(world, "POST", "faults", fault | {"error": "explode"})[0] == 400


def test_what_the_cloud_lacks_is_said(world):
    code, message, _ = refused(world.client("free", "outposts").list_outposts)
    assert code == "NotImplemented" and "shelves/" in message


def test_the_cloud_ends_with_its_parent(tmp_path):
    code = (
        "import pathlib, os, sys\n"
        "from domicile_lab.cloud import running_cloud\n"
        "with running_cloud(pathlib.Path(sys.argv[1])) as cloud:\n"
        "    print(cloud.endpoints.pid, flush=True)\n"
        "    os._exit(1)\n"
    )
    told = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False)
    from domicile_lab.cloud.state import read_endpoints

    deadline = time.monotonic() + 5
    while read_endpoints(tmp_path) is not None and time.monotonic() < deadline:
        time.sleep(0.05)
    assert told.stdout.strip().isdigit() and read_endpoints(tmp_path) is None
