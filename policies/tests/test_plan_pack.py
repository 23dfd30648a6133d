"""The pack as the engine asks it: over pulumi_policy's own analyzer, with the values that go over the wire."""

import json
import runpy
from datetime import date
from pathlib import Path

import pulumi_policy
import pytest
import yaml
from domicile_catalog import load_catalogue
from domicile_catalog.environment import Environment
from domicile_policies.cloud import GLOBAL_REGION
from domicile_policies.plan import RULES, UnknownStackError, Waiver, crossguard, facts_of_stack
from domicile_policies.plan.load import FactsError, environment_folder, read_facts, read_waivers
from google.protobuf import json_format, struct_pb2
from policies_testkit.plans import TAGS, facts, urn
from pulumi.runtime import proto
from pulumi_policy.policy import EnforcementLevel, _PolicyAnalyzerServicer

PACK = Path(__file__).parents[1] / "pack"
UNKNOWN_STRING = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


def analyzer(**changes):
    known = facts(**changes)
    return _PolicyAnalyzerServicer("domicile", "0.1.0", crossguard.policies(lambda: known), EnforcementLevel.MANDATORY)


def asked(kind, name="it", *, region="eu-west-2", protect=False, cls=proto.AnalyzeRequest, dependencies=None, **inputs):
    found = cls(type=kind, urn=urn(kind, name), name=name, properties=_struct(inputs))
    found.options.protect = protect
    found.provider.CopyFrom(
        proto.AnalyzerProviderResource(
            type="pulumi:providers:aws", urn=urn("pulumi:providers:aws", "cell"), name="cell",
            properties=_struct({"region": region}),
        )
    )  # fmt: skip
    for key, urns in (dependencies or {}).items():
        found.propertyDependencies[key].urns.extend(urns)
    return found


def _struct(values):
    return json_format.ParseDict(values, struct_pb2.Struct())


def told(response):
    return {(one.policyName, one.enforcementLevel == proto.MANDATORY) for one in response.diagnostics}


def test_the_pack_has_two_policies_for_every_rule():
    info = analyzer().GetAnalyzerInfo(None, None)
    named = {one.name: one for one in info.policies}
    assert set(named) == {f"{rule.id}{end}" for rule in RULES for end in ("", crossguard.UNDECIDED)}
    for rule in RULES:
        assert named[rule.id].enforcementLevel == proto.MANDATORY
        assert named[rule.id + crossguard.UNDECIDED].enforcementLevel == proto.ADVISORY


def test_a_lawful_resource_passes_and_an_unlawful_one_is_told_by_its_rule():
    pack = analyzer()
    network = {"cidrBlock": "10.0.0.0/16", "tags": TAGS}
    assert told(pack.Analyze(asked("aws:ec2/vpc:Vpc", **network), None)) == set()
    away = pack.Analyze(asked("aws:ec2/vpc:Vpc", region="us-west-2", **network), None)
    assert told(away) == {("place-lawful", True)}
    (said,) = away.diagnostics
    assert "us-west-2" in said.message and "rule place-lawful" in said.message


def test_a_secret_is_judged_by_its_value():
    secret = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "value": "us-west-2a"}
    answer = analyzer().Analyze(asked("aws:ec2/subnet:Subnet", availabilityZone=secret, tags=TAGS), None)
    assert told(answer) == {("place-lawful", True)}


def test_what_is_unknown_in_a_preview_is_told_and_stops_nothing():
    answer = analyzer().Analyze(asked("aws:ec2/subnet:Subnet", availabilityZone=UNKNOWN_STRING, tags=TAGS), None)
    assert told(answer) == {("place-lawful-undecided", False)}
    # The rule itself has run: the other zone of the same list is judged.
    zones = [UNKNOWN_STRING, "us-west-2a"]
    answer = analyzer().Analyze(asked("aws:rds/cluster:Cluster", availabilityZones=zones, protect=True,
                                      storageEncrypted=True, kmsKeyId=UNKNOWN_STRING, tags=TAGS), None)  # fmt: skip
    assert told(answer) == {("place-lawful", True), ("place-lawful-undecided", False)}


def test_the_whole_stack_is_judged_with_what_comes_from_what():
    bucket = asked("aws:s3/bucket:Bucket", cls=proto.AnalyzerResource, bucket="b", tags=TAGS, protect=True)
    tied = {"bucket": [bucket.urn]}
    blocks = dict.fromkeys(("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"), True)
    closed = asked("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", cls=proto.AnalyzerResource,
                   bucket=UNKNOWN_STRING, dependencies=tied, **blocks)  # fmt: skip
    pack = analyzer()
    alone = told(pack.AnalyzeStack(proto.AnalyzeStackRequest(resources=[bucket]), None))
    assert alone == {("bucket-encrypted", True), ("bucket-not-public", True), ("tls-buckets", True)}
    both = told(pack.AnalyzeStack(proto.AnalyzeStackRequest(resources=[bucket, closed]), None))
    assert both == {("bucket-encrypted", True), ("tls-buckets", True)}


def test_what_waits_for_an_account_of_the_same_plan_is_decided_during_the_update():
    bucket = asked("aws:s3/bucket:Bucket", cls=proto.AnalyzerResource)
    tied = {key: [bucket.urn] for key in ("bucket", "policy")}
    about = [
        asked(f"aws:s3/{kind[0].lower()}{kind[1:]}:{kind}", cls=proto.AnalyzerResource, dependencies=tied)
        for kind in ("BucketPolicy", "BucketPublicAccessBlock", "BucketServerSideEncryptionConfiguration")
    ]
    said = told(analyzer().AnalyzeStack(proto.AnalyzeStackRequest(resources=[bucket, *about]), None))
    assert said and not any(refused for _, refused in said), said


