"""The studios' side of tests: two studios, their keys, sessions, and calls made by the suite's wires."""

from __future__ import annotations

import functools
import json
import secrets
import uuid
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import asyncpg
from casino.gal.admission import token_hash
from casino.gal.api import Studios
from casino.gal.conformance.wire import Ask, Heard, HmacWire, RsaWire, Wire
from casino.gal.repository import GameSession
from casino.gal.studio_model import Fault
from casino.kernel.identity import new_id
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

SECRET = "a secret that only two know"
STUDIO_OF = {"rsa_status": "northwind", "hmac_actions": "lumen"}
GAME = "golden-bay"


@functools.cache
def rsa_key() -> str:
    """A private key in PEM. One for both sides does: each uses the half that is its own."""
    key = rsa.generate_private_key(65537, 2048)
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return key.private_bytes(*form).decode()


@functools.cache
def rsa_public() -> str:
    key = serialization.load_pem_private_key(rsa_key().encode(), None)
    form = (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return key.public_key().public_bytes(*form).decode()


def studio_settings(url: str = "http://127.0.0.1:1") -> dict[str, str]:
    """The settings of both studios, reached at `url`."""
    studios = [
        {"studio": studio, "name": studio.title(), "dialect": dialect, "api_url": url, "launch_url": f"{url}/play"}
        for dialect, studio in STUDIO_OF.items()
    ]
    keys = {
        "northwind": {"operator": "casino", "studio_public_key": rsa_public(), "operator_private_key": rsa_key()},
        "lumen": {"operator": "casino", "secret": SECRET},
    }
    return {"CASINO_STUDIOS": json.dumps(studios), "CASINO_STUDIO_SECRETS": json.dumps(keys)}


STUDIO_SETTINGS = studio_settings()


def wire_of(dialect: str) -> Wire:
    return RsaWire(rsa_key(), 2) if dialect == "rsa_status" else HmacWire(SECRET, "casino")


@dataclass
class StudioBench:
    """One studio at a casino, and a player's session in one of its games."""

    casino: Any
    wire: Wire
    studio: str
    player: Any
    player_id: str
    account: int
    token: str

    @property
    def studios(self) -> Studios:
        found: Studios = self.casino.part(Studios)
        return found

    @property
    def url(self) -> str:
        return f"/api/v1/studios/{self.studio}"

    async def send(self, *asks: Ask, body: bytes | None = None) -> Heard:
        sent = self.wire.send(asks, int(self.casino.clock.now().timestamp()))
        answer = await self.casino.http.post(
            f"{self.url}/{sent.path}", content=body if body is not None else sent.body, headers=dict(sent.headers)
        )
        return self.wire.hear(answer.status_code, answer.content)

    async def ok(self, *asks: Ask) -> int | None:
        heard = await self.send(*asks)
        assert heard.code == self.wire.codes[None], heard
        return heard.balance_minor

    async def refused(self, fault: Fault, *asks: Ask) -> Heard:
        heard = await self.send(*asks)
        assert heard.code == self.wire.codes[fault], heard
        return heard

    def bet(self, amount: Any = 100, **changes: Any) -> Ask:
        return replace(self._ask("bet", amount), **changes)

    def win(self, bet: Ask, amount: Any, **changes: Any) -> Ask:
        ask = replace(self._ask("win", amount), round_id=bet.round_id, reference=bet.transaction_id, closes=True)
        return replace(ask, **changes)

    def rollback(self, of: Ask, **changes: Any) -> Ask:
        ask = self._ask("rollback", None)
        return replace(ask, **({"round_id": of.round_id, "reference": of.transaction_id} | changes))

    def _ask(self, kind: str, amount: Any) -> Ask:
        return Ask(
            kind, transaction_id=str(uuid.uuid4()), round_id=str(uuid.uuid4()), amount=amount, currency="GBP",
            token=self.token, player=self.player_id, game=GAME,
        )  # fmt: skip

    async def balance(self) -> int:
        found: int = await self.player.balance()
        return found

    async def session(self, player: Any = None, *, hours: float = 4, studio: str | None = None) -> tuple[str, str, int]:
        """A new session's token, its player's id and account; of this bench's player unless told."""
        principal = await self.principal(player or self.player)
        now = self.casino.clock.now()
        token = secrets.token_urlsafe(32)
        session = GameSession(
            new_id(), studio or self.studio, f"{studio or self.studio}.{GAME}", principal.player_id,
            principal.account_id, principal.date_of_birth, "GBP", now, now + timedelta(hours=hours),
        )  # fmt: skip
        await self.studios.repository.open_session(session, token_hash(token))
        return token, str(principal.player_id), principal.account_id

    async def principal(self, player: Any) -> Any:
        from casino.kernel.identity import Authenticator

        return await self.casino.part(Authenticator).authenticate(player.token)

    async def sql(self, servers: Any, database: str, statement: str, *values: Any) -> Any:
        connection = await asyncpg.connect(servers.uri(database))
        try:
            return await connection.fetch(statement, *values)
        finally:
            await connection.close()


async def open_bench(casino: Any, dialect: str, deposit: int = 1_000) -> StudioBench:
    """Both studios with a game each, approved where the tests are, and a player at one of them."""
    studios = casino.part(Studios)
    for studio in STUDIO_OF.values():
        await studios.repository.add_game(f"{studio}.{GAME}", studio, GAME, "Golden Bay")
        await studios.repository.approve_game(f"{studio}.{GAME}", casino.rules.jurisdiction, "LAB-2026-1")
    player = await casino.player(deposit=deposit)
    bench = StudioBench(casino, wire_of(dialect), STUDIO_OF[dialect], player, "", 0, "")
    bench.token, bench.player_id, bench.account = await bench.session()
    return bench
