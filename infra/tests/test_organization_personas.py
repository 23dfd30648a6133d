"""Who may do what where: the personas' documents, judged as IAM would."""

import json

import pytest
from domicile_infra.plan.audit_reads import audit_document
from domicile_infra.plan.persona_documents import (
    PROTECTED,
    boundary_document,
    compliance_document,
    deployer_document,
    platform_document,
    regulator_document,
)
from domicile_infra.plan.trust_document import trust_document
from domicile_policies.audit_actions import ACTIONS
from domicile_policies.evaluator import Request, allowed_by, denied_by
from domicile_policies.names import PLATFORM, AccountRole
from hypothesis import given
from hypothesis import strategies as st
from organization_testkit import AUDITOR, CI, ENGINEER, EXTERNAL_ID, OFFICER, plan
from organization_testkit.recorder import ORGANIZATION_ID, build, full_world

world = full_world


def may(document, action, resource="*", **context) -> bool:
    request = Request(action, resource, {key.replace("__", ":"): value for key, value in context.items()})
    return denied_by([document], request) is None and allowed_by([document], request) is not None


def account_id(name: str) -> str:
    return world().exports["organization"]["accounts"][name]["id"]


# --- the regulator


def regulators_policy():
    return json.loads(
        world().resources["log-archive-anywhere/roles/domicile-regulator-commission/policy"].inputs["policy"]
    )


def test_a_regulator_has_a_role_where_the_logs_of_its_jurisdictions_are_and_nowhere_else():
    roles = {name for name in world().resources if name.endswith("/roles/domicile-regulator-commission")}
    assert roles == {"log-archive-anywhere/roles/domicile-regulator-commission"}


def test_a_regulator_reads_the_logs_of_its_cells_and_its_own_evidence():
    bucket = f"test-audit-{account_id('log-archive-anywhere')}-eu-west-2"
    logs = f"AWSLogs/{ORGANIZATION_ID}/{account_id('gb-test')}/CloudTrail/eu-west-2/2026/06/01/x.json.gz"
    for key in (logs, "evidence/GB/0001.json"):
        assert may(regulators_policy(), "s3:GetObject", f"arn:aws:s3:::{bucket}/{key}"), key
    prefix = f"AWSLogs/{ORGANIZATION_ID}/{account_id('gb-test')}/CloudTrail/"
    assert may(regulators_policy(), "s3:ListBucket", f"arn:aws:s3:::{bucket}", s3__prefix=prefix)


def test_a_regulator_reads_no_other_accounts_logs_and_no_other_jurisdictions_evidence():
    bucket = f"arn:aws:s3:::test-audit-{account_id('log-archive-anywhere')}-eu-west-2"
    other = f"AWSLogs/{ORGANIZATION_ID}/{account_id('mt-test')}/x.json.gz"
    for key in (other, "evidence/MT/0001.json", "evidence/GBX/1.json", "AWSLogs/", "x"):
        assert not may(regulators_policy(), "s3:GetObject", f"{bucket}/{key}"), key
        assert not may(regulators_policy(), "s3:ListBucket", bucket, s3__prefix=key), key
    assert not may(regulators_policy(), "s3:ListBucket", bucket)  # the whole bucket


@given(
    st.sampled_from(["s3:PutObject", "s3:DeleteObject", "s3:PutBucketPolicy", "kms:Encrypt", "iam:CreateRole", "ec2:*"])
    | st.from_regex(r"[a-z]{2,8}:[A-Z][A-Za-z]{2,12}", fullmatch=True),
    st.from_regex(r"arn:aws:[a-z]{2,6}:::[a-z/-]{1,20}", fullmatch=True),
)
def test_a_regulator_does_nothing_but_read_and_nothing_outside_its_buckets(action, resource):
    assert not may(regulators_policy(), action, resource)


def test_a_regulators_document_names_what_it_is_given_and_no_wildcard_for_a_bucket():
    document = regulator_document([("a-bucket", "arn:aws:kms:x:1:key/k", ["evidence/GB/"])])
    actions = {action for statement in document["Statement"] for action in statement["Action"]}
    assert actions == {"s3:GetObject", "s3:GetObjectVersion", "s3:ListBucket", "kms:Decrypt"}
    for statement in document["Statement"]:
        assert all(one.startswith(("arn:aws:s3:::a-bucket", "arn:aws:kms:x:1:key/k")) for one in statement["Resource"])


# --- trust


def trusted(document, **context) -> bool:
    judged = {**document, "Statement": [{**one, "Principal": "*", "Resource": "*"} for one in document["Statement"]]}
    return may(judged, "sts:AssumeRole", **context)


def trust_of(role: str):
    return json.loads(world().resources[role].inputs["assumeRolePolicy"])


