"""environment.yaml: what should exist, as a person writes it. The only file of an environment that decides anything.

Keys are camelCase, as in every document of the platform; the models are what they mean.
"""

import re
from datetime import date
from enum import StrEnum
from ipaddress import IPv4Network
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictInt
from pydantic.alias_generators import to_camel

from domicile_catalog.forms import SystemName, Text
from domicile_catalog.model import PlaceCode, TerritoryCode


class Size(StrEnum):
    """How much a cell is built for; what it means in machines is the planner's."""

    SMALL = "small"
    MEDIUM = "medium"
    LARGE = "large"


def _private(network: IPv4Network) -> IPv4Network:
    if not network.is_private:
        raise ValueError("must be a private network (RFC 1918)")
    return network


def _network(text: str) -> str:
    return str(IPv4Network(text))  # ValueError says what is wrong with it


def _template(address: str) -> str:
    if address.count("{account}") != 1 or not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", address):
        raise ValueError("must be an e-mail address in which {account} stands once, before the @ or behind a +")
    return address


Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$", max_length=32)]
AccountId = Annotated[str, Field(pattern=r"^[0-9]{12}$")]
RoleArn = Annotated[str, Field(pattern=r"^arn:aws[a-z-]*:iam::[0-9]{12}:(role|user|root)(/[\w+=,.@/-]+)?$")]
Email = Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$", max_length=64)]
EmailTemplate = Annotated[str, AfterValidator(_template)]
DomainName = Annotated[str, Field(pattern=r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$", max_length=253)]
Network = Annotated[IPv4Network, AfterValidator(_private)]
Cidr = Annotated[str, AfterValidator(_network)]
Port = Annotated[StrictInt, Field(ge=1, le=65535)]
_STEP = "[a-z0-9]+(?:[._-][a-z0-9]+)*"
ImageName = Annotated[str, Field(pattern=rf"^(?:{_STEP}/)*{_STEP}$", min_length=2, max_length=256)]
"""The name of a repository in ECR (API reference, CreateRepository)."""
Positive = Annotated[StrictInt, Field(ge=1)]


class Part(BaseModel):
    """A part of the document: a value, without room for a misspelt key."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)


class Site(Part):
    """A place of the environment's own, such as a machine room on premises.

    `territory` is the ground that it stands on, by its ISO 3166 code, and decides what may rest there.
    """

    code: PlaceCode
    territory: TerritoryCode
    city: Text


class Persona(StrEnum):
    """Who comes to the cloud as a person, and with what purpose."""

    PLATFORM = "platform"
    COMPLIANCE = "compliance"
    REGULATOR = "regulator"
    BREAK_GLASS = "breakGlass"


class Regulator(Part):
    """An authority's auditor, who may read the evidence and the logs of its own jurisdictions.

    `principal` is who assumes the role; `externalId` is what they say to prove that they mean it. `until` is the last
    day of the access, in UTC; without it the access ends when it is taken away here.
    """

    name: Name
    jurisdictions: Annotated[tuple[Text, ...], Field(min_length=1)]
    principal: RoleArn
    external_id: Annotated[str, Field(min_length=16, max_length=1224)]
    until: date | None = None


class IdentityCenter(Part):
    """AWS IAM Identity Center, where people are kept: its instance, and which group each persona is."""

    instance_arn: Annotated[str, Field(pattern=r"^arn:aws[a-z-]*:sso:::instance/[\w-]+$")]
    groups: dict[Persona, Text]


class Budget(Part):
    """What an account may cost in a month before its owner hears of it, in US dollars."""

    monthly_usd: Annotated[StrictInt, Field(ge=1)]
    notify: Annotated[tuple[Email, ...], Field(min_length=1)]


class ExistingOrganization(Part):
    """An organisation that exists already, by its id. It is read and checked, and never changed, replaced or deleted.

    `unit` is the organisational unit below which everything of the environment is put, and to which the policies go
    that would else be the root's; without it that is the root, and those policies hold for every account of the
    company.
    """

    id: Annotated[str, Field(pattern=r"^o-[a-z0-9]{10,32}$")]
    unit: Annotated[str, Field(pattern=r"^ou-[0-9a-z]{4,32}-[a-z0-9]{8,32}$")] | None = None


class PolicyQuota(Part):
    """What AWS takes of a kind of policy: characters of a document, and how many on one target with AWS's own."""

    characters: Positive | None = None
    per_target: Positive | None = None


class OrganizationQuotas(Part):
    """Quotas that AWS has raised for this organisation (Service Quotas, in us-east-1). What is left out is AWS's
    default: 10 accounts, 2,000 units, and of policies 5,120 characters and five on a target.
    """

    accounts: Positive | None = None
    organizational_units: Positive | None = None
    service_control_policies: PolicyQuota = PolicyQuota()
    resource_control_policies: PolicyQuota = PolicyQuota()


class ContactKind(StrEnum):
    """What AWS writes to a contact about."""

    BILLING = "billing"
    OPERATIONS = "operations"
    SECURITY = "security"


class Contact(Part):
    """Whom AWS writes to besides the account's own address (Account Management API, PutAlternateContact)."""

    name: Annotated[str, Field(min_length=1, max_length=64)]
    title: Annotated[str, Field(min_length=1, max_length=50)]
    email: Email
    phone: Annotated[str, Field(pattern=r"^[\s0-9()+-]+$", min_length=1, max_length=25)]


class Organization(Part):
    """The AWS organisation that the environment's cells are accounts of.

    `account` is the management account. `existing` is an organisation to build in; without it one is made. `home` is
    the region where what belongs to no cell stands. `accounts` are accounts that exist already, by name (security,
    shared-services, log-archive-<zone>): the others are made, with the address of `email`, in which {account} becomes
    the account's name. `contacts` are whom AWS writes to about each account. Cells get their networks from
    `supernet`. `principals` are who may assume a persona's role where there is no Identity Center.
    `costAllocationTags` has bills show our tags: true a day after the first cell is up, for AWS must have met the
    tags in a bill.
    """

    stack: Name = "organization"
    account: AccountId
    existing: ExistingOrganization | None = None
    quotas: OrganizationQuotas = OrganizationQuotas()
    home: PlaceCode
    email: EmailTemplate
    contacts: dict[ContactKind, Contact] = Field(default_factory=dict)
    supernet: Network = IPv4Network("10.64.0.0/10")
    accounts: dict[Name, AccountId] = Field(default_factory=dict)
    identity_center: IdentityCenter | None = None
    principals: dict[Persona, tuple[RoleArn, ...]] = Field(default_factory=dict)
    deployers: tuple[RoleArn, ...] = ()
    regulators: tuple[Regulator, ...] = ()
    budget: Budget | None = None
    cost_allocation_tags: bool = False


class Endpoint(Part):
    """A service that a cell's casinos call: where it is, and from which addresses it answers."""

    address: Annotated[str, Field(pattern=r"^https://[^/\s]+$")]
    cidr: Cidr
    port: Port


class PaymentProvider(Part):
    """A payment service provider that the cell's tenants may name."""

    name: Name
    url: Annotated[str, Field(pattern=r"^https://[^\s]+$")]
    cidr: Cidr
    port: Port


class Studio(Part):
    """An external studio whose games the cell's tenants may offer.

    `title` is what players see, `dialect` how it calls. The casino calls `api_url`, which `cidr` and `port` open;
    `launch_url` is opened by the player's browser.
    """

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,23}$")]
    title: Annotated[str, Field(min_length=1, max_length=100)]
    dialect: Literal["rsa_status", "hmac_actions"]
    api_url: Annotated[str, Field(pattern=r"^https://[^\s]+$")]
    launch_url: Annotated[str, Field(pattern=r"^https://[^\s]+$")]
    cidr: Cidr
    port: Port


class ExclusionRegister(Part):
    """A national register of excluded persons that the cell's casinos ask.

    `register` is what the catalogue calls it (fact `self_exclusion_register`); tenants of the jurisdictions whose law
    has it ask it. `name` is the cell's own, below which its key lies in OpenBao.
    """

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,23}$")]
    register_name: Annotated[SystemName, Field(alias="register")]  # `register` is a method of every model's class
    url: Annotated[str, Field(pattern=r"^https://[^\s]+$", max_length=512)]
    cidr: Cidr
    port: Port


