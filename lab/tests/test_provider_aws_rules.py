"""What the lab's aws provider holds to be the same, to be wrong, and to be said of a fault."""

from __future__ import annotations

import json
from typing import Any

import botocore.exceptions
import pytest
from domicile_lab.providers.aws.cloud import _seconds, describe
from domicile_lab.providers.aws.compare import Meaning, covers, drifted, equal
from domicile_lab.providers.aws.entry import is_gone, overlay, render
from domicile_lab.providers.aws.model import Facts
from domicile_lab.providers.aws.provider import Aws
from domicile_lab.providers.interface import ProviderError
from domicile_lab.providers.values import UNKNOWN
from hypothesis import given
from hypothesis import strategies as st

PLAIN = Meaning()
POLICY = Meaning(json=frozenset({"policy"}))
WORDS = st.text("abc", min_size=1, max_size=4)
VALUES = st.recursive(
    st.booleans() | st.integers(0, 9) | WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=10,
)


class Cloud:
    account = "111122223333"
    region = "eu-west-2"
    partition = "aws"

    def call(self, service: str, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        raise AssertionError("nothing is asked")


@given(VALUES)
def test_a_value_is_itself_and_has_not_drifted(value: Any) -> None:
    assert equal(value, value, PLAIN) and drifted(value, value, PLAIN) == value


@given(st.lists(VALUES, max_size=5), st.randoms())
def test_lists_have_no_order_unless_it_matters(values: list[Any], random: Any) -> None:
    other = list(values)
    random.shuffle(other)
    assert covers(values, other, PLAIN, "rules")
    assert drifted(values, other, PLAIN, "rules") == values
    assert not equal([1, 2], [2, 1], Meaning(ordered=frozenset({"rules"})), "rules")


@given(st.dictionaries(WORDS, VALUES, max_size=4), st.dictionaries(st.text("xyz", min_size=1), VALUES, max_size=3))
def test_what_the_service_filled_in_is_no_drift(given_: dict[str, Any], defaults: dict[str, Any]) -> None:
    found = {**defaults, **given_}
    assert covers(given_, found, PLAIN) and drifted(given_, found, PLAIN) == given_


@given(st.dictionaries(WORDS, WORDS, max_size=4), WORDS, WORDS)
def test_every_tag_counts(tags: dict[str, str], key: str, value: str) -> None:
    whole = Meaning(whole=frozenset({"tags"}))
    more = {**tags, key + "-new": value}
    assert not covers(tags, more, whole, "tags")
    assert drifted(tags, more, whole, "tags") == more


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({"Action": "s3:Get", "Effect": "Allow"}, {"Effect": "Allow", "Action": ["s3:Get"]}, True),
        ({"Action": ["a", "b"]}, {"Action": ["b", "a"]}, True),
        ({"Statement": [{"Sid": "1"}, {"Sid": "2"}]}, {"Statement": [{"Sid": "2"}, {"Sid": "1"}]}, True),
        ({"Action": ["a", "b"]}, {"Action": ["a"]}, False),
        ({"Effect": "Allow"}, {"Effect": "Deny"}, False),
    ],
)
def test_policies_are_compared_by_what_they_say(one: Any, other: Any, same: bool) -> None:
    assert equal(json.dumps(one, indent=2), json.dumps(other), POLICY, "policy") is same


@pytest.mark.parametrize(
    ("given_", "found", "same"),
    [
        ("arn:aws:kms:eu-west-2:1:key/abc", "abc", True),
        ("abc", "arn:aws:kms:eu-west-2:1:key/abc", True),
        ("bc", "arn:aws:kms:eu-west-2:1:key/abc", False),
        ("1.3", "1.30", False),
        (5, "5", True),
        (True, "true", True),
        (None, "", True),
        ({"allow": {}}, {"block": {}}, False),
        (False, None, True),
    ],
)
def test_scalars_mean_the_same_where_aws_says_it_differently(given_: Any, found: Any, same: bool) -> None:
    assert covers(given_, found, PLAIN, "x") is same


def test_numbers_written_as_text_are_numbers_where_the_type_says_so() -> None:
    assert equal("100", "100.0", Meaning(numbers=frozenset({"limit"})), "limit")
    assert not equal("100", "100.0", PLAIN, "limit")


def test_one_changed_element_is_all_that_drifts() -> None:
    given_ = [{"id": "a", "days": 1}, {"id": "b", "days": 2}]
    found = [{"ID": 0, "id": "b", "days": 2, "more": 1}, {"id": "a", "days": 9}]
    assert drifted(given_, found, PLAIN, "rules") == [{"id": "b", "days": 2}, {"id": "a", "days": 9}]


def test_an_unknown_is_equal_to_itself_alone() -> None:
    assert not equal("x", UNKNOWN, PLAIN) and equal(UNKNOWN, UNKNOWN, PLAIN)


def test_outputs_keep_the_form_that_was_given() -> None:
    assert overlay({"a": {"x": 1}}, {"a": {"x": "1", "y": 2}, "b": 3}) == {"a": {"x": 1, "y": 2}, "b": 3}


