"""The explicit providers: one for each account and region that something is built in."""

from collections.abc import Mapping

import pulumi
import pulumi_aws as aws
from domicile_policies.names import ACCESS_ROLE

SESSION = "domicile-organization"


class Providers:
    """Makes a provider when it is first asked for, and the same one from then on.

    The management account is reached with the credentials of whoever runs the program, and refused if they are
    another account's; every other by assuming the role that AWS made in it for the management account.
    """

    def __init__(self, management_account: str) -> None:
        self._management_account = management_account
        self._accounts: dict[str, tuple[pulumi.Input[str], tuple[pulumi.Resource, ...]]] = {}
        self._made: dict[str, aws.Provider] = {}

    def knows(self, account: str, account_id: pulumi.Input[str], ready: tuple[pulumi.Resource, ...]) -> None:
        """Tells of an account: its id, and what must exist before anything is built in it."""
        self._accounts[account] = (account_id, ready)

    def management(self, region: str) -> aws.Provider:
        """The provider of the management account in a region."""
        name = f"management/{region}"
        if name not in self._made:
            self._made[name] = aws.Provider(name, region=region, allowed_account_ids=[self._management_account])
        return self._made[name]

    def account(self, account: str, region: str) -> aws.Provider:
        """The provider of an account in a region. Raises KeyError for an account that was not told of."""
        name = f"{account}/{region}"
        if name not in self._made:
            account_id, ready = self._accounts[account]
            role = pulumi.Output.from_input(account_id).apply(lambda one: f"arn:aws:iam::{one}:role/{ACCESS_ROLE}")
            self._made[name] = aws.Provider(
                name,
                region=region,
                allowed_account_ids=[account_id],
                assume_roles=[aws.ProviderAssumeRoleArgs(role_arn=role, session_name=SESSION)],
                opts=pulumi.ResourceOptions(depends_on=list(ready)),
            )
        return self._made[name]

    @property
    def made(self) -> Mapping[str, aws.Provider]:
        """Every provider made so far, by `<account>/<region>`."""
        return dict(self._made)
