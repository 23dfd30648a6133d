"""What holds data is replaced or deleted with an approval alone, whichever command would do it."""

from datetime import date

import pytest
import typer
from domicile_catalog.environment import Approval
from domicile_cli.cloud.engine import _without_hooks
from domicile_cli.cloud.steps import Steps, deletions
from domicile_cli.cloud.work import need_approval
from domicile_infra.stacks import StackRef
from domicile_policies.plan import PackFacts, plan_of_steps
from pulumi.automation import Deployment, EngineEvent

GB = StackRef("gb-prod", "prod", "gb-prod")
LEDGER = "urn:pulumi:gb-prod::domicile::domicile:cell:Database$aws:rds/cluster:Cluster::ledger"
NETWORK = "urn:pulumi:gb-prod::domicile::domicile:cell:Network$aws:ec2/vpc:Vpc::network"


def facts(**changes):
    places = frozenset({"eu-west-2"})
    usual = {"environment": "prod", "lawful_places": places, "backup_places": places, "personal": frozenset()}
    return PackFacts(**({"stack": "gb-prod", "today": date(2026, 6, 1)} | usual | changes))


def event(op, urn):
    kind = urn.split("$")[-1].split("::")[0]
    state = {"type": kind, "urn": urn, "custom": True, "protect": True, "retainOnDelete": True}
    told = {"op": op, "urn": urn, "type": kind, "old": state, **({} if op == "delete" else {"new": state})}
    return EngineEvent.from_json({"sequence": 1, "timestamp": 1, "resourcePreEvent": {"metadata": told}})


def seen(*events):
    steps = Steps()
    for one in events:
        steps.see(EngineEvent.from_json({"sequence": 0, "timestamp": 1, "preludeEvent": {"config": {}}}))
        steps.see(one)
    return plan_of_steps(steps.told, "gb-prod")


@pytest.mark.parametrize("ops", [("delete",), ("create-replacement", "replace", "delete-replaced")])
def test_a_preview_in_which_data_would_go_ends_the_command_before_anything_is_changed(ops, capsys):
    plan = seen(event("update", NETWORK), *(event(op, LEDGER) for op in ops))
    with pytest.raises(typer.Exit) as ended:
        need_approval(GB, plan, facts(), "changed")
    said = capsys.readouterr().err
    assert ended.value.exit_code == 1
    assert "Nothing of gb-prod was changed" in said and "ledger: would" in said and "stateful-approved" in said


def test_an_approval_lets_it_through():
    word = Approval(stack="gb-prod", resource="ledger", action="delete", reason="the cell is closed",
                    by="dpo@acme.example", until=date(2026, 6, 1))  # fmt: skip
    need_approval(GB, seen(event("delete", LEDGER)), facts(approvals=(word,)), "changed")
    with pytest.raises(typer.Exit):
        need_approval(GB, seen(event("replace", LEDGER)), facts(approvals=(word,)), "changed")


def test_what_holds_no_data_goes_without_asking():
    need_approval(GB, seen(event("delete", NETWORK), event("same", LEDGER)), facts(), "changed")


def test_a_destroy_asks_for_everything_that_stands():
    standing = [{"urn": one, "type": one.split("$")[-1].split("::")[0], "custom": True} for one in (LEDGER, NETWORK)]
    plan = plan_of_steps(deletions(standing), "gb-prod")
    with pytest.raises(typer.Exit):
        need_approval(GB, plan, facts(), "deleted")
    need_approval(GB, plan, facts(disposable=True), "deleted")


class State:
    """A stack's state, as the engine hands it out and takes it back."""

    def __init__(self, *resources):
        self.kept, self.imports = {"resources": list(resources)}, 0

    def export_stack(self):
        return Deployment(version=3, deployment=self.kept)

    def import_stack(self, state):
        self.kept, self.imports = state.deployment, self.imports + 1


def test_a_destroy_needs_no_program_for_the_programs_hooks():
    state = State({"urn": LEDGER, "resourceHooks": {"BeforeDelete": ["domicile-approved"]}}, {"urn": NETWORK})
    _without_hooks(state)
    assert (state.kept, state.imports) == ({"resources": [{"urn": LEDGER}, {"urn": NETWORK}]}, 1)
    _without_hooks(state)
    assert state.imports == 1
