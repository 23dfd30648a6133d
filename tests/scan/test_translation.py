"""What the scanner is given is what Terraform would give it, in the names that its checks look for."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from domicile_lab.providers.aws.schema import Schema, schema_of

from tests.scan import scanner, terraform
from tests.scan.conftest import changed
from tests.scan.resource import Resource, Stack

DOCUMENTS = {"Statement", "Action", "Effect", "Resource", "Principal", "AWS", "Federated", "Condition", "*", "actions"}
"""What checks read inside a policy document, which is text to Terraform."""

ELSEWHERE = {
    "aws_acm_certificate": {"lifecycle", "create_before_destroy"},  # Terraform's own, of which Pulumi has no need
    "aws_eip": {"vpc"},  # replaced by `domain` in the provider's version 5
    "aws_route_table": {"instance_id"},  # of a route to a machine, gone from the provider since version 4
    "aws_kms_key": {"SYMMETRIC_DEFAULT", "HMAC"},  # values
    "aws_iam_policy": {"inline_policy"},
    "aws_iam_role": {"policy_arn", "managed_policy_arn"},
    "aws_iam_role_policy": {"inline_policy"},
    "aws_iam_role_policy_attachment": {"managed_policy_arn", "managed_policy_arns"},
    "aws_ssoadmin_managed_policy_attachment": {"policy_arn", "managed_policy_arns"},
    "aws_ssoadmin_permission_set_inline_policy": {"policy"},
    "aws_s3_bucket": {"rules"},  # of the separate aws_s3_bucket_replication_configuration
    "aws_wafv2_web_acl": {"rules", "activated_rule"},  # of WAF Classic
}
"""What a check that is for several types reads of one that does not have it."""


@pytest.fixture(scope="module")
def looked_for() -> dict[str, dict[str, list[str]]]:
    """What checkov's checks read: type -> attribute -> checks."""
    script = Path(__file__).with_name("attributes.py")
    command = [str(scanner.python()), "-I", str(script)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=scanner.offline())
    return json.loads(done.stdout)


def tokens(stacks: tuple[Stack, ...]) -> set[str]:
    return {one.type for stack in stacks for one in stack.of("aws")}


def names(schema: Schema, kind: str, seen: set[str]) -> Iterator[str]:
    inner = kind.lstrip("[{")
    if inner.startswith("@") and inner not in seen:
        seen.add(inner)
        for key, each in schema.properties(inner).items():
            yield terraform.terraform_name(key, each)
            yield from names(schema, each, seen)


def translated(token: str) -> set[str]:
    """Every name, at any depth, that the translation of a type can write."""
    schema = schema_of(token)
    properties = {**schema.outputs, **schema.inputs}
    found = {terraform.terraform_name(key, kind) for key, kind in properties.items()}
    for kind in properties.values():
        found.update(names(schema, kind, set()))
    return found


def test_every_aws_type_of_the_program_is_translated_whole(stacks: tuple[Stack, ...]) -> None:
    for stack in stacks:
        resources = stack.of("aws")
        plan = terraform.plan(resources)
        planned = plan["planned_values"]["root_module"]["resources"]
        assert len({one["address"] for one in planned}) == len(resources) > 200
        for one, made in zip(resources, planned, strict=True):
            given_inputs = [key for key, value in one.inputs.items() if value is not None]
            assert len(made["values"]) == len(given_inputs), one.title


def test_a_check_reads_nothing_by_a_name_that_the_translation_does_not_write(
    stacks: tuple[Stack, ...], looked_for: dict[str, dict[str, list[str]]]
) -> None:
    known = {terraform.terraform_type(token): token for token in tokens(stacks)}
    judged = known.keys() & looked_for.keys()
    assert len(judged) > 50
    unread = {
        (kind, name): checks
        for kind in sorted(judged)
        for name, checks in looked_for[kind].items()
        if name and name not in translated(known[kind]) | DOCUMENTS | ELSEWHERE.get(kind, set()) and name.isidentifier()
    }
    assert unread == {}


def test_no_exception_is_for_something_that_is_translated_after_all(
    stacks: tuple[Stack, ...], looked_for: dict[str, dict[str, list[str]]]
) -> None:
    known = {terraform.terraform_type(token): token for token in tokens(stacks)}
    for kind, excepted in ELSEWHERE.items():
        if kind in known:
            assert excepted <= set(looked_for[kind]), kind
            assert not excepted & translated(known[kind]), kind


def test_a_type_that_nobody_knows_is_a_fault_and_is_not_passed_over() -> None:
    unknown = Resource("urn:1", "aws:quantum/ledger:Ledger", "one", "", {})
    with pytest.raises(LookupError, match="would not be scanned"):
        terraform.plan([unknown])


def test_a_property_that_nobody_knows_is_a_fault(cell: Stack) -> None:
    strange = changed(cell, "aws:kms/key:Key::data", lambda inputs: inputs | {"publik": True})
    with pytest.raises(LookupError, match="publik"):
        terraform.plan(strange.of("aws"))


def test_a_nested_property_that_nobody_knows_is_a_fault(cell: Stack) -> None:
    title = "aws:rds/clusterParameterGroup:ClusterParameterGroup::database"
    strange = changed(cell, title, lambda inputs: inputs | {"parameters": [{"nam": "x"}]})
    with pytest.raises(LookupError, match="nam "):
        terraform.plan(strange.of("aws"))


def test_objects_become_blocks_maps_stay_and_documents_become_text() -> None:
    role = Resource("u", "aws:iam/role:Role", "r", "", {"assumeRolePolicy": {"Version": "1"}, "tags": {"aKey": "b"}})
    assert terraform.arguments(role) == {"assume_role_policy": '{"Version": "1"}', "tags": {"aKey": "b"}}
    rule = {"applyServerSideEncryptionByDefault": {"sseAlgorithm": "aws:kms"}, "bucketKeyEnabled": True}
    kind = "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
    block = {"apply_server_side_encryption_by_default": [{"sse_algorithm": "aws:kms"}], "bucket_key_enabled": True}
    assert terraform.arguments(Resource("u", kind, "e", "", {"rules": [rule]})) == {"rule": [block]}


def test_what_a_property_is_made_from_becomes_a_reference(cell: Stack) -> None:
    configured = terraform.plan(cell.of("aws"))["configuration"]["root_module"]["resources"]
    (block,) = (one for one in configured if one["address"] == "aws_s3_bucket_public_access_block.documents")
    assert "aws_s3_bucket.documents" in block["expressions"]["bucket"]["references"]


def test_addresses_are_distinct_and_of_terraforms_form() -> None:
    # An address takes no slash and no space, and a name that has its place may be another one's own.
    found = ["a/b", "a b", "a_b", "a_b_2", "a.b", "a-b", "1", "a/b"]
    resources = [Resource(f"urn:{at}", "aws:kms/key:Key", name, "", {}) for at, name in enumerate(found)]
    addresses = terraform.addresses(resources)
    assert len(set(addresses.values())) == len(resources)
    assert all(re.fullmatch(r"aws_kms_key\.[\w-]+", one) for one in addresses.values())


@pytest.mark.parametrize(
    ("plural", "one"),
    [
        ("copy_actions", "copy_action"),
        ("policies", "policy"),
        ("aliases", "alias"),
        ("ingress", "ingress"),
        ("addresses", "address"),
        ("rules", "rule"),
        ("log_delivery_configurations", "log_delivery_configuration"),
    ],
)
def test_a_list_of_objects_has_the_name_of_one(plural: str, one: str) -> None:
    assert terraform.singular(plural) == one
