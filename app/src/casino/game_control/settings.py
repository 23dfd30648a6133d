"""What game control reads from the environment, all of it optional. app/README.md lists the variables."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from casino.game_control.entropy import HsmSetting
from casino.kernel.errors import ConfigurationError


class GameControlSettings(BaseSettings):
    """An HSM as a source of entropy, and the manifest of what may decide outcomes with the key that signs it."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True, populate_by_name=True)

    tenant: str = Field(default="dev", alias="CASINO_TENANT")
    hsm_module: str | None = Field(default=None, alias="CASINO_HSM_MODULE")
    hsm_token: str | None = Field(default=None, alias="CASINO_HSM_TOKEN")
    hsm_pin_file: Path | None = Field(default=None, alias="CASINO_HSM_PIN_FILE")
    manifest: Path | None = Field(default=None, alias="CASINO_GAMES_MANIFEST")
    manifest_key: str | None = Field(default=None, alias="CASINO_GAMES_MANIFEST_KEY")

    @property
    def hsm(self) -> HsmSetting | None:
        """The HSM's setting. Raises ConfigurationError when only a part of it is there or the PIN cannot be read."""
        if self.hsm_module is None and self.hsm_token is None and self.hsm_pin_file is None:
            return None
        if self.hsm_module is None or self.hsm_token is None:
            raise ConfigurationError("an HSM needs both CASINO_HSM_MODULE and CASINO_HSM_TOKEN")
        try:
            pin = SecretStr(self.hsm_pin_file.read_text().strip()) if self.hsm_pin_file is not None else None
        except OSError as error:
            raise ConfigurationError(f"cannot read the HSM's PIN (CASINO_HSM_PIN_FILE): {error.strerror}") from error
        return HsmSetting(module=self.hsm_module, token_label=self.hsm_token, pin=pin)


def load_game_settings() -> GameControlSettings:
    """Read the environment. Raises ConfigurationError without the values: one may be a secret."""
    try:
        return GameControlSettings()
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_input=False)]
        raise ConfigurationError("the environment is not usable: " + "; ".join(faults)) from None
