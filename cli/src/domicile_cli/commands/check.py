"""Holding a plan of Pulumi's against the policies, without an engine that runs the pack."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from domicile_catalog import Fault, load_catalogue
from domicile_catalog.documents import located
from domicile_catalog.environment import read_environment
from domicile_policies.plan.check import RULES, check_plan
from domicile_policies.plan.facts import UnknownStackError, facts_of_stack
from domicile_policies.plan.load import FactsError, read_waivers
from domicile_policies.plan.preview import PreviewError, read_preview
from domicile_policies.plan.resource import Plan
from domicile_policies.plan.rule import Finding

from domicile_cli.cloud.engine import EngineError, project_root
from domicile_cli.options import OK, REFUSED, USAGE, JsonOption, console, echo_json, epilog, fail
from domicile_cli.render.check import findings_table, rules_table

app = typer.Typer(rich_markup_mode="rich")


@app.command(
    epilog=epilog(
        "check environments/live plan.json",
        "check --rules",
        exit_codes="Exit codes: 0 nothing stops the plan, 1 something does, 2 used wrongly.",
    )
)
def check(
    folder: Annotated[
        Path | None, typer.Argument(help="An environment's folder.", exists=True, file_okay=False)
    ] = None,
    plan: Annotated[
        str,
        typer.Argument(help="The output of `pulumi preview --json` or the file of `--save-plan`; - reads it here."),
    ] = "-",
    *,
    waivers: Annotated[
        Path | None, typer.Option(help="What is let through and why; policies/pack/waivers.yaml by default.")
    ] = None,
    stack: Annotated[
        str | None, typer.Option("--stack", "-s", help="The plan's stack, where no resource tells.")
    ] = None,
    rules: Annotated[bool, typer.Option("--rules", help="List the rules, and check nothing.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Hold a plan against the policies: places, encryption, exposure, tags, replacements, TLS, backups."""
    if rules:
        _rules(as_json)
        return
    if folder is None:
        fail("Name an environment's folder, or ask for --rules.", USAGE)
    given = _plan(plan, stack)
    if not given.resources:
        _nothing(given, as_json)
        return
    found = _check(folder, given, waivers or _waivers(folder))
    stopping = [one for one in found if one.stops]
    if as_json:
        echo_json({"stack": given.stack, "resources": len(given.resources), "findings": [_json(one) for one in found]})
    else:
        console().print(findings_table(given, found))
    raise typer.Exit(REFUSED if stopping else OK)


def _waivers(folder: Path) -> Path:
    try:
        return project_root(folder) / "policies" / "pack" / "waivers.yaml"
    except EngineError as error:
        fail(f"{error} Name the file of waivers by --waivers.", USAGE)


def _nothing(plan: Plan, as_json: bool) -> None:
    """Where nothing changes the engine shows nothing, and there is nothing to find."""
    if as_json:
        echo_json({"stack": plan.stack, "resources": 0, "findings": []})
    else:
        console().print("Nothing changes; ask the preview for --show-sames to check what stays.")


def _plan(source: str, stack: str | None) -> Plan:
    try:
        return read_preview(sys.stdin.read() if source == "-" else Path(source).read_text(), stack)
    except (OSError, UnicodeDecodeError, PreviewError) as error:
        fail(f"{source}: {error}", USAGE)


def _check(folder: Path, plan: Plan, waivers: Path) -> tuple[Finding, ...]:
    faults: list[Fault] = []
    environment = read_environment(folder, faults)
    if environment is None or faults:
        fail("\n".join(str(located(fault, folder)) for fault in faults), USAGE)
    try:
        let_through = read_waivers(waivers)
        today = datetime.now(UTC).date()
        facts = facts_of_stack(environment, plan.stack, load_catalogue(), today, waivers=let_through)
    except (FactsError, UnknownStackError) as error:
        fail(str(error), REFUSED)
    return check_plan(plan, facts)


def _rules(as_json: bool) -> None:
    if as_json:
        known = [
            {"id": one.id, "title": one.title, "enforcement": one.enforcement, "remedy": one.remedy} for one in RULES
        ]
        echo_json(known)
    else:
        console().print(rules_table(RULES))


def _json(finding: Finding) -> dict[str, Any]:
    return {
        "rule": finding.rule.id,
        "enforcement": finding.rule.enforcement,
        "urn": finding.urn,
        "message": finding.message,
        "undecided": finding.undecided,
        "waived": finding.waived,
        "stops": finding.stops,
    }
