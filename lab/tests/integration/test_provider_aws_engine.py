"""The lab's aws provider under the real engine, with the unmodified SDK, against moto."""

from __future__ import annotations

import logging
import os
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pulumi
import pulumi_aws as aws
import pytest
from moto.server import ThreadedMotoServer
from pulumi import automation as auto

ROOT = Path(__file__).parents[3]
ACCOUNT = "123456789012"


class Bench:
    """A stack whose program can be exchanged, and the cloud behind it."""

    def __init__(self, folder: Path, endpoint: str, setenv: Callable[[str, str], None]) -> None:
        self.endpoint = endpoint
        for name in ("state", "home"):
            (folder / name).mkdir()
        tools = os.environ.get("DOMICILE_TOOLS", str(ROOT / ".lab" / "bin"))
        assert (Path(tools) / "pulumi").exists(), f"{tools}/pulumi is missing: `make tools` builds it"
        self.variables = {
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_REGION": "eu-west-2",
            "DOMICILE_PYTHON": sys.executable,
            "PATH": f"{ROOT / 'lab' / 'cloud' / 'bin'}:{tools}:{os.environ['PATH']}",
            "PULUMI_BACKEND_URL": f"file://{folder / 'state'}",
            "PULUMI_CONFIG_PASSPHRASE": "of the test",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "PULUMI_HOME": str(folder / "home"),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
        }
        for name, value in self.variables.items():  # inline programs run in this process
            setenv(name, value)
        self.program: Callable[[], None] = lambda: None
        self.stack = auto.create_or_select_stack(
            "test",
            "trial",
            program=self.run,
            opts=auto.LocalWorkspaceOptions(env_vars=self.variables, work_dir=str(folder)),
        )

    def run(self) -> None:
        self.program()

    def client(self, service: str) -> Any:
        return boto3.client(service, endpoint_url=self.endpoint, region_name="eu-west-2")

    def up(self, program: Callable[[], None], **options: Any) -> dict[str, int]:
        self.program = program
        return self.stack.up(**options).summary.resource_changes


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    endpoint = "http://{}:{}".format(*server.get_host_and_port())
    # All servers of one process share what they hold: another test's is none of ours.
    urllib.request.urlopen(urllib.request.Request(f"{endpoint}/moto-api/reset", method="POST"), timeout=30).close()
    yield Bench(tmp_path, endpoint, monkeypatch.setenv)
    server.stop()


def provider() -> aws.Provider:
    role = aws.ProviderAssumeRoleArgs(role_arn=f"arn:aws:iam::{ACCOUNT}:role/Deployer", session_name="test")
    return aws.Provider("cell", region="eu-west-2", assume_roles=[role], allowed_account_ids=[ACCOUNT])


def small(cidr: str = "10.0.0.0/16", owner: str = "a", **more: Any) -> Callable[[], None]:
    def program() -> None:
        options = pulumi.ResourceOptions(provider=provider())
        tags = {"domicile:owner": owner}
        key = aws.kms.Key("key", enable_key_rotation=True, tags=tags, opts=options)
        bucket = aws.s3.Bucket("bucket", tags=tags, opts=options)
        encryption = {"sse_algorithm": "aws:kms", "kms_master_key_id": key.arn}
        aws.s3.BucketServerSideEncryptionConfiguration(
            "encryption",
            bucket=bucket.id,
            rules=[{"apply_server_side_encryption_by_default": encryption}],
            opts=options,
        )
        vpc = aws.ec2.Vpc("vpc", cidr_block=cidr, tags=tags, opts=options)
        secret = pulumi.Output.secret("hush")
        held = aws.secretsmanager.Secret("secret", description=secret, recovery_window_in_days=0, opts=options)
        pulumi.export("described", held.description)
        for name, value in (("bucket", bucket.bucket), ("key", key.arn), ("vpc", vpc.id)):
            pulumi.export(name, value)

    return program


