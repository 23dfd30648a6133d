"""The process's environment, read once. docs/architecture.md lists the variables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from casino.kernel.errors import ConfigurationError


class PspSetting(BaseModel):
    """One payment service provider: its name, base URL, and where its secret lies in OpenBao."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: str
    url: str
    secret_path: str | None = None


class PspSecret(BaseModel):
    """What signs requests to a provider."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    merchant_id: str
    secret: SecretStr


class StudioSetting(BaseModel):
    """An external studio: the dialect it speaks, its own interface, where its games open, and where its keys lie."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    studio: str = Field(pattern=r"^[a-z][a-z0-9-]{1,23}$")
    name: str = Field(min_length=1, max_length=100)
    dialect: str
    api_url: str
    launch_url: str
    secret_path: str | None = None


class StudioSecret(BaseModel):
    """What calls of a studio, and to it, are signed with. `operator` is what the studio knows us as; keys are PEM."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    operator: str
    secret: SecretStr | None = None
    studio_public_key: str | None = None
    operator_private_key: SecretStr | None = None


class ExclusionRegisterSetting(BaseModel):
    """A national register of excluded persons: what the rules call it, its base URL, and where its key lies."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    # A field `register` would hide a method of the model's class.
    register_name: str = Field(alias="register", min_length=2, max_length=60)
    url: str
    secret_path: str | None = None


