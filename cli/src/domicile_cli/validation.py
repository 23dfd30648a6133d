"""Holds an environment's folder against the catalogue, offline, and keeps every fault."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from domicile_catalog import (
    Catalogue,
    Fault,
    Impact,
    Refusal,
    TenantPlacement,
    impact,
    place_tenant,
)
from domicile_catalog.documents import located, parse, read_mapping
from domicile_catalog.environment import NOBODY, Surroundings, TrustAnchor, check_cells, read_surroundings

from domicile_cli.manifests import Manifest, in_order, named_twice, read_manifests
from domicile_cli.standing import request_of, stops
from domicile_cli.tenant import Kustomization

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


@dataclass(frozen=True, slots=True)
class Folder(Surroundings):
    """An environment's folder as it was read, and what could not be."""

    tenants: tuple[Manifest, ...] = ()
    faults: tuple[Fault, ...] = ()


def read_folder(folder: Path, catalogue: Catalogue, anchor: TrustAnchor = NOBODY) -> Folder:
    """Reads environment.yaml, attestations/ and tenants/, and keeps every fault."""
    faults: list[Fault] = []
    around = read_surroundings(folder, catalogue, anchor, faults)
    tenants = _read_tenants(folder / "tenants", faults)
    return Folder(
        name=around.name,
        production=around.production,
        attestations=around.attestations,
        catalogue=around.catalogue,
        candidates=around.candidates,
        environment=around.environment,
        tenants=tuple(tenants),
        faults=tuple(located(fault, folder) for fault in faults),
    )


def environments_below(folder: Path) -> list[Path]:
    """The folders of the environments that stand in a folder."""
    return sorted(file.parent for file in folder.glob("*/environment.yaml"))


def impacts(
    folder: Path, catalogue: Catalogue, today: date, on: date, anchor: TrustAnchor = NOBODY
) -> tuple[Folder, tuple[Impact, ...]]:
    """What the law of another day means for each tenant of an environment, those that must act first."""
    read = read_folder(folder, catalogue, anchor)
    found = [
        impact(
            read.catalogue,
            tenant.metadata.name,
            request_of(tenant, read, on=today),
            tenant.spec.limits.given(),
            on,
        )
        for tenant in (manifest.tenant for manifest in read.tenants)
    ]
    return read, tuple(sorted(filter(None, found), key=lambda one: (not one.unlawful, one.tenant)))


def validate_environment(folder: Path, catalogue: Catalogue, on: date, anchor: TrustAnchor = NOBODY) -> Report:
    """Reads environment.yaml, attestations/ and tenants/, and asks the catalogue about each tenant.

    An environment that cannot be read counts as production, so that its tenants meet the stricter rules.
    """
    read = read_folder(folder, catalogue, anchor)
    faults = [*read.faults, *(located(fault, folder) for fault in check_cells(read, on))]
    reports = [_check(manifest, read, on, faults) for manifest in read.tenants]
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


def _check(manifest: Manifest, read: Folder, on: date, faults: list[Fault]) -> TenantReport:
    tenant = manifest.tenant
    request = request_of(tenant, read, on=on)
    decision = place_tenant(read.catalogue, request)
    for stop in stops(read.catalogue, tenant, request, decision):
        refusal = stop.refusal
        needed = f" Needed: {', '.join(refusal.needs)}." if len(refusal.needs) > 1 else ""
        faults.append(manifest.fault(stop.path, f"{refusal.code}: {refusal.message} {refusal.remedy}{needed}"))
    return TenantReport(tenant.metadata.name, tenant.spec.brand, tenant.spec.jurisdiction, decision)
