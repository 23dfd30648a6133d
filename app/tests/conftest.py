"""Real servers for the casino's tests: PostgreSQL, Redis and the PSP simulator, each a process of its own.

They start once a session on free ports of loopback. Every test has a database of its own, copied from one that was
migrated once, and a Redis prefix of its own. No lab is needed.
"""

from __future__ import annotations

import asyncio
import functools
import itertools
import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from casino.app import create_app
from casino.bootstrap import Kind
from casino.compliance.api import Rules, RulesInForce, parse_rules
from casino.dev.run import MERCHANT, Child, checkout, embedded_postgresql, environment, free_port, redis_command
from casino.dev.run import psp_command as make_psp_command
from casino.game_control.api import GameControl
from casino.game_control.api import build as build_games
from casino.grants import make_roles
from casino.kernel.identity import new_id
from casino.kernel.settings import Settings, load_settings
from casino.migrate import migrate
from casino.wallet.api import verify_ledger

PASSWORD = "correct horse battery"
RULES = {
    "schema": 1, "catalogue_version": "test", "jurisdiction": "TEST", "jurisdiction_name": "Testland",
    "regulator": "Test Commission", "currency": "GBP", "currency_exponent": 2, "timezone": "Europe/London",
    "min_age_years": 18, "slot_max_stake": None, "slot_min_cycle_ms": None, "rtp_minimum_basis_points": None,
    "session_idle_timeout_s": None, "record_retention_years": 5, "confidence": {}, "sources": {},
}  # fmt: skip
ROLE_PREFIX = "casino_test"
"""Roles are the server's, not a database's: all databases of the tests share them."""
_numbers = itertools.count()


def make_rules(**changes: Any) -> Rules:
    """Rules without limits, but for `changes`."""
    return parse_rules(json.dumps(RULES | changes))


class FakeClock:
    """A clock that tests move."""

    def __init__(self) -> None:
        self.time = datetime.now(UTC)

    def now(self) -> datetime:
        return self.time

    def forward(self, **delta: float) -> None:
        self.time += timedelta(**delta)


# One round by the ledger's function: account, key, hash, stake, win, stake cap, shortest cycle in ms.
PLACE_ONE = """SELECT * FROM wallet.place_rounds(
    ARRAY[$1::bigint], ARRAY[$2], ARRAY[$3::bytea], ARRAY[wallet.uuid7()], ARRAY[$4::bigint], ARRAY[$5::bigint],
    ARRAY[$6::bigint], ARRAY[$7::integer], ARRAY['{}'::jsonb])"""


# A deposit that a provider has captured: account, key, hash, amount. The payment's id is made of account and key.
DEPOSIT_ONE = """WITH payment AS (
        INSERT INTO wallet.payments (payment_id, kind, player_id, account_id, method, currency, amount, state, provider,
            received, captured, idempotency_key, request_hash, created_at, updated_at)
        SELECT md5(account_id || ' ' || $2::text)::uuid, 'deposit', player_id, account_id, 'card', currency, $4,
            'captured', 'sandbox', $4, $4, $2, $3, now(), now()
        FROM wallet.accounts WHERE account_id = $1 ON CONFLICT DO NOTHING)
    SELECT * FROM wallet.post('deposit', $1::bigint, $2::text, $3::bytea, wallet.uuid7(),
        ARRAY[ROW('psp_clearing', 'sandbox', 'player_cash', NULL, 'GBP', $4::bigint)::wallet.movement],
        jsonb_build_object('payment_id', md5($1 || ' ' || $2)::uuid))"""


