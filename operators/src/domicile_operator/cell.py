"""The cell that this operator serves, as the ConfigMap `domicile-cell` says it."""

from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from domicile_catalog import Fault as DataFault
from domicile_catalog.documents import read_mapping
from domicile_catalog.model import PlaceCode, TerritoryCode
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from domicile_operator.errors import Fault
from domicile_operator.games import SUFFIX

Port = Annotated[int, Field(ge=1, le=65535)]
GamesKey = Annotated[str, Field(pattern=r"^[A-Za-z0-9+/]{43}=$")]


class _Model(BaseModel):
    # Unknown keys pass: a newer builder of cells may write more than this operator reads.
    model_config = ConfigDict(extra="ignore", frozen=True, alias_generator=to_camel, populate_by_name=True)


class Endpoint(_Model):
    """A server outside the cluster: its name for TLS, its port, and the CIDR that network policies open."""

    host: str
    port: Port
    cidr: str


class Administrator(_Model):
    """Where AWS keeps the password of the database's administrator: a secret of Secrets Manager, by ARN."""

    secret: str
    region: str


class PostgreSQL(Endpoint):
    """With an `administrator` its first logins are made from inside the cluster (`logins.py`)."""

    administrator: Administrator | None = None


class ElastiCache(_Model):
    """A cache whose users are made by AWS's API, for it makes none itself; `user_group` are those that it admits."""

    region: str
    user_group: str
    engine: str
    tags: dict[str, str] = Field(default_factory=dict)


class Redis(Endpoint):
    """Without an `elasticache` OpenBao makes its logins."""

    elasticache: ElastiCache | None = None


class OpenBao(_Model):
    address: str
    cidr: str
    port: Port


class PaymentProvider(_Model):
    name: str
    url: str
    cidr: str
    port: Port


class Studio(_Model):
    """An external studio: `title` is shown to players, `dialect` is how it calls (docs/studios.md). The casino calls
    `api_url`, which `cidr` and `port` open; `launch_url` is opened by the player's browser."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,23}$")]
    title: Annotated[str, Field(min_length=1, max_length=100)]
    dialect: Literal["rsa_status", "hmac_actions"]
    api_url: str
    launch_url: str
    cidr: str
    port: Port


def _network(text: str) -> str:
    return str(ip_network(text))  # ValueError says what is wrong with it


class ExclusionRegister(_Model):
    """A national register of excluded persons (docs/responsible-gaming.md).

    `register` is what the catalogue calls it; `name` is the cell's own, below which its key lies in OpenBao. The casino
    calls `url`, which `cidr` and `port` open.
    """

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,23}$")]
    # A field `register` would hide a method of the model's class.
    register_name: Annotated[str, Field(alias="register", min_length=2, max_length=60)]
    url: Annotated[str, Field(pattern=r"^https://[^\s]+$", max_length=512)]
    cidr: Annotated[str, AfterValidator(_network)]
    port: Port


class BackupStore(_Model):
    """Where backups rest: `place` is a place of the catalogue's or of the cell's sites, `url` restic's word for the
    store, below which each tenant has a repository of its own, and `cidr` and `port` open it."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,23}$")]
    place: PlaceCode
    url: Annotated[str, Field(pattern=r"^(rest|s3):https://[^@\s]+$", max_length=256)]
    cidr: Annotated[str, AfterValidator(_network)]
    port: Port

    def repository(self, tenant: str) -> str:
        """A tenant's own, as restic names it."""
        return f"{self.url.rstrip('/')}/{tenant}" + ("/" if self.url.startswith("rest:") else "")


class LedgerArchive(_Model):
    """Where each casino's worker keeps its sealed months: a volume of `size`, of a class whose volumes are kept."""

    storage_class: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]{0,252}$")]
    size: Annotated[str, Field(pattern=r"^[1-9][0-9]{0,5}(Mi|Gi|Ti)$")]


class Rollouts(_Model):
    """How another release comes to the cell's tenants: to so many at once, each watched for so long."""

    at_once: Annotated[int, Field(ge=1, le=100)] = 5
    watch_seconds: Annotated[int, Field(ge=0, le=86400)] = 300


class Site(_Model):
    """A place of the environment's own, which the catalogue does not know: `territory` is the ground it stands on."""

    code: PlaceCode
    territory: TerritoryCode
    city: Annotated[str, Field(min_length=1)]


