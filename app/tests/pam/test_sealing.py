"""Envelope encryption: what is sealed, by whose key, what rotation changes and what an erasure leaves."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import shutil
import subprocess
import time
import uuid
from datetime import UTC, date, datetime
from typing import Any

import asyncpg
import hvac
import pytest
from casino.dev.run import free_port
from casino.kernel.errors import ConfigurationError
from casino.kernel.openbao import BaoSession
from casino.kernel.settings import Settings
from casino.pam import crypto
from casino.pam.keeping import open_vault, rewrap_all, seal_what_is_clear
from casino.pam.keys import DataKeys, LocalTenantKey, TransitTenantKey, parse_keys, wrapped_version
from casino.pam.module import PlayerModule
from casino.pam.vault import Vault
from hypothesis import given, settings
from hypothesis import strategies as st

KEY = bytes(range(32))
documents = st.dictionaries(st.text(max_size=20), st.text(max_size=50), max_size=6)


@settings(max_examples=40)
@given(documents, st.binary(max_size=40))
def test_a_document_opens_with_its_key_and_its_owner_alone(document: dict[str, str], owner: bytes) -> None:
    sealed = crypto.seal_document(KEY, document, owner)
    assert crypto.unseal_document(KEY, sealed, owner) == document
    for key, bound in ((bytes(32), owner), (KEY, owner + b"x")):
        with pytest.raises(crypto.Unopenable):
            crypto.unseal_document(key, sealed, bound)


@given(st.data(), st.binary(max_size=100))
def test_a_changed_bit_is_noticed_wherever_it_is(data: Any, plaintext: bytes) -> None:
    sealed = bytearray(crypto.seal(KEY, plaintext, b"owner"))
    at = data.draw(st.integers(0, len(sealed) - 1))
    sealed[at] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(crypto.Unopenable):
        crypto.unseal(KEY, bytes(sealed), b"owner")


def test_sealing_twice_gives_two_ciphertexts_and_short_documents_one_length() -> None:
    first, second = (crypto.seal_document(KEY, {"name": name}, b"o") for name in ("Jo", "Bartholomew"))
    assert first != crypto.seal_document(KEY, {"name": "Jo"}, b"o")
    assert len(first) == len(second)


@given(st.text(), st.text(), st.text(), st.text())
def test_blind_indices_are_equal_for_equal_values_of_one_kind_alone(k1: str, v1: str, k2: str, v2: str) -> None:
    if "\0" in k1 + k2:
        return
    same = crypto.blind_index(KEY, k1, v1) == crypto.blind_index(KEY, k2, v2)
    assert same == ((k1, v1) == (k2, v2))


@pytest.mark.parametrize("text", ["", "1:", "1:AAAA", "0:" + base64.b64encode(KEY).decode(), "x:y", "1"])
def test_keys_that_are_none_are_refused_and_not_quoted(text: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        parse_keys(text)
    assert "AAAA" not in str(refused.value)


class Moments:
    def __init__(self) -> None:
        self.time = datetime(2026, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time


class Counting(LocalTenantKey):
    unwrapped = 0

    async def unwrap(self, wrapped: str, bound_to: bytes) -> bytes:
        self.unwrapped += 1
        return await super().unwrap(wrapped, bound_to)


async def test_data_keys_are_asked_for_once_in_a_while_and_never_for_another_wrapping() -> None:
    tenant, clock = Counting({1: KEY}), Moments()
    keys, player = DataKeys(tenant, clock), uuid.uuid4()
    key, wrapped = await keys.new(player)
    assert await keys.open(player, wrapped) == key
    assert tenant.unwrapped == 0
    clock.time = clock.time.replace(hour=1)
    assert await keys.open(player, wrapped) == key
    assert tenant.unwrapped == 1
    with pytest.raises(crypto.Unopenable):  # somebody else's wrapped key, put in the player's row
        await keys.open(player, (await keys.new(uuid.uuid4()))[1])


async def test_nothing_personal_stands_in_the_database_in_the_clear(open_casino: Any, servers: Any) -> None:
    casino = await open_casino()
    answer = await casino.register(
        email="Ada.Lovelace@example.test", born="1975-12-10", given_name="Theodosia", family_name="Lovelace",
        phone="+44 1632 960000", national_id="QQ 12 34 56 C", place_of_birth="Marylebone",
    )  # fmt: skip
    assert answer.status_code == 201, answer.text
    module = casino.part(PlayerModule)
    tables = await module.repository.pool.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'pam'")
    dump = ""
    for table in tables:
        rows = await module.repository.pool.fetch(f"SELECT t::text FROM pam.{table['tablename']} t")
        dump += "\n".join(row[0] for row in rows)
    assert answer.json()["player_id"] in dump
    for value in ("lovelace", "Theodosia", "1975-12-10", "960000", "123456", "Marylebone"):
        assert value.lower() not in dump.lower()
    player = await module.accounts.find("ada.LOVELACE@EXAMPLE.test")
    person = await module.accounts.person(player)
    assert person["national_id"] == "QQ123456C" and person["phone"] == "+441632960000"


async def test_rewrapping_changes_every_key_and_nothing_that_it_seals(open_casino: Any, servers: Any) -> None:
    casino = await open_casino()
    players = [await casino.player() for _ in range(3)]
    module = casino.part(PlayerModule)
    pool = module.repository.pool
    before = {row["subject"]: row["wrapped"] for row in await pool.fetch("SELECT subject, wrapped FROM pam.data_keys")}
    old = parse_keys(casino.app.state.container.get(Settings).pii_keys.get_secret_value())
    both = LocalTenantKey(old | {2: KEY})
    seen: list[tuple[int, int]] = []
    assert await rewrap_all(pool, both, lambda done, total: seen.append((done, total))) == 4
    assert seen[-1] == (4, 4)  # three players' keys, and that of what games hide
    assert await rewrap_all(pool, both, lambda *_: None) == 0  # nothing is done twice
    after = {row["subject"]: row["wrapped"] for row in await pool.fetch("SELECT subject, wrapped FROM pam.data_keys")}
    assert all(wrapped_version(after[subject]) == 2 and after[subject] != before[subject] for subject in before)
    new_alone = await open_vault(pool, LocalTenantKey({2: KEY}), casino.clock)
    for player in players:
        row = await module.repository.by_email(new_alone.index("email", player.email), casino.clock.now())
        assert (await new_alone.open(row.player_id, row.wrapped, row.sealed))["email"] == player.email
    with pytest.raises(crypto.Unopenable):
        await open_vault(pool, LocalTenantKey(old), casino.clock)


async def test_a_rewrapping_that_was_cut_short_goes_on_where_it_stopped(open_casino: Any) -> None:
    casino = await open_casino()
    for _ in range(3):
        assert (await casino.register()).status_code == 201
    pool = casino.part(PlayerModule).repository.pool
    old = parse_keys(casino.app.state.container.get(Settings).pii_keys.get_secret_value())

    class Failing(LocalTenantKey):
        left = 4  # the index key's, that of what games hide, and two players'

        async def wrap(self, key: bytes, bound_to: bytes) -> str:
            self.left -= 1
            if self.left < 0:
                raise ConnectionError("the store is away")
            return await super().wrap(key, bound_to)

    import casino.pam.keeping as keeping

    size, keeping.BATCH = keeping.BATCH, 1
    try:
        with pytest.raises(ConnectionError):
            await rewrap_all(pool, Failing(old | {2: KEY}), lambda *_: None)
        assert await rewrap_all(pool, LocalTenantKey(old | {2: KEY}), lambda *_: None) == 1
    finally:
        keeping.BATCH = size


async def test_an_erasure_leaves_an_account_without_a_person(open_casino: Any) -> None:
    casino = await open_casino(record_retention_years=5)
    player = await casino.player(deposit=500)
    assert (await player.call("POST", "/players/me/closure", {})).status_code == 204
    module = casino.part(PlayerModule)
    casino.clock.forward(days=5 * 365 - 3)
    assert await module.erase_expired() == 0  # the retention is not over
    casino.clock.forward(days=6)
    assert await module.erase_expired() == 1
    assert await module.erase_expired() == 0
    row = await module.repository.pool.fetchrow("SELECT * FROM pam.players")
    assert row["sealed"] is None and row["email_index"] is None and row["erased_at"] is not None
    assert (
        await module.repository.pool.fetchval("SELECT wrapped FROM pam.data_keys WHERE subject = $1", row["player_id"])
        is None
    )
    assert await module.accounts.find(player.email) is None
    types = [r["type"] for r in await module.repository.pool.fetch("SELECT type FROM pam.outbox ORDER BY position")]
    assert types == ["pam.player_registered", "pam.status_changed", "pam.player_erased"]
    assert (await casino.register(email=player.email)).status_code == 201  # the address is free again


async def test_who_was_registered_in_the_clear_is_sealed_when_the_casino_starts(
    open_casino: Any, servers: Any, database: str
) -> None:
    from casino.pam.passwords import Passwords

    connection = await asyncpg.connect(servers.uri(database))
    password = await Passwords().hash("correct horse battery")
    for number in range(3):
        await connection.execute(
            "INSERT INTO pam.players (player_id, email, email_key, password_hash, date_of_birth, registered_at)"
            " VALUES ($1, $2, lower($2), $3, $4, now())",
            uuid.uuid4(), f"Old{number}@example.test", password, date(1980, 1, 1),
        )  # fmt: skip
    await connection.close()
    casino = await open_casino()
    assert (await casino.login("old1@example.test")).status_code == 201  # and gets the account that was missing
    pool = casino.part(PlayerModule).repository.pool
    assert await pool.fetchval("SELECT count(*) FROM pam.players WHERE email IS NOT NULL OR sealed IS NULL") == 0
    assert await seal_what_is_clear(pool, casino.part(PlayerModule).vault) == 0
    assert (await casino.register(email="OLD2@example.test")).json()["code"] == "EMAIL_TAKEN"


@pytest.fixture
def bao(tmp_path: Any) -> Any:
    """OpenBao itself, in memory, with a transit key."""
    binary = shutil.which("bao")
    if binary is None:
        pytest.skip("OpenBao is not installed here")
    port = free_port()
    process = subprocess.Popen(
        [binary, "server", "-dev", "-dev-root-token-id=root", f"-dev-listen-address=127.0.0.1:{port}"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=os.environ | {"HOME": str(tmp_path)},
    )  # fmt: skip
    client = hvac.Client(f"http://127.0.0.1:{port}", token="root")
    try:
        for _ in range(200):
            try:
                if client.sys.is_initialized() and not client.sys.is_sealed():
                    break
            except Exception:
                time.sleep(0.05)
        client.sys.enable_secrets_engine("transit")
        client.secrets.transit.create_key("casino-test", key_type="aes256-gcm96")
        yield client
    finally:
        process.kill()
        process.wait()


class Held:
    """Credentials whose session is there already."""

    def __init__(self, session: BaoSession) -> None:
        self.transit_encrypt = session.transit_encrypt
        self.transit_decrypt = session.transit_decrypt
        self.transit_version = session.transit_version


async def test_openbao_wraps_data_keys_for_their_owner_and_across_versions(bao: Any) -> None:
    session = BaoSession(Settings(BAO_ADDR=bao.url))
    session._client.token = "root"
    tenant: Any = TransitTenantKey(Held(session), "casino-test")  # type: ignore[arg-type]
    players = [uuid.uuid4() for _ in range(20)]
    vault = Vault(DataKeys(tenant, Moments()), KEY)
    sealed = await asyncio.gather(*(vault.seal_new(player, {"email": f"{player}@x.test"}) for player in players))
    assert {one.key_version for one in sealed} == {1}
    bao.secrets.transit.rotate_key("casino-test")
    assert await tenant.version() == 2
    fresh = Vault(DataKeys(tenant, Moments()), KEY)
    opened = await asyncio.gather(*(fresh.open(p, s.wrapped, s.sealed) for p, s in zip(players, sealed, strict=True)))
    assert [person["email"] for person in opened] == [f"{player}@x.test" for player in players]
    assert wrapped_version(await tenant.wrap(KEY, players[0].bytes)) == 2
    # One of a batch that is another's fails alone.
    answers = await asyncio.gather(
        tenant.unwrap(sealed[0].wrapped, players[1].bytes),
        tenant.unwrap(sealed[2].wrapped, players[2].bytes),
        return_exceptions=True,
    )
    assert isinstance(answers[0], ValueError) and isinstance(answers[1], bytes)
    assert json.dumps(str(answers[0])).find(sealed[0].wrapped) < 0
