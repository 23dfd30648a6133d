"""What an environment's folder holds, and everything that is wrong with it."""

from typing import Any

from domicile_catalog import TenantPlacement
from rich.console import Group, RenderableType
from rich.text import Text

from domicile_cli.render.base import new_table
from domicile_cli.validation import Report


def report(told: Report) -> RenderableType:
    """The tenants of an environment, and every fault."""
    table = new_table(f"Environment {told.environment}", "", "tenant", "brand", "jurisdiction", "place")
    for tenant in told.tenants:
        placed = isinstance(tenant.decision, TenantPlacement)
        where = tenant.decision.place if isinstance(tenant.decision, TenantPlacement) else tenant.decision.code
        table.add_row(
            Text("✔", style="green") if placed else Text("✘", style="red"),
            tenant.name,
            tenant.brand,
            tenant.jurisdiction,
            where,
        )
    parts: list[RenderableType] = [table]
    parts += [Text(f"! {warning}", style="yellow") for warning in told.warnings]
    parts += [Text(f"✘ {fault}", style="red") for fault in told.faults]
    count = len(told.faults)
    verdict = f"{count} {'fault' if count == 1 else 'faults'}" if count else "no faults"
    parts.append(
        Text(
            f"{len(told.tenants)} tenants, {told.attestations} attestations, {verdict}",
            style="bold red" if count else "bold green",
        )
    )
    return Group(*parts)


def report_json(told: Report) -> dict[str, Any]:
    """The same for programs."""
    return {
        "environment": told.environment,
        "production": told.production,
        "attestations": told.attestations,
        "tenants": [
            {
                "name": tenant.name,
                "jurisdiction": tenant.jurisdiction,
                "decision": tenant.decision.model_dump(mode="json"),
            }
            for tenant in told.tenants
        ],
        "warnings": list(told.warnings),
        "faults": [
            {
                "file": fault.file,
                "line": fault.line,
                "path": fault.path,
                "problem": fault.problem,
                "allowed": fault.allowed,
            }
            for fault in told.faults
        ],
    }
