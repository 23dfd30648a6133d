"""What of a condition makes a statement for everybody one for somebody: read as IAM reads it."""

import json

import pytest
from domicile_policies.plan.addresses import wide
from domicile_policies.plan.iam import is_public, statements_of
from hypothesis import given
from hypothesis import strategies as st

ORG = "aws:PrincipalOrgID"


def public(principal="*", **condition):
    return is_public({"Effect": "Allow", "Principal": principal, "Action": "s3:*", "Condition": condition})


@pytest.mark.parametrize(
    "condition",
    [
        {"StringEquals": {ORG: "o-1"}},
        {"StringEqualsIgnoreCase": {"AWS:PRINCIPALORGID": ["o-1"]}},
        {"StringLike": {"aws:PrincipalArn": "arn:aws:iam::111122223333:role/*"}},
        {"ArnEquals": {"aws:SourceArn": ["arn:aws:s3:::ours", "arn:aws:sns:*:111122223333:*"]}},
        {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": ["o-1/*"]}},
        {"IpAddress": {"aws:SourceIp": ["203.0.113.0/24"]}},
        {"StringEquals": {"aws:PrincipalAccount": "${aws:ResourceAccount}"}},
        {"StringEquals": {ORG: "o-1"}, "StringNotEquals": {"aws:PrincipalAccount": "1"}},
    ],
    ids=str,
)
def test_a_condition_that_names_callers_narrows(condition):
    assert public() and not public(**condition)


@pytest.mark.parametrize(
    "condition",
    [
        {"StringLike": {"aws:PrincipalArn": "*"}},
        {"StringLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/admin"}},
        {"ArnLike": {"aws:SourceArn": "arn:aws:s3:::*"}},
        {"StringLike": {ORG: "o-*"}},
        {"StringLike": {ORG: ["o-1", "*"]}},
        {"StringEqualsIfExists": {ORG: "o-1"}},
        {"ForAllValues:StringEquals": {"aws:PrincipalOrgPaths": ["o-1/r/"]}},
        {"StringNotEquals": {ORG: "o-1"}},
        {"StringNotLike": {"aws:PrincipalArn": "arn:aws:iam::1:*"}},
        {"Null": {ORG: "false"}},
        {"Bool": {"aws:SecureTransport": "true"}},
        {"StringEquals": {"aws:PrincipalAccount": "${aws:PrincipalAccount}"}},
        {"StringEquals": {"aws:PrincipalTag/team": "ours"}},
        {"StringEquals": {ORG: []}},
        {"IpAddress": {"aws:SourceIp": ["0.0.0.0/1", "128.0.0.0/1"]}},
        {"NotIpAddress": {"aws:SourceIp": "203.0.113.0/24"}},
        {},
    ],
    ids=str,
)
def test_a_condition_that_everybody_meets_is_none(condition):
    assert public(**condition) and public({"AWS": ["*"]}, **condition)


@pytest.mark.parametrize(
    ("subject", "is_open"),
    [
        ({"StringEquals": {"oidc.eks/id/1:sub": "system:serviceaccount:domicile-system:operator"}}, False),
        ({"StringLike": {"token.actions.githubusercontent.com:sub": "repo:acme/infra:*"}}, False),
        ({"StringLike": {"token.actions.githubusercontent.com:sub": "repo:*"}}, True),
        ({"StringLike": {"token.actions.githubusercontent.com:sub": "*"}}, True),
        ({"StringEquals": {"token.actions.githubusercontent.com:aud": "sts.amazonaws.com"}}, True),
        (None, True),
    ],
)
def test_whoever_an_identity_provider_vouches_for_is_everybody_unless_the_subject_is_named(subject, is_open):
    trust = {
        "Effect": "Allow",
        "Principal": {"Federated": "arn:aws:iam::1:oidc-provider/x"},
        "Action": "sts:AssumeRoleWithWebIdentity",
    }
    assert is_public(trust | ({"Condition": subject} if subject else {})) is is_open


@given(st.lists(st.tuples(st.integers(0, 2**32 - 1), st.integers(9, 32)), max_size=3))
def test_a_few_ranges_of_single_holders_are_not_everybody(ranges):
    few = [f"{value >> 24}.{value >> 16 & 255}.{value >> 8 & 255}.{value & 255}/{bits}" for value, bits in ranges[:2]]
    assert wide(few) == ()


@given(st.integers(0, 7), st.integers(0, 2**32 - 1))
def test_a_range_wider_than_any_holders_is_everybody_unless_it_is_private(bits, value):
    cidr = f"{value >> 24}.{value >> 16 & 255}.{value >> 8 & 255}.{value & 255}/{bits}"
    assert wide([cidr]) == (cidr,)


def test_everybody_in_pieces_is_everybody():
    pieces = [f"{first}.0.0.0/8" for first in range(256)]
    assert set(wide(pieces)) == set(pieces) - {"10.0.0.0/8", "127.0.0.0/8"}
    assert wide(["10.0.0.0/8", "172.16.0.0/12", "fc00::/7"]) == ()


def test_statements_that_are_no_json_say_nothing():
    assert statements_of("no json") == () == statements_of(json.dumps([1]))
