"""Data of the organisation is for the organisation, in its places, over TLS and under its own keys."""

from copy import deepcopy
from datetime import date

import pytest
from domicile_catalog import load_catalogue
from domicile_policies.cloud import resource_control_policy
from domicile_policies.evaluator import denied_by
from domicile_policies.services import RESOURCES
from domicile_policies.zones import residency_zones
from policies_testkit.table import call

ZONES = residency_zones(load_catalogue(), date(2026, 6, 1), production=False)
REACHED = [pattern.replace("*", "Anything") for pattern in RESOURCES]
SERVICE = {"aws:PrincipalIsAWSService": "true", "aws:PrincipalOrgID": None, "aws:SourceAccount": "1"}
every_zone = pytest.mark.parametrize("zone", ZONES, ids=lambda zone: zone.name)


def table(home):
    """Requests for each reached service: what more the request tells, and which statement denies it."""
    ours = {"aws:PrincipalArn": "arn:aws:iam::111122223333:role/domicile-audit"}
    for action in REACHED:
        yield call(action, home), None
        yield call(action, "nowhere-1"), "DenyOutsideResidencyZone"
        # The audit looks everywhere. A stranger's role of the same name is a stranger.
        yield call(action, "nowhere-1", context=ours), None
        yield call(action, "nowhere-1", context={**ours, "aws:PrincipalOrgID": "o-other"}), "DenyOutsideOrganization"
        yield call(action, home, context={"aws:PrincipalOrgID": "o-other"}), "DenyOutsideOrganization"
        yield call(action, home, context={"aws:PrincipalOrgID": None}), "DenyOutsideOrganization"
        yield call(action, home, context={"aws:SecureTransport": "false"}), "DenyPlainText"
        yield call(action, home, context={**SERVICE, "aws:SourceOrgID": "o-ours"}), None
        yield call(action, home, context={**SERVICE, "aws:SourceOrgID": "o-other"}), "DenyServicesForOthers"
        yield call(action, home, context={**SERVICE, "aws:SourceOrgID": None}), "DenyServicesForOthers"
        # A service that does not say for whom, such as one that reads a bucket for its own purposes.
        yield call(action, home, context={**SERVICE, "aws:SourceAccount": None}), None
        # A principal whose request says where it came from, as one of our own network's does.
        yield call(action, home, context={"aws:SourceAccount": "1", "aws:SourceOrgID": "o-other"}), None
    ours, guests = (f"arn:aws:iam::111111111111:role/domicile-{name}" for name in ("platform", "regulator-one"))
    for context in ({"aws:PrincipalOrgID": "o-other"}, {"aws:PrincipalOrgID": None}):
        yield call("sts:AssumeRole", home, ours, context=context), "DenyRolesToOutsiders"
        yield call("sts:AssumeRole", home, guests, context=context), None
    yield call("sts:AssumeRole", home, ours, context={**SERVICE, "aws:SourceOrgID": "o-ours"}), None
    yield call("sts:AssumeRole", "us-east-1"), None
    # With a token of some provider: no organisation, and no key that tells which. People come with SAML.
    stranger = {"aws:PrincipalOrgID": None, "aws:PrincipalArn": None, "aws:PrincipalAccount": None}
    cells = "arn:aws:iam::111111111111:role/domicile-cell-volumes-gb"
    yield call("sts:AssumeRoleWithWebIdentity", home, ours, context=stranger), "DenyWebIdentities"
    yield call("sts:AssumeRoleWithWebIdentity", home, guests, context=stranger), "DenyWebIdentities"
    yield call("sts:AssumeRoleWithWebIdentity", home, cells, context=stranger), None
    yield call("sts:AssumeRoleWithSAML", home, ours, context=stranger), None
    customer = {"s3:x-amz-server-side-encryption-customer-algorithm": "AES256"}
    yield call("s3:PutObject", home, context=customer), "DenyForeignKeys"
    yield call("s3:GetObject", home, context=customer), None
    yield call("s3:PutObject", home), None
    yield call("ec2:RunInstances", "nowhere-1"), None  # no resource control policy reaches it


@every_zone
def test_data_is_for_the_organisation_alone_in_its_places_and_over_tls(zone):
    policy = [resource_control_policy(zone)]
    for request, sid in table(zone.places[0]):
        assert denied_by(policy, request) == sid, request


@every_zone
def test_no_part_of_the_resource_policy_can_be_left_out(zone):
    document = resource_control_policy(zone)
    for step, statement in enumerate(document["Statement"]):
        for name, mutant in mutants(statement):
            changed = deepcopy(document)
            changed["Statement"][step : step + 1] = mutant
            noticed = [one for one, sid in table(zone.places[0]) if denied_by([changed], one) != sid]
            assert noticed, f"{statement['Sid']}: {name} makes no difference"


def mutants(statement):
    yield "no statement", []
    if isinstance(statement["Action"], list):
        for action in statement["Action"]:
            yield f"no {action}", [statement | {"Action": [one for one in statement["Action"] if one != action]}]
    for operator in statement.get("Condition", {}):
        kept = {one: keys for one, keys in statement["Condition"].items() if one != operator}
        yield f"no {operator}", [statement | {"Condition": kept}]
    if "NotResource" in statement:
        yield "no exception", [{key: one for key, one in statement.items() if key != "NotResource"} | {"Resource": "*"}]
