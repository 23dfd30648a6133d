"""For every residency zone, every region and every action that moves data: denied unless the law lets it be there."""

import re
from copy import deepcopy
from datetime import date

import botocore.session
import pytest
from domicile_catalog import load_catalogue
from domicile_policies.cloud import GLOBAL_REGION, PolicyType, account_documents, core_documents, zone_documents
from domicile_policies.evaluator import Request, denied_by
from domicile_policies.exemptions import Exempt
from domicile_policies.perimeter import perimeter_policy
from domicile_policies.residency import residency_policy
from domicile_policies.services import CELL
from domicile_policies.zones import residency_zones
from hypothesis import given, settings
from hypothesis import strategies as st
from policies_testkit.table import (
    ACTIONS,
    GUARDRAILS,
    HARMLESS,
    IN_USE,
    NOWHERE,
    Case,
    call,
    cases,
    kept,
    lawful_places,
)

TODAY = date(2026, 6, 1)
CATALOGUE = load_catalogue()
REGIONS = sorted(code for code in CATALOGUE.implicit_places if CATALOGUE.places[code].partition == "aws")
PLANNED = [*REGIONS, NOWHERE]
ZONES = [(zone, live) for live in (False, True) for zone in residency_zones(CATALOGUE, TODAY, production=live)]
every_zone = pytest.mark.parametrize(
    ("zone", "live"), ZONES, ids=[f"{zone.name}-{'live' if live else 'test'}" for zone, live in ZONES]
)


def scps(documents):
    return [one.content for one in documents if one.type is PolicyType.SERVICE_CONTROL]


def relevant(statements, request):
    """The statements that say anything of the action, whatever the conditions: the others never apply."""
    found = []
    for statement in statements:
        bare = {key: value for key, value in statement.items() if key != "Condition"}
        if denied_by([{"Statement": [bare]}], Request(request.action, request.resource)):
            found.append(statement)
    return found


def wrong(documents, table):
    """The cells of the table that the documents get wrong."""
    pruned, statements = {}, [one for document in documents for one in document["Statement"]]
    for case in table:
        key = (case.request.action, case.request.resource)
        if key not in pruned:
            pruned[key] = [{"Statement": relevant(statements, case.request)}]
        if (denied_by(pruned[key], case.request) is None) is not case.allowed:
            yield f"{case.request.action} {case.about}: should be {'allowed' if case.allowed else 'denied'}"


def table_of(lawful, regions=PLANNED):
    home = min(lawful)
    for row in ACTIONS:
        yield from cases(row, home, lawful, regions)


@every_zone
def test_every_cell_of_the_table_is_as_the_catalogue_has_it(zone, live):
    lawful = lawful_places(CATALOGUE, zone, TODAY, production=live)
    assert lawful == set(zone.places)
    table = list(table_of(lawful))
    assert len(table) > 160 * len(PLANNED)
    assert list(wrong(scps(zone_documents(zone)), table)) == []


@pytest.mark.parametrize("place", ["eu-west-2", "sa-east-1"])
def test_an_account_that_is_pinned_to_its_place_stays_there(place):
    zone = next(zone for zone, _ in ZONES if place in zone.places)
    both = scps((*zone_documents(zone), *account_documents("cell", [place])))
    assert list(wrong(both, table_of({place}))) == []


@settings(max_examples=8, deadline=None)
@given(st.sets(st.sampled_from(REGIONS), min_size=1, max_size=4), st.sampled_from(REGIONS))
def test_an_account_of_any_places_stays_there(places, other):
    documents = [residency_policy(places), perimeter_policy()]
    assert list(wrong(documents, table_of(places, sorted({*places, other, NOWHERE})))) == []


def test_the_organisations_own_accounts_stay_at_home_and_watch_where_cells_are():
    watched = ["eu-west-2", "sa-east-1"]
    documents = scps(core_documents("eu-west-1", watched))
    assert list(wrong(documents, table_of({"eu-west-1", GLOBAL_REGION}))) == []
    for region in PLANNED:
        fits = region in ("eu-west-1", GLOBAL_REGION, *watched)
        for action in ("guardduty:CreateDetector", "securityhub:EnableSecurityHub", "config:PutConfigurationRecorder"):
            assert (denied_by(documents, call(action, region)) is None) is fits
    assert denied_by(documents, call("s3:PutObject", "eu-west-2")) == "DenyOutsideResidencyZone"


