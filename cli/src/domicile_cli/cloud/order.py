"""Which stacks have to wait for another one: a cell's is planned from what the organisation's exports. Pure."""

from domicile_catalog.environment import Environment
from domicile_infra.plan.organization_outputs import OutputsError, parse_outputs
from domicile_infra.stacks import StackRef


def waits_because(environment: Environment, ref: StackRef, exported: object) -> str | None:
    """Why nothing can be said of a stack before the organisation is up, in words; None where something can.

    `exported` is what the organisation's stack exports as `organization`; None where it has not been built.
    """
    cell = environment.cell(ref.cell) if ref.cell else None
    if cell is None or environment.organization is None:
        return None
    first = environment.organization.stack
    if exported is None:
        return f"the stack {first} makes its account and its roles, and has not been built"
    try:
        parse_outputs(exported).of_cell(cell.name, cell.place)
    except OutputsError as error:
        return f"the stack {first} has to be updated first. {error}"
    return None