def test_parameters_that_name_something_absent_are_left_out() -> None:
    facts = Facts("vpc-1", {"name": "n", "ids": ["a"]}, {"arn": "arn:x"})
    template = {
        "Id": "{id}",
        "Ids": "{ids}",
        "Text": "{arn}/{name}",
        "None": "{missing}",
        "List": ["{missing}"],
        "T": True,
    }
    assert render(template, facts, Cloud()) == {"Id": "vpc-1", "Ids": ["a"], "Text": "arn:x/n", "T": True}
    assert render("arn:{partition}:x:{region}:{account}:y", facts, Cloud()) == "arn:aws:x:eu-west-2:111122223333:y"


@pytest.mark.parametrize("code", ["NoSuchEntity", "InvalidVpcID.NotFound", "ResourceNotFoundException", "NoSuchBucket"])
def test_codes_that_say_gone(code: str) -> None:
    assert is_gone(code) and not is_gone("AccessDenied") and is_gone("404", ("404",))


def test_an_input_that_a_type_does_not_have_is_refused_with_its_neighbours() -> None:
    _, failures = Aws().check("aws:ec2/vpc:Vpc", {"cidrBloc": "10.0.0.0/8"}, {}, name="v", seed=b"")
    assert failures[0].property == "cidrBloc" and "cidrBlock" in failures[0].reason


def test_an_input_that_the_lab_does_not_map_is_refused_with_the_file() -> None:
    _, failures = Aws().check("aws:ec2/vpc:Vpc", {"ipv4IpamPoolId": "ipam"}, {}, name="v", seed=b"")
    assert failures[0].property == "ipv4IpamPoolId" and "table/ec2.py" in failures[0].reason


def test_kinds_are_checked_down_to_the_leaf_and_unknowns_are_trusted() -> None:
    rules = [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": ["x"]}}]
    type_ = "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
    _, failures = Aws().check(type_, {"bucket": UNKNOWN, "rules": rules}, {}, name="b", seed=b"")
    assert [each.property for each in failures] == ["rules[0].applyServerSideEncryptionByDefault.sseAlgorithm"]
    _, missing = Aws().check(type_, {"bucket": "b"}, {}, name="b", seed=b"")
    assert [(each.property, each.reason) for each in missing] == [("rules", "is required")]


def test_a_name_that_is_not_given_is_made_once() -> None:
    first, _ = Aws().check("aws:kms/alias:Alias", {"targetKeyId": "k", "name": "alias/x"}, {}, name="a", seed=b"1")
    assert first["name"] == "alias/x"
    role = {"assumeRolePolicy": {"Version": "2012-10-17"}}
    made, _ = Aws().check("aws:iam/role:Role", role, {}, name="role", seed=b"1")
    again, _ = Aws().check("aws:iam/role:Role", role, made, name="role", seed=b"2")
    assert made["name"].startswith("role-") and again["name"] == made["name"]
    assert json.loads(made["assumeRolePolicy"]) == {"Version": "2012-10-17"}, "a document may be given as an object"


def test_a_type_that_is_not_in_the_table_is_refused_with_its_neighbours_and_the_file() -> None:
    with pytest.raises(ProviderError, match=r"aws:ec2/vpc:Vpc.*table/ec2\.py"):
        Aws().check("aws:ec2/vpcs:Vpcs", {}, {}, name="v", seed=b"")


def test_another_region_is_another_place() -> None:
    diff = Aws().diff_config({"region": "eu-west-2"}, {"region": "eu-west-1", "allowedAccountIds": '["1"]'})
    assert set(diff.changes) == {"region", "allowedAccountIds"} and diff.replaces == {"region"}
    assert [each.property for each in Aws().check_config({"regions": "x"})] == ["regions"]


def test_a_preview_without_an_account_waits() -> None:
    provider = Aws()
    provider.configure({"region": "eu-west-2", "assumeRoles": [{"roleArn": UNKNOWN}]})
    with pytest.raises(ProviderError, match="not known yet"):
        provider.read("aws:ec2/vpc:Vpc", "vpc-1", {}, {})


def test_a_fault_is_told_with_the_service_s_words_and_what_to_do() -> None:
    response = {
        "Error": {"Code": "AccessDeniedException", "Message": "explicit deny in a service control policy."},
        "ResponseMetadata": {"HTTPStatusCode": 403, "RequestId": "r-1"},
    }
    told = describe(botocore.exceptions.ClientError(response, "CreateVpc"))
    assert told.startswith("AccessDeniedException: explicit deny in a service control policy (HTTP 403, request r-1).")
    assert "control policies" in told


@pytest.mark.parametrize(("text", "seconds"), [("1h", 3600), ("15m", 900), ("900s", 900), (None, 3600)])
def test_a_session_lasts_as_long_as_the_program_says(text: str | None, seconds: int) -> None:
    assert _seconds(text) == seconds