def test_a_regulator_comes_with_its_secret_and_its_second_factor_until_its_last_day():
    trust = trust_of("log-archive-anywhere/roles/domicile-regulator-commission")
    assert trust["Statement"][0]["Principal"] == {"AWS": [AUDITOR]}
    good = {
        "sts__ExternalId": EXTERNAL_ID,
        "aws__MultiFactorAuthPresent": "true",
        "aws__CurrentTime": "2027-03-31T12:00:00Z",
    }
    assert trusted(trust, **good)
    assert not trusted(trust, **good | {"sts__ExternalId": "another"})
    assert not trusted(trust, **good | {"aws__MultiFactorAuthPresent": "false"})
    assert not trusted(trust, **good | {"aws__CurrentTime": "2027-04-01T00:00:01Z"})
    for absent in good:
        assert not trusted(trust, **{key: value for key, value in good.items() if key != absent}), absent
    assert (
        world().resources["log-archive-anywhere/roles/domicile-regulator-commission"].inputs["maxSessionDuration"]
        == 3600
    )


@pytest.mark.parametrize("role", ["domicile-platform", "domicile-compliance", "domicile-break-glass"])
def test_people_come_from_the_organisation_with_a_second_factor(role):
    trust = trust_of(f"security/roles/{role}")
    good = {
        "aws__PrincipalOrgID": ORGANIZATION_ID,
        "aws__MultiFactorAuthPresent": "true",
        "aws__RequestedRegion": "eu-west-1",
    }
    assert trusted(trust, **good)
    assert not trusted(trust, **good | {"aws__PrincipalOrgID": "o-another"})
    assert not trusted(trust, **good | {"aws__MultiFactorAuthPresent": "false"})
    assert not trusted(trust, aws__PrincipalOrgID=ORGANIZATION_ID, aws__RequestedRegion="eu-west-1")


CENTER = "arn:aws:iam::111111111111:role/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_staff_0123456789abcdef"
WHOEVER = "arn:aws:iam::111111111111:root"
OTHER = "arn:aws:iam::111111111111:user/one"


@pytest.mark.parametrize("named", [CENTER, WHOEVER])
def test_who_comes_by_identity_center_is_not_asked_for_what_its_sessions_never_tell(named):
    trust = trust_document([named, OTHER], ORGANIZATION_ID, mfa=True, regions=["eu-west-1"])
    by_center = {
        "aws__PrincipalArn": CENTER,
        "aws__PrincipalOrgID": ORGANIZATION_ID,
        "aws__RequestedRegion": "eu-west-1",
    }
    assert trusted(trust, **by_center)  # the key is not there
    assert trusted(trust, **by_center, aws__MultiFactorAuthPresent="false")  # or says that it is not a device of IAM
    for changed in ({"aws__PrincipalOrgID": "o-another"}, {"aws__RequestedRegion": "us-east-1"}):
        assert not trusted(trust, **by_center | changed)
    # Whoever is no role of Identity Center's shows a second factor; a key that lasts tells of none at all.
    for arn in (OTHER, "arn:aws:iam::111111111111:role/AWSReservedSSO_staff_0123456789abcdef"):
        by_hand = by_center | {"aws__PrincipalArn": arn}
        assert not trusted(trust, **by_hand)
        assert not trusted(trust, **by_hand, aws__MultiFactorAuthPresent="false")
        assert trusted(trust, **by_hand, aws__MultiFactorAuthPresent="true")
    (center,) = [one for one in trust["Statement"] if one["Sid"] == "TrustThroughIdentityCenter"]
    assert center["Principal"] == {"AWS": [named]}


def test_another_organisations_identity_center_is_trusted_where_its_role_is_named_and_not_with_its_account():
    def sids(named):
        return [one["Sid"] for one in trust_document([named], None, mfa=True, external_id=EXTERNAL_ID)["Statement"]]

    assert sids(CENTER) == ["TrustThesePrincipals", "TrustThroughIdentityCenter"]
    assert sids(WHOEVER) == sids(OTHER) == ["TrustThesePrincipals"]
    trust = trust_document([CENTER], None, mfa=True, external_id=EXTERNAL_ID)
    assert trusted(trust, aws__PrincipalArn=CENTER, sts__ExternalId=EXTERNAL_ID)
    assert not trusted(trust, aws__PrincipalArn=CENTER, sts__ExternalId="another")


def test_break_glass_is_not_assumed_where_no_alarm_hears_it():
    trust = trust_of("br-test/roles/domicile-break-glass")
    good = {"aws__PrincipalOrgID": ORGANIZATION_ID, "aws__MultiFactorAuthPresent": "true"}
    assert trusted(trust, **good, aws__RequestedRegion="sa-east-1")
    assert not trusted(trust, **good, aws__RequestedRegion="us-east-1")


