"""What the cloud refuses in a zone is what place() does not allow there."""

import functools
from datetime import date

import pytest
from domicile_catalog import Product, TenantRequest, load_catalogue, resting_places
from domicile_policies.cloud import service_control_policy
from domicile_policies.evaluator import Request, UnknownElementError, allowed_by, denied_by
from domicile_policies.zones import residency_zones
from hypothesis import given
from hypothesis import strategies as st

TODAY = date(2026, 6, 1)
CATALOGUE = load_catalogue()
ZONES = residency_zones(CATALOGUE, TODAY, production=False)
REGIONS = sorted(code for code in CATALOGUE.implicit_places if CATALOGUE.places[code].partition == "aws")
zones, regions = st.sampled_from(ZONES), st.sampled_from(REGIONS)
regional = st.sampled_from(
    ["ec2:RunInstances", "rds:CreateDBCluster", "s3:PutObject", "kms:Decrypt", "sqs:SendMessage"]
)


@functools.cache
def cells(code):
    """Where the residency rule lets everything rest that rests in a cell."""
    request = TenantRequest(jurisdiction=code, products=(Product.CASINO,), production=False, on=TODAY)
    rests = resting_places(CATALOGUE, request)
    resting = [set(rest.allowed) for name, rest in rests.items() if CATALOGUE.data_classes[name].in_cell]
    return set.intersection(*resting)


def call(action, region, **context):
    keys = {key.replace("__", ":"): value for key, value in context.items()}
    return Request(action, "arn:aws:x:::y", {"aws:RequestedRegion": region} | keys)


def test_a_jurisdiction_is_in_one_zone_and_a_name_means_one_set_of_places():
    codes = [code for zone in ZONES for code in zone.jurisdictions]
    assert len(codes) == len(set(codes)) and len({zone.name for zone in ZONES}) == len(ZONES) > 3
    assert {"GB": "anywhere", "BR": "br", "IT": "eea", "SE": "se"}.items() <= {
        code: zone.name for zone in ZONES for code in zone.jurisdictions
    }.items()


@given(zones, regions, regional)
def test_the_service_control_policy_denies_where_place_does(zone, region, action):
    denied = denied_by([service_control_policy(zone)], call(action, region))
    for code in zone.jurisdictions:
        assert (denied is None) == (region in cells(code))


def test_a_cell_whose_copies_need_a_site_has_a_zone_too():
    zone_of = {code: zone.name for zone in ZONES for code in zone.jurisdictions}
    assert (zone_of["MT"], zone_of["NL"]) == ("eea", "eea")


def statement(**elements):
    return [{"Statement": [{"Sid": "It", "Effect": "Deny", "Action": "*", "Resource": "*"} | elements]}]


@pytest.mark.parametrize(
    ("operator", "given_", "denies"),
    [
        ("StringEquals", "a", True),
        ("StringEquals", "c", False),
        ("StringEquals", None, False),
        ("StringNotEquals", "a", False),
        ("StringNotEquals", "c", True),
        ("StringNotEquals", None, True),
        ("StringEqualsIfExists", None, True),
        ("StringLike", "a", True),
        ("ForAnyValue:StringEquals", ("c", "a"), True),
        ("ForAnyValue:StringEquals", None, False),
        ("ForAllValues:StringEquals", ("a", "b"), True),
        ("ForAllValues:StringEquals", ("a", "c"), False),
        ("ForAllValues:StringEquals", None, True),
        ("ForAnyValue:StringNotEquals", ("a", "c"), True),
        ("ForAnyValue:StringNotEquals", ("a", "b"), False),
        ("ForAnyValue:StringNotEquals", None, False),
    ],
)
def test_conditions_hold_as_in_the_user_guide(operator, given_, denies):
    context = {} if given_ is None else {"k": given_}
    found = denied_by(statement(Condition={operator: {"k": ["a", "b"]}}), Request("s3:GetObject", context=context))
    assert (found == "It") is denies


def test_a_key_is_there_or_it_is_not():
    absent, present = statement(Condition={"Null": {"k": "true"}}), statement(Condition={"Null": {"k": "false"}})
    for context, denies in (({}, absent), ({"k": "x"}, present)):
        assert denied_by(denies, Request("s3:GetObject", context=context)) == "It"
        other = present if denies is absent else absent
        assert denied_by(other, Request("s3:GetObject", context=context)) is None


def test_actions_match_in_any_case_and_brackets_mean_themselves():
    assert denied_by(statement(Action="S3:get*"), Request("s3:GetObject")) == "It"
    assert denied_by(statement(Resource="arn:[a]"), Request("s3:GetObject", "arn:a")) is None
    assert denied_by(statement(Resource="arn:[a]"), Request("s3:GetObject", "arn:[a]")) == "It"


