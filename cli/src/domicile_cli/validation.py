"""Holds an environment's folder against the catalogue, offline, and keeps every fault."""

from collections import Counter
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
    RulesError,
    TenantPlacement,
    TenantRequest,
    impact,
    load_attestations,
    place_tenant,
    tenant_rules,
)
from domicile_catalog.documents import parse, read_documents, read_mapping

from domicile_cli.tenant import CasinoTenant, Environment, Kustomization

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
class Folder:
    """An environment's folder as it was read, and what could not be. What is no environment counts as production."""

    name: str
    production: bool
    attestations: tuple[Attestation, ...]
    tenants: tuple[tuple[str, CasinoTenant], ...]
    faults: tuple[Fault, ...]


def read_folder(folder: Path, catalogue: Catalogue, root: str | None = None) -> Folder:
    """Reads environment.yaml, attestations/ and tenants/, and keeps every fault."""
    faults: list[Fault] = []
    environment = read_environment(folder, faults)
    production = environment.production if environment else True
    attestations: tuple[Attestation, ...] = ()
    try:
        attestations = load_attestations(folder / "attestations", catalogue, root=root, production=production)
    except AttestationError as error:
        faults += [replace(one, file=f"attestations/{one.file}") for one in error.faults]
    tenants = _read_tenants(folder / "tenants", faults)
    return Folder(
        name=environment.name if environment else folder.name,
        production=production,
        attestations=attestations,
        tenants=tuple(tenants),
        faults=tuple(faults),
    )


def impacts(
    folder: Path, catalogue: Catalogue, today: date, on: date, root: str | None = None
) -> tuple[Folder, tuple[Impact, ...]]:
    """What the law of another day means for each tenant of an environment, those that must act first."""
    read = read_folder(folder, catalogue, root)
    found = [
        impact(
            catalogue,
            tenant.metadata.name,
            TenantRequest(
                jurisdiction=tenant.spec.jurisdiction,
                products=tenant.spec.products,
                production=read.production,
                attestations=read.attestations,
                on=today,
            ),
            tenant.spec.limits.given(),
            on,
        )
        for _, tenant in read.tenants
    ]
    return read, tuple(sorted(filter(None, found), key=lambda one: (not one.unlawful, one.tenant)))


def validate_environment(folder: Path, catalogue: Catalogue, on: date, root: str | None = None) -> Report:
    """Reads environment.yaml, attestations/ and tenants/, and asks the catalogue about each tenant.

    An environment that cannot be read counts as production, so that its tenants meet the stricter rules.
    """
    read = read_folder(folder, catalogue, root)
    faults = list(read.faults)
    reports = [
        _check(
            file,
            tenant,
            catalogue,
            production=read.production,
            attestations=read.attestations,
            on=on,
            faults=faults,
        )
        for file, tenant in read.tenants
    ]
    return Report(
        environment=read.name,
        production=read.production,
        tenants=tuple(sorted(reports, key=lambda report: report.name)),
        attestations=len(read.attestations),
        faults=tuple(sorted(set(faults))),
    )


def _read_tenants(folder: Path, faults: list[Fault]) -> list[tuple[str, CasinoTenant]]:
    files = sorted(path for path in folder.glob("*.yaml") if path.name != KUSTOMIZATION)
    _check_kustomization(folder, {path.name for path in files}, faults)
    tenants: list[tuple[str, CasinoTenant]] = []
    for path in files:
        name = f"tenants/{path.name}"
        for document in read_documents(path, name, faults):
            tenant = parse(CasinoTenant, document, name, faults)
            if tenant:
                tenants.append((name, tenant))
    names = Counter(tenant.metadata.name for _, tenant in tenants)
    faults += [
        Fault(file, "metadata.name", f"{tenant.metadata.name} stands in more than one manifest")
        for file, tenant in tenants
        if names[tenant.metadata.name] > 1
    ]
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


def _check(
    file: str,
    tenant: CasinoTenant,
    catalogue: Catalogue,
    *,
    production: bool,
    attestations: tuple[Attestation, ...],
    on: date,
    faults: list[Fault],
) -> TenantReport:
    spec = tenant.spec
    request = TenantRequest(
        jurisdiction=spec.jurisdiction,
        products=spec.products,
        production=production,
        attestations=attestations,
        on=on,
    )
    decision = place_tenant(catalogue, request)
    if isinstance(decision, Refusal):
        needed = f" Needed: {', '.join(decision.needs)}." if len(decision.needs) > 1 else ""
        faults.append(
            Fault(file, "spec.jurisdiction", f"{decision.code}: {decision.message} {decision.remedy}{needed}")
        )
    if spec.jurisdiction in catalogue.jurisdictions:
        try:
            tenant_rules(catalogue, spec.jurisdiction, spec.limits.given(), on, attestations, production=production)
        except RulesError as error:
            faults.append(Fault(file, "spec.limits", str(error)))
    if spec.licence.validUntil < on:
        faults.append(Fault(file, "spec.licence.validUntil", f"LICENCE_EXPIRED: {spec.licence.validUntil} is past"))
    return TenantReport(tenant.metadata.name, spec.brand, spec.jurisdiction, decision)