def test_the_deployers_and_the_audits_role_trust_those_named_and_nobody_else():
    assert trust_of("gb-test/roles/domicile-deployer")["Statement"][0]["Principal"] == {"AWS": [CI]}
    assert trust_of("gb-test/roles/domicile-audit")["Statement"][0]["Principal"] == {"AWS": sorted([CI, OFFICER])}
    assert not trusted(trust_of("gb-test/roles/domicile-deployer"), aws__PrincipalOrgID="o-another")


def test_a_role_without_conditions_trusts_its_principals_plainly():
    assert "Condition" not in trust_document([CI], None)["Statement"][0]


# --- what each may do


def test_where_each_persona_has_a_role():
    where = {
        persona: {
            one.role for one in plan().accounts if any(role.persona == persona for role in plan().roles[one.name])
        }
        for persona in ("platform", "compliance", "breakGlass", "deployer", "audit", "regulator")
    }
    everywhere = set(AccountRole) - {AccountRole.MANAGEMENT}
    assert where == {
        "platform": everywhere - {AccountRole.LOG_ARCHIVE},
        "compliance": everywhere,
        "breakGlass": everywhere,
        "audit": everywhere,
        "deployer": {AccountRole.CELL},
        "regulator": {AccountRole.LOG_ARCHIVE},
    }


ORGANIZATIONS = [one.replace("*", "123456789012", 1).replace("*", "x") for one in PROTECTED]
CELLS = "arn:aws:iam::123456789012:role/domicile-cell-nodes-gb"
WRITES = (
    "iam:AttachRolePolicy",
    "iam:DeleteRolePermissionsBoundary",
    "iam:DeleteRole",
    "iam:PutRolePolicy",
    "iam:UpdateAssumeRolePolicy",
    "iam:CreatePolicyVersion",
    "iam:SetDefaultPolicyVersion",
    "iam:TagRole",
)
OWN = "arn:aws:iam::123456789012:policy/domicile-boundary"


@pytest.mark.parametrize("document", [platform_document, deployer_document, boundary_document])
def test_nobody_in_an_account_changes_the_organisations_roles(document):
    for resource in ORGANIZATIONS:
        for action in WRITES:
            context = {"iam__PermissionsBoundary": OWN, "aws__PrincipalAccount": "123456789012"}
            assert not may(document(), action, resource, **context), (action, resource)


@pytest.mark.parametrize("document", [platform_document, deployer_document, boundary_document])
def test_nobody_in_an_account_makes_credentials_that_last(document):
    for action in ("iam:CreateUser", "iam:CreateAccessKey", "iam:CreateLoginProfile"):
        assert not may(document(), action)


@pytest.mark.parametrize(
    ("document", "role"),
    [(platform_document, "arn:aws:iam::123456789012:role/new"), (deployer_document, CELLS)],
    ids=["platform", "deployer"],
)
def test_roles_are_made_with_the_boundary_and_none_without(document, role):
    own = {"aws__PrincipalAccount": "123456789012"}
    for action in ("iam:CreateRole", "iam:AttachRolePolicy", "iam:PutRolePolicy"):
        assert may(document(), action, role, iam__PermissionsBoundary=OWN, **own)
        assert not may(document(), action, role, **own)
        assert not may(
            document(), action, role, iam__PermissionsBoundary="arn:aws:iam::aws:policy/ReadOnlyAccess", **own
        )
    assert not may(document(), "iam:DeleteRolePermissionsBoundary", role, iam__PermissionsBoundary=OWN, **own)


def test_engineers_become_none_of_a_cells_roles():
    own = {"iam__PermissionsBoundary": OWN, "aws__PrincipalAccount": "123456789012"}
    for document in (platform_document(), boundary_document()):
        for action in WRITES:
            assert not may(document, action, CELLS, **own), action
    for service in ("ec2.amazonaws.com", "pods.eks.amazonaws.com"):
        assert not may(platform_document(), "iam:PassRole", CELLS, iam__PassedToService=service)
        assert may(platform_document(), "iam:PassRole", "arn:aws:iam::1:role/mine", iam__PassedToService=service)
    assert may(platform_document(), "iam:PassRole", CELLS, iam__PassedToService="backup.amazonaws.com")


def test_the_deployer_writes_no_role_and_no_policy_but_the_roles_of_its_cell():
    own = {"iam__PermissionsBoundary": OWN, "aws__PrincipalAccount": "123456789012"}
    for action in WRITES:
        assert not may(deployer_document(), action, "arn:aws:iam::123456789012:role/new", **own), action
    for policy in (OWN, "arn:aws:iam::123456789012:policy/new"):
        for action in (
            "iam:CreatePolicy",
            "iam:CreatePolicyVersion",
            "iam:DeletePolicy",
            "iam:SetDefaultPolicyVersion",
        ):
            assert not may(deployer_document(), action, policy), (action, policy)
    assert may(deployer_document(), "iam:UpdateAssumeRolePolicy", CELLS)


