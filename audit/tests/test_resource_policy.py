"""Who outside the organisation a resource's policy lets in: each form that a policy has for it."""

from typing import Any

import pytest
from audit_testkit.world import CELL, MANAGEMENT, ORGANIZATION, OURS, STRANGER
from domicile_audit.resource_policy import asks_for_tls, outsiders
from hypothesis import given
from hypothesis import strategies as st

STRANGE = f"arn:aws:iam::{STRANGER}:root"
OWN = f"arn:aws:iam::{CELL}:role/reader"


def allow(principal: Any, condition: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """An Allow statement."""
    statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*", **more}
    if principal is not None:
        statement["Principal"] = principal
    return statement | ({"Condition": condition} if condition else {})


def found(*statements: dict[str, Any]) -> list[str]:
    """The principals that are let in."""
    return [one.principal for one in outsiders({"Statement": list(statements)}, OURS, "policy")]


@pytest.mark.parametrize(
    "principal",
    [
        {"AWS": OWN},
        {"AWS": CELL},
        {"AWS": [f"arn:aws:iam::{MANAGEMENT}:root", f"arn:aws:sts::{CELL}:assumed-role/reader/me"]},
        {"Service": "logs.amazonaws.com"},
    ],
)
def test_the_organisation_and_the_clouds_services_are_no_strangers(principal: Any) -> None:
    assert found(allow(principal)) == []


@pytest.mark.parametrize(
    ("principal", "told"),
    [
        ("*", ["*"]),
        ({"AWS": "*"}, ["*"]),
        ({"AWS": ["*"]}, ["*"]),
        ({"AWS": STRANGE}, [STRANGE]),
        ({"AWS": [OWN, STRANGER]}, [STRANGER]),
        ({"AWS": "AIDAEXAMPLEUSERIDGONE"}, ["AIDAEXAMPLEUSERIDGONE"]),
        ({"AWS": "arn:aws:iam::cloudfront:user/Identity E1"}, ["arn:aws:iam::cloudfront:user/Identity E1"]),
        ({"CanonicalUser": "79a5"}, ["CanonicalUser:79a5"]),
        ({"Federated": "accounts.example.com"}, ["Federated:accounts.example.com"]),
    ],
)
def test_a_stranger_is_found_in_each_form_of_principal(principal: Any, told: list[str]) -> None:
    assert found(allow(principal)) == told


def test_everybody_but_somebody_is_everybody() -> None:
    assert found(allow(None, NotPrincipal={"AWS": STRANGE})) == ["*"]


@pytest.mark.parametrize(
    "condition",
    [
        {"StringEquals": {"aws:PrincipalOrgID": ORGANIZATION}},
        {"StringEquals": {"AWS:PRINCIPALORGID": [ORGANIZATION]}},
        {"StringLike": {"aws:PrincipalArn": f"arn:aws:iam::{CELL}:role/*"}},
        {"StringEquals": {"aws:SourceAccount": CELL}},
        {"StringEquals": {"AWS:SourceOwner": CELL}},
        {"StringEquals": {"kms:CallerAccount": CELL, "kms:ViaService": "ec2.eu-west-1.amazonaws.com"}},
        {"ArnLike": {"aws:SourceArn": f"arn:aws:sns:eu-west-1:{CELL}:*"}},
        {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": f"{ORGANIZATION}/r-1/*"}},
        {"Bool": {"aws:SecureTransport": "true"}, "StringEquals": {"aws:PrincipalAccount": [CELL, MANAGEMENT]}},
    ],
)
def test_a_condition_that_only_the_organisation_meets_confines_everybody(condition: dict[str, Any]) -> None:
    assert found(allow("*", condition)) == []


@pytest.mark.parametrize(
    "condition",
    [
        {"StringEquals": {"aws:PrincipalOrgID": [ORGANIZATION, "o-strangers"]}},
        {"StringEqualsIfExists": {"aws:PrincipalOrgID": ORGANIZATION}},
        {"ForAllValues:StringLike": {"aws:PrincipalOrgPaths": f"{ORGANIZATION}/*"}},
        {"StringNotEquals": {"aws:PrincipalOrgID": ORGANIZATION}},
        {"StringLike": {"aws:PrincipalAccount": "1111222233*"}},
        {"StringLike": {"aws:PrincipalOrgPaths": f"{ORGANIZATION}*"}},
        {"Bool": {"aws:SecureTransport": "true"}},
        {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}},
        {"StringEquals": {"aws:PrincipalOrgID": []}},
    ],
)
def test_a_condition_that_a_stranger_may_meet_confines_nobody(condition: dict[str, Any]) -> None:
    assert found(allow("*", condition)) == ["*"]


def test_a_service_that_acts_for_a_stranger_is_one() -> None:
    foreign = {"ArnLike": {"AWS:SourceArn": f"arn:aws:cloudfront::{STRANGER}:distribution/E1"}}
    assert found(allow({"Service": "cloudfront.amazonaws.com"}, foreign)) == [
        f"arn:aws:cloudfront::{STRANGER}:distribution/E1"
    ]
    own = {"ArnLike": {"AWS:SourceArn": f"arn:aws:cloudtrail:eu-west-1:{CELL}:trail/one"}}
    assert found(allow({"Service": "cloudtrail.amazonaws.com"}, own)) == []


def shut_out(condition: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """A statement that denies everybody outside the organisation everything."""
    return {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": ["arn:aws:s3:::one", "arn:aws:s3:::one/*"],
        "Condition": condition or {"StringNotEquals": {"aws:PrincipalOrgID": ORGANIZATION}},
        **more,
    }


def test_a_denial_of_everybody_outside_the_organisation_outweighs_what_is_allowed() -> None:
    assert found(allow("*"), shut_out()) == []
    let_off = {
        "StringNotEqualsIfExists": {"aws:PrincipalOrgID": ORGANIZATION},
        "BoolIfExists": {"aws:PrincipalIsAWSService": "false"},
    }
    assert found(allow("*"), shut_out(let_off)) == []


@pytest.mark.parametrize(
    "less",
    [
        {"Action": "s3:PutObject"},
        {"Resource": "arn:aws:s3:::one/*"},
        {"Principal": {"AWS": STRANGE}},
        {"Effect": "Allow", "Principal": {"AWS": OWN}},
        {"Condition": {"StringNotEquals": {"aws:PrincipalOrgID": [ORGANIZATION, "o-strangers"]}}},
        {
            "Condition": {
                "StringNotEquals": {"aws:PrincipalOrgID": ORGANIZATION},
                "Bool": {"aws:MultiFactorAuthPresent": "false"},
            }
        },
    ],
)
def test_a_denial_of_less_than_that_outweighs_nothing(less: dict[str, Any]) -> None:
    assert found(allow("*"), shut_out() | less) == ["*"]


def test_no_policy_lets_nobody_in() -> None:
    assert outsiders(None, OURS, "policy") == outsiders("", OURS, "policy") == outsiders({}, OURS, "policy") == ()


def test_only_a_denial_of_everything_without_tls_asks_for_it() -> None:
    asked = shut_out({"Bool": {"aws:SecureTransport": "false"}})
    assert asks_for_tls({"Statement": asked})
    assert asks_for_tls({"Statement": [asked | {"Condition": {"Bool": {"aws:SecureTransport": False}}}]})
    for less in (
        {"Effect": "Allow"},
        {"Action": "s3:GetObject"},
        {"Resource": "arn:aws:s3:::one/*"},
        {"Principal": {"AWS": OWN}},
        {"Condition": {}},
        {"Condition": {"Bool": {"aws:SecureTransport": "true"}}},
        {"Condition": {"Bool": {"aws:SecureTransport": "false"}, "StringEquals": {"aws:SourceVpc": "vpc-1"}}},
    ):
        assert not asks_for_tls({"Statement": [asked | less]}), less
    assert not asks_for_tls(None)


@given(
    accounts=st.lists(st.from_regex(r"\A\d{12}\Z"), min_size=1, max_size=4),
    operator=st.sampled_from(["StringEquals", "StringLike", "StringEqualsIfExists", "StringNotEquals"]),
)
def test_a_stranger_among_the_values_of_a_condition_always_lets_everybody_in(
    accounts: list[str], operator: str
) -> None:
    mixed = {operator: {"aws:PrincipalAccount": [*accounts, STRANGER]}}
    assert found(allow("*", mixed)) == ["*"]