@dataclass
class Servers:
    """The session's servers; `sql()` runs a statement on the maintenance database."""

    uri: Callable[[str], str]
    redis_port: int
    psp_port: int
    psp_secret: str

    async def sql(self, statement: str, database: str = "postgres") -> Any:
        connection = await asyncpg.connect(self.uri(database))
        try:
            return await connection.fetch(statement)
        finally:
            await connection.close()

    async def new_database(self) -> str:
        name = f"casino_test_{next(_numbers)}"
        await self.sql(
            f'CREATE DATABASE "{name}" TEMPLATE casino_template STRATEGY file_copy OWNER {ROLE_PREFIX}_owner'
        )
        return name

    def environment(self, database: str, port: int = 0) -> dict[str, str]:
        variables = environment(self.uri(database), self.redis_port, self.psp_port, self.psp_secret, port)
        return variables | {
            "CASINO_REDIS_PREFIX": f"{database}:",
            "CASINO_RECONCILE_INTERVAL_S": "3600",  # tests call the reconciler themselves
            "CASINO_PSP_TIMEOUT_S": "1",
            "CASINO_DATABASE_ROLE_PREFIX": ROLE_PREFIX,
        }

    def settings(self, database: str, **changes: str) -> Settings:
        variables = self.environment(database) | changes
        structured = (
            "CASINO_PSP", "CASINO_PSP_SECRETS", "CASINO_DATABASE_POOL_SIZES", "CASINO_STUDIOS", "CASINO_STUDIO_SECRETS",
            "CASINO_EXCLUSION_REGISTER",
        )  # fmt: skip
        parsed = {k: json.loads(v) if k in structured else v for k, v in variables.items()}
        return load_settings(**parsed)


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    # Not below pytest's own folder: every pytest that starts takes away there what lets PostgreSQL's user pass.
    folder = Path(tempfile.mkdtemp(prefix="domicile-servers-"))
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        redis_port, psp_port, secret = free_port(), free_port(), secrets.token_hex(8)
        # Raises a sentence that names the Debian package when redis-server is missing.
        stack.enter_context(Child(redis_command(redis_port, folder), "Redis", port=redis_port))
        psp = [*make_psp_command(checkout(), psp_port, folder / "psp.db"), "--slow-seconds", "1.5"]
        psp += ["--max-skew-seconds", str(10**10)]  # the casino's clock is moved by tests
        stack.enter_context(
            Child(psp, "the PSP simulator", port=psp_port, environment={"PSP_MERCHANT": MERCHANT, "PSP_SECRET": secret})
        )
        server = stack.enter_context(embedded_postgresql(folder / "postgresql"))

        def uri(database: str) -> str:
            found: str = server.get_uri(database=database)
            return found

        started = Servers(uri, redis_port, psp_port, secret)
        asyncio.run(_prepare(started))
        yield started


async def _prepare(servers: Servers) -> None:
    # The tests crash the casino, not PostgreSQL: waiting for disks would prove nothing.
    await servers.sql("ALTER SYSTEM SET fsync = off")
    await servers.sql("SELECT pg_reload_conf()")
    maintenance = await asyncpg.connect(servers.uri("postgres"))
    await make_roles(maintenance, ROLE_PREFIX)
    await maintenance.close()
    await servers.sql(f"CREATE DATABASE casino_template OWNER {ROLE_PREFIX}_owner")
    connection = await asyncpg.connect(servers.uri("casino_template"))
    # As the operator makes it for a tenant: an owner who is no superuser.
    await connection.execute(f"SET ROLE {ROLE_PREFIX}_owner")
    await migrate(connection, prefix=ROLE_PREFIX, roles_required=True)
    await connection.close()


@pytest.fixture
def database(servers: Servers) -> str:
    """The name of a migrated, empty database."""
    # Not dropped afterwards: each drop would wait for a checkpoint. The server's folder goes with the session.
    return asyncio.run(servers.new_database())


@pytest.fixture
async def ledger(servers: Servers, database: str) -> AsyncIterator[Ledger]:
    """The ledger's functions, called directly; verified when the test is over."""
    pool = await asyncpg.create_pool(servers.uri(database), min_size=1, max_size=20)
    ledger = Ledger(pool)
    await pool.execute("SELECT wallet.add_currency('GBP', 2::smallint)")
    yield ledger
    await ledger.verify()
    await pool.close()