def test_the_rule_that_hears_break_glass_has_a_name_that_the_organisations_policies_keep():
    rules = [one for name, one in world().resources.items() if name.endswith("/rule")]
    assert rules and all(one.inputs["name"].startswith(PLATFORM) for one in rules)


def test_an_engineers_role_has_the_boundary():
    assert (
        world()
        .resources["gb-test/roles/domicile-platform"]
        .inputs["permissionsBoundary"]
        .endswith("policy/domicile-boundary")
    )


def test_the_boundary_lets_nobody_touch_the_organisation():
    for action in ("organizations:LeaveOrganization", "account:CloseAccount", "sso:CreatePermissionSet"):
        assert not may(boundary_document(), action)
    assert may(boundary_document(), "ec2:RunInstances")


def test_the_deployer_builds_a_cell_and_hands_roles_to_its_services_alone():
    for action in ("rds:CreateDBCluster", "eks:CreateCluster", "kms:CreateKey", "iam:UpdateRole"):
        assert may(deployer_document(), action, CELLS)
    for action in ("organizations:CreateAccount", "sts:AssumeRole", "cloudtrail:StopLogging", "dynamodb:CreateTable"):
        assert not may(deployer_document(), action)
    assert may(deployer_document(), "iam:PassRole", CELLS, iam__PassedToService="eks.amazonaws.com")
    assert not may(deployer_document(), "iam:PassRole", CELLS, iam__PassedToService="lambda.amazonaws.com")
    assert not may(deployer_document(), "iam:PassRole", ORGANIZATIONS[0], iam__PassedToService="ec2.amazonaws.com")


def test_compliance_reads_the_logs_of_its_own_environment():
    document = compliance_document("test")
    assert may(document, "s3:GetObject", "arn:aws:s3:::test-audit-1-eu-west-1/AWSLogs/x")
    assert not may(document, "s3:GetObject", "arn:aws:s3:::live-audit-1-eu-west-1/AWSLogs/x")
    assert not may(document, "s3:PutObject", "arn:aws:s3:::test-audit-1-eu-west-1/AWSLogs/x")
    assert not may(document, "s3:GetObject", "arn:aws:s3:::test-documents/x")


CONTENTS = (
    "s3:GetObject",
    "secretsmanager:GetSecretValue",
    "kms:Decrypt",
    "dynamodb:GetItem",
    "logs:GetLogEvents",
    "ssm:GetParameter",
    "rds-data:ExecuteStatement",
    "sqs:ReceiveMessage",
    "kinesis:GetRecords",
    "ecr:GetDownloadUrlForLayer",
    "ec2:RunInstances",
    "iam:CreateRole",
)


def test_the_audit_reads_what_exists_and_never_what_is_in_it():
    for action in CONTENTS:
        assert not may(audit_document(), action), action
    for action in ("s3:GetBucketPolicy", "rds:DescribeDBSnapshotAttributes", "kms:ListGrants", "tag:GetResources"):
        assert may(audit_document(), action), action


def test_every_call_of_the_audit_is_one_that_reads():
    verbs = ("Describe", "Get", "List")
    assert [one for one in ACTIONS if not one.split(":")[1].startswith(verbs)] == []


# --- Identity Center


def test_groups_of_identity_center_get_the_same_table_as_permission_sets():
    groups = {"platform": "group-p", "compliance": "group-c"}
    center = {"instanceArn": "arn:aws:sso:::instance/ssoins-1", "groups": groups}
    found = plan(organization={"identityCenter": center, "principals": {"breakGlass": [ENGINEER]}})
    sets = {one.persona: one for one in found.permission_sets}
    roles = {role.persona: role for account in plan().accounts for role in plan().roles[account.name]}
    assert set(sets) == {"platform", "compliance"}
    for persona, one in sets.items():
        assert (one.managed, one.document) == (roles[persona].managed, roles[persona].document)
        assert set(one.accounts) == {
            account.name for account in plan().accounts if any(r.persona == persona for r in plan().roles[account.name])
        }
    built = build(found)
    assignments = built.of_type("aws:ssoadmin/accountAssignment:AccountAssignment")
    assert {(one.inputs["principalId"], one.inputs["targetId"]) for one in assignments} == {
        (one.group, built.exports["organization"]["accounts"][account]["id"])
        for one in found.permission_sets
        for account in one.accounts
    }
    for one in assignments:
        assert any(name.endswith("/policy") for name in built.waits_for(one)), "assigned before it is whole"