def test_what_watches_only_at_home_needs_no_statement_of_its_own():
    found = scps(core_documents("eu-west-1", ["eu-west-1"]))
    assert "DenyWatchingElsewhere" not in {one["Sid"] for document in found for one in document["Statement"]}
    assert denied_by(found, call("guardduty:CreateDetector", "eu-west-2")) == "DenyOutsideResidencyZone"


@every_zone
def test_what_an_account_uses_goes_on_working(zone, live):
    documents = scps(zone_documents(zone))
    assert list(wrong(documents, in_use(zone.places))) == []
    cached = denied_by(documents, call("cloudfront:CreateDistribution", GLOBAL_REGION))
    assert (cached is None) is (zone.name == "anywhere")


def in_use(places):
    for place in places:
        for action in IN_USE["regional"]:
            yield Case(call(action, place), True, f"in {place}")
    for action in IN_USE["global"]:
        yield Case(call(action, GLOBAL_REGION), True, "without regions")


def looks(regions):
    """What the audit's role asks, of services in use and not, and another role as well."""
    for region in regions:
        for action in ("rds:DescribeDBClusters", "dynamodb:ListTables", "kinesis:ListStreams"):
            for role, allowed in (("domicile-audit", True), ("domicile-platform", False)):
                who = {"aws:PrincipalArn": f"arn:aws:iam::111122223333:role/{role}"}
                yield Case(call(action, region, context=who), allowed, f"by {role} in {region}")


@every_zone
def test_the_audit_looks_where_nobody_may_act(zone, live):
    assert list(wrong(scps(zone_documents(zone)), looks([NOWHERE]))) == []


def guardrails(region="eu-west-2"):
    for row in GUARDRAILS:
        yield from kept(row, region)


def test_nobody_switches_off_what_watches_encrypts_and_keeps_and_nobody_but_the_program_changes_what_it_built():
    zone = next(zone for zone, _ in ZONES if zone.name == "anywhere")
    assert list(wrong(scps(zone_documents(zone)), guardrails())) == []


def test_in_a_disposable_environment_what_built_it_takes_it_down_and_nobody_else():
    zone = next(zone for zone, _ in ZONES if zone.name == "anywhere")
    for disposable in (False, True):
        documents = scps(zone_documents(zone, exempt=Exempt.of(disposable=disposable)))
        for action in ("s3:BypassGovernanceRetention", "kms:ScheduleKeyDeletion", "backup:DeleteRecoveryPoint"):
            for name in ("domicile-deployer", "OrganizationAccountAccessRole", "developer"):
                who = {"aws:PrincipalArn": f"arn:aws:iam::1:role/{name}"}
                allowed = denied_by(documents, call(action, "eu-west-2", context=who)) is None
                assert allowed is (disposable and name != "developer"), (action, name)


def test_an_account_knows_the_issuers_of_its_own_clusters_and_no_other():
    def known(documents, issuer):
        provider = f"arn:aws:iam::111122223333:oidc-provider/{issuer}"
        who = {"aws:PrincipalArn": "arn:aws:iam::111122223333:role/domicile-deployer"}
        asked = call("iam:CreateOpenIDConnectProvider", GLOBAL_REGION, provider, context=who)
        return denied_by(scps(documents), asked) is None

    cell = account_documents("cell", ["eu-west-2", "eu-west-1"], clusters=["eu-west-2"])
    assert known(cell, "oidc.eks.eu-west-2.amazonaws.com/id/A")
    for issuer in (
        "oidc.eks.eu-west-1.amazonaws.com/id/A",
        "token.actions.githubusercontent.com",
        "oidc.eks.example.com/eu-west-2.amazonaws.com/id/A",
        "example.com/oidc.eks.eu-west-2.amazonaws.com/id/A",
    ):
        assert not known(cell, issuer), issuer
    for documents in (account_documents("archive", ["eu-west-2"]), core_documents("eu-west-1", ["eu-west-2"])):
        assert not known(documents, "oidc.eks.eu-west-2.amazonaws.com/id/A")


# What removing or loosening any part of any document does: some cell of the table is wrong.


def mutants(statement, *, entries_too):
    """The statement left out, and with an entry of a list or a condition less, each with what was done to it."""
    yield f"no {statement['Sid']}", []
    for name in ("Action", "NotAction", "Resource") if entries_too else ():
        entries = statement.get(name)
        if isinstance(entries, list) and len(entries) > 1:
            for entry in entries:
                less = [one for one in entries if one != entry]
                yield f"{statement['Sid']} without {entry}", [statement | {name: less}]
    for operator, keys in statement.get("Condition", {}).items():
        for key in keys:
            changed = deepcopy(statement)
            del changed["Condition"][operator][key]
            if not changed["Condition"][operator]:
                del changed["Condition"][operator]
            yield f"{statement['Sid']} without {operator} {key}", [changed]


