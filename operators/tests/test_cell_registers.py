"""Registers of excluded persons: what a cell says of them, who is refused without one, and how far a tenant reaches."""

import json
import re
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from domicile_catalog import load_catalogue, tenant_rules
from domicile_operator.bao_documents import documents
from domicile_operator.catalogue import CatalogueRulebook
from domicile_operator.cell import Cell, ExclusionRegister, load_cell
from domicile_operator.decide import Decision, Placed, decide
from domicile_operator.errors import Fault
from domicile_operator.manifests import network, workload
from domicile_operator.names import Names
from domicile_operator.plan import RulesInForce
from domicile_operator.registers import register_names
from domicile_operator.releases.course import Release
from domicile_operator.spec import TenantSpec
from hypothesis import given
from hypothesis import strategies as st
from operator_testkit.fakes import FakeRulebook
from operator_testkit.samples import CELL, SPEC, plan

TODAY = date(2026, 11, 22)
CATALOGUE = load_catalogue()
FACT = "self_exclusion_register"
ASKED = json.dumps(
    {"schema": 1, "exclusion_register": "GAMSTOP", "exclusion_register_moments": ["registration", "login"]}
)
ENTRY = {
    "name": "gamstop", "register": "GAMSTOP", "url": "https://registers.example:8444", "cidr": "10.1.2.7/32",
    "port": 8444,
}  # fmt: skip


def leading_to(*names: str, production: bool = True) -> Cell:
    """The cell with registers that the catalogue calls so."""
    entries = [ENTRY | {"name": f"register-{at}", "register": name} for at, name in enumerate(names)]
    registers = tuple(ExclusionRegister.model_validate(entry) for entry in entries)
    return CELL.model_copy(update={"production": production, "exclusion_registers": registers})


def cell_file(tmp_path: Path, registers: list[dict[str, Any]]) -> Path:
    content = yaml.safe_load(CELL.model_dump_json(by_alias=True, exclude={"exclusion_registers", "ca_pem"}))
    (tmp_path / "cell.yaml").write_text(yaml.safe_dump(content | {"exclusionRegisters": registers}))
    (tmp_path / "ca.crt").write_text(CELL.ca_pem)
    return tmp_path


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"name": "Gamstop"}, "exclusionRegisters.0.name"),
        ({"name": "../psp/sandbox"}, "exclusionRegisters.0.name"),
        ({"name": "x" * 25}, "exclusionRegisters.0.name"),
        ({"register": "x" * 61}, "exclusionRegisters.0.register"),
        ({"register": None}, "exclusionRegisters.0.register"),
        ({"url": "http://registers.example"}, "exclusionRegisters.0.url"),
        ({"url": "https://" + "x" * 512}, "exclusionRegisters.0.url"),
        ({"cidr": "10.1.2.7/24"}, "has host bits set"),
        ({"cidr": "registers.example"}, "exclusionRegisters.0.cidr"),
        ({"port": 0}, "exclusionRegisters.0.port"),
    ],
)
def test_an_entry_that_cannot_be_is_a_fault_that_names_the_field(
    tmp_path: Path, changed: dict[str, Any], says: str
) -> None:
    with pytest.raises(Fault, match=re.escape(says)) as raised:
        load_cell(cell_file(tmp_path, [ENTRY | changed]))
    assert raised.value.code == "CELL_UNREADABLE"


def test_two_entries_of_one_name_or_one_register_are_a_fault(tmp_path: Path) -> None:
    for changed, says in (({"register": "OASIS"}, "gamstop"), ({"name": "other"}, "GAMSTOP")):
        with pytest.raises(Fault, match=f"exclusionRegisters has {says} more than once"):
            load_cell(cell_file(tmp_path, [ENTRY, ENTRY | changed]))
    with pytest.raises(Fault, match="at most 16"):
        many = [ENTRY | {"name": f"r{at}x", "register": f"Register {at}"} for at in range(17)]
        load_cell(cell_file(tmp_path, many))
    assert register_names(load_cell(cell_file(tmp_path, [ENTRY]))) == {"GAMSTOP"}


