"""The graph of the stack `organization`: who is made by which provider, in which order, and what is never deleted."""

import fnmatch
import json
from dataclasses import replace

import pulumi_aws
import pytest
from domicile_infra.plan.errors import PlanError
from domicile_infra.plan.organization import targets_of
from domicile_infra.plan.organization_outputs import OUTPUT, parse_outputs
from domicile_infra.renaming import renamed
from domicile_policies.documents import PolicyType
from domicile_policies.names import TAG_KEYS
from domicile_policies.plan.holding import is_kept
from organization_testkit import MANAGEMENT, SMALL, plan
from organization_testkit.recorder import FULL, ORGANIZATION_ID, Registered, build, full_world

PLAN, world = FULL, full_world

ATTACHMENT = "aws:organizations/policyAttachment:PolicyAttachment"
ACCOUNT = "aws:organizations/account:Account"
TRAIL = "aws:cloudtrail/trail:Trail"

STATEFUL = {
    ACCOUNT,
    "aws:organizations/organization:Organization",
    "aws:organizations/organizationalUnit:OrganizationalUnit",
    "aws:s3/bucket:Bucket",
    "aws:s3/bucketPolicy:BucketPolicy",
    "aws:s3/bucketVersioning:BucketVersioning",
    "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration",
    "aws:kms/key:Key",
    "aws:account/region:Region",
    TRAIL,
}

# What AWS gives no tags.
UNTAGGED = {
    ATTACHMENT,
    "aws:accessanalyzer/analyzer:Analyzer",
}


def test_every_resource_names_its_provider():
    providers = {one.urn for one in world().of_type("pulumi:providers:aws")}
    assert len(world().custom()) > 200
    assert [one.name for one in world().custom() if one.provider_urn not in providers] == []


def test_every_provider_names_its_account_and_its_region():
    for provider in world().of_type("pulumi:providers:aws"):
        account, _, region = provider.name.partition("/")
        assert provider.inputs["region"] == region
        (allowed,) = json.loads(provider.inputs["allowedAccountIds"])
        assumed = json.loads(provider.inputs.get("assumeRoles", "[]"))
        if account == "management":
            assert (allowed, assumed) == (MANAGEMENT, [])
        else:
            assert allowed == account_id(account)
            assert [one["roleArn"] for one in assumed] == [f"arn:aws:iam::{allowed}:role/OrganizationAccountAccessRole"]


def account_id(name: str) -> str:
    return world().exports[OUTPUT]["accounts"][name]["id"]


def test_what_is_in_an_account_is_made_by_that_accounts_provider():
    for one in world().custom():
        owner = one.name.partition("/")[0]
        if owner in {account.name for account in PLAN.accounts} and not _of_management(one):
            assert world().provider_of(one).name.startswith(f"{owner}/"), one.name


def _of_management(one: Registered) -> bool:
    """What the management account makes for an account from outside."""
    return one.type.startswith(("aws:organizations/", "aws:account/"))


def test_what_is_in_a_region_is_made_by_that_regions_provider():
    regions = {region for account in PLAN.accounts for region in (*account.regions, *account.watches)}
    checked = 0
    for one in world().custom():
        named = [part for part in one.name.split("/") if part in regions]
        if named and not one.type.startswith("aws:account/"):
            assert world().provider_of(one).inputs["region"] == named[0], one.name
            checked += 1
    assert checked > 100


def test_stateful_things_are_protected_and_retained_and_nothing_else_is_protected():
    for one in world().custom():
        assert (one.protect, one.retain) == (one.type in STATEFUL, one.type in STATEFUL), one.name


def test_everything_that_the_rules_on_plans_keep_is_protected():
    assert [one.name for one in world().custom() if is_kept(one.type) and not one.protect] == []


def test_policies_hold_before_an_account_is_in_their_unit():
    for account in PLAN.accounts:
        made = world().resources[f"{account.name}/account"]
        unit = {f"policies/{account.unit}/{one.name}" for one in PLAN.documents.units[account.unit]}
        root = {f"policies/root/{one.name}" for one in PLAN.documents.root}
        assert unit and root and (unit | root) <= world().waits_for(made)


def test_policies_of_an_account_hold_before_anything_is_built_in_it():
    for account in PLAN.accounts:
        own = {f"{account.name}/policies/{one.name}" for one in PLAN.documents.accounts.get(account.name, ())}
        inside = [
            one
            for one in world().custom()
            if one.provider and world().provider_of(one).name.startswith(f"{account.name}/")
        ]
        assert len(inside) > 10
        for one in inside:
            assert own | {f"{account.name}/account"} <= world().waits_for(one), one.name