def test_what_stood_before_and_is_gone_needs_an_approval():
    gone = urn("aws:kms/key:Key", "ledger")
    pack = analyzer(standing=frozenset({gone}))
    (said,) = pack.AnalyzeStack(proto.AnalyzeStackRequest(resources=[]), None).diagnostics
    assert (said.policyName, said.urn) == ("stateful-approved", gone)


def test_a_waived_finding_is_not_told():
    policy = {"policy": json.dumps({"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})}
    ask = asked("aws:iam/rolePolicy:RolePolicy", **policy)
    assert told(analyzer().Analyze(ask, None)) == {("iam-no-admin", True)}
    waived = Waiver("iam-no-admin", "aws:iam/rolePolicy:RolePolicy::*", "people in an emergency")
    assert told(analyzer(waivers=(waived,)).Analyze(ask, None)) == set()


def test_the_packs_file_makes_the_pack(monkeypatch):
    made = {}
    monkeypatch.setattr(pulumi_policy, "PolicyPack", lambda **given: made.update(given))
    runpy.run_path(str(PACK / "__main__.py"))
    assert made["name"] == "domicile" and len(made["policies"]) == 2 * len(RULES)
    assert yaml.safe_load((PACK / "PulumiPolicy.yaml").read_text())["runtime"]["name"] == "python"
    waivers = read_waivers(PACK / "waivers.yaml")
    assert waivers and {one.rule for one in waivers} <= {rule.id for rule in RULES}


ENVIRONMENT = """
name: prod
production: false
owner: platform@acme.example
organization: {account: "123456789012", home: eu-west-1, email: "aws+{account}@acme.example"}
cells:
  - {name: gb-prod, place: eu-west-2, backupPlace: eu-west-1, jurisdictions: [GB], baseDomain: gb.acme.example}
  - {name: br-prod, place: sa-east-1, jurisdictions: [BR], baseDomain: br.acme.example}
approvals:
  - stack: br-prod
    resource: ledger
    action: delete
    reason: the cell is closed
    by: dpo@acme.example
    until: 2026-07-01
"""
TODAY = date(2026, 6, 1)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "policies" / "pack").mkdir(parents=True)
    (tmp_path / "environments" / "prod").mkdir(parents=True)
    (tmp_path / "environments" / "prod" / "environment.yaml").write_text(ENVIRONMENT)
    return tmp_path


def settings(stack="gb-prod", **more):
    return {"PULUMI_STACK": stack, "PULUMI_CONFIG": json.dumps({"domicile:environment": "prod"}), **more}


def test_the_facts_are_the_environments(folder):
    pack = folder / "policies" / "pack"
    cell = read_facts(settings(), pack, TODAY)
    assert (cell.lawful_places, cell.backup_places) == ({"eu-west-2"}, {"eu-west-2", "eu-west-1"})
    assert (cell.environment, cell.approvals, cell.waivers) == ("prod", (), ())
    assert {"player_identity", "wagering"} <= cell.personal and "game_server" not in cell.personal
    assert [one.resource for one in read_facts(settings("br-prod"), pack, TODAY).approvals] == ["ledger"]
    organization = read_facts(settings("organization"), pack, TODAY)
    assert organization.lawful_places == {"eu-west-1", GLOBAL_REGION, "eu-west-2", "sa-east-1"}


def test_where_the_environment_lies_can_be_said(folder, tmp_path):
    pack = folder / "policies" / "pack"
    assert environment_folder(settings(), pack, "gb-prod") == folder / "environments" / "prod"
    elsewhere = settings(DOMICILE_ENVIRONMENTS="/elsewhere")
    assert environment_folder(elsewhere, pack, "gb-prod") == Path("/elsewhere/prod")
    assert environment_folder(settings(DOMICILE_ENVIRONMENT="/this"), pack, "gb-prod") == Path("/this")


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"PULUMI_STACK": ""}, "PULUMI_STACK is not set"),
        ({"PULUMI_CONFIG": ""}, "says of no environment"),
        ({"PULUMI_CONFIG": '{"domicile:environment": "missing"}'}, "cannot be judged"),
    ],
)
def test_what_cannot_be_read_is_judged_by_nobody(folder, given, why):
    with pytest.raises(FactsError, match=why):
        read_facts(settings() | given, folder / "policies" / "pack", TODAY)


def test_a_stack_that_the_environment_has_not_is_refused_with_those_that_it_has(folder):
    with pytest.raises(UnknownStackError, match=r"has no stack de-prod.*br-prod, gb-prod, organization"):
        read_facts(settings("de-prod"), folder / "policies" / "pack", TODAY)
    alone = Environment.model_validate({"name": "prod", "production": True})
    with pytest.raises(UnknownStackError, match="It has: none"):
        facts_of_stack(alone, "gb-prod", load_catalogue(), TODAY)


@pytest.mark.parametrize(
    "text", ["- {rule: x, resource: y}", "- {rule: x, resource: y, reason: ''}", "- {rule: x, z: 1}"]
)
def test_a_waiver_without_a_reason_is_none(folder, text):
    file = folder / "waivers.yaml"
    file.write_text(text)
    with pytest.raises(FactsError):
        read_waivers(file)