class OfEverywhere(FakeRulebook):
    """Places everybody, under the rules of their own law: where they may live is not what is asked here."""

    def place(self, spec: TenantSpec, pinned: str | None, cell: Cell, today: date) -> Placed:
        rules = tenant_rules(CATALOGUE, spec.jurisdiction, {}, today, registers=register_names(cell))
        told = RulesInForce(rules.to_json(), rules.digest, rules.catalogue_version)
        return Placed(cell.places[0], True, (), told)


def decision(cell: Cell, jurisdiction: str = "GB") -> Decision:
    spec = TenantSpec.model_validate(SPEC | {"jurisdiction": jurisdiction})
    cell = cell.model_copy(update={"networks": "network,region,anonymiser\n"})
    return decide(Names("acme"), spec, cell=cell, release=Release("casino:1"), rulebook=OfEverywhere(), today=TODAY)


def condition(found: Decision) -> tuple[str, str, str]:
    (only,) = [one for one in found.conditions if one.type == "ExclusionRegister"]
    return only.status, only.reason, only.message


RUNNABLE = [
    code
    for code in sorted(CATALOGUE.jurisdictions)
    if (found := CATALOGUE.jurisdiction(code, TODAY))
    and all(found.facts.get(name).known for name in ("currency", "timezone", "min_age"))
]
LAW = {code: found.facts.get(FACT) for code in RUNNABLE if (found := CATALOGUE.jurisdiction(code, TODAY))}
REGISTERS = sorted({fact.value for fact in LAW.values() if fact.value})


@given(st.sampled_from(RUNNABLE), st.sets(st.sampled_from(REGISTERS), max_size=4), st.booleans(), st.booleans())
def test_no_production_plan_is_without_the_register_that_its_law_has(
    jurisdiction: str, names: set[str], own: bool, production: bool
) -> None:
    law = LAW[jurisdiction].value
    cell = leading_to(*sorted(names | ({law} if own and law else set())), production=production)
    found = decision(cell, jurisdiction)
    leads = law in register_names(cell)
    if found.plan is None:
        assert production and law and not leads
        assert found.refused and found.refused.code == "EXCLUSION_REGISTER_MISSING"
        return
    asked = found.plan.register
    told = json.loads(found.plan.rules.text)
    assert leads == (asked is not None) and (not production or law is None or asked is not None)
    assert (asked.register_name if asked else None) == told.get("exclusion_register") == (law if leads else None)


def test_the_refusal_says_by_what_law_and_what_to_do() -> None:
    found = decision(leading_to("OASIS", "Spelpaus"))
    assert found.plan is None and found.refused is not None
    assert found.refused.condition == "ExclusionRegister" and condition(found)[:2] == (
        "False", "EXCLUSION_REGISTER_MISSING",
    )  # fmt: skip
    for said in (
        "GAMSTOP", f"({FACT}, sourced)", "cell lab", "its registers: OASIS, Spelpaus", "exclusionRegisters",
        "kv/cell/registers/<name>",
    ):  # fmt: skip
        assert said in found.refused.message, said
    assert "attested as null" not in found.refused.message


def test_what_is_only_recalled_may_be_answered_by_an_officer() -> None:
    found = decision(leading_to(), "GR")
    assert found.refused and "HGC self-exclusion" in found.refused.message and "its registers: none" in (
        found.refused.message
    )  # fmt: skip
    assert f"have {FACT} of GR attested as null" in found.refused.message


def test_where_no_real_player_plays_the_register_is_left_out_and_that_is_said() -> None:
    found = decision(leading_to(production=False))
    assert found.plan is not None and found.plan.register is None
    status, reason, message = condition(found)
    assert (status, reason) == ("False", "EXCLUSION_REGISTER_MISSING")
    assert "Nobody is looked up, and a production cell would refuse this tenant." in message


