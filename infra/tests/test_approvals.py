"""The program's own lock on what holds data: the engine asks before it deletes, in a preview as well."""

from datetime import date

import pulumi
import pytest
from domicile_catalog.environment import Approval
from domicile_infra import approvals
from domicile_infra.approvals import HOOK, ask_for_approvals, refusal

TODAY = date(2026, 6, 1)
WORD = Approval(stack="gb-prod", resource="ledger", action="delete", reason="the cell is closed",
                by="dpo@acme.example", until=TODAY)  # fmt: skip
LEDGER = "aws:rds/cluster:Cluster"


def deleted(kind=LEDGER, name="ledger"):
    urn = f"urn:pulumi:gb-prod::domicile::{kind}::{name}"
    return pulumi.ResourceHookArgs(urn=urn, id="1", name=name, type=kind)


@pytest.mark.parametrize(
    ("given", "stack", "on"),
    [
        ((), "gb-prod", TODAY),
        ((WORD,), "br-prod", TODAY),
        ((WORD,), "gb-prod", date(2026, 6, 2)),
        ((WORD.model_copy(update={"resource": "other"}),), "gb-prod", TODAY),
    ],
)
def test_what_nobody_approved_is_not_deleted(given, stack, on):
    with pytest.raises(PermissionError, match=r"ledger: aws:rds/cluster:Cluster is kept, and .*environment\.yaml"):
        refusal(given, stack, on)(deleted())


@pytest.mark.parametrize("action", ["delete", "replace"])
def test_an_approval_of_either_action_lets_it_go(action):
    word = WORD.model_copy(update={"action": action, "resource": f"{LEDGER}::ledger"})
    assert refusal((word,), "gb-prod", TODAY)(deleted()) is None


def test_every_kept_resource_gets_the_hook_and_no_other_does(monkeypatch):
    """Beside hooks that it has already."""
    made, transformations = [], []

    class Hook:
        def __init__(self, name, callback, options):
            made.append((name, options.on_dry_run))
            self.name = name

    monkeypatch.setattr(approvals.pulumi, "ResourceHook", Hook)
    monkeypatch.setattr(approvals.pulumi.runtime, "register_stack_transformation", transformations.append)
    ask_for_approvals([], "gb-prod", TODAY)
    assert made == [(HOOK, True)]
    (guarded,) = transformations
    options = pulumi.ResourceOptions(protect=True)
    args = pulumi.ResourceTransformationArgs(None, LEDGER, "ledger", {"a": 1}, options)
    result = guarded(args)
    assert [one.name for one in result.opts.hooks.before_delete] == [HOOK]
    assert result.opts.protect is True and result.props == {"a": 1}
    assert guarded(pulumi.ResourceTransformationArgs(None, "aws:ec2/vpc:Vpc", "network", {}, options)) is None