def test_every_accounts_path_carries_the_residency_policy_of_its_zone():
    attached = {(one.inputs["targetId"], one.inputs["policyId"]) for one in world().of_type(ATTACHMENT)}
    for zone in PLAN.zones:
        accounts = [one for one in PLAN.accounts if one.unit == zone.name]
        assert {one.name for one in accounts} == {*zone.cells, zone.log_archive}
        for account in accounts:
            assert world().resources[f"{account.name}/account"].inputs["parentId"] == f"ou-{zone.name}"
        for policy in ("residency", "resources"):
            name = f"{zone.name}-{policy}"
            assert (f"ou-{zone.name}", f"policies/{name}") in attached
            content = json.loads(world().resources[f"policies/{name}"].inputs["content"])
            regions = content["Statement"][0]["Condition"]["StringNotEquals"]["aws:RequestedRegion"]
            assert set(regions) == set(zone.places)


def test_no_more_accounts_are_made_at_once_than_aws_allows():
    most = PLAN.choices.facts.quotas.account_creations_at_once
    assert len(PLAN.accounts) > most
    before = {
        account.name: world().waits_for(world().resources[f"{account.name}/account"]) for account in PLAN.accounts
    }
    # A set of accounts none of which waits for another could all be in the making at once.
    names = [account.name for account in PLAN.accounts]
    for at in range(len(names) - most):
        window = names[at : at + most + 1]
        assert any(f"{one}/account" in before[other] for one in window for other in window)


def test_a_trail_delivers_to_an_archive_of_its_own_region_in_the_account_of_the_zones_logs():
    trails = world().of_type(TRAIL)
    assert len(trails) == len(PLAN.archives)
    for archive in PLAN.archives:
        trail = world().resources[f"trails/{archive.name}/trail"]
        bucket = world().resources[f"{archive.account}/logs/{archive.region}/bucket"]
        assert world().provider_of(trail).name == f"management/{archive.region}"
        assert world().provider_of(bucket).name == f"{archive.account}/{archive.region}"
        assert trail.inputs["s3BucketName"] == bucket.inputs["bucket"]
        assert trail.inputs["isOrganizationTrail"] and not trail.inputs["isMultiRegionTrail"]
        assert trail.inputs["enableLogFileValidation"]
        assert f"{archive.account}/logs/{archive.region}/policy" in world().waits_for(trail)


def test_one_trail_alone_records_the_services_without_regions():
    trails = [one for one in world().of_type(TRAIL) if one.inputs["includeGlobalServiceEvents"]]
    assert [world().provider_of(one).inputs["region"] for one in trails] == [PLAN.choices.facts.global_region]


def test_archives_are_locked_in_compliance_mode_for_as_long_as_the_law_says():
    for archive in PLAN.archives:
        name = f"{archive.account}/logs/{archive.region}"
        lock = world().resources[f"{name}/lock"].inputs["rule"]["defaultRetention"]
        assert (lock["mode"], int(lock["days"])) == ("COMPLIANCE", archive.retention_days)
        assert world().resources[f"{name}/bucket"].inputs["objectLockEnabled"] is True
        (rule,) = world().resources[f"{name}/lifecycle"].inputs["rules"]
        assert rule["expiration"]["days"] > archive.retention_days


def test_no_key_is_of_several_regions_and_all_are_rotated():
    keys = world().of_type("aws:kms/key:Key")
    assert keys and all(one.inputs["multiRegion"] is False and one.inputs["enableKeyRotation"] for one in keys)


def test_whatever_takes_tags_has_all_of_ours():
    for one in world().custom():
        module, _, kind = one.type.removeprefix("aws:").partition(":")
        made = getattr(getattr(pulumi_aws, module.partition("/")[0]), kind)
        if "tags" in made._internal_init.__annotations__:
            assert set(TAG_KEYS) <= set(one.inputs["tags"]), one.name
            assert one.inputs["tags"]["domicile:cell"] == "organization"


def test_the_security_account_watches_every_region_in_use_before_it_administers_there():
    for kind in ("guardduty", "security-hub"):
        for region in PLAN.regions:
            admin = world().resources[f"delegation/{region}/{kind}"]
            assert admin.inputs["adminAccountId"] == account_id("security")
            watcher = {"guardduty": "detector", "security-hub": "security-hub"}[kind]
            assert f"security/baseline/{region}/{watcher}" in world().waits_for(admin)


CONFIGURATION = "aws:guardduty/organizationConfiguration:OrganizationConfiguration"
FEATURE = "aws:guardduty/organizationConfigurationFeature:OrganizationConfigurationFeature"
HUB_MEMBER = "aws:securityhub/member:Member"


