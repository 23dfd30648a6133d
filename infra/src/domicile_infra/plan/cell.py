"""A cell's plan: everything that its stack is built from, as plain values."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network

from domicile_catalog.environment import (
    Cell,
    Endpoint,
    Environment,
    ExclusionRegister,
    GitOps,
    PaymentProvider,
    Persona,
    Release,
    Studio,
)

from domicile_infra.plan import names
from domicile_infra.plan.cidr import Subnet, SubnetRole, allocate, data_network, subnets
from domicile_infra.plan.documents import Scope
from domicile_infra.plan.egress import hosts
from domicile_infra.plan.errors import PlanError
from domicile_infra.plan.images import Image, images_of
from domicile_infra.plan.sizes import SIZES, Size
from domicile_infra.plan.tags import TagScope

ACCESS_POLICIES: Mapping[Persona, str] = {
    Persona.PLATFORM: "AmazonEKSClusterAdminPolicy",
    Persona.BREAK_GLASS: "AmazonEKSClusterAdminPolicy",
    Persona.COMPLIANCE: "AmazonEKSAdminViewPolicy",
}
"""What each persona may do in a cluster (EKS access policies). Who is not here has no entry: a regulator reads logs."""


@dataclass(frozen=True, slots=True)
class CellFacts:
    """What a cell's plan needs and its environment does not say.

    The organisation's stack made the account and the roles. `availability_zones` are those that it spans
    (`domicile_catalog.environment.zones_of`). `retention_years` follows from the catalogue
    (`retention_years()`). `ca_pem` is the bundle of those CAs that sign the cell's database, cache and OpenBao.
    `attestations` are the files of the environment's folder, by name. `games_manifest` is the text of the release's
    signed manifest of games, which one of `games_keys` must have signed (Ed25519, raw, in base64). `delegated` says
    whether the parent domain already points at the cell's zone: a certificate is not issued before.
    """

    account_id: str
    organization_id: str
    deployer_role_arn: str
    retention_years: int
    availability_zones: tuple[str, ...]
    personas: Mapping[Persona, str] = field(default_factory=dict)
    ca_pem: str = ""
    attestations: Mapping[str, str] = field(default_factory=dict)
    attestation_root: str | None = None
    attestation_serial: int | None = None
    games_keys: tuple[str, ...] = ()
    games_manifest: str | None = None
    delegated: bool = True
    api_cidrs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CellPlan:
    """Everything that a cell's stack is built from.

    `place` is its AWS region and `backup_place` the region of its backup vault; `retention_years` how long audit
    logs and the regulator's copies are locked. `api_cidrs` are the networks from which the cluster's API may be
    reached beside its own; none, the default, leaves it without a public address.
    """

    name: str
    environment: str
    production: bool
    owner: str
    account_id: str
    organization_id: str
    deployer_role_arn: str
    place: str
    backup_place: str
    availability_zones: tuple[str, ...]
    jurisdictions: tuple[str, ...]
    retention_years: int
    network: IPv4Network
    size: Size
    base_domain: str
    delegated: bool
    access: tuple[tuple[str, str], ...]
    api_cidrs: tuple[str, ...]
    openbao: Endpoint | None
    payment_providers: tuple[PaymentProvider, ...]
    studios: tuple[Studio, ...]
    exclusion_registers: tuple[ExclusionRegister, ...]
    release: Release | None
    gitops: GitOps | None
    nodes: int
    images: tuple[Image, ...]
    ca_pem: str
    attestations: Mapping[str, str]
    attestation_root: str | None
    attestation_serial: int | None
    games_keys: tuple[str, ...]
    games_manifest: str | None

    @property
    def scope(self) -> Scope:
        """Whose policy documents the cell's are."""
        return Scope(
            cell=self.name,
            account_id=self.account_id,
            region=self.place,
            organization_id=self.organization_id,
            deployer_role_arn=self.deployer_role_arn,
            backup_region=self.backup_place,
        )

    @property
    def tags(self) -> TagScope:
        """What the tags of everything in the cell have in common."""
        return TagScope(self.environment, self.name, self.jurisdictions, self.owner)

    @property
    def subnets(self) -> tuple[Subnet, ...]:
        """The cell's subnets, by role and zone."""
        return subnets(self.network, self.availability_zones)

    def subnets_for(self, role: SubnetRole) -> tuple[Subnet, ...]:
        """The subnets of one role, one in each zone."""
        return tuple(one for one in self.subnets if one.role is role)

    @property
    def data_network(self) -> IPv4Network:
        """The network that the database and the cache stand in."""
        return data_network(self.network)

    @property
    def cluster_name(self) -> str:
        """The name of its EKS cluster."""
        return names.fit(self.name, names.CLUSTER)

    @property
    def cache_users(self) -> str:
        """The name of the group of users that its cache admits."""
        return names.fit(self.name, names.REPLICATION_GROUP)

    @property
    def egress_hosts(self) -> tuple[str, ...]:
        """The hosts that the cell may reach, by TLS: payment providers, studios, registers, OpenBao, its GitOps source.

        An OpenBao in the cell asks the cluster's issuer for the keys of tokens, which EKS changes each week and
        publishes at an address outside (EKS user guide, "Fetch signing keys to validate OIDC tokens").
        """
        wanted = [provider.url for provider in self.payment_providers]
        wanted += [studio.api_url for studio in self.studios]
        wanted += [register.url for register in self.exclusion_registers]
        wanted += [self.openbao.address, f"https://oidc.eks.{self.place}.amazonaws.com"] if self.openbao else []
        wanted += [self.gitops.url] if self.gitops else []
        return hosts(wanted)

    def bucket(self, purpose: str) -> str:
        """The name of its bucket for a purpose."""
        return names.bucket(self.name, purpose, self.account_id)