class Cell(_Model):
    """One cluster and the stores beside it. `ca_pem` is the CA of those stores' certificates.

    `copy_places` are further places that hold what need not rest in a cell: the regulator's copy, backups.
    `sites` are places that it names beside AWS regions; `places` and `copy_places` may have their codes.
    `networks` is the database by which casinos tell where players are (docs/players.md), as CSV; empty where the cell
    has none. `trusted_proxies` is how many proxies in front of a casino append to X-Forwarded-For.
    `games_keys` are the public keys (Ed25519, raw, in base64) of which one must have signed the manifest of the games'
    software; without them casinos verify none. `games_manifests` are those that releases brought, by image version.
    `backups` are the stores that tenants may be backed up to (docs/backups.md).
    Without a `ledger_archive` no casino's worker exports its sealed months (docs/ledger.md).
    With `certificates` a tenant's own domains get theirs from OpenBao (docs/adr/0036-certificates-of-host-names.md).
    `jurisdictions` are those that it is for; none named means every one that may lawfully live in its places.
    `attestation_root` is the fingerprint of the key that vouches for the officers whose attestations count here, in
    a list whose serial is `attestation_serial` or more.
    """

    name: str
    environment: str
    production: bool
    attestation_root: Annotated[str, Field(pattern=r"^SHA256:[A-Za-z0-9+/]{43}$")] | None = None
    attestation_serial: Annotated[int, Field(ge=1)] | None = None
    places: Annotated[tuple[str, ...], Field(min_length=1)]
    copy_places: tuple[str, ...] = ()
    sites: tuple[Site, ...] = ()
    jurisdictions: tuple[str, ...] = ()
    base_domain: str
    public_port: Port = 443
    ingress_class: str
    ingress_namespace: str
    postgresql: PostgreSQL
    redis: Redis
    openbao: OpenBao
    payment_providers: tuple[PaymentProvider, ...] = ()
    studios: tuple[Studio, ...] = ()
    exclusion_registers: Annotated[tuple[ExclusionRegister, ...], Field(max_length=16)] = ()
    games_keys: Annotated[tuple[GamesKey, ...], Field(max_length=4)] = ()
    ca_pem: str = ""
    networks: str = ""
    games_manifests: Mapping[str, str] = Field(default_factory=dict)
    trusted_proxies: Annotated[int, Field(ge=0, le=5)] = 0
    ledger_archive: LedgerArchive | None = None
    certificates: Literal["OpenBao"] | None = None
    backups: Annotated[tuple[BackupStore, ...], Field(max_length=8)] = ()
    rollouts: Rollouts = Rollouts()

    @model_validator(mode="after")
    def _stores_are_told_apart(self) -> Self:
        names = [one.name for one in self.backups]
        if len(set(names)) < len(names):
            raise ValueError("backups has a name more than once")
        return self

    @model_validator(mode="after")
    def _serial_is_of_a_roots_list(self) -> Self:
        if self.attestation_serial is not None and self.attestation_root is None:
            raise ValueError("attestationSerial is of a list that a root signs: name the attestationRoot too")
        return self

    @model_validator(mode="after")
    def _registers_are_told_apart(self) -> Self:
        """By their own names, below which their keys lie, and by the catalogue's, by which one is chosen."""
        for what in ("name", "register_name"):
            told = [getattr(one, what) for one in self.exclusion_registers]
            twice = sorted({one for one in told if told.count(one) > 1})
            if twice:
                raise ValueError(f"exclusionRegisters has {', '.join(twice)} more than once")
        return self

    def url(self, tenant: str) -> str:
        """Where players reach the tenant."""
        port = "" if self.public_port == 443 else f":{self.public_port}"
        return f"https://{tenant}.{self.base_domain}{port}/"


NETWORKS_LIMIT = 900_000
"""Bytes: a tenant's ConfigMap, which has them beside its rules, may have a mebibyte."""


def load_cell(folder: Path, networks_folder: Path | None = None, games_folder: Path | None = None) -> Cell:
    """Read `cell.yaml` and `ca.crt` of the mounted ConfigMap, and what the others hold where they are there:
    `networks.csv`, and a manifest of games for each image version.

    Raises Fault CELL_UNREADABLE.
    """
    try:
        cell = Cell.model_validate(_mapping(folder / "cell.yaml"))
        networks = _networks(networks_folder / "networks.csv") if networks_folder else ""
        found = {
            "ca_pem": (folder / "ca.crt").read_text(),
            "networks": networks,
            "games_manifests": _games_manifests(games_folder) if games_folder else {},
        }
        return cell.model_copy(update=found)
    except (OSError, ValueError) as error:  # pydantic's ValidationError among them
        raise unreadable(f"in {folder} cannot be read: {error}") from error


def _networks(file: Path) -> str:
    if not file.exists():
        return ""
    text = file.read_text()
    if len(text.encode()) > NETWORKS_LIMIT:
        raise ValueError(
            f"networks.csv has more than {NETWORKS_LIMIT} bytes; keep the networks of the licences' territories, and "
            "those of others within them: what is not in it is refused all the same"
        )
    return text


def _games_manifests(folder: Path) -> dict[str, str]:
    return {file.name.removesuffix(SUFFIX): file.read_text() for file in sorted(folder.glob(f"*{SUFFIX}"))}


def _mapping(file: Path) -> dict[str, Any]:
    """A file's mapping, read as the catalogue reads its own: NO is a territory, and no false."""
    faults: list[DataFault] = []
    mapping = read_mapping(file, file.name, faults)
    if faults:
        raise ValueError("; ".join(map(str, faults)))
    return mapping


def unreadable(problem: str) -> Fault:
    """The Fault CELL_UNREADABLE: what is wrong with the cell's description, and what to do."""
    return Fault(
        "CELL_UNREADABLE",
        f"The cell's description {problem}. Write the ConfigMap domicile-cell in namespace domicile-system again.",
    )