def test_guardduty_enrols_every_account_in_each_region_in_use_once_its_administrator_is_named():
    for region in PLAN.regions:
        one = world().resources[f"enrolment/{region}/guardduty"]
        assert one.inputs["autoEnableOrganizationMembers"] == "ALL"
        assert world().provider_of(one).name == f"security/{region}"
        assert f"delegation/{region}/guardduty" in world().waits_for(one)
    assert len(world().of_type(CONFIGURATION)) == len(PLAN.regions)


def test_no_account_but_the_security_account_makes_a_detector_that_its_enrolment_would_make_too():
    detectors = {one.name for one in world().of_type("aws:guardduty/detector:Detector")}
    assert detectors == {f"security/baseline/{region}/detector" for region in PLAN.regions}


def test_data_events_of_buckets_clusters_and_databases_are_watched_and_no_volume_leaves_its_account():
    for region in PLAN.regions:
        features = [one for one in world().of_type(FEATURE) if world().provider_of(one).inputs["region"] == region]
        chosen = {one.inputs["name"]: one.inputs["autoEnable"] for one in features}
        assert {name for name, enrols in chosen.items() if enrols == "ALL"} == {
            "S3_DATA_EVENTS",
            "EKS_AUDIT_LOGS",
            "RDS_LOGIN_EVENTS",
        }
        assert chosen["EBS_MALWARE_PROTECTION"] == "NONE"
        assert all(f"enrolment/{region}/guardduty" in world().waits_for(one) for one in features)


def test_security_hub_has_every_account_as_a_member_wherever_it_acts():
    expected = {
        (account.name, region) for account in PLAN.accounts if account.name != "security" for region in account.regions
    }
    made = {(one.name.rpartition("/")[2], world().provider_of(one).inputs["region"]): one for one in _members()}
    assert set(made) == expected and ("gb-test", "eu-west-3") in expected
    for (account, region), one in made.items():
        assert one.inputs["accountId"] == account_id(account)
        before = world().waits_for(one)
        assert {f"delegation/{region}/security-hub", f"{account}/baseline/{region}/security-hub"} <= before
        # Whoever joined by itself could not be made a member: AWS refuses it.
        ruled = world().resources[f"enrolment/{region}/security-hub"]
        assert ruled.name in before and ruled.inputs["autoEnable"] is False


def _members() -> list[Registered]:
    return world().of_type(HUB_MEMBER)


def test_public_access_is_blocked_once_by_the_organisation_or_by_each_account():
    block = "aws:s3/accountPublicAccessBlock:AccountPublicAccessBlock"
    assert world().of_type(block) == []
    small = plan(**SMALL)
    root = tuple(one for one in small.documents.root if one.type is not PolicyType.S3)
    without = replace(small, documents=replace(small.documents, root=root))
    assert len(build(without).of_type(block)) == len(without.accounts)


def test_an_existing_account_is_taken_over_and_not_compared_where_aws_does_not_tell():
    adopted = build(plan(organization={"accounts": {"security": "222222222222"}}, **SMALL))
    account = adopted.resources["security/account"]
    assert account.import_id == "222222222222"
    assert {"roleName", "iamUserAccessToBilling", "email", "name", "tags"} <= set(account.ignored)
    assert "parentId" not in account.ignored, "it would never be held by its unit's policies"
    made = adopted.resources["shared-services/account"]
    assert made.import_id == "" and "email" not in made.ignored and "roleName" in made.ignored
    assert adopted.exports[OUTPUT]["accounts"]["security"]["id"] == "222222222222"


TYPES = list(PLAN.documents.types())
SERVICES = list(PLAN.choices.facts.trusted_services)
THEIRS = {
    "featureSet": "ALL",
    "enabledPolicyTypes": [*TYPES, "BACKUP_POLICY"],
    "awsServiceAccessPrincipals": [*SERVICES, "controltower.amazonaws.com"],
}
"""An organisation of a company that uses more of it than we need."""
EXISTING = "o-theirs12345"


@pytest.mark.parametrize("unit", [None, "ou-ab12-12345678"])
def test_an_existing_organisation_is_read_and_stays_as_it_is(unit):
    adopting = plan(organization={"existing": {"id": EXISTING, "unit": unit}}, **SMALL)
    found = build(adopting, THEIRS)
    assert found.read == {"organization/organization": EXISTING}
    assert found.of_type("aws:organizations/organization:Organization") == []
    assert found.exports[OUTPUT]["organizationId"] == EXISTING
    top = unit or "r-root"
    units = found.of_type("aws:organizations/organizationalUnit:OrganizationalUnit")
    assert {one.inputs["parentId"] for one in units} == {top} and len(units) == len(adopting.units)
    root = {f"policies/root/{one.name}" for one in adopting.documents.root}
    assert root and {found.resources[one].inputs["targetId"] for one in root} == {top}


