"""Which register of excluded persons a tenant's casino asks, and what is said where it asks none. Pure."""

import json
from typing import Any

from domicile_operator.cell import Cell, ExclusionRegister
from domicile_operator.conditions import EXCLUSION_REGISTER, Condition
from domicile_operator.errors import Refused
from domicile_operator.plan import RulesInForce

FACT = "self_exclusion_register"


def register_names(cell: Cell) -> frozenset[str]:
    """What the catalogue calls the registers that a cell leads to."""
    return frozenset(one.register_name for one in cell.exclusion_registers)


def chosen(rules: RulesInForce, cell: Cell) -> ExclusionRegister | None:
    """The cell's register that the rules have asked; they name none that the cell does not lead to."""
    asked = json.loads(rules.text).get("exclusion_register")
    return next((one for one in cell.exclusion_registers if one.register_name == asked), None)


def asked(jurisdiction: str, rules: RulesInForce, cell: Cell) -> Condition:
    """The condition ExclusionRegister. False: the law has a register, and the cell does not lead to it."""
    told = json.loads(rules.text)
    known: dict[str, Any] = told.get("parameters", {})
    if register := chosen(rules, cell):
        moments = ", ".join(told["exclusion_register_moments"])
        return Condition(EXCLUSION_REGISTER, "True", "Asked", f"{register.register_name} is asked: {moments}.")
    if FACT not in known:
        return Condition(
            EXCLUSION_REGISTER,
            "Unknown",
            "FACT_UNKNOWN",
            f"Whether the law of {jurisdiction} has a register of excluded persons is not known, and none is asked. "
            f"Have {FACT} of {jurisdiction} attested: its name, or null where there is none.",
        )
    if known[FACT] is None:
        return Condition(
            EXCLUSION_REGISTER, "True", "NoRegister", f"The law of {jurisdiction} has no register of excluded persons."
        )
    return Condition(EXCLUSION_REGISTER, "False", "EXCLUSION_REGISTER_MISSING", _missing(jurisdiction, told, cell))


def refused(condition: Condition, cell: Cell) -> Refused | None:
    """Why a production cell does not build a tenant of that condition: nobody may be let in unasked."""
    if not cell.production or condition.status != "False":
        return None
    return Refused(condition.reason, condition.message, EXCLUSION_REGISTER)


def _missing(jurisdiction: str, told: dict[str, Any], cell: Cell) -> str:
    name, confidence = told["parameters"][FACT], told.get("confidence", {}).get(FACT, "unknown")
    has = ", ".join(sorted(register_names(cell))) or "none"
    otherwise = f" Or, if there is no such register, have {FACT} of {jurisdiction} attested as null."
    return (
        f"The law of {jurisdiction} has who plays looked up in {name} ({FACT}, {confidence}), and cell {cell.name} "
        f"does not lead there; its registers: {has}. "
        + ("" if cell.production else "Nobody is looked up, and a production cell would refuse this tenant. ")
        + f"Add it to the cell's exclusionRegisters (name, register: {name}, url, cidr, port), with its key at "
        "kv/cell/registers/<name> in OpenBao (docs/responsible-gaming.md)."
        + ("" if confidence == "sourced" else otherwise)
    )