def plan_cells(environment: Environment, facts: Mapping[str, CellFacts]) -> dict[str, CellPlan]:
    """The plans of those cells of an environment of which there are facts, by name and in its order.

    Networks are given out among all of its cells: one whose account is not made yet keeps its place, and stops no
    other. Expects an environment that `check_cells()` finds nothing wrong with: what law forbids is refused there.
    Raises PlanError for what cannot be built.
    """
    if environment.organization is None or environment.owner is None:
        raise PlanError(
            f"The environment {environment.name} has no organization or no owner: environment.yaml must name both "
            "before a cell can be built."
        )
    wanted = {cell.name: cell.cidr for cell in environment.cells}
    networks = allocate(environment.organization.supernet, wanted)
    strange = [name for name in facts if name not in wanted]
    if strange:
        raise PlanError(
            f"The environment {environment.name} has no cell {', '.join(strange)}, and nothing of it may be built. It "
            f"has {', '.join(wanted) or 'none'}. Name it under cells in environment.yaml."
        )
    plans = {
        cell.name: _plan(environment, environment.owner, cell, facts[cell.name], networks[cell.name])
        for cell in environment.cells
        if cell.name in facts
    }
    _apart(plans.values())
    return plans


def _plan(environment: Environment, owner: str, cell: Cell, facts: CellFacts, network: IPv4Network) -> CellPlan:
    if facts.retention_years < 1:
        raise PlanError(f"{cell.name} would keep its records for {facts.retention_years} years: a lock needs one.")
    access = {facts.deployer_role_arn: "AmazonEKSClusterAdminPolicy"}
    access |= {facts.personas[one]: policy for one, policy in ACCESS_POLICIES.items() if one in facts.personas}
    plan = CellPlan(
        name=cell.name,
        environment=environment.name,
        production=environment.production,
        owner=owner,
        account_id=facts.account_id,
        organization_id=facts.organization_id,
        deployer_role_arn=facts.deployer_role_arn,
        place=cell.place,
        backup_place=cell.backup_place or cell.place,
        availability_zones=facts.availability_zones,
        jurisdictions=tuple(sorted(cell.jurisdictions)),
        retention_years=facts.retention_years,
        network=network,
        size=SIZES[cell.size],
        base_domain=cell.base_domain,
        delegated=facts.delegated,
        access=tuple(access.items()),
        api_cidrs=facts.api_cidrs,
        openbao=cell.openbao,
        payment_providers=cell.payment_providers,
        studios=cell.studios,
        exclusion_registers=cell.exclusion_registers,
        release=environment.release,
        gitops=cell.gitops,
        nodes=cell.nodes or SIZES[cell.size].nodes,
        images=images_of(cell.images),
        ca_pem=facts.ca_pem,
        attestations=dict(facts.attestations),
        attestation_root=facts.attestation_root,
        attestation_serial=facts.attestation_serial,
        games_keys=facts.games_keys,
        games_manifest=facts.games_manifest,
    )
    # Whatever the value objects refuse, they refuse before a stack has begun.
    _ = plan.subnets, plan.egress_hosts, plan.tags.tags()
    return plan


def _apart(plans: Iterable[CellPlan]) -> None:
    accounts: dict[str, str] = {}
    for plan in plans:
        if plan.account_id in accounts:
            raise PlanError(
                f"{plan.name} and {accounts[plan.account_id]} have the account {plan.account_id} both: a cell is "
                "alone in its account, which is what binds its policies to its place. Give it one of its own."
            )
        accounts[plan.account_id] = plan.name
