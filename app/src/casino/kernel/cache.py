"""The connection to Redis: sessions and counters. PostgreSQL stays the truth; losing Redis logs players out."""

from __future__ import annotations

from typing import Any

import redis.asyncio as redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.credentials import CredentialProvider

from casino.kernel.credentials import Credentials
from casino.kernel.settings import Settings


class _Newest(CredentialProvider):
    """Gives redis-py the newest login each time that it connects."""

    def __init__(self, credentials: Credentials, name: str) -> None:
        self._credentials = credentials
        self._name = name

    def get_credentials(self) -> tuple[str, str]:
        login = self._credentials.login(self._name)
        return login.username, login.password

    async def get_credentials_async(self) -> tuple[str, str]:
        return self.get_credentials()


def open_redis(settings: Settings, credentials: Credentials | None) -> redis.Redis:
    """A client with a pool. Nothing is connected until the first command."""
    common: dict[str, Any] = {
        "decode_responses": True,
        "socket_timeout": 3,
        "socket_connect_timeout": 3,
        "health_check_interval": 30,
        "max_connections": 50,
        # A connection whose login was replaced is closed by the server: one silent retry reconnects.
        "retry": Retry(ExponentialBackoff(cap=0.5, base=0.05), 2),
    }
    if settings.redis_url is not None:
        return redis.Redis.from_url(settings.redis_url.get_secret_value(), **common)
    name = settings.bao_redis_role or settings.bao_redis_secret
    assert credentials is not None and settings.redis_host is not None and name is not None
    client = redis.Redis(
        host=settings.redis_host,
        port=settings.redis_port,
        ssl=True,
        ssl_cert_reqs="required",
        ssl_check_hostname=True,
        ssl_ca_certs=str(settings.ca_file) if settings.ca_file else None,
        credential_provider=_Newest(credentials, name),
        **common,
    )

    async def reconnect() -> None:
        await client.connection_pool.disconnect(inuse_connections=False)

    credentials.subscribe(reconnect)
    return client
