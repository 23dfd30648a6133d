"""What Pulumi writes of a plan is read as it is meant, and what is not known is not judged."""

import json
from pathlib import Path

import pytest
from domicile_policies.plan import UNKNOWN, Operation, PreviewError, check_plan, read_preview
from policies_testkit.plans import TAGS, facts, urn

REAL = (Path(__file__).parent / "previews" / "organization.json").read_text()
"""Of `pulumi preview --json --show-sames` 3.200, shortened."""
UNKNOWN_STRING = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
CELL = urn("pulumi:providers:aws", "cell")


def step(op, kind="aws:s3/bucket:Bucket", name="it", old=None, **state):
    at = urn(kind, name)
    new = {"urn": at, "custom": True, "type": kind, "provider": f"{CELL}::id", "inputs": {}} | state
    return {"op": op, "urn": at, **({"oldState": new | old} if old is not None else {}),
            **({} if op in ("delete", "delete-replaced") else {"newState": new})}  # fmt: skip


def read(*steps, **more):
    return read_preview(json.dumps({"steps": list(steps)} | more))


def test_a_real_preview_is_read():
    plan = read_preview(REAL)
    assert plan.stack == "organization-lab" and not plan.changes_only
    by_name = {one.name: one for one in plan.resources}
    # Providers are what resources name, and no resources of the plan.
    assert not [one for one in plan.resources if one.type.startswith("pulumi:providers:")]
    policy = by_name["policies/anywhere-residency"]
    assert policy.operation is Operation.CREATE and policy.tag("domicile:cell") == "organization"
    assert (policy.provider.name, policy.provider.properties["region"]) == ("management/eu-west-1", "eu-west-1")
    tie = by_name["policies/anywhere/anywhere-residency"]
    assert tie.at("policyId") is UNKNOWN and tie.dependencies["policyId"] == (policy.urn,)
    account = by_name["security/account"]
    assert account.at("email") and account.options.parent.endswith("::security")
    lawful = {"stack": plan.stack, "environment": "lab", "disposable": True}
    assert [one.message for one in check_plan(plan, facts(lawful_places=frozenset({"eu-west-1"}), **lawful))] == []
    away = check_plan(plan, facts(lawful_places=frozenset({"eu-west-2"}), **lawful))
    assert {one.rule.id for one in away} == {"place-lawful"} and all(one.stops for one in away)


@pytest.mark.parametrize(
    ("ops", "comes_to"),
    [
        (["create"], Operation.CREATE),
        (["import"], Operation.CREATE),
        (["same"], Operation.SAME),
        (["update"], Operation.UPDATE),
        (["delete"], Operation.DELETE),
        (["create-replacement", "replace", "delete-replaced"], Operation.REPLACE),
        (["delete-replaced", "replace", "create-replacement"], Operation.REPLACE),
    ],
)
def test_several_steps_are_one_operation(ops, comes_to):
    (found,) = read(*(step(op, old={}) for op in ops)).resources
    assert found.operation is comes_to


def test_a_replacement_of_what_holds_data_needs_an_approval():
    gone = step("delete-replaced", old={"protect": True})
    found = check_plan(read(step("create-replacement", protect=True, retainOnDelete=True), gone), facts())
    assert "stateful-approved" in {one.rule.id for one in found}


def test_a_deletion_has_the_state_that_was():
    (found,) = read(step("delete", old={"protect": True, "inputs": {"bucket": "b"}})).resources
    assert found.options.protect and found.at("bucket") == "b"


def test_unknown_and_secret_values_are_unknown_at_any_depth():
    inputs = {"a": UNKNOWN_STRING, "b": {"c": ["[secret]", 1]}, "d": {"4dabf18193072939515e22adb298388d": "x"}}
    (found,) = read(step("create", inputs=inputs)).resources
    assert found.properties == {"a": UNKNOWN, "b": {"c": [UNKNOWN, 1]}, "d": UNKNOWN}
    assert found.at("a", "deeper") is UNKNOWN and found.at("b", "none") is None


def test_options_and_provider_are_read():
    provider = step("create", "pulumi:providers:aws", "cell", inputs={"region": UNKNOWN_STRING}, provider=None)
    bucket = step("create", protect=True, retainOnDelete=True, aliases=["urn:x"], propertyDependencies={"a": ["urn:y"]})
    (found,) = read(provider, bucket).resources
    assert found.options.protect and found.options.retain_on_delete and found.options.aliases == ("urn:x",)
    assert found.provider.properties == {"region": UNKNOWN} and found.dependencies == {"a": ("urn:y",)}
    (found,) = read(step("create", provider=f"{urn('pulumi:providers:aws', 'default_7_29_0')}::id")).resources
    assert found.provider.is_default and found.provider.properties is None


def test_a_preview_without_what_stays_is_one_of_changes_alone():
    assert read(step("update"), changeSummary={"same": 3, "update": 1}).changes_only
    assert not read(step("same"), changeSummary={"same": 1}).changes_only
    provider = step("same", "pulumi:providers:aws", "cell", inputs={"region": "eu-west-2"}, provider=None)
    assert not read(provider, step("same"), changeSummary={"same": 2}).changes_only
    nothing = read_preview('{"changeSummary": {"same": 9}}', "gb-prod")
    assert (nothing.stack, nothing.resources, nothing.changes_only) == ("gb-prod", (), True)


def test_a_saved_plan_tells_what_is_to_happen():
    at = urn("aws:rds/cluster:Cluster", "ledger")
    goal = {"type": "aws:rds/cluster:Cluster", "name": "ledger", "custom": True, "protect": True,
            "inputDiff": {"updates": {"engine": "x"}}, "provider": f"{CELL}::id"}  # fmt: skip
    plans = {
        at: {"goal": goal, "steps": ["create-replacement", "replace", "delete-replaced"], "state": {}},
        urn("aws:s3/bucket:Bucket", "old"): {"steps": ["delete"], "state": None},
        CELL: {"goal": {"type": "pulumi:providers:aws", "name": "cell", "custom": True}, "steps": ["same"]},
    }
    plan = read_preview(json.dumps({"manifest": {}, "resourcePlans": plans}))
    assert plan.changes_only
    assert {one.name: one.operation for one in plan.resources} == {
        "ledger": Operation.REPLACE,
        "old": Operation.DELETE,
    }
    # It has no properties: nothing is said of tags, keys and the like that it does not show.
    assert [(one.rule.id, one.text.split(":")[0]) for one in check_plan(plan, facts())] == [
        ("stateful-approved", "ledger"),
        ("stateful-approved", "old"),
    ]
    assert read_preview(json.dumps({"version": 1, "plan": {"resourcePlans": plans}})).resources == plan.resources


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("pulumi: error", "no JSON"),
        ("[]", "no plan"),
        ("{}", "no plan"),
        (json.dumps({"steps": [step("explode")]}), "'explode', an operation that is not known"),
        (
            json.dumps({"steps": [step("same"), step("same") | {"urn": "urn:pulumi:other::p::a:b:C::n"}]}),
            "several stacks",
        ),
    ],
)
def test_what_is_no_plan_is_refused(text, why):
    with pytest.raises(PreviewError, match=why):
        read_preview(text)


def test_a_sound_resource_of_a_preview_passes_every_rule_about_itself():
    provider = step("same", "pulumi:providers:aws", "cell", inputs={"region": "eu-west-2"}, provider=None)
    network = step("create", "aws:ec2/vpc:Vpc", inputs={"cidrBlock": "10.0.0.0/16", "tags": TAGS})
    assert check_plan(read(provider, network), facts()) == ()
