"""Holds an environment's folder against the catalogue, offline, and keeps every fault."""

from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from domicile_catalog import (
    Attestation,
    AttestationError,
    Catalogue,
    Fault,
    Impact,
    Refusal,
    TenantPlacement,
    impact,
    load_attestations,
    place_tenant,
)
from domicile_catalog.documents import located, parse, read_mapping

from domicile_cli.manifests import Manifest, in_order, named_twice, read_manifests
from domicile_cli.standing import request_of, stops
from domicile_cli.tenant import Environment, Kustomization

KUSTOMIZATION = "kustomization.yaml"


@dataclass(frozen=True, slots=True)
class TenantReport:
    """One tenant that could be read, and what the catalogue answers for it."""

    name: str
    brand: str
    jurisdiction: str
    decision: TenantPlacement | Refusal


@dataclass(frozen=True, slots=True)
class Report:
    """What an environment's folder holds, and everything that is wrong with it."""

    environment: str
    production: bool
    tenants: tuple[TenantReport, ...]
    attestations: int
    faults: tuple[Fault, ...]

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the catalogue lets pass here and would have somebody know, by tenant."""
        return tuple(f"{one.name}: {warning}" for one in self.tenants for warning in one.decision.warnings)


def read_environment(folder: Path, faults: list[Fault]) -> Environment | None:
    """The folder's environment.yaml, or None and its faults."""
    before = len(faults)
    mapping = read_mapping(folder / "environment.yaml", "environment.yaml", faults)
    if len(faults) > before:
        return None
    environment = parse(Environment, mapping, "environment.yaml", faults)
    if environment and environment.name != folder.resolve().name:
        faults.append(
            Fault("environment.yaml", "name", f"is {environment.name}", f"the folder's, {folder.resolve().name}")
        )
    return environment


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What tenants of an environment are decided by. What is no environment counts as production."""

    name: str
    production: bool
    attestations: tuple[Attestation, ...]


def read_surroundings(
    folder: Path, catalogue: Catalogue, root: str | None, faults: list[Fault], *, production: bool = False
) -> Surroundings:
    """Reads environment.yaml and attestations/, and keeps every fault. `production` makes it that in any case."""
    found: list[Fault] = []
    environment = read_environment(folder, found)
    production = production or environment is None or environment.production
    attestations: tuple[Attestation, ...] = ()
    try:
        attestations = load_attestations(folder / "attestations", catalogue, root=root, production=production)
    except AttestationError as error:
        found += [replace(one, file=f"attestations/{one.file}") for one in error.faults]
    faults += [located(fault, folder) for fault in found]
    return Surroundings(environment.name if environment else folder.name, production, attestations)


@dataclass(frozen=True, slots=True)
class Folder:
    """An environment's folder as it was read, and what could not be."""

    name: str
    production: bool
    attestations: tuple[Attestation, ...]
    tenants: tuple[Manifest, ...]
    faults: tuple[Fault, ...]


def read_folder(folder: Path, catalogue: Catalogue, root: str | None = None) -> Folder:
    """Reads environment.yaml, attestations/ and tenants/, and keeps every fault."""
    faults: list[Fault] = []
    around = read_surroundings(folder, catalogue, root, faults)
    tenants = _read_tenants(folder / "tenants", faults)
    return Folder(
        name=around.name,
        production=around.production,
        attestations=around.attestations,
        tenants=tuple(tenants),
        faults=tuple(located(fault, folder) for fault in faults),
    )


def environments_below(folder: Path) -> list[Path]:
    """The folders of the environments that stand in a folder."""
    return sorted(file.parent for file in folder.glob("*/environment.yaml"))


def impacts(
    folder: Path, catalogue: Catalogue, today: date, on: date, root: str | None = None
) -> tuple[Folder, tuple[Impact, ...]]:
    """What the law of another day means for each tenant of an environment, those that must act first."""
    read = read_folder(folder, catalogue, root)
    found = [
        impact(
            catalogue,
            tenant.metadata.name,
            request_of(tenant, production=read.production, attestations=read.attestations, on=today),
            tenant.spec.limits.given(),
            on,
        )
        for tenant in (manifest.tenant for manifest in read.tenants)
    ]
    return read, tuple(sorted(filter(None, found), key=lambda one: (not one.unlawful, one.tenant)))


def validate_environment(folder: Path, catalogue: Catalogue, on: date, root: str | None = None) -> Report:
    """Reads environment.yaml, attestations/ and tenants/, and asks the catalogue about each tenant.

    An environment that cannot be read counts as production, so that its tenants meet the stricter rules.
    """
    read = read_folder(folder, catalogue, root)
    faults = list(read.faults)
    reports = [_check(manifest, catalogue, read, on, faults) for manifest in read.tenants]
    return Report(
        environment=read.name,
        production=read.production,
        tenants=tuple(sorted(reports, key=lambda report: report.name)),
        attestations=len(read.attestations),
        faults=in_order(faults),
    )


def _read_tenants(folder: Path, faults: list[Fault]) -> list[Manifest]:
    files = sorted(path for path in folder.glob("*.yaml") if path.name != KUSTOMIZATION)
    _check_kustomization(folder, {path.name for path in files}, faults)
    tenants = [manifest for path in files for manifest in read_manifests(path, f"tenants/{path.name}", faults)]
    faults += named_twice(tenants)
    return tenants


def _check_kustomization(folder: Path, files: set[str], faults: list[Fault]) -> None:
    name = f"tenants/{KUSTOMIZATION}"
    before = len(faults)
    mapping = read_mapping(folder / KUSTOMIZATION, name, faults)
    kustomization = None if len(faults) > before else parse(Kustomization, mapping, name, faults)
    if kustomization is None:
        return
    listed = set(kustomization.resources)
    faults += [Fault(name, "resources", f"lists {one}, which does not exist") for one in sorted(listed - files)]
    faults += [
        Fault(name, "resources", f"leaves out {one}, so it would never be applied") for one in sorted(files - listed)
    ]


def _check(manifest: Manifest, catalogue: Catalogue, read: Folder, on: date, faults: list[Fault]) -> TenantReport:
    tenant = manifest.tenant
    request = request_of(tenant, production=read.production, attestations=read.attestations, on=on)
    decision = place_tenant(catalogue, request)
    for stop in stops(catalogue, tenant, request, decision):
        refusal = stop.refusal
        needed = f" Needed: {', '.join(refusal.needs)}." if len(refusal.needs) > 1 else ""
        faults.append(manifest.fault(stop.path, f"{refusal.code}: {refusal.message} {refusal.remedy}{needed}"))
    return TenantReport(tenant.metadata.name, tenant.spec.brand, tenant.spec.jurisdiction, decision)
