"""What a backup is told by its environment, beside what every process of the casino is told."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from casino.kernel.errors import ConfigurationError


class BackupSettings(BaseSettings):
    """`id` names the backup, in the store and in what is told of it. `store` is restic's word for the repository,
    without credentials (`rest:https://backups.example:8000/acme-gb/`, `s3:https://s3.amazonaws.com/bucket/acme-gb`).

    Paths in OpenBao's kv: `password_secret` has the repository's `password`; `store_secret` what opens the store,
    `username` and `password` or `access_key_id` and `secret_access_key`; `report` is where the outcome is told.
    """

    model_config = SettingsConfigDict(extra="ignore", frozen=True, populate_by_name=True)

    id: str = Field(alias="CASINO_BACKUP_ID", pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")
    store: str = Field(alias="CASINO_BACKUP_STORE", pattern=r"^((rest|s3):https?://[^@\s]+|/[^\s]*)$", max_length=512)
    licence: str = Field(default="", alias="CASINO_LICENCE", max_length=128)
    password_secret: str | None = Field(default=None, alias="BAO_BACKUP_PASSWORD")
    store_secret: str | None = Field(default=None, alias="BAO_BACKUP_STORE")
    report: str | None = Field(default=None, alias="BAO_BACKUP_REPORT")
    password: SecretStr | None = Field(default=None, alias="CASINO_BACKUP_PASSWORD")
    """Development and a restore by hand: instead of `password_secret`."""
    store_username: str | None = Field(default=None, alias="CASINO_BACKUP_STORE_USERNAME")
    store_password: SecretStr | None = Field(default=None, alias="CASINO_BACKUP_STORE_PASSWORD")
    restic: Path = Field(default=Path("restic"), alias="CASINO_RESTIC")
    pg_bin: Path | None = Field(default=None, alias="CASINO_PG_BIN")
    """The folder of pg_dump and pg_restore; by default what the PATH has."""

    def program(self, name: str) -> str:
        """The path of one of PostgreSQL's programs."""
        return str(self.pg_bin / name) if self.pg_bin else name


def load_backup_settings(**values: str) -> BackupSettings:
    """Read the environment, or `values` by variable name. Raises ConfigurationError."""
    try:
        settings = BackupSettings(**values)  # type: ignore[arg-type]
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_input=False)]
        raise ConfigurationError("the environment of the backup is not usable: " + "; ".join(faults)) from None
    if settings.password is None and settings.password_secret is None:
        raise ConfigurationError("the environment lacks BAO_BACKUP_PASSWORD (or CASINO_BACKUP_PASSWORD)")
    return settings
