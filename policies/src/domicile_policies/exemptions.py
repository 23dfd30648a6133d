"""Who a service control policy lets through: roles of an account, by their exact names. Pure.

An exemption by name is worth something because nobody but the management account can make or change a role of such a
name (guardrails, "DenyChangingPlatformIdentities"); the deployer may, where it is a cell's own.
"""

from dataclasses import dataclass, replace

from domicile_policies.documents import Statement
from domicile_policies.names import ACCESS_ROLE, BACKUP_ROLE, BREAK_GLASS_ROLE, CELL_ROLE, DEPLOYER_ROLE


def role_arn(name: str) -> str:
    """The pattern of a role's ARN in any account."""
    return f"arn:aws:iam::*:role/{name}"


BACKUPS = role_arn(f"{BACKUP_ROLE}*")
CELL_ROLES = role_arn(f"{CELL_ROLE}*")


@dataclass(frozen=True, slots=True)
class Exempt:
    """Roles of an account by their names.

    `access` is the role by which the management account enters it, `deployers` are what `pulumi up` of a cell is in it,
    `break_glass` is for a person in an emergency. `destroyers` may destroy keys and backups, and records before their
    day: nobody, but in an environment for tests.
    """

    access: tuple[str, ...] = (ACCESS_ROLE,)
    deployers: tuple[str, ...] = (DEPLOYER_ROLE,)
    break_glass: tuple[str, ...] = (BREAK_GLASS_ROLE,)
    destroyers: tuple[str, ...] = ()

    @classmethod
    def of(cls, *, disposable: bool) -> "Exempt":
        """Who is exempt in an environment; in a disposable one, what builds it may take it down."""
        usual = cls()
        return replace(usual, destroyers=usual.operators) if disposable else usual

    @property
    def operators(self) -> tuple[str, ...]:
        """What carries out the program: in the whole account, and in its cell."""
        return (*self.access, *self.deployers)

    @property
    def rescuers(self) -> tuple[str, ...]:
        """The program, and a person in an emergency."""
        return (*self.operators, *self.break_glass)


def deny(sid: str, actions: tuple[str, ...], *, but: tuple[str, ...] = ()) -> Statement:
    """A denial of the actions to all but the roles of these names."""
    statement: Statement = {"Sid": sid, "Effect": "Deny", "Action": sorted(actions), "Resource": "*"}
    return statement | ({"Condition": {"ArnNotLike": principals(but)}} if but else {})


def principals(names: tuple[str, ...]) -> dict[str, list[str]]:
    """The roles of these names as what a condition compares with who calls."""
    return {"aws:PrincipalArn": [role_arn(name) for name in sorted(set(names))]}
