"""Redis by a login that somebody else keeps and changes, over TLS: a real server, changed as AWS changes its users."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from casino.dev.run import Child, free_port
from casino.kernel.cache import open_redis
from casino.kernel.credentials import Credentials
from casino.kernel.errors import ConfigurationError
from casino.kernel.openbao import BaoSession, Grant, Login
from casino.kernel.settings import load_settings

SECRET = "tenants/acme-gb/redis"


class Server:
    """Redis with one user, and an administrator who is not the tenant."""

    def __init__(self, folder: Path) -> None:
        self.port, self.certificate = free_port(), folder / "tls.crt"
        key = folder / "tls.key"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
             "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
             "-keyout", str(key), "-out", str(self.certificate)],
            check=True, capture_output=True,
        )  # fmt: skip
        (folder / "users.acl").write_text("user default off\nuser aws on >aws ~* &* +@all\n")
        self.command = [
            "redis-server", "--port", "0", "--tls-port", str(self.port), "--bind", "127.0.0.1", "--save", "",
            "--tls-cert-file", str(self.certificate), "--tls-key-file", str(key),
            "--tls-ca-cert-file", str(self.certificate), "--tls-auth-clients", "no",
            "--aclfile", str(folder / "users.acl"), "--dir", str(folder),
        ]  # fmt: skip

    def passwords(self, *those: str) -> None:
        """These, and no others, open the cache for the tenant."""
        aws = redis.Redis(
            host="localhost", port=self.port, username="aws", password="aws", ssl=True,
            ssl_ca_certs=str(self.certificate),
        )  # fmt: skip
        wanted = [f">{password}" for password in those]
        aws.execute_command(
            "ACL", "SETUSER", "casino-acme-gb", "reset", "on", "~acme-gb:*", "+@all", "-@admin", *wanted
        )


class Kept:
    """OpenBao as far as it matters here."""

    password = ""

    async def login(self) -> Grant:
        return Grant("token", 3600, 0)

    async def read_login(self, path: str) -> Login:
        assert path == SECRET
        return Login("casino-acme-gb", self.password)

    async def revoke(self) -> None:
        """Nothing was issued."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    made = Server(tmp_path)
    with Child(made.command, "Redis", port=made.port):
        yield made


def settings(server: Server) -> Any:
    return load_settings(
        BAO_ADDR="https://bao.test", BAO_ROLE="casino-acme-gb", BAO_DATABASE_ROLES={"wallet": "casino-acme-gb-wallet"},
        BAO_REDIS_SECRET=SECRET, BAO_TRANSIT_KEY="k", CASINO_DATABASE_HOST="db.test", CASINO_DATABASE_NAME="casino",
        CASINO_REDIS_HOST="localhost", CASINO_REDIS_PORT=str(server.port), CASINO_CA_FILE=str(server.certificate),
    )  # fmt: skip


async def test_a_changed_password_shuts_out_nobody(server: Server) -> None:
    kept = Kept()
    credentials = Credentials(settings(server), [], [SECRET], session=lambda: kept)  # type: ignore[arg-type,return-value]
    server.passwords("first")
    kept.password = "first"
    await credentials.start()
    client = open_redis(settings(server), credentials)
    assert await client.set("acme-gb:a", "1")
    # The operator's order: the new password opens the cache first, then the casino may read it, the old one goes last.
    server.passwords("second", "first")
    await client.connection_pool.disconnect()
    assert await client.get("acme-gb:a") == "1", "it still has the first one"
    kept.password = "second"
    assert await credentials._reread()
    await credentials._tell()
    server.passwords("third", "second")
    await client.connection_pool.disconnect()
    assert await client.get("acme-gb:a") == "1", "the first one no longer counts"
    await client.aclose()


async def test_a_secret_without_a_password_is_waited_for(monkeypatch: pytest.MonkeyPatch, server: Server) -> None:
    session = BaoSession(settings(server))

    async def nothing(path: str) -> dict[str, Any]:
        return {"username": "casino-acme-gb", "password": ""}

    monkeypatch.setattr(session, "_read", nothing)
    with pytest.raises(ConfigurationError, match="holds no login yet"):
        await session.read_login(SECRET)


def test_either_way_to_redis_will_do_and_none_is_refused() -> None:
    given = {
        "BAO_ADDR": "https://bao.test", "BAO_ROLE": "r", "BAO_DATABASE_ROLES": {"wallet": "d"},
        "CASINO_DATABASE_HOST": "h", "CASINO_DATABASE_NAME": "n", "CASINO_REDIS_HOST": "h", "BAO_TRANSIT_KEY": "k",
    }  # fmt: skip
    for one in ("BAO_REDIS_ROLE", "BAO_REDIS_SECRET"):
        assert load_settings(**given, **{one: "x"}).uses_openbao
    with pytest.raises(ConfigurationError, match=r"BAO_REDIS_ROLE \(or BAO_REDIS_SECRET\)"):
        load_settings(**given)
