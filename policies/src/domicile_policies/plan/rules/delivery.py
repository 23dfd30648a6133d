"""Logs, records and exports are delivered into places and accounts that are the plan's own."""

import json
from collections.abc import Iterator
from typing import Any

from domicile_policies.plan.destinations import DESTINATIONS, Destination, Form, destinations
from domicile_policies.plan.facts import PackFacts
from domicile_policies.plan.resource import AWS, UNKNOWN, Plan, PlannedResource, Provider, each
from domicile_policies.plan.rule import Rule, Said, fault, undecided
from domicile_policies.plan.types import BUCKET

_AWS_OWN = ("", "aws")
"""What stands for an account in the ARN of what AWS itself keeps."""


def delivered(plan: Plan, _: PackFacts) -> Iterator[Said]:
    """Each destination is of an account that a provider of the plan is for, and each bucket one that the plan makes.

    A bucket's name tells neither its place nor its owner. In which region an ARN is, `place-lawful` judges.
    """
    accounts, all_known = _accounts(plan)
    buckets = plan.of(BUCKET)
    for resource in plan.remaining:
        if resource.type not in DESTINATIONS:
            continue
        for one in destinations(resource):
            tied = resource.dependencies.get(one.key, ())
            if one.form is Form.ADDRESS:
                yield fault(resource, f"delivers to {one.value}, which is outside AWS")
            elif one.form is Form.UNKNOWN:
                if not tied:
                    yield undecided(resource, f"where it delivers to ({one.key})")
            elif one.form is Form.BUCKET:
                yield from _bucket(resource, one, tied, buckets, plan)
            elif one.account not in (*_AWS_OWN, *accounts):
                if all_known:
                    yield fault(resource, f"delivers to {one.value}, in an account that no provider of the plan is for")
                else:
                    yield undecided(resource, f"whose account {one.account} is")


def _bucket(
    resource: PlannedResource,
    one: Destination,
    tied: tuple[str, ...],
    buckets: tuple[PlannedResource, ...],
    plan: Plan,
) -> Iterator[Said]:
    if any(one.value in (bucket.at("bucket"), bucket.at("id")) for bucket in buckets):
        return
    makers = [bucket for bucket in buckets if bucket.urn in tied]
    # A bucket without a name in the program gets one when it is made.
    if any(bucket.at("bucket") in (None, UNKNOWN) for bucket in makers):
        return
    if plan.changes_only:
        yield undecided(resource, f"whose bucket {one.value} is (ask the preview for --show-sames)")
    else:
        yield fault(resource, f"delivers to the bucket {one.value}, which this plan does not make: it may be anywhere")


def _accounts(plan: Plan) -> tuple[frozenset[str], bool]:
    """The accounts that the plan's providers are for, and whether that is all of them."""
    found: set[str] = set()
    all_known = True
    for resource in plan.remaining:
        if not resource.type.startswith(AWS):
            continue
        known = None if resource.provider is None else accounts_of(resource.provider)
        if known is None:
            all_known = False
        else:
            found |= known
    return frozenset(found), all_known


def accounts_of(provider: Provider) -> frozenset[str] | None:
    """The accounts that a provider is allowed to be in, None where the plan does not tell."""
    if provider.properties is None:
        return None
    given = each(_parsed(provider.properties.get("allowedAccountIds")))
    # Where an account is yet to be made, what stands for it is no number.
    if not all(str(one).isdigit() for one in given):
        return None
    return frozenset(str(one) for one in given)


def _parsed(value: Any) -> Any:
    """A provider's inputs are strings, of JSON where they have parts."""
    if isinstance(value, str):
        try:
            return json.loads(value)
        except ValueError:
            return UNKNOWN
    return value


RULES = (
    Rule(
        "delivery-own",
        "Logs, records and exports go to the plan's own accounts and buckets",
        "Make the bucket, log group, stream or topic in the same stack, or one of its accounts, and deliver there.",
        on_plan=delivered,
    ),
)
