"""The environment of the process `realtime`, beyond what every process reads."""

from __future__ import annotations

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from casino.kernel.errors import ConfigurationError


class RealtimeSettings(BaseSettings):
    """`origins`: pages that may connect besides those of the host that is asked; `https://casino.example`."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True, populate_by_name=True)

    port: int = Field(default=8081, alias="CASINO_REALTIME_PORT", ge=0, le=65535)
    origins: tuple[str, ...] = Field(default=(), alias="CASINO_REALTIME_ORIGINS")
    prices_url: str | None = Field(default=None, alias="CASINO_PRICES_URL")
    connections: int = Field(default=18_000, alias="CASINO_REALTIME_CONNECTIONS", ge=1)
    connections_per_player: int = Field(default=8, alias="CASINO_REALTIME_CONNECTIONS_PER_PLAYER", ge=1)


class Limits:
    """What a connection may do. Not settings: clients are written to them."""

    subscriptions = 32
    messages_per_s = 20
    burst = 60
    backlog_events = 256
    buffered_bytes = 32 * 1024
    handshake_s = 10
    heartbeat_s = 25
    silent_s = 60
    blocked_s = 30
    closing_s = 5
    session_check_s = 15


def load_realtime_settings(**values: object) -> RealtimeSettings:
    """Read the environment. Raises ConfigurationError that names what is malformed."""
    try:
        return RealtimeSettings(**values)  # type: ignore[arg-type]
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_input=False)]
        raise ConfigurationError("the environment is not usable: " + "; ".join(faults)) from None