class ExclusionRegisterSecret(BaseModel):
    """What a register knows its callers by."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    key: SecretStr = Field(min_length=1)


class Settings(BaseSettings):
    """Every setting of the process. Either the OpenBao set or the development URLs must be there."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True, populate_by_name=True)

    tenant: str = Field(default="dev", alias="CASINO_TENANT")
    brand: str = Field(default="Casino", alias="CASINO_BRAND")
    release: str = Field(default="", alias="CASINO_RELEASE", max_length=128)
    """What the image's version is called where it runs; /metrics says it."""
    migrate_ahead: bool = Field(default=False, alias="CASINO_MIGRATE_AHEAD")
    """Whether a database with migrations of a later release is left as it is, and not refused."""
    licence_holder: str = Field(default="", alias="CASINO_LICENCE_HOLDER")
    rules_path: Path = Field(default=Path("/etc/casino/rules.json"), alias="CASINO_RULES")
    rules_poll_s: float = Field(default=5.0, alias="CASINO_RULES_POLL_S", gt=0)
    operation_path: Path | None = Field(default=None, alias="CASINO_OPERATION")
    """operation.json: what the casino may still do (ADR 34). Without it only the ledger is asked, in this release."""
    ca_file: Path | None = Field(default=None, alias="CASINO_CA_FILE")

    database_host: str | None = Field(default=None, alias="CASINO_DATABASE_HOST")
    database_port: int = Field(default=5432, alias="CASINO_DATABASE_PORT")
    database_name: str | None = Field(default=None, alias="CASINO_DATABASE_NAME")
    database_url: SecretStr | None = Field(default=None, alias="CASINO_DATABASE_URL")
    database_connections: int = Field(default=20, alias="CASINO_DATABASE_CONNECTIONS", ge=2, le=200)
    database_pool_sizes: dict[str, int] = Field(default_factory=dict, alias="CASINO_DATABASE_POOL_SIZES")
    database_roles: bool = Field(default=False, alias="CASINO_DATABASE_ROLES")
    database_role_prefix: str | None = Field(default=None, alias="CASINO_DATABASE_ROLE_PREFIX", min_length=1)

    redis_host: str | None = Field(default=None, alias="CASINO_REDIS_HOST")
    redis_port: int = Field(default=6379, alias="CASINO_REDIS_PORT")
    redis_prefix: str = Field(default="dev:", alias="CASINO_REDIS_PREFIX")
    redis_url: SecretStr | None = Field(default=None, alias="CASINO_REDIS_URL")

    bao_addr: str | None = Field(default=None, alias="BAO_ADDR")
    bao_role: str | None = Field(default=None, alias="BAO_ROLE")
    bao_token_file: Path = Field(default=Path("/var/run/secrets/openbao/token"), alias="BAO_TOKEN_FILE")
    bao_database_role: str | None = Field(default=None, alias="BAO_DATABASE_ROLE")
    bao_database_roles: dict[str, str] = Field(default_factory=dict, alias="BAO_DATABASE_ROLES")
    bao_redis_role: str | None = Field(default=None, alias="BAO_REDIS_ROLE")
    bao_redis_secret: str | None = Field(default=None, alias="BAO_REDIS_SECRET")

    pii_keys: SecretStr | None = Field(default=None, alias="CASINO_PII_KEYS")
    """Development: the tenant's keys for personal data, `1:<base64 of 32 bytes>,2:...`; the highest number seals."""
    bao_transit_key: str | None = Field(default=None, alias="BAO_TRANSIT_KEY")
    messages_folder: Path | None = Field(default=None, alias="CASINO_MESSAGES_FOLDER")
    registrations_per_hour: int = Field(default=0, alias="CASINO_REGISTRATIONS_PER_HOUR", ge=0)
    """From one address; 0 for no limit. Worth setting where CASINO_TRUSTED_PROXIES tells addresses apart."""
    trusted_proxies: int = Field(default=0, alias="CASINO_TRUSTED_PROXIES", ge=0, le=5)
    ip_networks: Path | None = Field(default=None, alias="CASINO_IP_NETWORKS")
    anonymity_url: str | None = Field(default=None, alias="CASINO_ANONYMITY_URL")
    exclusion_register: ExclusionRegisterSetting | None = Field(default=None, alias="CASINO_EXCLUSION_REGISTER")
    exclusion_register_key: SecretStr | None = Field(default=None, alias="CASINO_EXCLUSION_REGISTER_KEY")
    """Development: instead of the register's `secret_path`."""
    public_origin: str | None = Field(default=None, alias="CASINO_PUBLIC_ORIGIN")

    psp: tuple[PspSetting, ...] = Field(default=(), alias="CASINO_PSP")
    psp_secrets: dict[str, PspSecret] = Field(default_factory=dict, alias="CASINO_PSP_SECRETS")
    psp_timeout_s: float = Field(default=10.0, alias="CASINO_PSP_TIMEOUT_S", gt=0)
    payments: str = Field(default="{}", alias="CASINO_PAYMENTS")
    reconcile_interval_s: float = Field(default=5.0, alias="CASINO_RECONCILE_INTERVAL_S", gt=0)

    round_completion_s: float = Field(default=86_400.0, alias="CASINO_ROUND_COMPLETION_S", gt=0)
    """After how long without a step a round is ended by rule."""
    ledger_archive: Path | None = Field(default=None, alias="CASINO_LEDGER_ARCHIVE")
    """Where the worker writes sealed months; without it they are exported by `casino ledger seal --archive`."""

    studios: tuple[StudioSetting, ...] = Field(default=(), alias="CASINO_STUDIOS")
    studio_secrets: dict[str, StudioSecret] = Field(default_factory=dict, alias="CASINO_STUDIO_SECRETS")
    studio_timeout_s: float = Field(default=5.0, alias="CASINO_STUDIO_TIMEOUT_S", gt=0)

    host: str = Field(default="0.0.0.0", alias="CASINO_HOST")  # noqa: S104 - a pod has one interface
    port: int = Field(default=8080, alias="CASINO_PORT")
    realtime_url: str | None = Field(
        default=None, alias="CASINO_REALTIME_URL", pattern=r"^(wss?://[A-Za-z0-9.:-]+)?/ws$"
    )
    drain_seconds: float = Field(default=5.0, alias="CASINO_DRAIN_SECONDS", ge=0)
    cookie_secure: bool = Field(default=True, alias="CASINO_COOKIE_SECURE")
    log_level: str = Field(default="INFO", alias="CASINO_LOG_LEVEL")

    @property
    def database_hosts(self) -> list[str] | None:
        """CASINO_DATABASE_HOST: one name, or several with commas of which whichever takes writes is used."""
        return None if self.database_host is None else [host.strip() for host in self.database_host.split(",")]

    @property
    def uses_openbao(self) -> bool:
        """True when credentials come from OpenBao, false with development URLs."""
        return self.bao_addr is not None

    @property
    def needs_database_roles(self) -> bool:
        """True where a module that cannot take on its role must not serve: always but in development."""
        return self.database_roles or self.database_url is None

    def bao_role_of(self, member: str) -> str:
        """The database role of OpenBao that gives the login of a module, or of `owner` (who migrates)."""
        role = self.bao_database_role if member == "owner" else self.bao_database_roles.get(member)
        if role is None:
            variable = "BAO_DATABASE_ROLE" if member == "owner" else "BAO_DATABASE_ROLES"
            raise ConfigurationError(f"{variable} names no database role of OpenBao for {member}")
        return role


