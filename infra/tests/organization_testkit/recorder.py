"""What a Pulumi program registers, without an engine: inputs, options, and who depends on whom."""

import hashlib
from dataclasses import dataclass, field
from datetime import date
from functools import cache, cached_property
from typing import Any

import pulumi
from domicile_infra.organization.stack import OrganizationStack, build_organization
from domicile_infra.plan.organization import OrganizationPlan
from program_testkit import Monitor, Registered, engine
from pulumi.runtime import mocks

from organization_testkit import MANAGEMENT, document, plan

ORGANIZATION_ID = "o-exampleorg01"


@dataclass
class World:
    """Everything that was registered, by name; names are unique here, which the engine asks by type only.

    `read` are the ids of what is not managed and only looked at, by name.
    """

    resources: dict[str, Registered] = field(default_factory=dict)
    read: dict[str, str] = field(default_factory=dict)
    exports: Any = None
    stack: OrganizationStack | None = None

    def keep(self, one: Registered) -> None:
        assert one.name not in self.resources, f"{one.name} is registered twice"
        self.resources[one.name] = one

    def of_type(self, *types: str) -> list[Registered]:
        return [one for one in self.resources.values() if one.type in types]

    def custom(self) -> list[Registered]:
        return [one for one in self.resources.values() if one.custom and not one.type.startswith("pulumi:")]

    def provider_of(self, one: Registered) -> Registered:
        assert one.provider_urn, f"{one.name} has the default provider"
        return self.by_urn[one.provider_urn]

    @cached_property
    def by_urn(self) -> dict[str, Registered]:
        return {one.urn: one for one in self.resources.values()}

    def waits_for(self, one: Registered) -> set[str]:
        """The names of everything that exists before `one` does: what it depends on, its provider, and theirs."""
        by_urn, seen, open_ = self.by_urn, set(), [one.urn]
        while open_:
            found = by_urn[open_.pop()]
            for urn in (*found.depends_on, *([found.provider_urn] if found.provider_urn else [])):
                if urn in by_urn and urn not in seen:
                    seen.add(urn)
                    open_.append(urn)
        return {by_urn[urn].name for urn in seen}


def _account_id(name: str) -> str:
    return f"{int(hashlib.sha256(name.encode()).hexdigest(), 16) % 10**12:012d}"


class _Answers(mocks.Mocks):
    """What a cloud would answer: the inputs, and what it makes up by itself, the same each time.

    `existing` is what it says of an organisation that is read.
    """

    def __init__(self, existing: dict[str, Any] | None = None) -> None:
        self.existing = existing or {}

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        state = dict(args.inputs)
        name = state.get("name", args.name)
        match args.typ:
            case "aws:organizations/organization:Organization":
                told = {"roots": [{"id": "r-root"}], "masterAccountId": MANAGEMENT}
                return args.resource_id or ORGANIZATION_ID, state | told | (self.existing if args.resource_id else {})
            case "aws:organizations/account:Account":
                return args.resource_id or _account_id(args.name), state
            case "aws:organizations/organizationalUnit:OrganizationalUnit":
                return f"ou-{name}", state
            case "aws:s3/bucket:Bucket":
                return state["bucket"], state | {"arn": f"arn:aws:s3:::{state['bucket']}"}
            case "aws:kms/key:Key":
                return args.name, state | {"arn": f"arn:aws:kms:eu-west-1:{'1' * 12}:key/{args.name}"}
            case "aws:iam/role:Role" | "aws:iam/policy:Policy":
                kind = args.typ.rpartition(":")[2].lower()
                return name, state | {"arn": f"arn:aws:iam::{'1' * 12}:{kind}/{name}"}
            case _:
                return args.name, state | {"arn": f"arn:aws:any:::{args.name}"}

    def call(self, args: mocks.MockCallArgs) -> Any:
        raise AssertionError(f"the program asks the cloud: {args.token}")


class _Monitor(Monitor):
    """Keeps what is read as well."""

    def __init__(self, world: World, answers: _Answers) -> None:
        super().__init__(answers, world.keep)
        self.world = world

    def ReadResource(self, request: Any) -> Any:
        self.world.read[request.name] = request.id
        return super().ReadResource(request)


def build(plan: OrganizationPlan, existing: dict[str, Any] | None = None) -> World:
    """Everything that the stack of the plan registers, and what it exports as the engine would keep it.

    `existing` is what the cloud says of the organisation where that is read and not made.
    """
    world, answers = World(), _Answers(existing)

    @pulumi.runtime.test
    def program() -> pulumi.Output[Any]:
        world.stack = build_organization(plan)
        return pulumi.Output.from_input(dict(world.stack.exports)).apply(lambda value: setattr(world, "exports", value))

    with engine(plan.stack, answers, _Monitor(world, answers)):
        program()
    return world


GB, *OTHERS = document()["cells"]
EVERYTHING: dict[str, Any] = {
    "cells": [GB | {"backupPlace": "eu-west-3"}, *OTHERS],
    "organization": {
        "costAllocationTags": True,
        "contacts": {"security": {"name": "On call", "title": "SRE", "email": "sre@example.com", "phone": "+44 20 1"}},
        "regulators": [one | {"until": date(2027, 3, 31)} for one in document()["organization"]["regulators"]],
    },
}
"""What an environment may say beside the one of the tests."""
FULL = plan(**EVERYTHING)
"""A plan with everything in it."""


@cache
def full_world() -> World:
    """What the stack of `FULL` registers."""
    return build(FULL)
