"""What may not be told yet is sealed in the database: coming cards, crash points, seeds that were committed to."""

from __future__ import annotations

import hashlib
import json
import uuid
from typing import Any

import pytest
from casino.gal.api import Rounds
from casino.game_control.api import RoundState, hide, whole
from casino.kernel.identity import new_id
from casino.pam.crypto import Unopenable, new_key
from casino.pam.hidden_state import SUBJECT, HiddenState, open_hidden_state
from casino.pam.jobs import rewrap_keys
from casino.pam.keys import LocalTenantKey, wrapped_version
from casino.pam.module import PlayerModule
from casino.wallet.api import GameRounds
from hypothesis import given
from hypothesis import strategies as st
from round_starts import act, begin, finish, open_round

SEAL = HiddenState(new_key())
DATA = st.dictionaries(st.text(max_size=8), st.integers() | st.lists(st.integers(0, 13), max_size=6), max_size=5)


def state(data: dict[str, Any], hidden: tuple[str, ...], actions: tuple[str, ...] = ("stand",)) -> RoundState:
    return RoundState("a-game", "1.0.0", 100, 100, 100, 0, actions, data, hidden, ({"phase": "deal"},))


@given(DATA, st.data(), st.integers(1, 1_000))
def test_a_state_is_whole_again_after_its_seal_and_nothing_hidden_stands_beside_it(
    data: dict[str, Any], drawn: st.DataObject, step: int
) -> None:
    hidden = tuple(drawn.draw(st.lists(st.sampled_from(sorted(data)), unique=True)) if data else ())
    before, round_id = state(data, hidden), new_id()
    stored = json.loads(json.dumps(hide(before, SEAL, round_id, step)))
    assert whole(stored, SEAL, round_id, step) == before
    assert not set(stored["data"]) & set(hidden) and ("sealed" in stored) == bool(hidden)
    # Who does not open it sees what a player sees.
    assert RoundState.of_json(stored).visible()["data"] == before.visible()["data"]


def test_a_seal_belongs_to_its_step_and_its_length_tells_nothing() -> None:
    round_id = new_id()
    low, high = (hide(state({"dealer": cards}, ("dealer",)), SEAL, round_id, 1) for cards in ([1, 2], [10, 11]))
    assert len(low["sealed"]) == len(high["sealed"])
    for elsewhere in ((round_id, 2), (new_id(), 1)):
        with pytest.raises(Unopenable):
            whole(low, SEAL, *elsewhere)
    with pytest.raises(Unopenable):
        whole(low, HiddenState(new_key()), round_id, 1)


async def everything(pool: Any) -> str:
    """Every row of every table of the modules, as an administrator of the database reads it."""
    tables = await pool.fetch(
        "SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables"
        " WHERE schemaname IN ('wallet', 'gal', 'game_control', 'pam', 'ops', 'compliance', 'responsible_gaming')"
    )
    rows = [await pool.fetchval(f"SELECT json_agg(t)::text FROM {one['name']} t") for one in tables]
    return "\n".join(row for row in rows if row)


async def test_an_administrator_of_the_database_does_not_see_what_comes(casino: Any, ledger: Any) -> None:
    player = await casino.player(1_000_000)
    crash = await open_round(player, "squall", choices={"cash_out_at": None})
    told = await open_round(player, "lantern-blackjack", provably_fair=True)
    service = casino.part(Rounds)
    cards, point, seeds = None, None, []
    for one in (told, crash):
        game = await casino.part(GameRounds).find(uuid.UUID(one["round_id"]))
        found = service._whole(game).data
        cards, point = found.get("dealer", cards), found.get("crash_point", point)
    for one in await service._seeds._repository.seeds_of(await id_of(player), 5, lambda: b""):
        seeds.append(one.server_seed)
    assert cards is not None and len(cards) == 2 and point is not None and len(seeds) == 2
    read = await everything(ledger.pool)
    assert told["round_id"] in read and '"dealer_shown"' in read
    assert '"dealer"' not in read.replace('"hidden": ["dealer"]', "") and '"crash_point":' not in read
    assert not any(seed.hex() in read for seed in seeds)
    ended = await finish(player, told)
    assert ended["data"]["dealer"][:2] == cards
    assert '"dealer":' in await everything(ledger.pool)  # it is over, and recorded as it was


