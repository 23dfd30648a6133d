"""Which policies decide about a call, and in which order."""

import pytest
from domicile_lab.cloud.decision import RESOURCE_CONTROLLED, decide
from domicile_lab.cloud.organization import RESOURCE_CONTROL, SERVICE_CONTROL, Membership, Policy
from domicile_policies.evaluator import Request, UnknownElementError


def policy(name, effect, action, **more):
    statement = {"Sid": name.title(), "Effect": effect, "Action": action, "Resource": "*"} | more
    return Policy(f"p-{name}", name, {"Statement": [statement]})


ALL = policy("all", "Allow", "*")
NO_S3 = policy("none", "Deny", "s3:*")
LEVELS = ("r-1", "ou-1", "111122223333")


def member(*levels, kind=SERVICE_CONTROL, management=False):
    """An account whose root, unit and account have these policies attached."""
    return Membership("o-1", LEVELS, management, {kind: levels} if kind else {})


S3, EC2 = Request("s3:GetObject"), Request("ec2:RunInstances")


@pytest.mark.parametrize("level", range(3))
def test_a_denial_at_any_level_refuses(level):
    levels = [(ALL,)] * 3
    levels[level] = (ALL, NO_S3)
    denial = decide(S3, member(*levels), None)
    assert denial is not None and denial.explicit and denial.by == "p-none/None"
    assert decide(EC2, member(*levels), None) is None


@pytest.mark.parametrize("level", range(3))
def test_an_allowance_is_needed_at_each_level(level):
    levels = [(ALL,)] * 3
    levels[level] = (policy("some", "Allow", "s3:*"),)
    assert decide(S3, member(*levels), None) is None
    denial = decide(EC2, member(*levels), None)
    assert denial is not None and not denial.explicit and denial.by.startswith(LEVELS[level])


def test_a_denial_is_told_before_a_missing_allowance():
    denial = decide(S3, member((), (ALL,), (ALL, NO_S3)), None)
    assert denial is not None and denial.explicit


@pytest.mark.parametrize(
    ("caller", "owner", "service_linked"),
    [
        (member((ALL,), (NO_S3,), (ALL,), management=True), None, False),
        (member((ALL,), (NO_S3,), (ALL,)), None, True),
        (member(kind=None), None, False),
        (None, member((ALL,), (NO_S3,), (ALL,), kind=RESOURCE_CONTROL, management=True), False),
        (None, member((ALL,), (NO_S3,), (ALL,), kind=RESOURCE_CONTROL), True),
        (None, None, False),
    ],
)
def test_nothing_binds_the_management_account_service_linked_roles_or_types_not_enabled(caller, owner, service_linked):
    assert decide(S3, caller, owner, service_linked) is None


def test_resource_control_policies_reach_the_owner_s_resources_of_some_services_alone():
    owner = member((ALL,), (policy("none", "Deny", "*", Principal="*"),), (ALL,), kind=RESOURCE_CONTROL)
    for service in sorted(RESOURCE_CONTROLLED):
        denial = decide(Request(f"{service}:Any"), None, owner)
        assert denial is not None and denial.kind == RESOURCE_CONTROL
    assert decide(EC2, None, owner) is None
    # The caller's own policies of that type say nothing about what belongs to somebody else.
    assert decide(S3, owner, None) is None


def test_what_cannot_be_judged_is_raised_not_passed():
    odd = policy("odd", "Deny", "s3:*", Condition={"BinaryEquals": {"a": "b"}})
    with pytest.raises(UnknownElementError):
        decide(S3, member((ALL, odd), (ALL,), (ALL,)), None)
    assert decide(EC2, member((ALL, odd), (ALL,), (ALL,)), None) is None