def load_settings(
    *, needs_database: bool = True, needs_redis: bool = True, migrates: bool = False, **values: Any
) -> Settings:
    """Read the environment (or `values`, by variable name), for a process that serves or one that `migrates`.

    Raises ConfigurationError that names every missing or malformed variable at once.
    """
    try:
        settings = Settings(**values)
    except ValidationError as error:
        # Only the place and the kind of fault: an input here may be a secret.
        faults = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_input=False)]
        raise ConfigurationError("the environment is not usable: " + "; ".join(faults)) from None
    missing = _missing(settings, needs_database, needs_redis, migrates)
    if missing:
        raise ConfigurationError("the environment lacks " + ", ".join(missing))
    return settings


def _missing(settings: Settings, needs_database: bool, needs_redis: bool, migrates: bool) -> list[str]:
    missing = []
    if settings.uses_openbao:
        required: dict[str, object] = {"BAO_ROLE": settings.bao_role}
        if needs_database and settings.database_url is None:
            required |= {
                "CASINO_DATABASE_HOST": settings.database_host,
                "CASINO_DATABASE_NAME": settings.database_name,
                **(
                    {"BAO_DATABASE_ROLE": settings.bao_database_role}
                    if migrates
                    else {"BAO_DATABASE_ROLES": settings.bao_database_roles}
                ),
            }
        if needs_redis and settings.redis_url is None:
            required |= {
                "CASINO_REDIS_HOST": settings.redis_host,
                "BAO_REDIS_ROLE (or BAO_REDIS_SECRET)": settings.bao_redis_role or settings.bao_redis_secret,
            }
        # Who has no database holds no personal data either.
        if needs_database and needs_redis and settings.pii_keys is None:
            required |= {"BAO_TRANSIT_KEY": settings.bao_transit_key}
        missing += [name for name, value in required.items() if not value]
        missing += [f"secret_path of provider {p.name}" for p in settings.psp if not p.secret_path]
        missing += [f"secret_path of studio {s.studio}" for s in settings.studios if not s.secret_path]
        if settings.exclusion_register is not None and not settings.exclusion_register.secret_path:
            missing.append(f"secret_path of register {settings.exclusion_register.register_name}")
    else:
        if needs_database and settings.database_url is None:
            missing.append("CASINO_DATABASE_URL (or BAO_ADDR)")
        if needs_redis and settings.redis_url is None:
            missing.append("CASINO_REDIS_URL (or BAO_ADDR)")
        if needs_database and needs_redis and settings.pii_keys is None:
            missing.append("CASINO_PII_KEYS (or BAO_ADDR and BAO_TRANSIT_KEY)")
        missing += [
            f"CASINO_PSP_SECRETS for provider {p.name}" for p in settings.psp if p.name not in settings.psp_secrets
        ]
        missing += [
            f"CASINO_STUDIO_SECRETS for studio {s.studio}"
            for s in settings.studios
            if s.studio not in settings.studio_secrets
        ]
    return missing