class GitOps(Part):
    """The repository that the cell's cluster syncs its tenants from."""

    url: Annotated[str, Field(pattern=r"^https://[^\s]+$")]  # what else there is leaves by no inspected way
    branch: Text = "main"
    path: Annotated[str, Field(pattern=r"^[^/\s][^\s]*$")]


class Cell(Part):
    """One cluster and the stores beside it, in an account and a place of its own. Its name is its stack's.

    `account` is the account's id where it exists already. Left out are: `cidr`, the next free part of the
    organisation's supernet; `availabilityZones`, the first three that an account gets there (the catalogue's
    places/aws.yaml); `backupPlace`, the cell's own place. `delegated`
    says that the parent of `baseDomain` points at the cell's name servers (an output of its stack): before, no
    certificate is issued. `apiCidrs` are networks from which the cluster's API may be reached beside its own; none
    leaves it private. `caFile` is a file beside environment.yaml: the authorities of its stores and of its OpenBao.
    `nodes` is how many its cluster has, where its size's number does not suit. `images` are repositories of its
    registry beside those that every cell needs: what its GitOps source runs.
    """

    name: Name
    place: PlaceCode
    jurisdictions: Annotated[tuple[Text, ...], Field(min_length=1)]
    size: Size = Size.SMALL
    nodes: Annotated[StrictInt, Field(ge=3, le=450)] | None = None
    base_domain: DomainName
    account: AccountId | None = None
    cidr: Network | None = None
    availability_zones: Annotated[tuple[Text, ...], Field(min_length=3, max_length=3)] | None = None
    backup_place: PlaceCode | None = None
    delegated: bool = False
    api_cidrs: tuple[IPv4Network, ...] = ()
    ca_file: Annotated[str, Field(pattern=r"^[\w.-]+$")] | None = None
    openbao: Endpoint | None = None
    payment_providers: tuple[PaymentProvider, ...] = ()
    studios: tuple[Studio, ...] = ()
    exclusion_registers: Annotated[tuple[ExclusionRegister, ...], Field(max_length=16)] = ()
    gitops: GitOps | None = None
    images: tuple[ImageName, ...] = ()


