"""Controls and requirements for a reader."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from domicile_audit.controls import Met, Verdict
from domicile_catalog import Catalogue, Requirement, Standing
from domicile_catalog import requirements as required
from rich.console import Group, RenderableType
from rich.text import Text

from domicile_cli.render.base import mark_of, new_table, source_of, spelt, verdict_of

STANDING = {Standing.IN_FORCE: "in force", Standing.NONE: "no such rule", Standing.UNREAD: "not read"}


def controls(catalogue: Catalogue, verdicts: Mapping[str, Verdict], on: date) -> RenderableType:
    """Every control: whether it is met, by what, and how many jurisdictions have it in force on a day."""
    in_force = _in_force(catalogue, on)
    shown = new_table("Controls", "", "control", "what is required", "in force in", "met by")
    for name, verdict in verdicts.items():
        control = catalogue.controls[name]
        by = "\n".join(control.code) if verdict.status is Met.MET else verdict.why
        shown.add_row(
            verdict_of(verdict.status is Met.MET), name, control.title, str(in_force[name]), Text(by, style="dim")
        )
    met = sum(verdict.status is Met.MET for verdict in verdicts.values())
    return Group(shown, Text(f"  {met} met, {len(verdicts) - met} unmet", style="dim"))


def requirements(
    catalogue: Catalogue, code: str, told: Sequence[Requirement], verdicts: Mapping[str, Verdict]
) -> RenderableType:
    """What one jurisdiction requires, by which clause, and whether it is met."""
    shown = new_table(
        f"{code}  {catalogue.jurisdictions[code].name}", "", "control", "value", "known", "clause and source"
    )
    for one in told:
        if one.standing is Standing.UNREAD:
            continue
        verdict = verdicts[one.control]
        said = Text(spelt(one.value, one.confidence) if one.value is not None else STANDING[one.standing])
        said.append(f"\n{catalogue.controls[one.control].unit}", style="dim")
        if one.next_change:
            said.append(f"\nchanges on {one.next_change}", style="yellow")
        clause = Text.assemble(f"{one.clause}\n" if one.clause else "", source_of(one.source))
        status = verdict_of(verdict.status is Met.MET) if one.standing is Standing.IN_FORCE else Text("")
        shown.add_row(status, one.control, said, Text.assemble(mark_of(one.confidence), f" {one.confidence}"), clause)
    unread = [one.control for one in told if one.standing is Standing.UNREAD]
    bound = [one for one in told if one.standing is Standing.IN_FORCE]
    met = sum(verdicts[one.control].status is Met.MET for one in bound)
    parts: list[RenderableType] = [shown, Text(f"  {len(bound)} in force: {met} met, {len(bound) - met} unmet")]
    if unread:
        parts.append(Text(f"  nobody has read: {', '.join(unread)}", style="red"))
    return Group(*parts)


def requirements_json(code: str, told: Sequence[Requirement], verdicts: Mapping[str, Verdict]) -> dict[str, Any]:
    """The same for programs."""
    return {
        "jurisdiction": code,
        "requirements": [
            one.model_dump(mode="json") | {"status": verdicts[one.control].status, "why": verdicts[one.control].why}
            for one in told
        ],
    }


def controls_json(catalogue: Catalogue, verdicts: Mapping[str, Verdict]) -> dict[str, Any]:
    """Every control for programs."""
    return {
        "controls": [
            {"id": name, **catalogue.controls[name].model_dump(mode="json"), "status": one.status, "why": one.why}
            for name, one in verdicts.items()
        ]
    }


def _in_force(catalogue: Catalogue, on: date) -> dict[str, int]:
    counted = dict.fromkeys(catalogue.controls, 0)
    for code in catalogue.jurisdictions:
        for one in required(catalogue, code, on):
            counted[one.control] += one.standing is Standing.IN_FORCE
    return counted
