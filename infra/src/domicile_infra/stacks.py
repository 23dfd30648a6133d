"""Which Pulumi stacks an environment has, and the few lines that stand in a stack's own file. Imports no pulumi."""

from dataclasses import dataclass

from domicile_catalog.environment import Environment
from domicile_policies.names import CELL_SETTING, ENVIRONMENT_SETTING


@dataclass(frozen=True, slots=True)
class StackRef:
    """One stack: its name, its environment's, and its cell's; the stack of the organisation has no cell."""

    name: str
    environment: str
    cell: str | None

    @property
    def config(self) -> dict[str, str]:
        """What the stack's configuration holds, by full key."""
        found = {ENVIRONMENT_SETTING: self.environment}
        return found | ({CELL_SETTING: self.cell} if self.cell else {})


def stacks_of(environment: Environment) -> tuple[StackRef, ...]:
    """The environment's stacks in the order in which they are built: the organisation, then its cells."""
    if environment.organization is None:
        return ()
    organization = StackRef(environment.organization.stack, environment.name, None)
    return (organization, *(StackRef(cell.name, environment.name, cell.name) for cell in environment.cells))


def stack_file(ref: StackRef) -> str:
    """The text of environments/Pulumi.<stack>.yaml as it begins; Pulumi adds to it how the stack keeps secrets."""
    return "config:\n" + "".join(f"  {key}: {value}\n" for key, value in ref.config.items())
