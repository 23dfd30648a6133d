"""An account: made or taken over, put into its unit, with its own policies before anything is built in it."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from domicile_catalog.environment import Contact, ContactKind
from domicile_policies.names import ACCESS_ROLE

from domicile_infra.organization.component import OrganizationComponent
from domicile_infra.plan.accounts import AccountPlan

UNREADABLE = ("roleName", "iamUserAccessToBilling", "createGovcloud")
"""What AWS tells nobody of an account once it exists: compared, it would have an account replaced."""

ITS_OWN = ("name", "email", "tags", "tagsAll")
"""What an account that is taken over keeps. Its unit is not among it: one that stands elsewhere is refused by the
engine, and has to be moved by a person first, since from then on other policies hold for it.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountArgs:
    """The account, its unit's id, the ids of its own policies by name, and the regions that it must be opted into."""

    plan: AccountPlan
    unit_id: pulumi.Input[str]
    policy_ids: Mapping[str, pulumi.Input[str]]
    opt_in: tuple[str, ...]
    contacts: Mapping[ContactKind, Contact]
    tags: Mapping[str, str]


class Account(OrganizationComponent):
    """One account. `ready` is what must exist before anything is built in it; `made` is the account alone.

    AWS makes an account in the root and moves it, so the root's policies hold from the first moment, and the unit's
    from the next.
    """

    account_id: pulumi.Output[str]
    made: aws.organizations.Account
    ready: tuple[pulumi.Resource, ...]

    def __init__(
        self, name: str, args: AccountArgs, provider: aws.Provider, after: tuple[pulumi.Resource, ...]
    ) -> None:
        super().__init__(name)
        account = f"{name}/account"
        self.made = aws.organizations.Account(
            account,
            name=args.plan.display_name,
            email=args.plan.email,
            parent_id=args.unit_id,
            role_name=ACCESS_ROLE,
            close_on_deletion=False,
            tags=dict(args.tags),
            opts=self.kept(
                provider,
                after=after,
                existing_id=args.plan.existing_id,
                ignore=(*UNREADABLE, *(ITS_OWN if args.plan.existing_id else ())),
            ),
        )
        self.account_id = self.made.id
        own = [
            aws.organizations.PolicyAttachment(
                f"{name}/policies/{policy}",
                policy_id=policy_id,
                target_id=self.account_id,
                opts=self.child(provider),
            )
            for policy, policy_id in args.policy_ids.items()
        ]
        regions = [
            aws.account.Region(
                f"{name}/opt-in/{region}",
                account_id=self.account_id,
                region_name=region,
                enabled=True,
                opts=self.kept(provider),
            )
            for region in args.opt_in
        ]
        for kind, contact in args.contacts.items():
            told = f"{name}/contact/{kind}"
            aws.account.AlternativeContact(
                told,
                account_id=self.account_id,
                alternate_contact_type=kind.upper(),
                name=contact.name,
                title=contact.title,
                email_address=contact.email,
                phone_number=contact.phone,
                opts=self.child(provider),
            )
        self.ready = (self.made, *own, *regions)
        self.register_outputs({"accountId": self.account_id})
