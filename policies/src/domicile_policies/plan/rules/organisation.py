"""The organisation's own policies fit what AWS takes."""

import json
from collections import defaultdict
from collections.abc import Iterator

from domicile_policies.documents import PolicyType
from domicile_policies.plan.facts import PackFacts
from domicile_policies.plan.resource import UNKNOWN, Plan, PlannedResource
from domicile_policies.plan.rule import Rule, Said, fault, undecided

POLICY = "aws:organizations/policy:Policy"
ATTACHMENT = "aws:organizations/policyAttachment:PolicyAttachment"


def size(resource: PlannedResource, facts: PackFacts) -> Iterator[Said]:
    """A document is within its kind's number of characters, as it is sent."""
    if resource.type != POLICY:
        return
    content, kind = resource.at("content"), resource.at("type") or PolicyType.SERVICE_CONTROL
    if UNKNOWN in (content, kind):
        yield undecided(resource, "its content")
    elif kind in facts.quotas and len(str(content)) > (most := facts.quotas[PolicyType(kind)].characters):
        yield fault(resource, f"has {len(str(content))} characters, and a {kind} at most {most}")
    elif not _is_json(str(content)):
        yield fault(resource, "its content is no JSON")


def count(plan: Plan, facts: PackFacts) -> Iterator[Said]:
    """No target has more policies of a kind than AWS attaches."""
    attached: dict[tuple[str, str], list[PlannedResource]] = defaultdict(list)
    for one in plan.of(ATTACHMENT):
        policies = [
            policy
            for policy in plan.of(POLICY)
            if policy.urn in one.dependencies.get("policyId", ())
            or (one.at("policyId") is not UNKNOWN and one.at("policyId") == policy.at("id"))
        ]
        target = one.at("targetId")
        if target is UNKNOWN:
            target = "+".join(one.dependencies.get("targetId", ()))
        if not target or not policies:
            yield undecided(one, "what is attached to what")
            continue
        for policy in policies:
            attached[str(target), str(policy.at("type") or PolicyType.SERVICE_CONTROL)].append(one)
    for (target, kind), found in sorted(attached.items()):
        if kind not in facts.quotas:
            continue
        quota = facts.quotas[PolicyType(kind)]
        if len(found) + quota.given > quota.per_target:
            yield fault(
                found[-1],
                f"{target.rpartition('::')[2]} would have {len(found)} {kind} and {quota.given} of AWS's own, and a "
                f"target at most {quota.per_target}",
            )


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


RULES = (
    Rule(
        "policy-size",
        "Organisation policies are within AWS's characters",
        "Split the document, or send it without white space.",
        on_resource=size,
    ),
    Rule(
        "policy-count",
        "No target has more policies than AWS attaches",
        "Merge documents, or attach some a level up. Where AWS raised the quota, say so in the facts.",
        on_plan=count,
        needs_all=True,
    ),
)
