"""What is attached to the organisation is within AWS's quotas, or the reason is told."""

import json
from dataclasses import replace
from datetime import date

import pytest
from domicile_catalog import DataClass, load_catalogue
from domicile_policies.cloud import account_documents, core_documents, root_documents, zone_documents
from domicile_policies.declarative import TAG_KEYS
from domicile_policies.documents import (
    QUOTAS,
    PolicyDocument,
    PolicyType,
    QuotaError,
    quota_faults,
    require_within_quotas,
)
from domicile_policies.exemptions import BACKUPS, Exempt
from domicile_policies.guardrails import guardrails_policy
from domicile_policies.integrity import integrity_policy
from domicile_policies.services import AUDITOR
from domicile_policies.zones import residency_zones
from hypothesis import given
from hypothesis import strategies as st

CATALOGUE = load_catalogue()
ZONES = residency_zones(CATALOGUE, date(2026, 6, 1), production=False)
REGIONS = tuple(sorted(code for code in CATALOGUE.implicit_places if CATALOGUE.places[code].kind == "aws"))


def scp(name="a", **content):
    return PolicyDocument(name, PolicyType.SERVICE_CONTROL, content)


@pytest.mark.parametrize("zone", ZONES, ids=lambda zone: zone.name)
def test_every_zone_of_the_catalogue_fits_with_room_for_an_account_of_its_own(zone):
    documents = zone_documents(zone)
    assert quota_faults(zone.name, documents) == ()
    assert {one.type for one in documents} >= {PolicyType.SERVICE_CONTROL, PolicyType.RESOURCE_CONTROL}
    assert len({one.name for one in documents}) == len(documents)
    assert all(json.loads(one.text) == one.content and '": ' not in one.text for one in documents)


@given(st.lists(st.sampled_from(REGIONS), min_size=1, unique=True))
def test_an_account_of_any_places_fits(places):
    documents = account_documents("cell", places)
    assert [one.name for one in documents] == ["cell-place", "cell-place-resources"]
    assert documents == account_documents("cell", reversed(places))


def test_the_core_and_the_root_fit_with_every_region_and_every_jurisdiction_of_a_large_environment():
    assert quota_faults("core", core_documents("eu-west-1", REGIONS)) == ()
    assert quota_faults("root", root_documents("prod", sorted(CATALOGUE.jurisdictions)[:100])) == ()


def test_a_document_that_is_too_long_is_refused_with_what_to_do():
    most = QUOTAS[PolicyType.SERVICE_CONTROL].characters
    fits, over = scp(x="a" * (most - len('{"x":""}'))), scp(x="a" * (most - len('{"x":""}') + 1))
    assert len(fits.text) == most and quota_faults("unit", [fits]) == ()
    with pytest.raises(QuotaError, match=rf"a has {most + 1} characters, .* at most {most}: split"):
        require_within_quotas("unit", [over])


def test_awss_own_policy_counts_towards_those_of_a_target():
    assert quota_faults("unit", [scp(str(number)) for number in range(4)]) == ()
    (fault,) = quota_faults("unit", [scp(str(number)) for number in range(5)])
    assert fault.startswith("unit would have 5 SERVICE_CONTROL_POLICY and 1 of AWS's own, and a target at most 5")


def test_a_quota_that_aws_raised_is_data():
    raised = {**QUOTAS, PolicyType.SERVICE_CONTROL: replace(QUOTAS[PolicyType.SERVICE_CONTROL], per_target=10)}
    assert quota_faults("unit", [scp(str(number)) for number in range(9)], raised) == ()
    lowered = {**QUOTAS, PolicyType.SERVICE_CONTROL: replace(QUOTAS[PolicyType.SERVICE_CONTROL], characters=100)}
    with pytest.raises(QuotaError, match="characters"):
        zone_documents(ZONES[0], quotas=lowered)


def test_two_policies_of_a_name_are_refused():
    assert "unique" in quota_faults("unit", [scp(), scp()])[0]


def test_who_is_exempt_is_given_and_from_residency_and_perimeter_only_the_audit_and_the_backups_are():
    mine = Exempt(access=("door",), deployers=("mine",), break_glass=("glass",))
    for document in (guardrails_policy(mine), integrity_policy(mine)):
        text = scp(**document).text
        assert "role/mine" in text and "domicile-deployer" not in text and "OrganizationAccountAccessRole" not in text
    for zone in ZONES:
        for one in zone_documents(zone):
            if not one.name.endswith(("-guardrails", "-integrity")):
                known = sum(one.text.count(f'"aws:PrincipalArn":"{role}"') for role in (AUDITOR, BACKUPS))
                assert one.text.count("aws:PrincipalArn") == known, one.name


def assigned(document, *path):
    for step in path:
        document = document[step]
    return document["@@assign"]


def test_what_every_account_has_is_declared():
    (declared,) = [one.content for one in zone_documents(ZONES[0]) if one.type is PolicyType.DECLARATIVE_EC2]
    settings = declared["ec2_attributes"]
    assert assigned(settings, "serial_console_access", "status") == "disabled"
    assert assigned(settings, "image_block_public_access", "state") == "block_new_sharing"
    assert assigned(settings, "snapshot_block_public_access", "state") == "block_all_sharing"
    assert assigned(settings, "instance_metadata_defaults", "http_tokens") == "required"
    assert assigned(settings, "instance_metadata_defaults", "http_tokens_enforced") == "enabled"
    makers = ("allowed_images_settings", "image_criteria", "criteria_1", "allowed_image_providers")
    assert assigned(settings, *makers) == ["amazon", "aws_backup_vault"]
    (more,) = [
        one.content
        for one in zone_documents(ZONES[0], image_accounts=["222222222222"])
        if one.type is PolicyType.DECLARATIVE_EC2
    ]
    assert assigned(more["ec2_attributes"], *makers)[-1] == "222222222222"


def test_a_cell_is_reached_from_the_internet_and_the_core_never():
    def internet(documents):
        (found,) = [one.content for one in documents if one.type is PolicyType.DECLARATIVE_EC2]
        return found["ec2_attributes"].get("vpc_block_public_access")

    assert internet(zone_documents(ZONES[0])) is None
    closed = internet(core_documents("eu-west-1", []))
    assert assigned(closed, "internet_gateway_block", "mode") == "block_bidirectional"
    assert assigned(closed, "internet_gateway_block", "exclusions_allowed") == "disabled"


def test_the_root_has_tags_that_know_every_data_class_and_the_environments_jurisdictions():
    tags, s3, ai = (one.content for one in root_documents("prod", ["GB", "BR"]))
    assert set(tags["tags"]) == set(TAG_KEYS)
    assert {str(name) for name in DataClass} <= set(assigned(tags, "tags", "domicile:data-class", "tag_value"))
    codes = assigned(tags, "tags", "domicile:jurisdiction", "tag_value")
    assert codes == ["none", "BR", "GB", "BR+*", "GB+*"]
    assert assigned(s3, "s3_attributes", "public_access_block_configuration") == "all"
    assert assigned(ai, "services", "default", "opt_out_policy") == "optOut"
