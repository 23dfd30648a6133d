"""The organisation's policies, and their attachment to the root and the units."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from domicile_infra.organization.component import OrganizationComponent
from domicile_infra.plan.organization_policies import Documents


@dataclass(frozen=True, slots=True, kw_only=True)
class PoliciesArgs:
    """The documents, and where to attach them: the ids of the root and of each unit, by name."""

    documents: Documents
    root_id: pulumi.Input[str]
    unit_ids: Mapping[str, pulumi.Input[str]]
    tags: Mapping[str, str]


class Policies(OrganizationComponent):
    """Every policy once, attached to the root and the units before any account is in them.

    `policy_ids` are by the policy's name, those of single accounts among them. `attachments` are by the unit's name,
    each with the root's too: what must exist before an account enters the unit.
    """

    policy_ids: dict[str, pulumi.Output[str]]
    attachments: dict[str, tuple[pulumi.Resource, ...]]

    def __init__(
        self, name: str, args: PoliciesArgs, provider: aws.Provider, after: tuple[pulumi.Resource, ...] = ()
    ) -> None:
        super().__init__(name)
        self.policy_ids = {
            document.name: aws.organizations.Policy(
                f"{name}/{document.name}",
                name=document.name,
                type=document.type.value,
                content=document.text,
                tags=dict(args.tags),
                # A policy of a type needs the type enabled, which the organisation is.
                opts=self.child(provider, after=after),
            ).id
            for document in args.documents.distinct()
        }

        def attach(target: str, target_id: pulumi.Input[str], policy: str) -> pulumi.Resource:
            attached = f"{name}/{target}/{policy}"
            return aws.organizations.PolicyAttachment(
                attached,
                policy_id=self.policy_ids[policy],
                target_id=target_id,
                opts=self.child(provider),
            )

        root = tuple(attach("root", args.root_id, document.name) for document in args.documents.root)
        self.attachments = {
            unit: (
                *root,
                *(attach(unit, unit_id, document.name) for document in args.documents.units.get(unit, ())),
            )
            for unit, unit_id in args.unit_ids.items()
        }
        self.register_outputs({"policyIds": self.policy_ids})