@pytest.mark.parametrize(
    ("lacks", "remedy"),
    [
        ({"featureSet": "CONSOLIDATED_BILLING"}, "enable-all-features"),
        ({"enabledPolicyTypes": TYPES[1:]}, f"--policy-type {TYPES[0]}"),
        ({"awsServiceAccessPrincipals": SERVICES[:-1]}, f"--service-principal {SERVICES[-1]}"),
    ],
)
def test_an_existing_organisation_that_lacks_what_is_needed_is_refused_with_the_command(lacks, remedy):
    with pytest.raises(PlanError, match="read and never changed") as refused:
        build(plan(organization={"existing": {"id": EXISTING}}, **SMALL), THEIRS | lacks)
    assert remedy in str(refused.value)


def test_every_account_has_the_contacts_that_the_environment_names():
    contacts = world().of_type("aws:account/alternativeContact:AlternativeContact")
    assert {one.name for one in contacts} == {f"{one.name}/contact/security" for one in PLAN.accounts}
    assert {one.inputs["alternateContactType"] for one in contacts} == {"SECURITY"}
    assert {one.inputs["accountId"] for one in contacts} == {account_id(one.name) for one in PLAN.accounts}


def test_every_region_that_holds_anything_of_an_account_has_the_whole_baseline():
    assert PLAN.account("gb-test").regions == ("eu-west-2", "eu-west-3")
    for account in PLAN.accounts:
        for region in account.regions:
            made = {one.name for one in world().custom() if one.name.startswith(f"{account.name}/baseline/{region}/")}
            for kind in ("volumes", "default-key", "encryption", "analyzer"):
                assert f"{account.name}/baseline/{region}/{kind}" in made
            assert any(one.region == region for one in PLAN.archives if one.unit == account.unit) or (
                account.unit == "core"
            )


def test_regions_that_must_be_opted_into_are_before_anything_is_built_there():
    for account in PLAN.accounts:
        for region in PLAN.opt_in[account.name]:
            inside = [
                one
                for one in world().custom()
                if one.provider and world().provider_of(one).name == f"{account.name}/{region}"
            ]
            assert inside
            assert all(f"{account.name}/opt-in/{region}" in world().waits_for(one) for one in inside)
    for region in PLAN.opt_in[None]:
        trails = [one for one in world().of_type(TRAIL) if world().provider_of(one).inputs["region"] == region]
        assert trails and all(f"management/opt-in/{region}" in world().waits_for(one) for one in trails)


def test_two_builds_are_the_same():
    again = build(PLAN)
    assert {urn: one.inputs for urn, one in again.by_urn.items()} == {
        urn: one.inputs for urn, one in world().by_urn.items()
    }


def test_the_exports_are_what_the_cells_stacks_read():
    outputs = parse_outputs(world().exports[OUTPUT])
    assert outputs.organization_id == ORGANIZATION_ID
    for cell, place in (("gb-test", "eu-west-2"), ("mt-test", "eu-south-1"), ("br-test", "sa-east-1")):
        told = outputs.of_cell(cell, place)
        assert told.account.id == account_id(cell)
        assert told.zone == PLAN.zone_of_cell(cell).name
        assert told.deployer_role_arn.endswith(":role/domicile-deployer")
        assert told.archive.bucket == f"test-audit-{account_id(f'log-archive-{told.zone}')}-{place}"


def test_targets_name_everything_of_one_account_and_nothing_of_another():
    account = PLAN.account("gb-test")
    named = {
        one.name
        for one in world().resources.values()
        if any(fnmatch.fnmatchcase(f"::{one.name}", pattern.removeprefix("**")) for pattern in targets_of(account))
    }
    assert {"gb-test", "gb-test/account", "gb-test/eu-west-2", "gb-test/roles/domicile-deployer"} <= named
    assert all(name.partition("/")[0] == "gb-test" for name in named)


def test_what_was_renamed_carries_its_former_name():
    aliases = renamed("before")
    assert aliases is not None and [alias.name for alias in aliases] == ["before"]
    assert renamed() is None


@pytest.mark.parametrize("account", [one.name for one in PLAN.accounts])
def test_the_break_glass_role_has_an_alarm_wherever_it_may_be_assumed(account):
    regions = set(PLAN.account(account).regions)
    trust = json.loads(world().resources[f"{account}/roles/domicile-break-glass"].inputs["assumeRolePolicy"])
    (statement,) = trust["Statement"]
    assert set(statement["Condition"]["StringEquals"]["aws:RequestedRegion"]) == regions
    for region in regions:
        name = f"{account}/break-glass/{region}"
        rule = world().resources[f"{name}/rule"].inputs
        assert f"arn:aws:iam::{account_id(account)}:role/domicile-break-glass" in rule["eventPattern"]
        assert rule["state"] == "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"
        assert world().resources[f"{name}/target"].inputs["rule"] == rule["name"]