@dataclass
class Ledger:
    """Money in, bets, balances: the SQL interface of the wallet in a few words."""

    pool: Any
    excused: frozenset[str] = frozenset()
    """Invariants of what a test leaves out: the ledger's steps of a payment without its row."""

    async def player(self, balance: int = 0) -> int:
        account: int = await self.pool.fetchval("SELECT wallet.open_player_account(gen_random_uuid(), 'GBP')")
        if balance:
            await self.deposit(account, balance)
        return account

    async def deposit(self, account: int, amount: int, key: str | None = None) -> Any:
        return await self.pool.fetchrow(DEPOSIT_ONE, account, key or secrets.token_hex(8), bytes(32), amount)

    async def bet(
        self, account: int, stake: int, win: int = 0, *, key: str | None = None, cap: int | None = None,
        cycle_ms: int | None = None, body: bytes = b"",
    ) -> Any:  # fmt: skip
        return await self.pool.fetchrow(
            PLACE_ONE, account, key or secrets.token_hex(8), body.ljust(32, b"\0"), stake, win, cap, cycle_ms
        )

    async def bets(self, rounds: list[tuple[int, int, int, str]]) -> list[Any]:
        """A batch of rounds `(account, stake, win, key)`."""
        accounts, stakes, wins, keys = ([one[at] for one in rounds] for at in range(4))
        rows: list[Any] = await self.pool.fetch(
            "SELECT * FROM wallet.place_rounds($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            accounts, keys, [bytes(32)] * len(rounds), [new_id() for _ in rounds], stakes, wins,
            [None] * len(rounds), [None] * len(rounds), ["{}"] * len(rounds),
        )  # fmt: skip
        return rows

    async def hold(
        self, account: int, amount: int, reference: str, *, kind: str = "open_bet", part_of: str | None = None,
        body: bytes = b"", cap: int | None = None,
    ) -> Any:  # fmt: skip
        return await self.pool.fetchrow(
            "SELECT * FROM wallet.open_hold($1, gen_random_uuid(), $2, $3, $4, $5, wallet.uuid7(), $6,"
            " now() + interval '1 day', $7, '{}')",
            kind, account, reference, body.ljust(32, b"\0"), part_of or reference, amount, cap,
        )  # fmt: skip

    async def resolve(
        self, account: int, part_of: str, status: str, *, key: str | None = None, win: int = 0, kind: str = "open_bet",
        reference: str | None = None, body: bytes = b"", provider: str | None = None,
    ) -> Any:  # fmt: skip
        return await self.pool.fetchrow(
            "SELECT * FROM wallet.resolve_holds($1, $2, $3, $4, $5, $6, wallet.uuid7(), $7, $8, $9, '{}')",
            kind, account, part_of, reference, key or secrets.token_hex(8), body.ljust(32, b"\0"), status, provider,
            win,
        )  # fmt: skip

    async def settle(self, account: int, part_of: str, win: int, *, key: str | None = None) -> Any:
        return await self.resolve(account, part_of, "captured", key=key, win=win)

    async def post(self, kind: str, account: int, movements: list[tuple[Any, ...]], key: str | None = None) -> Any:
        """Movements are (debit kind, its name, credit kind, its name, currency, amount)."""
        return await self.pool.fetchrow(
            "SELECT * FROM wallet.post($1, $2, $3, $4, wallet.uuid7(), $5::wallet.movement[], '{}')",
            kind, account, key or secrets.token_hex(8), bytes(32), movements,
        )  # fmt: skip

    async def balance(self, account: int) -> int:
        found: int = await self.pool.fetchval("SELECT balance FROM wallet.accounts WHERE account_id = $1", account)
        return found

    async def verify(self) -> None:
        async with self.pool.acquire() as connection:
            report = await verify_ledger(connection)
        assert not [broken for broken in report.breaks if broken.invariant not in self.excused], report.breaks


