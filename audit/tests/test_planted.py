"""Every fault that can be planted is found, by its own rule and by no other; what is lawful is left in peace."""

from dataclasses import dataclass

import pytest
from audit_testkit.faults import Fault, spec
from audit_testkit.planter import PLANTS, cases, plant
from audit_testkit.services import grant
from audit_testkit.world import (
    BESIDE,
    BEYOND,
    CELL,
    HOME,
    JURISDICTION,
    MANAGEMENT,
    STRANGER,
    judged,
    new_world,
    scope_of,
)
from domicile_audit.cloud.inventory import COLLECTORS
from domicile_audit.holding import Survey
from domicile_audit.kinds import KINDS
from domicile_audit.rules import Finding, Severity
from domicile_policies.audit_actions import ACTIONS, action_of


@dataclass
class Planted:
    """A world with every fault in it, and what the audit made of it."""

    arns: dict[tuple[str, Fault], str]
    read: Survey
    findings: tuple[Finding, ...]
    called: frozenset[str]

    def of(self, kind: str, fault: Fault) -> tuple[Finding, ...]:
        return tuple(one for one in self.findings if one.resource == self.arns[kind, fault])


@pytest.fixture(scope="module")
def planted() -> Planted:
    with new_world() as world:
        arns = {case: plant(world, *case) for case in cases()}
        world.shelf.called.clear()
        cell = world.read(accounts=(CELL,))
        read = Survey.all_of([cell, world.read(accounts=(BESIDE, BEYOND), regions=[HOME])])
        called = frozenset(action_of(*one) for one in world.shelf.called)
    return Planted(arns, read, judged(read, scope_of()), called)


@pytest.fixture(scope="module")
def clean() -> tuple[dict[str, str], Survey]:
    with new_world() as world:
        arns = {kind: plant(world, kind, fault) for kind, fault in cases() if fault is Fault.NONE}
        return arns, world.read(accounts=(MANAGEMENT, CELL), regions=[HOME])


def test_the_planter_knows_every_type_that_the_audit_reads() -> None:
    assert set(PLANTS) == {kind for kind in KINDS if not kind.startswith("kubernetes:")}


def test_every_type_has_every_fault_or_a_reason_why_it_cannot() -> None:
    for kind, one in PLANTS.items():
        assert set(one.cannot) < set(Fault), kind
        assert all(reason for reason in one.cannot.values()), kind
        for fault in Fault:
            assert fault in one.cannot or one.expected(fault) or fault is Fault.NONE, (kind, fault)


def test_everything_was_read(planted: Planted) -> None:
    assert planted.read.unread == ()


def test_the_role_may_make_every_call_that_is_made_and_no_other(planted: Planted) -> None:
    entering = {"sts:AssumeRole"}  # is granted by the roles of the accounts, to the caller
    elsewhere = {
        *("sts:GetCallerIdentity", "organizations:DescribeOrganization", "organizations:ListAccounts"),
        "ec2:DescribeRegions",  # without --region
        "timestream:DescribeEndpoints",  # by boto3 itself, to find Timestream
        "s3:GetBucketPolicyStatus",  # only of what a block on public access may shut
        "rds:DescribeDBParameters",
        "rds:DescribeDBClusterParameters",  # only of groups that somebody made
        "dms:DescribeReplicationTasks",
    }
    assert planted.called - entering <= ACTIONS
    assert ACTIONS - planted.called <= elsewhere


@pytest.mark.parametrize(("kind", "fault"), cases())
def test_a_planted_fault_is_found_by_its_rule_and_no_other(planted: Planted, kind: str, fault: Fault) -> None:
    found = planted.of(kind, fault)
    assert {one.rule for one in found} == PLANTS[kind].expected(fault)
    assert all(one.severity is Severity.VIOLATION and one.type == kind for one in found)
    assert planted.arns[kind, fault] in {one.arn for one in planted.read.holdings}


def test_a_wrong_place_cites_the_law_that_it_breaks_and_its_source(planted: Planted) -> None:
    (one,) = planted.of("dynamodb:table", Fault.WRONG_PLACE)
    assert "us-east-1" in one.sentence
    assert f"{JURISDICTION}: wagering may rest only in" in one.law
    assert "data_residency" in one.law
    assert one.source == "https://law.example/1"
    assert one.remedy


def test_a_stranger_is_named_with_what_lets_it_in(planted: Planted) -> None:
    (one,) = planted.of("secretsmanager:secret", Fault.SHARED_OUTSIDE)
    assert STRANGER in one.sentence
    assert "resource policy, statement Reach" in one.sentence


def test_a_lawful_world_has_no_findings_at_all(clean: tuple[dict[str, str], Survey]) -> None:
    arns, read = clean
    assert read.unread == ()
    assert set(arns.values()) <= {one.arn for one in read.holdings}
    assert [f"{one.rule} {one.resource}" for one in judged(read, scope_of())] == []


def test_an_empty_world_has_no_findings() -> None:
    with new_world() as world:
        read = world.read(accounts=[CELL], regions=[HOME])
        assert (read.holdings, read.unread, judged(read, scope_of())) == ((), (), ())


def test_audits_of_the_same_world_have_the_same_findings(planted: Planted) -> None:
    assert judged(planted.read, scope_of()) == planted.findings
    assert len({one.id for one in planted.findings}) == len(planted.findings)


def test_a_grant_of_a_key_to_a_stranger_is_found() -> None:
    with new_world() as world:
        arn = plant(world, "kms:key", Fault.NONE)
        grant(spec(world, Fault.NONE), arn)
        read = world.read(collectors=[one for one in COLLECTORS if one.name == "kms keys"], regions=[HOME])
    (found,) = judged(read, scope_of())
    assert (found.rule, found.resource) == ("shared-outside", arn)
    assert "grant help" in found.sentence