@pytest.mark.parametrize(
    "unknown",
    [
        {"Effect": "Audit"},
        {"NotPrincipal": "*"},
        {"Principal": {"AWS": "1"}},
        {"Condition": {"BinaryEquals": {"k": "QQ=="}}},
    ],
)
def test_what_is_not_known_is_not_judged(unknown):
    with pytest.raises(UnknownElementError):
        denied_by(statement(**unknown), Request("s3:GetObject"))


@pytest.mark.parametrize(
    ("operator", "wanted", "given_", "denies"),
    [
        ("ArnLike", "arn:aws:iam::*:role/a*", "arn:aws:iam::1:role/ab/c", True),
        ("ArnLike", "arn:aws:*:role/a", "arn:aws:iam::1:role/a", False),  # a wildcard ends at a colon
        ("ArnEquals", "arn:aws:iam::1:role/*", "arn:aws:iam::1:role/x", True),
        ("ArnNotEquals", "arn:aws:iam::1:role/*", "arn:aws:iam::2:role/x", True),
        ("StringEqualsIgnoreCase", "True", "tRUE", True),
        ("StringNotEqualsIgnoreCase", "True", "tRUE", False),
        ("NumericLessThan", "7", "6.5", True),
        ("NumericGreaterThanEquals", "7", "7", True),
        ("NumericNotEquals", "7", "7.0", False),
        ("DateLessThan", "2026-01-01T00:00:00Z", "2025-12-31T23:59:59Z", True),
        ("DateGreaterThan", "2026-01-01T00:00:00Z", "1700000000", False),
        ("IpAddress", "10.0.0.0/8", "10.1.2.3", True),
        ("NotIpAddress", "10.0.0.0/8", "10.1.2.3", False),
        ("IpAddress", "10.0.0.0/8", "2001:db8::1", False),
    ],
)
def test_operators_of_arns_numbers_dates_and_addresses(operator, wanted, given_, denies):
    found = denied_by(statement(Condition={operator: {"k": wanted}}), Request("s3:GetObject", context={"k": given_}))
    assert (found == "It") is denies


def test_an_allowance_is_no_denial_and_a_denial_no_allowance():
    allow, deny = statement(Effect="Allow", Action="s3:*"), statement(Action="s3:*")
    assert allowed_by(allow, Request("s3:GetObject")) == "It" and denied_by(allow, Request("s3:GetObject")) is None
    assert allowed_by(deny, Request("s3:GetObject")) is None and denied_by(deny, Request("s3:GetObject")) == "It"
    assert allowed_by(allow, Request("kms:Decrypt")) is None


def test_a_single_statement_needs_no_list():
    assert denied_by([{"Statement": statement()[0]["Statement"][0]}], Request("s3:GetObject")) == "It"


def test_not_resource_is_the_rest():
    policy = [{"Statement": [{"Effect": "Deny", "Action": "*", "NotResource": "arn:aws:s3:::a/*"}]}]
    assert denied_by(policy, Request("s3:GetObject", "arn:aws:s3:::b/c")) == "Deny"
    assert denied_by(policy, Request("s3:GetObject", "arn:aws:s3:::a/c")) is None


def test_a_resource_that_is_not_told_is_not_judged_but_by_everything():
    request = Request("wafv2:CreateWebACL", resource=None)
    assert denied_by(statement(), request) == "It"
    with pytest.raises(UnknownElementError, match="arn:a"):
        denied_by(statement(Resource="arn:a"), request)
    assert denied_by(statement(Resource="arn:a", Action="s3:*"), request) is None


def test_a_key_of_which_nothing_is_known_is_not_judged():
    known = frozenset({"aws:requestedregion", "aws:requesttag/"})
    request = Request("kms:CreateKey", context={"aws:RequestTag/a": "b"}, known=known)
    assert denied_by(statement(Condition={"StringEquals": {"aws:RequestTag/a": "b"}}), request) == "It"
    assert denied_by(statement(Condition={"Null": {"aws:RequestTag/c": "true"}}), request) == "It"
    assert denied_by(statement(Condition={"StringNotEquals": {"aws:RequestedRegion": "x"}}), request) == "It"
    for condition in ({"StringNotEquals": {"kms:Other": "x"}}, {"Null": {"kms:Other": "true"}}):
        with pytest.raises(UnknownElementError, match="kms:Other"):
            denied_by(statement(Condition=condition), request)