@dataclass
class Casino:
    """A casino in this process, without a socket."""

    app: Any
    http: httpx.AsyncClient
    clock: FakeClock
    rules: Rules
    emails: Iterator[int] = field(default_factory=itertools.count)

    def part(self, kind: type[Any]) -> Any:
        return self.app.state.container.get(kind)

    async def register(self, *, born: str = "1980-06-15", email: str | None = None, **extra: Any) -> httpx.Response:
        email = email or f"player{next(self.emails)}@example.test"
        body = {"email": email, "password": PASSWORD, "date_of_birth": born} | extra
        return await self.http.post("/api/v1/players", json=body)

    async def login(self, email: str, password: str = PASSWORD) -> httpx.Response:
        return await self.http.post("/api/v1/sessions", json={"email": email, "password": password})

    async def player(self, deposit: int = 0, born: str = "1980-06-15") -> Player:
        email = f"player{next(self.emails)}@example.test"
        assert (await self.register(born=born, email=email)).status_code == 201
        answer = await self.login(email)
        assert answer.status_code == 201, answer.text
        player = Player(self, answer.json()["token"], email)
        if deposit:
            assert (await player.deposit(deposit)).json()["status"] == "captured"
        return player


@dataclass
class Player:
    """A player with a session."""

    casino: Casino
    token: str
    email: str

    async def call(self, method: str, path: str, body: Any = None, key: str | None = None) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.token}"}
        if key is not None:
            headers["Idempotency-Key"] = key
        return await self.casino.http.request(method, f"/api/v1{path}", json=body, headers=headers)

    async def deposit(self, amount: Any, card: str = "tok_visa", key: str | None = None) -> httpx.Response:
        body = {"amount_minor": amount, "card_token": card}
        return await self.call("POST", "/deposits", body, key or secrets.token_hex(8))

    async def spin(self, stake: Any, key: str | None = None) -> httpx.Response:
        return await self.call(
            "POST", "/games/harbour-lights/spins", {"stake_minor": stake}, key or secrets.token_hex(8)
        )

    async def balance(self) -> int:
        found: int = (await self.call("GET", "/wallet")).json()["balance_minor"]
        return found


@functools.cache
def _games() -> GameControl:
    """The games once a session: admitting one plays its whole cycle. test_games.py has the admission itself."""
    return build_games(make_rules(), "test")


OpenCasino = Callable[..., Awaitable[Casino]]


@pytest.fixture
async def open_casino(servers: Servers, database: str) -> AsyncIterator[OpenCasino]:
    """Opens a casino under `make_rules(**rules)`, with settings changed; its ledger is verified at the end."""
    async with AsyncExitStack() as stack:

        async def open_(settings: dict[str, str] | None = None, kind: Kind = "api", **rules: Any) -> Casino:
            return await stack.enter_async_context(
                _running(servers.settings(database, **(settings or {})), make_rules(**rules), kind)
            )

        yield open_
    connection = await asyncpg.connect(servers.uri(database))
    report = await verify_ledger(connection)
    await connection.close()
    assert report.ok, report.breaks


@pytest.fixture
async def casino(open_casino: OpenCasino) -> Casino:
    """A casino without limits."""
    return await open_casino()


@asynccontextmanager
async def _running(settings: Settings, rules: Rules, kind: Kind) -> AsyncIterator[Casino]:
    clock = FakeClock()
    in_force = RulesInForce(rules)
    app = create_app(settings, in_force, games=_games(), clock=clock, kind=kind)
    async with app.router.lifespan_context(app):
        async with asyncio.timeout(10):
            while app.state.container is None:  # noqa: ASYNC110 - the application has no event for it
                await asyncio.sleep(0.01)
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://casino.test") as http:
            yield Casino(app, http, clock, rules)


@pytest.fixture
def casino_process_environment(servers: Servers, database: str, tmp_path: Path) -> dict[str, str]:
    """Variables for a casino that runs as a process of its own, under rules without limits."""
    rules = tmp_path / "rules.json"
    rules.write_text(json.dumps(RULES))
    return os.environ | servers.environment(database) | {"CASINO_RULES": str(rules)}


@pytest.fixture
def casino_url(casino_process_environment: dict[str, str]) -> Iterator[str]:
    """Where such a process answers; it is ready."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "casino", "api"],
        env=casino_process_environment | {"CASINO_PORT": str(port)},
        stdout=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(500):
            with suppress(httpx.TransportError):
                if httpx.get(f"{url}/readyz").status_code == 200:
                    break
            time.sleep(0.02)
        else:
            pytest.fail("the casino was not ready in time")
        yield url
    finally:
        process.kill()
        process.wait()