@pytest.mark.parametrize(
    ("jurisdiction", "status", "reason", "said"),
    [
        ("GB", "True", "Asked", "GAMSTOP is asked: registration, login."),
        ("MT", "True", "NoRegister", "has no register"),
        ("TH", "Unknown", "FACT_UNKNOWN", f"Have {FACT} of TH attested"),
    ],
)
def test_the_condition_says_who_is_asked(jurisdiction: str, status: str, reason: str, said: str) -> None:
    found = condition(decision(leading_to("GAMSTOP"), jurisdiction))
    assert found[:2] == (status, reason) and said in found[2]


def test_the_catalogue_is_asked_for_rules_with_the_cells_registers(tmp_path: Path) -> None:
    rulebook, spec = CatalogueRulebook.load(tmp_path), TenantSpec.model_validate(SPEC)
    told = {}
    for name in ("GAMSTOP", "OASIS"):
        placed = rulebook.place(spec, None, leading_to(name, production=False), TODAY)
        assert isinstance(placed, Placed)
        told[name] = json.loads(placed.rules.text).get("exclusion_register")
    assert told == {"GAMSTOP": "GAMSTOP", "OASIS": None}


def ways(policy: dict[str, Any]) -> set[tuple[str, int]]:
    return {
        (to["ipBlock"]["cidr"], port["port"])
        for rule in policy["spec"]["egress"]
        for to in rule["to"]
        if "ipBlock" in to
        for port in rule["ports"]
    }


def test_a_register_is_reached_by_the_casino_that_asks_it_and_by_no_other_pod() -> None:
    gamstop, oasis = ("10.1.2.7/32", 8444), ("10.1.2.7/32", 8445)
    _, casino, worker, realtime, migrate = network.network_policies(plan(rules=ASKED))
    assert gamstop in ways(casino) and ways(worker) == ways(casino)
    assert not any(oasis in ways(policy) for policy in (casino, worker, realtime, migrate))
    assert not any(gamstop in ways(policy) for policy in (realtime, migrate))
    assert not any({gamstop, oasis} & ways(policy) for policy in network.network_policies(plan())[1:])


def test_a_tenants_token_reads_the_key_to_its_own_register_alone() -> None:
    def readable(**given: Any) -> list[str]:
        policies = [
            document.data["policy"] for document in documents(plan(**given)) if document.kind == "OpenBaoPolicy"
        ]
        return [path for policy in policies for path in re.findall(r'path "([^"]+/registers/[^"]*)" \{[^}]+\}', policy)]

    assert readable() == []
    assert readable(rules=ASKED) == ["kv/data/cell/registers/gamstop"]
    (casino,) = [one.data["policy"] for one in documents(plan(rules=ASKED)) if one.path.endswith("acl/casino-acme-gb")]
    assert 'path "kv/data/cell/registers/gamstop" { capabilities = ["read"] }' in casino


@pytest.mark.parametrize("made", [workload.deployment, workload.worker_deployment])
def test_a_casino_is_told_its_register_and_where_the_key_lies_and_never_the_key(made: Any) -> None:
    def variables(of: Any) -> dict[str, str]:
        (container,) = made(of)["spec"]["template"]["spec"]["containers"]
        return {variable["name"]: variable["value"] for variable in container["env"]}

    told = variables(plan(rules=ASKED))
    assert json.loads(told["CASINO_EXCLUSION_REGISTER"]) == {
        "register": "GAMSTOP", "url": "https://registers.example:8444", "secret_path": "cell/registers/gamstop",
    }  # fmt: skip
    assert "CASINO_EXCLUSION_REGISTER_KEY" not in told
    assert "CASINO_EXCLUSION_REGISTER" not in variables(plan())
    # Pods that could not ask are replaced by those that can.
    assert made(plan(rules=ASKED)) != made(replace(plan(rules=ASKED), register=None))
