"""Who may write to an archive, use its key, and publish alarms: the documents judged as IAM would."""

import pytest
from domicile_infra.plan.baseline import (
    alarm_key_document,
    alarm_topic_document,
    use_of_role_pattern,
    volume_key_document,
)
from domicile_infra.plan.log_archive_documents import archive_key_document, bucket_document, trail_arn
from domicile_policies.evaluator import Request, allowed_by, denied_by

OURS, MANAGEMENT, ARCHIVE = "o-exampleorg01", "123456789012", "111111111111"
TRAIL = trail_arn("eu-west-2", MANAGEMENT, "test-gb-eu-west-2")
BUCKET = "test-audit-111111111111-eu-west-2"
KEY = "arn:aws:kms:eu-west-2:111111111111:key/k"
LOG = f"arn:aws:s3:::{BUCKET}/AWSLogs/{OURS}/222222222222/CloudTrail/x.json.gz"
EVIDENCE = f"arn:aws:s3:::{BUCKET}/evidence/GB/1.json"
HEADER = "s3:x-amz-server-side-encryption-aws-kms-key-id"
DOCUMENT = bucket_document(BUCKET, TRAIL, KEY, OURS, MANAGEMENT)

THE_TRAIL = {
    "aws:SourceArn": TRAIL,
    "aws:PrincipalIsAWSService": "true",
    "aws:SecureTransport": "true",
    "s3:x-amz-acl": "bucket-owner-full-control",
    HEADER: KEY,
}
OF_OURS = {"aws:PrincipalOrgID": OURS, "aws:PrincipalIsAWSService": "false", "aws:SecureTransport": "true"}


def denied(document, action, resource, context):
    """By which Sid the document's denials, which are everybody's, refuse it."""
    denials = [one for one in document["Statement"] if one["Effect"] == "Deny"]
    return denied_by([{**document, "Statement": denials}], Request(action, resource, context))


def test_the_trail_writes_its_logs():
    assert denied(DOCUMENT, "s3:PutObject", LOG, THE_TRAIL) is None
    (write,) = [one for one in DOCUMENT["Statement"] if one["Sid"] == "LetTheTrailWrite"]
    assert write["Principal"] == {"Service": "cloudtrail.amazonaws.com"}
    assert write["Condition"]["StringEquals"]["aws:SourceArn"] == TRAIL
    assert all("/AWSLogs/" in one for one in write["Resource"])


@pytest.mark.parametrize(
    ("action", "resource", "context", "sid"),
    [
        ("s3:PutObject", LOG, THE_TRAIL | {"aws:SourceArn": TRAIL.replace("gb", "br")}, "DenyLogsOfAnyoneElse"),
        ("s3:PutObject", LOG, OF_OURS, "DenyLogsOfAnyoneElse"),
        ("s3:PutObject", LOG, THE_TRAIL | {HEADER: f"{KEY}-other"}, "DenyOtherKeys"),
        ("s3:PutObject", EVIDENCE, OF_OURS | {HEADER: f"{KEY}-other"}, "DenyOtherKeys"),
        ("s3:GetObject", LOG, OF_OURS | {"aws:SecureTransport": "false"}, "DenyPlainText"),
        ("s3:GetObject", LOG, OF_OURS | {"aws:PrincipalOrgID": "o-another"}, "DenyOutsideOrganization"),
        ("s3:DeleteObjectVersion", LOG, OF_OURS, "DenyDeletion"),
        ("s3:DeleteObject", EVIDENCE, OF_OURS, "DenyDeletion"),
    ],
)
def test_an_archive_refuses(action, resource, context, sid):
    assert denied(DOCUMENT, action, resource, context) == sid


def test_a_caller_without_an_organisation_is_refused():
    context = {"aws:PrincipalIsAWSService": "false", "aws:SecureTransport": "true", "aws:PrincipalOrgID": ""}
    assert denied(DOCUMENT, "s3:GetObject", LOG, context) == "DenyOutsideOrganization"


def test_evidence_is_written_with_the_buckets_own_key_or_by_naming_it():
    assert denied(DOCUMENT, "s3:PutObject", EVIDENCE, OF_OURS) is None
    assert denied(DOCUMENT, "s3:PutObject", EVIDENCE, OF_OURS | {HEADER: KEY}) is None
    assert denied(DOCUMENT, "s3:GetObject", LOG, OF_OURS) is None


KEYS = [
    archive_key_document(ARCHIVE, TRAIL, MANAGEMENT, OURS),
    volume_key_document(ARCHIVE, "eu-west-2", OURS),
]