def test_a_stack_lives_with_the_real_engine(bench: Bench) -> None:
    assert bench.up(small()) == {"create": 7}
    assert bench.up(small()) == {"same": 7}
    outputs = {name: each.value for name, each in bench.stack.outputs().items()}
    s3 = bench.client("s3")
    rules = s3.get_bucket_encryption(Bucket=outputs["bucket"])["ServerSideEncryptionConfiguration"]["Rules"]
    assert rules[0]["ApplyServerSideEncryptionByDefault"]["KMSMasterKeyID"] == outputs["key"]
    assert bench.stack.outputs()["described"].secret, "a secret input is a secret output"

    s3.put_bucket_tagging(Bucket=outputs["bucket"], Tagging={"TagSet": [{"Key": "who", "Value": "else"}]})
    assert bench.stack.refresh().summary.resource_changes == {"same": 6, "update": 1}
    assert bench.up(small()) == {"same": 6, "update": 1}
    tags = s3.get_bucket_tagging(Bucket=outputs["bucket"])["TagSet"]
    assert tags == [{"Key": "domicile:owner", "Value": "a"}]

    bench.client("ec2").delete_vpc(VpcId=outputs["vpc"])
    assert bench.stack.refresh().summary.resource_changes == {"same": 6, "delete": 1}
    assert bench.up(small()) == {"same": 6, "create": 1}

    assert bench.up(small(owner="b")) == {"same": 4, "update": 3}
    bench.program = small(cidr="10.1.0.0/16", owner="b")
    assert bench.stack.preview().change_summary == {"same": 6, "replace": 1}

    assert bench.stack.destroy().summary.resource_changes == {"delete": 7}
    assert s3.list_buckets()["Buckets"] == []
    assert [each["IsDefault"] for each in bench.client("ec2").describe_vpcs()["Vpcs"]] == [True]
    assert bench.client("secretsmanager").list_secrets()["SecretList"] == []


def test_what_exists_is_adopted_as_it_is(bench: Bench) -> None:
    ec2 = bench.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    ec2.create_tags(Resources=[vpc], Tags=[{"Key": "Name", "Value": "old"}])

    def program() -> None:
        options = pulumi.ResourceOptions(provider=provider(), import_=vpc)
        aws.ec2.Vpc("old", cidr_block="10.9.0.0/16", tags={"Name": "old"}, opts=options)

    assert bench.up(program) == {"create": 2, "import": 1}
    assert bench.up(program) == {"same": 3}


def test_what_was_half_made_is_kept_and_completed(bench: Bench) -> None:
    vpc = bench.client("ec2").create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]

    def gateway(network: str) -> Callable[[], None]:
        def program() -> None:
            options = pulumi.ResourceOptions(provider=provider())
            aws.ec2.InternetGateway("gateway", vpc_id=network, opts=options)

        return program

    with pytest.raises(auto.errors.CommandError) as caught:
        bench.up(gateway("vpc-0000"))
    told = str(caught.value)
    assert "was made, but not completed" in told and "InvalidVpcID.NotFound" in told and "request" in told
    assert bench.up(gateway(vpc)) == {"same": 2, "update": 1}
    gateways = bench.client("ec2").describe_internet_gateways()["InternetGateways"]
    assert [each["Attachments"][0]["VpcId"] for each in gateways] == [vpc], "one gateway, and no orphan"


def test_a_type_that_is_not_in_the_table_is_named(bench: Bench) -> None:
    def program() -> None:
        aws.sqs.Queue("queue", opts=pulumi.ResourceOptions(provider=provider()))

    with pytest.raises(auto.errors.CommandError) as caught:
        bench.up(program)
    assert "no aws:sqs/queue:Queue" in str(caught.value) and "aws/table/sqs.py" in str(caught.value)


def test_another_account_s_credentials_are_refused(bench: Bench) -> None:
    def program() -> None:
        wrong = aws.Provider("cell", region="eu-west-2", allowed_account_ids=["999999999999"])
        aws.ec2.Vpc("vpc", cidr_block="10.0.0.0/16", opts=pulumi.ResourceOptions(provider=wrong))

    with pytest.raises(auto.errors.CommandError, match="allowed are 999999999999"):
        bench.up(program)
