"""The stack of one cell: what the organisation's stack says of its account, its plan, its providers, its resources."""

from pathlib import Path

import pulumi
import pulumi_aws as aws
from domicile_catalog.environment import Persona, Release, zones_of
from domicile_policies.names import PROJECT

from domicile_infra.plan.cell import CellFacts, CellPlan, plan_cells
from domicile_infra.plan.errors import PlanError
from domicile_infra.plan.manifests import read_attestations, read_manifests
from domicile_infra.plan.organization_outputs import OUTPUT, OrganizationOutputs, parse_outputs
from domicile_infra.plan.retention import retention_years
from domicile_infra.settings import Settings
from domicile_infra.waiting import wait_for

MANIFESTS = (Path("operators") / "deploy", Path("operators") / "deploy" / "aws")
"""The operator's, and what it needs beside them where AWS runs the stores."""


def declare_cell(settings: Settings) -> None:
    """Declare and export everything of the settings' cell. Raises PlanError."""
    from domicile_infra.cell.stack import build_cell, export

    plan = planned_cell(settings, _organization(settings))
    provider = _provider(plan, plan.place)
    elsewhere = plan.backup_place != plan.place
    manifests = None
    if plan.openbao is None:
        pulumi.log.warn(
            f"{plan.name} has no openbao in environment.yaml: its cluster is built without the operator, and no "
            "tenant can live in it yet."
        )
    else:
        manifests = [one for folder in MANIFESTS for one in read_manifests(settings.root / folder)]
    export(
        build_cell(
            plan,
            provider,
            backup_provider=_provider(plan, plan.backup_place) if elsewhere else None,
            manifests=manifests,
        )
    )


def planned_cell(settings: Settings, organization: OrganizationOutputs) -> CellPlan:
    """The plan of the cell, apart from the networks of the environment's other cells. Raises PlanError."""
    around, environment = settings.around, settings.around.environment
    assert environment is not None and settings.ref.cell is not None  # read_settings() refuses anything else
    cell = environment.cell(settings.ref.cell)
    assert cell is not None
    told = organization.of_cell(cell.name, cell.place)
    facts = CellFacts(
        account_id=told.account.id,
        organization_id=told.organization_id,
        deployer_role_arn=told.deployer_role_arn,
        retention_years=retention_years(around.catalogue, cell.jurisdictions, settings.on, around.attestations),
        availability_zones=zones_of(around.catalogue, cell),
        personas={one: told.account.roles[one.value] for one in Persona if one.value in told.account.roles},
        ca_pem=_authorities(settings.folder, cell.ca_file),
        delegated=cell.delegated,
        api_cidrs=tuple(str(one) for one in cell.api_cidrs),
        attestations=read_attestations(settings.folder / "attestations"),
        attestation_root=settings.anchor.root,
        attestation_serial=settings.anchor.minimum_serial,
        games_keys=settings.games_keys,
        games_manifest=_games_manifest(settings.folder, environment.release),
    )
    return plan_cells(environment, {cell.name: facts})[cell.name]


def _organization(settings: Settings) -> OrganizationOutputs:
    """What the organisation's stack exports. Raises PlanError where it has not been built."""
    environment = settings.around.environment
    assert environment is not None and environment.organization is not None
    name = environment.organization.stack
    reference = pulumi.StackReference(f"{pulumi.get_organization()}/{PROJECT}/{name}")
    details = wait_for(reference.get_output_details(OUTPUT))
    if details.value is None:
        raise PlanError(
            f"The stack {name} has not been built: it exports no `{OUTPUT}`. Run `domicile up` on the environment, or "
            f"`pulumi up --stack {name}` first."
        )
    return parse_outputs(details.value)


def _provider(plan: CellPlan, region: str) -> aws.Provider:
    return aws.Provider(
        f"{plan.name}/{region}",
        region=region,
        allowed_account_ids=[plan.account_id],
        assume_roles=[
            aws.ProviderAssumeRoleArgs(role_arn=plan.deployer_role_arn, session_name=f"domicile-{plan.name}")
        ],
    )


def _games_manifest(folder: Path, release: Release | None) -> str | None:
    """The signed manifest of the release's games; None where it names none. Raises PlanError."""
    name = release.games_manifest if release else None
    try:
        return (folder / name).read_text() if name else None
    except (OSError, UnicodeDecodeError) as error:
        raise PlanError(f"gamesManifest {name} cannot be read: {error}. Put it beside environment.yaml.") from None


def _authorities(folder: Path, name: str | None) -> str:
    """The certificates of the file, which the operator trusts; none where none is named. Raises PlanError."""
    if name is None:
        return ""
    try:
        text = (folder / name).read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise PlanError(f"caFile {name} cannot be read: {error}. Put the PEM file beside environment.yaml.") from None
    if "BEGIN CERTIFICATE" not in text or "PRIVATE KEY" in text:
        raise PlanError(f"caFile {name} must hold certificates in PEM and nothing else.")
    return text