@pytest.mark.parametrize("document", KEYS, ids=["archive", "volumes"])
def test_a_key_is_for_the_organisation_and_lent_to_services_alone(document):
    lending = OF_OURS | {"kms:GrantIsForAWSResource": "false"}
    assert denied(document, "kms:CreateGrant", KEY, lending) == "DenyLendingItOut"
    assert denied(document, "kms:CreateGrant", KEY, OF_OURS) == "DenyLendingItOut"
    assert denied(document, "kms:CreateGrant", KEY, OF_OURS | {"kms:GrantIsForAWSResource": "true"}) is None
    assert denied(document, "kms:Decrypt", KEY, OF_OURS | {"aws:PrincipalOrgID": "o-another"})
    assert denied(document, "kms:Decrypt", KEY, OF_OURS) is None


@pytest.mark.parametrize("document", KEYS, ids=["archive", "volumes"])
def test_the_account_cannot_be_locked_out_of_its_key_and_opens_nothing_with_it_by_hand(document):
    (owner,) = [one for one in document["Statement"] if one["Sid"] == "AdministerByThisAccount"]
    assert owner["Principal"] == {"AWS": f"arn:aws:iam::{ARCHIVE}:root"}
    anyone = {**document, "Statement": [one | {"Principal": "*"} for one in document["Statement"]]}
    by_hand = OF_OURS | {"kms:CallerAccount": ARCHIVE}
    assert allowed_by([anyone], Request("kms:PutKeyPolicy", KEY, by_hand)) == "AdministerByThisAccount"
    for action in ("kms:Decrypt", "kms:GenerateDataKey", "kms:CreateGrant"):
        assert allowed_by([anyone], Request(action, KEY, by_hand)) is None, action


def test_an_archive_is_opened_through_s3_of_its_own_region_alone():
    anyone = {**KEYS[0], "Statement": [one | {"Principal": "*"} for one in KEYS[0]["Statement"]]}
    for region, sid in (("eu-west-2", "UseThroughS3"), ("eu-west-1", None)):
        through = OF_OURS | {"kms:ViaService": f"s3.{region}.amazonaws.com"}
        assert allowed_by([anyone], Request("kms:Decrypt", KEY, through)) == sid


def test_the_archives_key_encrypts_for_its_trail_alone():
    uses = [one for one in KEYS[0]["Statement"] if one["Principal"] == {"Service": "cloudtrail.amazonaws.com"}]
    assert {one["Action"] for one in uses} == {"kms:GenerateDataKey*", "kms:DescribeKey"}
    assert all(one["Condition"]["StringEquals"]["aws:SourceArn"] == TRAIL for one in uses)


def test_volumes_are_opened_through_ec2_of_the_account_and_its_region_alone():
    (use,) = [one for one in KEYS[1]["Statement"] if one["Sid"] == "UseThroughEc2"]
    assert use["Condition"]["StringEquals"] == {
        "kms:CallerAccount": ARCHIVE,
        "kms:ViaService": "ec2.eu-west-2.amazonaws.com",
    }


def allowance(document, service):
    """The statements that let a service of AWS do something."""
    allows = [one for one in document["Statement"] if one["Effect"] == "Allow"]
    return [one for one in allows if one["Principal"] == {"Service": service}]


def test_alarms_are_let_through_by_eventbridge_which_tells_neither_sns_nor_kms_for_whom_it_publishes():
    topic = "arn:aws:sns:eu-west-2:111111111111:t"
    (publish,) = allowance(alarm_topic_document(topic), "events.amazonaws.com")
    assert (publish["Action"], publish["Resource"]) == ("sns:Publish", topic) and "Condition" not in publish
    (use,) = allowance(alarm_key_document(ARCHIVE, OURS), "events.amazonaws.com")
    assert use["Action"] == ["kms:Decrypt", "kms:GenerateDataKey*"] and "Condition" not in use


def test_nobody_else_publishes_to_the_alarms_of_the_organisation():
    document = alarm_topic_document("arn:aws:sns:eu-west-2:111111111111:t")
    allows = [one for one in document["Statement"] if one["Effect"] == "Allow"]
    assert [one["Principal"] for one in allows] == [{"Service": "events.amazonaws.com"}]


def test_a_role_is_heard_when_it_is_assumed_and_whatever_it_does():
    arn = f"arn:aws:iam::{ARCHIVE}:role/domicile-break-glass"
    assumed, doing = use_of_role_pattern("domicile-break-glass", ARCHIVE)["$or"]
    assert assumed["detail"]["requestParameters"]["roleArn"] == [arn]
    assert doing["detail"]["userIdentity"]["sessionContext"]["sessionIssuer"]["arn"] == [arn]