def survivors(documents, table, *, entries_too):
    """What could be done to the documents without any cell of the table noticing."""
    statements = [one for document in documents for one in document["Statement"]]
    by_action = {}
    for case in table:
        by_action.setdefault((case.request.action, case.request.resource), []).append(case)
    for statement in statements:
        others = [one for one in statements if one is not statement]
        # Only an action of which the statement says something can tell a mutant from it. A NotAction that is shorter
        # says something of more.
        watching = [
            (relevant(others, found[0].request), found)
            for found in by_action.values()
            if "NotAction" in statement or relevant([statement], found[0].request)
        ]
        for name, mutant in mutants(statement, entries_too=entries_too):
            if not any(noticed(rest, mutant, found) for rest, found in watching):
                yield name


def noticed(rest, mutant, found):
    documents = [{"Statement": [*rest, *relevant(mutant, found[0].request)]}]
    return any((denied_by(documents, case.request) is None) is not case.allowed for case in found)


@pytest.mark.parametrize("name", ["se", "eea", "anywhere"])
def test_no_part_of_a_zones_policies_can_be_left_out(name):
    zone = next(zone for zone, _ in ZONES if zone.name == name)
    places = set(zone.places)
    regions = [zone.places[0], zone.places[-1], GLOBAL_REGION, NOWHERE]
    table = [*table_of(places, regions), *in_use(zone.places[:1]), *guardrails(zone.places[0]), *looks([NOWHERE])]
    documents = scps(zone_documents(zone))
    assert list(wrong(documents, table)) == []
    # The lists are the same in every zone, and where every region is lawful no service needs an exception.
    assert list(survivors(documents, table, entries_too=name == "se")) == []


# That no action is forgotten: whatever sounds as if it moved data is in the table, or is said to be harmless and why.

SOUNDS = re.compile(
    r"Copy|Export|Shar(e|ing)|Replic|Global|CrossRegion|MultiRegion|Migrat|Destination|Subscription|Deliver|Peering"
    r"|Stream|DataSync|ModifyImageAttr|SnapshotAttr|Mirror|Inventory|Analytics|Accelerate|Logging|Integration|Aggregat"
    r"|ApiDest|Public|Endpoints?$|EndpointService|Permission|Store|Outpost|Attachment$|ResourcePolicy|AccessPoint|Grant"
)
ENDS = re.compile(
    r"(Describe|List|Get|Search|Batch(Get|Describe)|Delete|Reject|Cancel|Stop|Remove|Disable|Deregister|Detach"
    r"|Disassociate|Test|Head|Untag|Tag)"
)
MODELS = {"access-analyzer": "accessanalyzer", "elasticloadbalancing": "elbv2", "tag": "resourcegroupstaggingapi"}
MODELS |= {"servicequotas": "service-quotas"}
WITHOUT_MODEL = {"backup-storage", "ec2messages", "rds-db", "ssmmessages"}
OTHER_NAMES = {
    "s3:PutBucketReplication": "s3:PutReplicationConfiguration",
    "s3:PutBucketInventoryConfiguration": "s3:PutInventoryConfiguration",
    "s3:PutBucketAnalyticsConfiguration": "s3:PutAnalyticsConfiguration",
    "s3:PutBucketAccelerateConfiguration": "s3:PutAccelerateConfiguration",
}


def sounding():
    session = botocore.session.get_session()
    for service in CELL:
        if service in WITHOUT_MODEL:
            continue
        for model in (MODELS.get(service, service), *(["s3control"] if service == "s3" else [])):
            for operation in session.get_service_model(model).operation_names:
                if SOUNDS.search(operation) and not ENDS.match(operation):
                    yield service, operation


def test_no_operation_that_sounds_as_if_it_moved_data_is_forgotten():
    documents = scps(zone_documents(next(zone for zone, _ in ZONES if zone.name == "se")))
    rows = {row["action"] for row in ACTIONS}
    excused = {(service, one) for reasons in HARMLESS.values() for service, names in reasons.items() for one in names}
    found = set(sounding())
    forgotten = []
    for service, operation in sorted(found):
        action = OTHER_NAMES.get(f"{service}:{operation}", f"{service}:{operation}")
        denied = denied_by(documents, call(action, "eu-north-1"))
        if action not in rows and (service, operation) not in excused and denied is None:
            forgotten.append(action)
    assert forgotten == []
    assert sorted(excused - found) == []
