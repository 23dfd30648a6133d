"""Passes over the sample tenant, with fakes at the edge."""

from domicile_operator.reconcile import reconcile

from operator_testkit.fakes import Fakes


def run(fakes: Fakes) -> str:
    """One pass: its kind, and a fault's code."""
    outcome = reconcile("acme-gb", fakes.world)
    return f"{outcome.kind} {outcome.code}".strip()


def go_live(fakes: Fakes) -> None:
    """Passes until the tenant is settled, with what controllers do between them."""
    run(fakes)
    fakes.finish_migration()
    run(fakes)
    fakes.roll_out()
    assert run(fakes) == "settled"