class Release(Part):
    """The images that the cells run, each with its tag or digest.

    `gamesManifest` is a file beside environment.yaml: the signed manifest of the casino image's games (docs/games.md).
    """

    operator_image: Text
    casino_image: Text
    games_manifest: Annotated[str, Field(pattern=r"^[\w.-]+$")] | None = None


class Approval(Part):
    """A person's word that something that holds data may be replaced or deleted: once, by a day, with a reason.

    `resource` is the resource's name in its stack, or its type and name as `type::name`.
    """

    stack: Name
    resource: Text
    action: Literal["replace", "delete"]
    reason: Annotated[str, Field(min_length=10)]
    by: Email
    until: date


class Environment(Part):
    """An environment: its name, whether players' money is real there, and what it consists of.

    `sites` are its places that are no AWS regions. `places` are those of its cells, AWS regions and sites; left out,
    a cell may stand in every place that is a candidate without being named, and in every site. `owner` answers for
    it. `cells` are those in the cloud, which need an `organization`. A `disposable` environment is for tests: nothing
    in it is protected or kept when it is destroyed, and what is locked is locked for a day.
    """

    name: Name
    production: bool
    disposable: bool = False
    owner: Email | None = None
    sites: tuple[Site, ...] = ()
    places: Annotated[tuple[PlaceCode, ...], Field(min_length=1)] | None = None
    organization: Organization | None = None
    release: Release | None = None
    cells: tuple[Cell, ...] = ()
    approvals: tuple[Approval, ...] = ()

    def cell(self, name: str) -> Cell | None:
        """The cell of that name."""
        return next((cell for cell in self.cells if cell.name == name), None)