async def id_of(player: Any) -> uuid.UUID:
    return uuid.UUID((await player.call("GET", "/players/me")).json()["player_id"])


async def test_rounds_and_seeds_from_before_the_seal_go_on(casino: Any, ledger: Any) -> None:
    player = await casino.player(1_000_000)
    told = await open_round(player, "lantern-blackjack", provably_fair=True)
    id_, round_id, service = await id_of(player), uuid.UUID(told["round_id"]), casino.part(Rounds)
    game = await casino.part(GameRounds).find(round_id)
    clear = service._whole(game).as_json()
    await ledger.pool.execute(
        "UPDATE wallet.game_rounds SET state = $2, step = step + 1 WHERE round_id = $1", round_id, json.dumps(clear)
    )
    await ledger.pool.execute(
        "INSERT INTO wallet.game_round_steps SELECT round_id, 2, account_id, 'old', request_hash, '{}', 0, 0, false,"
        " balance, $2, at FROM wallet.game_round_steps WHERE round_id = $1",
        round_id,
        json.dumps({key: value for key, value in clear.items() if key != "steps"}),
    )
    seeds = await service._seeds._repository.seeds_of(id_, 5, lambda: b"")
    await ledger.pool.execute("ALTER TABLE game_control.seed_pairs DISABLE TRIGGER committed")
    for seed in seeds:
        await ledger.pool.execute(
            "UPDATE game_control.seed_pairs SET server_seed = $2, sealed_seed = NULL WHERE seed_id = $1",
            seed.seed_id,
            seed.server_seed,
        )
    await ledger.pool.execute("ALTER TABLE game_control.seed_pairs ENABLE TRIGGER committed")
    ended = await finish(player, told | {"step": 2})
    assert ended["status"] == "closed"
    current = next(seed for seed in seeds if seed.state == "current")
    shown = await rotated(player, current.seed_id)
    assert bytes.fromhex(shown["server_seed"]) == current.server_seed


async def rotated(player: Any, seed_id: uuid.UUID) -> Any:
    body = {"seed_id": str(seed_id), "client_seed": "mine"}
    answer = await player.call("POST", "/fair/seeds/rotation", body)
    return next(one for one in answer.json()["seeds"] if one["seed_id"] == str(seed_id))


async def test_a_seed_is_in_the_clear_once_it_is_revealed_and_not_before(casino: Any, ledger: Any) -> None:
    player = await casino.player(10_000)
    told = (await begin(player, "signal-dice", provably_fair=True)).json()
    seed = uuid.UUID(told["fair"]["seed_id"])
    clear = "SELECT server_seed FROM game_control.seed_pairs WHERE seed_id = $1"
    assert await ledger.pool.fetchval(clear, seed) is None
    with pytest.raises(Exception, match="committed to"):
        await ledger.pool.execute(
            "UPDATE game_control.seed_pairs SET server_seed = decode(repeat('ab', 32), 'hex') WHERE seed_id = $1", seed
        )
    shown = await rotated(player, seed)
    assert shown["state"] == "revealed"
    stored = await ledger.pool.fetchval(clear, seed)
    assert stored.hex() == shown["server_seed"] and hashlib.sha256(stored).hexdigest() == shown["commitment"]


async def test_after_a_rotation_of_the_tenants_key_open_rounds_go_on_in_another_process(
    casino: Any, open_casino: Any, ledger: Any
) -> None:
    player = await casino.player(1_000_000)
    told = await open_round(player, "lantern-blackjack", provably_fair=True)
    keys = casino.part(PlayerModule).vault.keys
    both = LocalTenantKey({**keys.tenant_key._keys, 2: new_key()})
    keys.tenant_key = both
    await rewrap_keys(casino.part(PlayerModule))
    wrapped = await ledger.pool.fetchval("SELECT wrapped FROM pam.data_keys WHERE subject = $1", SUBJECT)
    assert wrapped_version(wrapped) == 2
    seal = await open_hidden_state(ledger.pool, LocalTenantKey({2: both._keys[2]}))  # the old version is gone
    service = casino.part(Rounds)
    service._seal = service._seeds._repository._seal = seal
    assert (await finish(player, told))["status"] == "closed"
    answer = await act(player, told, "stand")
    assert answer.json()["code"] in ("ROUND_OVER", "ROUND_MOVED_ON")
